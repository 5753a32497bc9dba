/**
 * Roughtime (RFC 10049, and its drafts 12 to 19) as a witness.
 *
 * A Roughtime server signs the time to a second or so, and nobody on the path can forge that. Such
 * a time is far too coarse to narrow a bound that NTP made. But it can contradict one. NTP servers
 * that lie alike outvote the truth, and nothing else can unmask them. So this source has the role
 * of a witness: it never votes (bounded-clock/time-source.ts).
 *
 * What a reply says becomes a sample like any other (sample-from.ts). One stamp stands for both of
 * the server's: `MIDP` with an error of `RADI`. `receivedAt` is read by the transport before the
 * signatures are verified, which takes far longer than a round trip on a LAN.
 *
 * - *A bad reply is a miss.* Servers send them on purpose, so that no client skips the signatures.
 *   And anybody can send one from elsewhere: the source listens on until the time limit.
 * - *When to ask.* Once per interval, and when the clock has lost its bound. After a miss the pause
 *   is 1 s, then 1.5 times as long each time, up to a day. Only a valid reply ends that, as the
 *   standard demands; a request that never left this machine does not lengthen it.
 * - *Politeness.* Every request is taken from one allowance (allowance.ts).
 * - *Proof.* Each request's nonce commits to the last signed reply of any witness of this clock
 *   (malfeasance.ts).
 *
 * The name is resolved as an NTP server's is, and its addresses are asked in turns while they fail.
 * The address does not matter for trust: the server is who has the key.
 */
import type { KeyObject } from 'node:crypto';
import type { RunningSource, SourceSink, TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { asUnixNs, type MonotonicNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { Allowance, MIN_SPACING_MS } from '../allowance.ts';
import { canonicalAddress, isPublic } from '../ntp/address.ts';
import { systemResolver } from '../ntp/ntp.ts';
import { type NtpResolver, Resolution } from '../ntp/resolution.ts';
import type { FailureDetails, NtpTransport, TransportFailure } from '../ntp/transport.ts';
import { udpTransport } from '../ntp/udp-transport.ts';
import { sampleOf } from '../sample-from.ts';
import { chainedNonce, signedExchange } from './malfeasance.ts';
import { encodeRequest, KEY_BYTES, publicKeyOf, type SignedTime, verifyReply } from './verify.ts';

/** Options of {@link roughtime}. */
export interface RoughtimeOptions {
  /** The server's long-term Ed25519 key: 32 bytes in base64, from a source that you trust. */
  readonly publicKey: string;
  /** UDP port. Default 2002. */
  readonly port?: number | undefined;
  /**
   * Interval between requests, 1 ms to 1 h. Default 5 minutes. On public addresses, less than 16 s
   * is raised to 16 s.
   */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for a reply, 1 ms to 60 s. Default 2 s. */
  readonly timeoutMs?: number | undefined;
}

/** The parts of the surroundings that tests replace. */
export interface RoughtimeEnvironment {
  readonly transport: NtpTransport;
  readonly resolve: NtpResolver;
}

const NAMES: Readonly<Record<keyof RoughtimeOptions, true>> = {
  publicKey: true,
  port: true,
  pollIntervalMs: true,
  timeoutMs: true,
};
const DEFAULT_PORT = 2002;
const DEFAULT_POLL_MS = 300_000;
const MIN_PUBLIC_POLL_MS = 16_000;
const DEFAULT_TIMEOUT_MS = 2000;
/** The pause after the first miss. */
const MIN_BACKOFF_MS = 1000;
const BACKOFF_FACTOR = 1.5;
const MAX_BACKOFF_MS = 86_400_000;
/** After this many misses in a row the name is resolved again. */
const RESOLVE_AFTER_MISSES = 3;
const NS_PER_S = 1_000_000_000n;

/**
 * The Roughtime server `host` (a name or an IP address) as a witness: a source that has no vote and
 * never narrows the bound, but refutes it when what the server signed certainly excludes it. The
 * clock is then without a bound, with the reason `'witness'`, until the witness is heard again and
 * no longer objects, or has been silent for `expireAfterMs`. `clock.evidence()` has the signed
 * exchanges.
 *
 * What it costs: one wrong witness takes the bound away. What it is worth: servers that lie alike
 * are found out once their lie exceeds the server's radius, which is a second or more.
 *
 * Misses, as `explain()` counts them: what `ntp` has when nothing comes, and for replies the rule
 * that was broken: `too-long`, `malformed`, `wrong-type`, `wrong-version`, `wrong-nonce`,
 * `wrong-path`, `wrong-certificate`, `wrong-signature`, `wrong-dates`, `impossible`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`) naming
 *   the argument at fault
 * @example
 * const publicKey = '0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=';
 * const witness = roughtime('roughtime.example.net', { publicKey });
 * const clock = BoundedClock.start({ sources: [ntp('10.0.0.7'), witness] });
 * clock.stop();
 */
export function roughtime(host: string, options: RoughtimeOptions): TimeSource {
  checkOptionNames(options, NAMES);
  return roughtimeSource(host, options, { transport: udpTransport(), resolve: systemResolver });
}

/** As {@link roughtime}, in other surroundings. */
export function roughtimeSource(
  host: string,
  options: RoughtimeOptions,
  environment: RoughtimeEnvironment,
): TimeSource {
  const settings = { ...checkSettings(host, options), ...environment };
  const { name, publicKey } = settings;
  return {
    name,
    role: 'witness',
    // Its radius covers leap seconds and smears of them (RFC 10049), so it is taken as it is.
    timescale: 'utc',
    restsOn: `what the holder of the Ed25519 key ${base64(publicKey)} signs, and its radius`,
    maxEndpoints: 1,
    start: (sink) => new RunningRoughtime(settings, sink),
  };
}

interface CheckedOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly publicKey: Uint8Array;
  readonly key: KeyObject;
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
}

type Settings = CheckedOptions & RoughtimeEnvironment;

function checkSettings(host: string, options: RoughtimeOptions): CheckedOptions {
  if (typeof host !== 'string') throw new ArgumentTypeError('host', 'a string', host);
  const isName = host !== '' && host.length <= 253 && !/[\s/[\]@?#]/.test(host);
  if (!isName || (host.includes(':') && canonicalAddress(host) === undefined)) {
    throw new ArgumentRangeError('host', 'a name or an IP address, without brackets or port', host);
  }
  const { publicKey, port = DEFAULT_PORT, pollIntervalMs = DEFAULT_POLL_MS } = options;
  if (typeof publicKey !== 'string') {
    throw new ArgumentTypeError('publicKey', 'a string', publicKey);
  }
  const raw = Buffer.from(publicKey, 'base64');
  if (raw.length !== KEY_BYTES || base64(raw) !== publicKey) {
    throw new ArgumentRangeError('publicKey', `${KEY_BYTES} bytes in base64`, publicKey);
  }
  if (!Number.isInteger(checkNumber('port', port, 1, 65_535))) {
    throw new ArgumentRangeError('port', 'a whole number', port);
  }
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    name: `roughtime://${shown}:${port}`,
    host,
    port,
    publicKey: raw,
    key: publicKeyOf(raw),
    pollIntervalMs: checkNumber('pollIntervalMs', pollIntervalMs, 1, 3_600_000),
    timeoutMs: checkNumber('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, 60_000),
  };
}

class RunningRoughtime implements RunningSource {
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  readonly #resolution: Resolution;
  #allowance: Allowance;
  #addresses: readonly string[] = [];
  /** How often the next address was taken. */
  #turns = 0;
  /** When the last request was sent or, after a miss, when it was given up. */
  #pauseSince: MonotonicNs | undefined;
  /** The pause after the last miss; 0 after a valid reply. */
  #backoffMs = 0;
  #missesInARow = 0;
  /** Whether to ask sooner than the interval says. */
  #hurried = true;
  #cancelTimer: () => void;
  /** Ends the exchange under way without an outcome. */
  #cancelExchange: (() => void) | undefined;
  #stopped = false;

  constructor(settings: Settings, sink: SourceSink) {
    this.#settings = settings;
    this.#sink = sink;
    this.#allowance = this.#newAllowance(settings.pollIntervalMs);
    const { name, host, resolve, timeoutMs } = settings;
    const { clock } = sink;
    this.#resolution = new Resolution({
      clock,
      host,
      resolve,
      timeoutMs,
      zoneSpelling: undefined,
      inNeed: () => false,
      onAnswer: (addresses, cause) => this.#onResolved(addresses, cause),
      onOverdue: () => this.#missUnresolved('the resolver has not answered yet'),
    });
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancelTimer = clock.nextTurn(() => {
      sink.endpoints([name]);
      if (!this.#stopped) this.#resolution.begin();
    });
  }

  get pollIntervalMs(): number {
    return this.#allowance.intervalMs;
  }

  burst(): void {
    this.#hurried = true;
    this.#resolution.hurry();
    if (this.#addresses.length > 0 && this.#cancelExchange === undefined) this.#scheduleNext();
  }

  discardInFlight(): void {
    if (this.#cancelExchange === undefined) return;
    this.#cancelExchange();
    this.#cancelExchange = undefined;
    this.burst();
  }

  stop(): void {
    this.#stopped = true;
    this.#resolution.stop();
    this.#cancelTimer();
    this.#cancelExchange?.();
  }

  #newAllowance(intervalMs: number): Allowance {
    return new Allowance(intervalMs, intervalMs);
  }

  /** While there is an address, the exchanges with it are what is reported. */
  #missUnresolved(cause: string | undefined): void {
    if (this.#addresses.length > 0) return;
    this.#sink.miss(this.#settings.name, 'unresolved', { cause });
  }

  #onResolved(addresses: readonly string[], cause: string | undefined): void {
    const { pollIntervalMs } = this.#settings;
    if (addresses.length === 0) {
      this.#resolution.later();
      this.#missUnresolved(cause);
      return;
    }
    const first = this.#addresses.length === 0;
    this.#addresses = addresses;
    if (!first) return;
    const minimumMs = addresses.some(isPublic) ? MIN_PUBLIC_POLL_MS : 0;
    this.#allowance = this.#newAllowance(Math.max(pollIntervalMs, minimumMs));
    this.#scheduleNext();
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer();
    const { clock } = this.#sink;
    this.#cancelTimer = clock.setTimer(delayMs, () => this.#ask(), { background: true });
  }

  /** The interval counts from the last request, so that a slow reply does not lengthen it. */
  #scheduleNext(): void {
    const hurriedMs = Math.min(MIN_SPACING_MS, this.pollIntervalMs);
    const paceMs = this.#backoffMs || (this.#hurried ? hurriedMs : this.pollIntervalMs);
    const now = this.#sink.clock.monotonicNs();
    const since = this.#pauseSince;
    const pausedMs = since === undefined ? Infinity : Number(now - since) / 1e6;
    this.#schedule(Math.max(0, paceMs - pausedMs));
  }

  /** Sends a request, or waits until the allowance permits one. */
  #ask(): void {
    const { transport, publicKey, key, port, timeoutMs } = this.#settings;
    const { clock, lastSigned } = this.#sink;
    const now = clock.monotonicNs();
    const waitNs = this.#allowance.waitNs(now);
    if (waitNs > 0n) {
      this.#schedule(Number(waitNs) / 1e6);
      return;
    }
    this.#allowance.take(now);
    this.#pauseSince = now;
    this.#hurried = false;
    const chained = chainedNonce(lastSigned);
    const request = encodeRequest(chained.nonce, publicKey);
    let fault: string | undefined;
    this.#cancelExchange = transport.exchange({
      endpoint: { address: this.#addresses[this.#turns % this.#addresses.length]!, port },
      request,
      clock,
      timeoutMs,
      onDatagram: (datagram, sentAt, receivedAt) => {
        const verdict = verifyReply(datagram, request, key);
        if (typeof verdict === 'string') {
          fault = verdict;
          return false;
        }
        // A copy, because the bytes are valid only during this call.
        this.#onReply(verdict, {
          sentAt,
          receivedAt,
          request,
          response: datagram.slice(),
          chained,
        });
        return true;
      },
      onFailure: (failure, details) => this.#onFailure(now, failure, fault, details),
    });
  }

  #onReply(
    { midpointS, radiusS }: SignedTime,
    exchange: {
      readonly sentAt: MonotonicNs;
      readonly receivedAt: MonotonicNs;
      readonly request: Uint8Array;
      readonly response: Uint8Array;
      readonly chained: ReturnType<typeof chainedNonce>;
    },
  ): void {
    this.#cancelExchange = undefined;
    this.#backoffMs = 0;
    this.#missesInARow = 0;
    this.#scheduleNext();
    const { name, publicKey } = this.#settings;
    const { sentAt, receivedAt, request, response, chained } = exchange;
    const midpoint = asUnixNs(midpointS * NS_PER_S);
    const serverErrorNs = radiusS * NS_PER_S;
    const sample = sampleOf({
      sourceId: name,
      sentAt,
      receivedAt,
      serverReceivedAt: midpoint,
      serverSentAt: midpoint,
      serverErrorNs,
      localGridNs: this.#sink.clock.monotonicGridNs,
    });
    this.#sink.sample(sample, {
      sourceId: name,
      earliest: asUnixNs(midpoint - serverErrorNs),
      latest: asUnixNs(midpoint + serverErrorNs),
      exchange: signedExchange({ rand: chained.rand, publicKey, request, response }),
      previous: chained.previous,
    });
  }

  #onFailure(
    startedAt: MonotonicNs,
    failure: TransportFailure,
    fault: string | undefined,
    { sent = true, cause }: FailureDetails = {},
  ): void {
    this.#cancelExchange = undefined;
    if (!sent) this.#allowance.giveBack();
    const longerMs = sent ? this.#backoffMs * BACKOFF_FACTOR : this.#backoffMs;
    this.#backoffMs = Math.min(Math.max(MIN_BACKOFF_MS, longerMs), MAX_BACKOFF_MS);
    this.#pauseSince = this.#sink.clock.monotonicNs();
    this.#turns++;
    if (++this.#missesInARow % RESOLVE_AFTER_MISSES === 0) this.#resolution.later();
    this.#scheduleNext();
    // When only wrong datagrams came, say what was wrong with them: that tells more than "timeout".
    const reason = failure === 'timeout' && fault !== undefined ? fault : failure;
    this.#sink.miss(this.#settings.name, reason, { startedAt, cause });
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
