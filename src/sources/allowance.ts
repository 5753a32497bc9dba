/**
 * Politeness: how many requests one server may be sent, for any reason. This is the only place that
 * decides it.
 *
 * Many events lead to a poll: the regular interval, bursts after a lost bound, retries of a silent
 * server, exchanges that a clock jump made void, `pollNow`, another visit of the rotation. Each of
 * them alone is harmless. Together, and repeated by a clock that keeps jumping, they would be an
 * attack. So every request is taken from one allowance per address, and the allowance alone keeps
 * this promise to the server's operator:
 *
 * > In any stretch of `t` ms a server is sent at most `16 + t / refill` requests, no two of them
 * within a > second. The refill time is the poll interval; on private addresses it is 8 s where
 * that is less.
 *
 * Proof. `#fullAt` is the instant at which the allowance is full again (the generic cell rate
 * algorithm). A request moves it to `max(#fullAt, now) + refill`, and is allowed only if
 * `#fullAt <= now + 15 refill` before. So after each request `#fullAt <= now + 16 refill`. Of `k`
 * requests in a stretch `[s, s + t]`, the first leaves `#fullAt >= s + refill`, and each further
 * one adds at least `refill`. So `s + k refill <= #fullAt <= s + t + 16 refill`, and
 * `k <= 16 + t / refill`.
 *
 * The regular interval is at least one refill, so the allowance never delays regular polling.
 *
 * A kiss-o'-death is obeyed (RFC 5905 section 7.4) for good. RATE doubles the interval each time,
 * up to {@link MAX_POLL_INTERVAL_MS}, and from then on there is one request per interval and no
 * more. DENY and RSTR end polling. The server's operator has asked for this, so an allowance
 * outlives the poller that obeyed: an address that is visited again keeps its allowance.
 */
import { asMonotonicNs, type MonotonicNs } from '../time/instant.ts';
import type { KissCode } from './ntp/exchange.ts';

/** The requests that may be sent at once after a long time without any. */
export const FULL_ALLOWANCE = 16;
/**
 * The least time between two requests. A poll interval that is configured shorter also shortens it.
 */
export const MIN_SPACING_MS = 1000;
/** RATE slows polling down to once in 17 minutes (a poll exponent of 10), but never stops it. */
export const MAX_POLL_INTERVAL_MS = 1_024_000;

export class Allowance {
  readonly #configuredMs: number;
  readonly #spacingNs: bigint;
  #intervalMs: number;
  #refillNs: bigint;
  #inHand = BigInt(FULL_ALLOWANCE);
  #denied = false;
  #fullAt: bigint | undefined;
  #lastAt: bigint | undefined;

  /**
   * @param intervalMs the regular poll interval
   * @param refillMs one more request is allowed per this time; at most `intervalMs` is used
   */
  constructor(intervalMs: number, refillMs: number) {
    this.#configuredMs = intervalMs;
    this.#intervalMs = intervalMs;
    this.#refillNs = nsUp(Math.min(refillMs, intervalMs));
    this.#spacingNs = nsUp(Math.min(MIN_SPACING_MS, intervalMs));
  }

  /** The regular poll interval, ms: as configured, or longer when the server asked for it. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Whether the server denied us service: it is never asked again. */
  get denied(): boolean {
    return this.#denied;
  }

  /**
   * Whether the server told us to slow down: one request per interval is then all that is allowed.
   */
  get slowed(): boolean {
    return this.#inHand === 1n;
  }

  /**
   * How long until a request is allowed that leaves `reserve` more requests, ns; 0n when it is
   * allowed now.
   */
  waitNs(now: MonotonicNs, reserve = 0): bigint {
    const { slowed } = this;
    const spaced = this.#lastAt === undefined ? now : this.#lastAt + this.#spacingNs;
    const before = this.#inHand - 1n - (slowed ? 0n : BigInt(reserve));
    const refilled = this.#fullAt === undefined ? now : this.#fullAt - before * this.#refillNs;
    const at = spaced > refilled ? spaced : refilled;
    return at > now ? at - now : 0n;
  }

  /** Takes one request from the allowance, when it is being sent. */
  take(now: MonotonicNs): void {
    const from = this.#fullAt === undefined || this.#fullAt < now ? now : this.#fullAt;
    this.#fullAt = from + this.#refillNs;
    this.#lastAt = now;
  }

  /**
   * Returns the request last taken, which never left this machine. Only the spacing still counts
   * it.
   */
  giveBack(): void {
    if (this.#fullAt !== undefined) this.#fullAt -= this.#refillNs;
  }

  /** Whether this allowance is like a new one, so that forgetting it changes nothing. */
  isUntouched(now: MonotonicNs): boolean {
    const rested = this.#fullAt === undefined || this.#fullAt <= now;
    return rested && !this.#denied && !this.slowed;
  }

  /** Obeys a kiss-o'-death that came with our nonce in it. */
  obey(code: KissCode, now: MonotonicNs): void {
    if (code !== 'RATE') {
      this.#denied = true;
      return;
    }
    this.#intervalMs = Math.min(
      this.#intervalMs * 2,
      Math.max(MAX_POLL_INTERVAL_MS, this.#configuredMs),
    );
    this.#refillNs = nsUp(this.#intervalMs);
    this.#inHand = 1n;
    this.#fullAt = asMonotonicNs((this.#lastAt ?? now) + this.#refillNs);
  }
}

function nsUp(ms: number): bigint {
  return BigInt(Math.ceil(ms * 1e6));
}
