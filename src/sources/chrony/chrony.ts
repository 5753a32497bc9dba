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
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import type { NtpEndpoint } from '../ntp/transport.ts';
import { udpTransport } from '../ntp/udp-transport.ts';
import { pollingSource } from '../polling-source.ts';
import type { ServerFacts } from '../sample-from.ts';
import { AskMiss, factsOfWall, lookAtWall, type WallKnowledge } from '../wall-look.ts';
import { answersTracking, readTracking, type Tracking, trackingRequest } from './tracking.ts';

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
}

const NAMES: Readonly<Record<keyof ChronyOptions, true>> = {
  host: true,
  port: true,
  pollIntervalMs: true,
  timeoutMs: true,
};
const COMMAND_PORT = 323;
/** An update may come between two reports; hardly in each of three pairs. */
const ATTEMPTS = 3;
/**
 * chronyd on this machine as a source of time, by its command port (`cmdport`, which it opens on
 * loopback by default). It is one vote, however many servers chronyd follows, and it vouches for
 * what chronyd claims: root delay / 2 + root dispersion. The pending correction is taken into
 * account, so the bound holds while chronyd works it off.
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
  const { pollIntervalMs = 1000, timeoutMs = 1000 } = options;
  const family = typeof host === 'string' ? isIP(host) : 0;
  if (family === 0) throw new ArgumentTypeError('host', 'an IP address', host);
  if (!Number.isInteger(checkNumber('port', port, 1, 65_535))) {
    throw new ArgumentTypeError('port', 'a whole number', port);
  }
  const endpoint = { address: host, port };
  return pollingSource({
    name: `chrony://${family === 6 ? `[${host}]` : host}:${port}`,
    ask: ({ signal, clock }) => new Question(endpoint, clock, signal, timeoutMs).ask(),
    pollIntervalMs,
    timeoutMs,
    restsOn: "chronyd's claim: root delay / 2 + root dispersion, around its correction",
  });
}

class Question {
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

  async ask(): Promise<ServerFacts> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const askedAt = this.#clock.monotonicNs();
      const before = await this.#report();
      const looked = await lookAtWall(this.#clock, this.#signal);
      const after = await this.#report();
      if (looked === undefined) throw new AskMiss('clock-unreadable');
      if (before.referenceNs === after.referenceNs) {
        return factsOfWall(this.#clock, askedAt, looked, known(before, after));
      }
    }
    throw new AskMiss('updated');
  }

  #report(): Promise<Tracking> {
    const sequence = randomBytes(4).readUInt32BE();
    return new Promise((resolve, reject) => {
      const cancel = udpTransport().exchange({
        endpoint: this.#endpoint,
        request: trackingRequest(sequence),
        clock: this.#clock,
        timeoutMs: this.#timeoutMs,
        onDatagram: (datagram) => {
          if (!answersTracking(datagram, sequence)) return false;
          const read = readTracking(datagram, this.#clock.wallReadNs());
          if (typeof read === 'string') reject(new AskMiss(read));
          else resolve(read);
          return true;
        },
        onFailure: (failure, details) => reject(new AskMiss(failure, details?.cause)),
      });
      this.#signal.addEventListener('abort', cancel, { once: true });
    });
  }
}

/** What two reports of one update say of the system clock at any instant between them. */
function known(before: Tracking, after: Tracking): WallKnowledge {
  const [least, most] =
    before.correctionNs < after.correctionNs ? [before, after] : [after, before];
  const errorNs = before.errorNs > after.errorNs ? before.errorNs : after.errorNs;
  return {
    leastNs: least.correctionNs - errorNs,
    mostNs: most.correctionNs + errorNs,
    leap: before.leap === after.leap ? before.leap : 'none',
  };
}
