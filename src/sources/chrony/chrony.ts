/**
 * chronyd on this machine as a source: what it believes of the system clock, by its command
 * protocol.
 *
 * One question is: report, look at the system clock, report again. Each look bounds
 * `system clock - monotonic clock` (wall-offset.ts). With the correction of the report:
 *
 *     true - monotonic  =  (system - monotonic) + correction, give or take chronyd's error
 *
 * The correction changes while chronyd works it off, or steps the clock. Between two reports of one
 * update it goes from the first value to the second, and what it loses the system clock gains. So
 * at the instant of each look it was one of the two, or in between:
 *
 *     true - monotonic  >=  lower bound of the look + the smaller correction - error
 *     true - monotonic  <=  upper bound of the look + the greater correction + error
 *
 * Each look alone proves both. So their intersection holds, also when the clock was stepped between
 * two looks. If chronyd has learned something in between (another reference time), the question is
 * asked again.
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Timescale } from '../../bound/timescale.ts';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { AskMiss } from '../ask-miss.ts';
import type { NtpEndpoint } from '../ntp/transport.ts';
import { udpTransport } from '../ntp/udp-transport.ts';
import { pollingSource } from '../polling-source.ts';
import { answersCommand, commandRequest } from './command.ts';
import { describeSource, readCount, SOURCE, SOURCE_COUNT, STATISTICS } from './followed.ts';
import { askTracking } from './question.ts';
import { readTracking, TRACKING, type Tracking } from './tracking.ts';

/** Options of {@link chrony}. */
export interface ChronyOptions {
  /** The IP address of chronyd's command port. Default `'127.0.0.1'`. */
  readonly host?: string | undefined;
  /** The command port, 1 to 65535. Default 323. */
  readonly port?: number | undefined;
  /** Interval between questions, 1 ms to 1 h. Default 1 s: it costs a tenth of a percent. */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for an answer, 1 ms to 60 s. Default 1 s. */
  readonly timeoutMs?: number | undefined;
  /**
   * What the servers that chronyd follows do at a leap second. Default `'unknown'`: UTC if chronyd
   * announces the leap second, else it has no vote on the days around it.
   */
  readonly timescale?: Timescale | undefined;
}

const NAMES: Readonly<Record<keyof ChronyOptions, true>> = {
  host: true,
  port: true,
  pollIntervalMs: true,
  timeoutMs: true,
  timescale: true,
};
const COMMAND_PORT = 323;
/** What chronyd follows is asked at the fifth question, when the burst at the start is over. */
const FIRST_DETAILS = 5;
/** And again after 16 questions: it makes a sample wider by an eighth of what it takes. */
const DETAILS_EVERY = 16;
/** Of a long list the first ones are shown. */
const MAX_DETAILS = 16;
/** Details are not worth waiting for. */
const DETAILS_TIMEOUT_MS = 50;

/**
 * chronyd on this machine as a source of time, by its command port (`cmdport`, which it opens on
 * loopback by default). It is one vote, however many servers chronyd follows, and it vouches for
 * what chronyd claims: root delay / 2 + root dispersion. The pending correction is taken into
 * account, so the bound holds while chronyd works it off. `details` in `explain()` has a line for
 * each source that chronyd follows, if it tells (`opencommands`).
 *
 * Misses, besides those of `pollingSource`: `unsynchronized`, `local`, `stale`, `stratum`,
 * `root-distance`, `not-allowed`, `unreachable` (chronyd does not run), `updated` (chronyd kept
 * learning while it was asked), `clock-unreadable`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const clock = BoundedClock.start({ sources: [chrony()] });
 * // await clock.waitSynced();
 * clock.stop();
 */
export function chrony(options: ChronyOptions = {}): TimeSource {
  const { host = '127.0.0.1', port = COMMAND_PORT } = checkOptionNames(options, NAMES);
  const { pollIntervalMs = 1000, timeoutMs = 1000, timescale } = options;
  const family = typeof host === 'string' ? isIP(host) : 0;
  if (family === 0) throw new ArgumentTypeError('host', 'an IP address', host);
  if (!Number.isInteger(checkNumber('port', port, 1, 65_535))) {
    throw new ArgumentTypeError('port', 'a whole number', port);
  }
  const endpoint = { address: host, port };
  let questions = 0;
  return pollingSource({
    name: `chrony://${family === 6 ? `[${host}]` : host}:${port}`,
    ask: async ({ signal, clock }) => {
      const talk = new Conversation(endpoint, clock, signal, timeoutMs);
      const isDue =
        ++questions >= FIRST_DETAILS && (questions - FIRST_DETAILS) % DETAILS_EVERY === 0;
      const askedAt = clock.monotonicNs();
      const details = isDue ? await talk.details() : undefined;
      return { ...(await askTracking(clock, signal, () => talk.report(), askedAt)), details };
    },
    pollIntervalMs,
    timeoutMs,
    timescale,
    restsOn: "chronyd's claim: root delay / 2 + root dispersion, around its correction",
  });
}

/** What is asked of chronyd for one sample. */
class Conversation {
  readonly #endpoint: NtpEndpoint;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;

  constructor(endpoint: NtpEndpoint, clock: Clock, signal: AbortSignal, timeoutMs: number) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** One report. Rejects with an {@link AskMiss}. */
  async report(): Promise<Tracking> {
    const reply = await this.#command(TRACKING, this.#timeoutMs);
    const read = readTracking(reply, this.#clock.wallReadNs());
    if (typeof read === 'string') throw new AskMiss(read);
    return read;
  }

  /** A line for each source of chronyd; fewer when it does not tell. */
  async details(): Promise<readonly string[]> {
    const lines: string[] = [];
    const ask = (command: number, index?: number): Promise<Uint8Array> =>
      this.#command(command, DETAILS_TIMEOUT_MS, index);
    try {
      const count = Math.min(readCount(await ask(SOURCE_COUNT)), MAX_DETAILS);
      for (let i = 0; i < count; i++) {
        const line = describeSource(await ask(SOURCE, i), await ask(STATISTICS, i));
        if (line !== undefined) lines.push(line);
      }
    } catch {
      // No answer in time. The bound does not need it.
    }
    return lines;
  }

  #command(command: number, timeoutMs: number, index?: number): Promise<Uint8Array> {
    const sequence = randomBytes(4).readUInt32BE();
    let cancel: () => void = () => {};
    const reply = new Promise<Uint8Array>((resolve, reject) => {
      cancel = udpTransport().exchange({
        endpoint: this.#endpoint,
        request: commandRequest(command, sequence, index),
        clock: this.#clock,
        timeoutMs,
        onDatagram: (datagram) => {
          if (!answersCommand(datagram, command, sequence)) return false;
          resolve(datagram);
          return true;
        },
        onFailure: (failure, details) => reject(new AskMiss(failure, details?.cause)),
      });
    });
    this.#signal.addEventListener('abort', cancel, { once: true });
    return reply.finally(() => this.#signal.removeEventListener('abort', cancel));
  }
}
