/**
 * The polling of one server: when to ask.
 *
 * Exchanges with one server never overlap; each outcome schedules the next. There are three paces:
 *
 * - *Burst*: a few polls a second apart, at start and whenever the clock has lost its bound.
 * - *Retry*: every 10 s, while the last exchange yielded nothing and the clock has no bound. So a
 *   network or a server that comes up late is found soon.
 * - *Interval*: the regular pace, lengthened at random by up to 8 % so that machines started
 *   together do not stay in step. It is never shortened, because it is a promise to the server's
 *   operator.
 *
 * These are wishes. Only the allowance decides whether a request may be sent (allowance.ts), and
 * {@link Poller.#poll} asks it immediately before it sends. Retries leave a reserve in the
 * allowance, so there is a request to spare when something tells that the network is back.
 *
 * The transport is not trusted. A transport that throws, returns nonsense, calls back after the
 * end, or never calls back, costs one exchange and nothing else.
 */
import type { SourceSink } from '../../bounded-clock/time-source.ts';
import type { Clock } from '../../time/clock.ts';
import type { MonotonicNs } from '../../time/instant.ts';
import { type Allowance, MIN_SPACING_MS } from '../allowance.ts';
import { describeCause } from '../cause.ts';
import { encodeRequest, type IgnoredReason, judgeReply, type Verdict } from './exchange.ts';
import { RESERVED_REQUESTS } from './rotation.ts';
import type { FailureDetails, NtpEndpoint, NtpTransport, TransportFailure } from './transport.ts';

/** The number of polls in a burst. */
const BURST_POLLS = 4;
const RETRY_INTERVAL_MS = 10_000;
const MAX_JITTER = 0.08;
/** A server that yielded nothing in this many exchanges in a row is failing. */
const FAILING_AFTER_MISSES = 3;
/**
 * A transport that has not called back this long after preparation and timeout is taken never to
 * call back.
 */
const TRANSPORT_GRACE_MS = 1000;
/** Failures that only this machine caused: they say nothing about the server. */
const LOCAL_FAILURES: ReadonlySet<string> = new Set(['out-of-descriptors', 'local-error']);

/** A verdict that ends the exchange. */
type Answer = Exclude<Verdict, { kind: 'ignored' }>;

export interface PollerSettings {
  readonly sink: SourceSink;
  readonly transport: NtpTransport;
  /** Returns 64 random bits that others cannot predict, for nonces and jitter. */
  readonly randomBits: () => bigint;
  readonly endpoint: NtpEndpoint;
  readonly sourceId: string;
  readonly allowance: Allowance;
  /** How long the transport may take before it sends the request, ms. */
  readonly preparationMs: number;
  readonly timeoutMs: number;
  readonly maxRootDistanceMs: number;
  /** Called after every exchange, when the sink has been told. */
  readonly onOutcome: (poller: Poller) => void;
}

export class Poller {
  readonly sourceId: string;
  readonly address: string;
  readonly allowance: Allowance;
  readonly #settings: PollerSettings;
  readonly #clock: Clock;
  readonly #timeoutNs: bigint;
  #heard = false;
  /** The number of exchanges in a row that yielded nothing. */
  #misses = 0;
  /** The last exchange failed on this machine. */
  #failedLocally = false;
  #burstLeft = BURST_POLLS;
  #startedAt: MonotonicNs | undefined;
  #cancelTimer: (() => void) | undefined;
  /** Ends the exchange under way without an outcome; `undefined` when there is none. */
  #cancelExchange: (() => void) | undefined;
  #cancelReport: (() => void) | undefined;

  constructor(settings: PollerSettings) {
    this.#settings = settings;
    this.#clock = settings.sink.clock;
    this.sourceId = settings.sourceId;
    this.address = settings.endpoint.address;
    this.allowance = settings.allowance;
    this.#timeoutNs = BigInt(Math.ceil(settings.timeoutMs * 1e6));
    this.#schedule(0);
  }

  /** The interval now: as configured, or longer when the server asked for it. */
  get intervalMs(): number {
    return this.allowance.intervalMs;
  }

  /** The server told us to go away. */
  get denied(): boolean {
    return this.allowance.denied;
  }

  /** Whether the last exchange yielded a sample. */
  get answering(): boolean {
    return this.#heard && this.#misses === 0;
  }

  /**
   * Whether to look for another server: this one yielded nothing for a while, or denied service.
   */
  get failing(): boolean {
    return this.#misses >= FAILING_AFTER_MISSES || this.denied;
  }

  /** Whether it was asked and never yielded a sample. Any address not yet asked is then as good. */
  get barren(): boolean {
    return !this.#heard && !this.#failedLocally && (this.#misses > 0 || this.denied);
  }

  /** Polls a few times in quick succession, as far as the allowance permits. */
  burst(): void {
    this.#requestPolls(BURST_POLLS);
  }

  /** Polls once more, as soon as the allowance permits. */
  pollNow(): void {
    this.#requestPolls(Math.max(this.#burstLeft, 1));
  }

  /**
   * Gives up the exchange under way, if any. This is not a miss: neither server nor network failed.
   */
  discardInFlight(): void {
    if (this.#cancelExchange === undefined) return;
    this.#cancelExchange();
    if (this.#burstLeft === 0) this.#burstLeft = 1;
    this.#scheduleNext();
  }

  stop(): void {
    this.#cancelReport?.();
    this.#cancelTimer?.();
    this.#cancelExchange?.();
    this.#cancelTimer = undefined;
  }

  #requestPolls(polls: number): void {
    if (this.allowance.slowed || this.denied) {
      this.#reportHeldBack();
      return;
    }
    this.#burstLeft = polls;
    if (this.#cancelExchange === undefined) this.#scheduleNext();
  }

  /**
   * Reports that the server may not be asked now. A clock that lost its bound waits until it has
   * heard from every server. A server that may not be asked would keep it waiting for long, or for
   * ever.
   *
   * Reports at most once a second, because the clock may answer a report with another call to
   * `burst`.
   */
  #reportHeldBack(): void {
    if (this.#cancelReport !== undefined) return;
    const rearm = (): void => {
      this.#cancelReport = undefined;
    };
    const report = (): void => {
      this.#cancelReport = this.#clock.setTimer(MIN_SPACING_MS, rearm, { background: true });
      this.#settings.sink.miss(this.sourceId, 'held-back');
    };
    this.#cancelReport = this.#clock.setTimer(0, report, { background: true });
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.setTimer(delayMs, () => this.#poll(), { background: true });
  }

  /**
   * Counts from the start of the last poll, so that a slow exchange does not lengthen the interval.
   */
  #scheduleNext(): void {
    const { sink, randomBits } = this.#settings;
    const now = this.#clock.monotonicNs();
    const uniform = Number(randomBits() >> 11n) / 2 ** 53;
    const elapsedMs =
      this.#startedAt === undefined ? Infinity : Number(now - this.#startedAt) / 1e6;
    const after = (paceMs: number): number => paceMs * (1 + MAX_JITTER * uniform) - elapsedMs;

    let delayMs = after(this.intervalMs);
    if (this.#burstLeft > 0) {
      delayMs = Math.min(delayMs, after(MIN_SPACING_MS));
    } else if ((this.#misses > 0 || this.#failedLocally) && sink.bounded === false) {
      const reservedMs = Number(this.allowance.waitNs(now, RESERVED_REQUESTS)) / 1e6;
      delayMs = Math.min(delayMs, Math.max(after(RETRY_INTERVAL_MS), reservedMs));
    }
    this.#schedule(Math.max(0, delayMs));
  }

  /** Sends a request, or waits until the allowance permits one. */
  #poll(): void {
    this.#cancelTimer = undefined;
    const now = this.#clock.monotonicNs();
    const waitNs = this.allowance.waitNs(now);
    if (waitNs > 0n) {
      this.#schedule(Number(waitNs) / 1e6);
      return;
    }
    this.allowance.take(now);
    this.#startedAt = now;
    if (this.#burstLeft > 0) this.#burstLeft--;
    this.#exchange(now);
  }

  #exchange(startedAt: MonotonicNs): void {
    const { transport, endpoint, sourceId, randomBits } = this.#settings;
    const { timeoutMs, preparationMs } = this.#settings;
    const clock = this.#clock;
    const nonce = randomBits();
    let ignored: IgnoredReason | undefined;
    let over = false;
    let cancelTransport: unknown;
    /** Ends the exchange. Returns true on the first call and false later. */
    const end = (): boolean => {
      if (over) return false;
      over = true;
      cancelWatchdog();
      this.#cancelExchange = undefined;
      return true;
    };
    const cancel = (): void => {
      if (end()) callCancel(cancelTransport);
    };
    const fail = (failure: TransportFailure, details?: FailureDetails): void => {
      if (!end()) return;
      this.#onFailure(startedAt, failure, ignored, details);
    };
    const cancelWatchdog = clock.setTimer(
      preparationMs + timeoutMs + TRANSPORT_GRACE_MS,
      () => {
        callCancel(cancelTransport);
        fail('timeout');
      },
      { background: true },
    );
    this.#cancelExchange = cancel;
    try {
      cancelTransport = transport.exchange({
        endpoint,
        request: encodeRequest(nonce),
        clock,
        timeoutMs,
        // A connected socket hears only the address asked. So every second time, a silent server is
        // asked over a socket that hears everyone: an answer from another of its addresses is then
        // noticed.
        anySender: this.#misses % 2 === 1,
        onDatagram: (datagram, sentAt, receivedAt) => {
          if (over) return true;
          if (!(datagram instanceof Uint8Array && isInt64(sentAt) && isInt64(receivedAt))) {
            ignored = 'malformed';
            return false;
          }
          const verdict = judgeReply(datagram, {
            sourceId,
            nonce,
            sentAt,
            receivedAt,
            monotonicGridNs: clock.monotonicGridNs,
            timeoutNs: this.#timeoutNs,
            pivot: clock.wallNs(),
            maxRootDistanceMs: this.#settings.maxRootDistanceMs,
          });
          if (verdict.kind === 'ignored') {
            ignored = verdict.reason;
            return false;
          }
          end();
          this.#onAnswer(startedAt, this.#refuseLoop(verdict, receivedAt));
          return true;
        },
        onFailure: (failure, details) => fail(failure, details),
      });
    } catch (error) {
      // Not from inside this call: its caller is not ready for an outcome.
      const cause = describeCause(error);
      cancelTransport = clock.nextTurn(() => fail('local-error', { sent: false, cause }));
    }
    if (cancelTransport instanceof Promise) {
      // An `async` transport. It may work all the same, but nothing can cancel it, and it may
      // reject.
      cancelTransport.catch((error: unknown) => {
        fail('local-error', { sent: false, cause: describeCause(error) });
      });
    }
    // It called back before it returned, which is not allowed. Release what it holds all the same.
    if (over) callCancel(cancelTransport);
  }

  /** A time that rests on our own is no evidence, however good it is. */
  #refuseLoop(answer: Answer, receivedAt: MonotonicNs): Answer {
    if (answer.kind !== 'sample') return answer;
    const { packet } = answer;
    const { trail } = this.#settings.sink;
    const loops = trail?.hear(this.sourceId, packet.referenceId, receivedAt) === true;
    return loops ? { kind: 'refused', reason: 'loop', packet } : answer;
  }

  #onAnswer(startedAt: MonotonicNs, verdict: Answer): void {
    const { sink, onOutcome } = this.#settings;
    this.#failedLocally = false;
    if (verdict.kind === 'sample') {
      this.#heard = true;
      this.#misses = 0;
    } else {
      this.#misses++;
    }
    if (verdict.kind === 'kiss') {
      this.allowance.obey(verdict.code, startedAt);
      this.#burstLeft = 0;
    }
    if (!this.denied) this.#scheduleNext();
    // After our own state is settled, because the clock may call or stop this poller from inside.
    if (verdict.kind === 'sample') sink.sample(verdict.sample);
    else if (verdict.kind === 'refused') this.#miss(verdict.reason, startedAt);
    else this.#miss(`kiss-${verdict.code.toLowerCase()}`, startedAt);
    onOutcome(this);
  }

  #onFailure(
    startedAt: MonotonicNs,
    failure: TransportFailure,
    ignored: IgnoredReason | undefined,
    details: FailureDetails = {},
  ): void {
    const { sent = true, cause } = details;
    if (!sent) this.allowance.giveBack();
    this.#failedLocally = LOCAL_FAILURES.has(failure);
    // The network says that the server is unreachable. Look for another address without trying
    // again.
    if (failure === 'unreachable') this.#misses = Math.max(FAILING_AFTER_MISSES, this.#misses + 1);
    else if (!this.#failedLocally) this.#misses++;
    this.#scheduleNext();
    // When only wrong datagrams came, say what was wrong with them: that tells more than "timeout".
    const reason = failure === 'timeout' && ignored !== undefined ? ignored : failure;
    this.#miss(reason, startedAt, cause);
    this.#settings.onOutcome(this);
  }

  #miss(reason: string, startedAt: MonotonicNs, cause?: string): void {
    this.#settings.sink.miss(this.sourceId, reason, { startedAt, cause });
  }
}

/** Calls `cancel`, which came from a transport, if it is a function at all. */
function callCancel(cancel: unknown): void {
  if (typeof cancel !== 'function') return;
  try {
    cancel();
  } catch {
    // The exchange is over for us, whatever the transport does.
  }
}

function isInt64(value: unknown): boolean {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
}
