/**
 * The polling of one server: when to ask, how often, and when to leave it alone.
 *
 * Exchanges with one server never overlap; each outcome schedules the next. A burst is a few polls a
 * second apart, at start and whenever the clock has lost its bound; after it the interval rules, drawn
 * out by up to 8 % so that a fleet started together does not stay in step. The interval is only ever
 * drawn *out*: it is a promise to the server's operator.
 *
 * A kiss-o'-death is obeyed (RFC 5905 section 7.4), and for good: RATE doubles the interval each time, up
 * to {@link SLOWEST_POLL_MS}, and ends bursts; DENY and RSTR end polling. It is believed only with our
 * nonce in it, so nobody off the path can silence a server.
 */
import type { SourceSink } from '../../bounded-clock/time-source.ts';
import { asMonotonicNs, type MonotonicNs } from '../../time/instant.ts';
import { encodeRequest, type IgnoredReason, judgeReply, type Verdict } from './exchange.ts';
import type { NtpEndpoint, NtpTransport, TransportFailure } from './transport.ts';

/** Polls in a burst, and the least time between two of them. */
const BURST_POLLS = 4;
const BURST_SPACING_MS = 1000;
/** Bursts a server bears in quick succession; it bears one more after each poll interval. */
const BURST_ALLOWANCE = 4;
/** RATE slows polling down to once in 17 minutes (a poll exponent of 10), never to nothing. */
const SLOWEST_POLL_MS = 1_024_000;
const JITTER = 0.08;
/** A server that left so many exchanges in a row unanswered is silent. */
const SILENT_AFTER = 3;

export interface PollerSettings {
  readonly sink: SourceSink;
  readonly transport: NtpTransport;
  /** 64 random bits, unpredictable to others: nonces and jitter. */
  readonly randomBits: () => bigint;
  readonly endpoint: NtpEndpoint;
  readonly sourceId: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** After every exchange, when the sink has been told. */
  readonly onOutcome: (poller: Poller) => void;
}

export class Poller {
  readonly sourceId: string;
  readonly address: string;
  readonly #settings: PollerSettings;
  readonly #timeoutNs: bigint;
  #unanswered = 0;
  #denied = false;
  #intervalMs: number;
  #slowed = false;
  #burstLeft = BURST_POLLS;
  #burstsInHand = BURST_ALLOWANCE - 1;
  #refilledAt: MonotonicNs;
  #startedAt: MonotonicNs | undefined;
  #cancelTimer: (() => void) | undefined;
  #cancelExchange: (() => void) | undefined;
  #cancelReport: (() => void) | undefined;

  constructor(settings: PollerSettings) {
    this.#settings = settings;
    this.sourceId = settings.sourceId;
    this.address = settings.endpoint.address;
    this.#intervalMs = settings.intervalMs;
    this.#timeoutNs = BigInt(Math.ceil(settings.timeoutMs * 1e6));
    this.#refilledAt = settings.sink.clock.monotonicNs();
    this.#schedule(0);
  }

  /** The interval at present: as configured, or longer when the server asked for it. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** The server told us to go away. */
  get denied(): boolean {
    return this.#denied;
  }

  /** It answered the last exchange. */
  get answering(): boolean {
    return this.#unanswered === 0 && !this.#denied;
  }

  /** It has not answered for a while, or told us to go away: time to look for another. */
  get silent(): boolean {
    return this.#unanswered >= SILENT_AFTER || this.#denied;
  }

  /** Polls a few times in quick succession, unless there was too much of that or the server said no. */
  burst(): void {
    if (this.#slowed || this.#denied) {
      this.#reportHeldBack();
      return;
    }
    if (this.#burstLeft === BURST_POLLS) return;
    this.#refillBursts();
    if (this.#burstsInHand === 0) return;
    this.#burstsInHand--;
    this.#burstLeft = BURST_POLLS;
    if (this.#cancelExchange === undefined) this.#scheduleNext();
  }

  /** Gives up the exchange under way, if any. It is no miss: neither server nor network failed. */
  discardInFlight(): void {
    if (this.#cancelExchange === undefined) return;
    this.#cancelExchange();
    this.#cancelExchange = undefined;
    if (this.#burstLeft === 0) this.#burstLeft = 1;
    this.#scheduleNext();
  }

  stop(): void {
    this.#cancelReport?.();
    this.#cancelTimer?.();
    this.#cancelExchange?.();
    this.#cancelTimer = this.#cancelExchange = undefined;
  }

  /**
   * A clock that lost its bound waits until it has heard of every server. One that we must not ask now
   * would keep it waiting for long, or for ever, so its silence is reported: at most once a second,
   * since what the clock makes of it may be another call to `burst`.
   */
  #reportHeldBack(): void {
    if (this.#cancelReport !== undefined) return;
    const { sink } = this.#settings;
    const rearm = (): void => {
      this.#cancelReport = undefined;
    };
    const report = (): void => {
      this.#cancelReport = sink.clock.setTimer(BURST_SPACING_MS, rearm, { background: true });
      sink.miss(this.sourceId, 'held-back');
    };
    this.#cancelReport = sink.clock.setTimer(0, report, { background: true });
  }

  #refillBursts(): void {
    const intervalNs = BigInt(Math.ceil(this.#settings.intervalMs * 1e6));
    const more = (this.#settings.sink.clock.monotonicNs() - this.#refilledAt) / intervalNs;
    this.#refilledAt = asMonotonicNs(this.#refilledAt + more * intervalNs);
    this.#burstsInHand = Math.min(this.#burstsInHand + Number(more), BURST_ALLOWANCE);
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#settings.sink.clock.setTimer(delayMs, () => this.#poll(), {
      background: true,
    });
  }

  /** Counts from the start of the last poll, so that a slow exchange does not stretch the interval. */
  #scheduleNext(): void {
    const { sink, randomBits } = this.#settings;
    const bursting = this.#burstLeft > 0 && !this.#slowed;
    const wantedMs = bursting ? Math.min(BURST_SPACING_MS, this.#intervalMs) : this.#intervalMs;
    const uniform = Number(randomBits() >> 11n) / 2 ** 53;
    const elapsedMs =
      this.#startedAt === undefined
        ? Number.POSITIVE_INFINITY
        : Number(sink.clock.monotonicNs() - this.#startedAt) / 1e6;
    this.#schedule(Math.max(0, wantedMs * (1 + JITTER * uniform) - elapsedMs));
  }

  #poll(): void {
    const { sink, transport, endpoint, sourceId, timeoutMs, randomBits } = this.#settings;
    const { clock } = sink;
    this.#cancelTimer = undefined;
    this.#startedAt = clock.monotonicNs();
    if (this.#burstLeft > 0) this.#burstLeft--;
    const nonce = randomBits();
    let ignored: IgnoredReason | undefined;
    this.#cancelExchange = transport.exchange({
      endpoint,
      request: encodeRequest(nonce),
      clock,
      timeoutMs,
      onDatagram: (datagram, sentAt, receivedAt) => {
        const verdict = judgeReply(datagram, {
          sourceId,
          nonce,
          sentAt,
          receivedAt,
          monotonicGridNs: clock.monotonicGridNs,
          timeoutNs: this.#timeoutNs,
          pivot: clock.wallNs(),
        });
        if (verdict.kind === 'ignored') {
          ignored = verdict.reason;
          return false;
        }
        this.#onAnswer(verdict);
        return true;
      },
      onFailure: (failure) => this.#onFailure(failure, ignored),
    });
  }

  #onAnswer(verdict: Exclude<Verdict, { kind: 'ignored' }>): void {
    const { sink, onOutcome } = this.#settings;
    this.#cancelExchange = undefined;
    this.#unanswered = 0;
    if (verdict.kind === 'kiss') this.#obey(verdict.code);
    if (!this.#denied) this.#scheduleNext();
    // After our own state is settled, since the clock may call us, or stop us, from inside.
    if (verdict.kind === 'sample') sink.sample(verdict.sample);
    else if (verdict.kind === 'refused') sink.miss(this.sourceId, verdict.reason);
    else sink.miss(this.sourceId, `kiss-${verdict.code.toLowerCase()}`);
    onOutcome(this);
  }

  #obey(code: 'RATE' | 'DENY' | 'RSTR'): void {
    if (code === 'RATE') {
      this.#slowed = true;
      this.#burstLeft = 0;
      const slowest = Math.max(SLOWEST_POLL_MS, this.#settings.intervalMs);
      this.#intervalMs = Math.min(this.#intervalMs * 2, slowest);
    } else {
      this.#denied = true;
    }
  }

  #onFailure(failure: TransportFailure, ignored: IgnoredReason | undefined): void {
    const { sink, onOutcome } = this.#settings;
    this.#cancelExchange = undefined;
    // The network says so: no need to try again before looking for another address.
    this.#unanswered = failure === 'unreachable' ? SILENT_AFTER : this.#unanswered + 1;
    this.#scheduleNext();
    // When only wrong datagrams came, what was wrong with them tells more than that time ran out.
    const reason = failure === 'timeout' && ignored !== undefined ? ignored : failure;
    sink.miss(this.sourceId, reason);
    onOutcome(this);
  }
}
