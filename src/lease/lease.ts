/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A lease that no pause, step or skew of a clock can break. (For the kind that needs no clock to be
 * right, and a store that counts: duration.ts.)
 *
 * The problem. A program takes a lease, checks it by `Date.now() < expires`, is paused for a
 * minute, and writes. Meanwhile the lease ended and somebody else has it. Or the two machines' wall
 * clocks differ, and both hold it at once. The usual remedies are to wait a whole time to live
 * after every change, or to hope.
 *
 * The idea. The store keeps *one* instant in true time: the end. The holder acts only while that
 * end has certainly not come (`latest < end`), and somebody else takes over only when it certainly
 * has passed (`end < earliest`). These two are never true at one true instant, whatever the clocks
 * of the two machines show, how fast they run, and how long anything was delayed, as long as both
 * bounds hold. Between them lies a gap of the two uncertainties: a few milliseconds.
 *
 * - *Nothing is decided by a timer.* A timer that fires proves nothing about time. `check()` reads
 *   the clock, each time.
 * - *Delay is always on the safe side.* The end is computed before the request is sent, and so is
 *   the proof that the old lease is over.
 * - *An unknown outcome changes nothing.* If the store does not answer a renewal, the old end stays
 *   in force, however the renewal went.
 * - *The record is never deleted.* Each change of hands counts the token up, and a token never
 *   comes again.
 *
 * What it cannot do: between `check()` and the write there is always a moment. Only the resource
 * can tell that the write came too late, by the token: fence.ts.
 */

import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import { Inspectable } from '../time/inspect.ts';
import type { UnixNs } from '../time/instant.ts';
import { sleep } from '../time/sleep.ts';
import { acquire, tryAcquire } from './acquire.ts';
import {
  isStoreError,
  LeaseLostError,
  type LeaseLostReason,
  type LeaseStoreError,
} from './errors.ts';
import type { LeaseRequest, LeaseTerm, Taken } from './lease-kind.ts';
import { type AcquireOptions, LeaseSettings } from './lease-options.ts';
import type { StoreCallOptions } from './lease-store.ts';
import { callStore } from './store-call.ts';

/** Options of {@link Lease.renew}. */
export interface RenewOptions {
  /** Ends the attempt: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of the renewals of a lease since it was got: {@link Lease.stats}. */
export interface LeaseStats {
  /** How often the store has confirmed one. */
  readonly renewals: number;
  /** How often it has not, by the `reason` of the LeaseStoreError. */
  readonly failures: Readonly<Record<LeaseStoreError['reason'], number>>;
}

/** Renewed when this part of the time to live is left. */
const RENEW_AT = 2 / 3;
/** A renewal that failed is tried again after this part of the time to live. */
const RETRY_AFTER = 1 / 15;
/** While the clock has no bound, it is looked for this often, ms. */
const LOOK_EVERY_MS = 50;

/**
 * A lease that this process has. Use it while `check()` does not throw, and give `token` along with
 * every write.
 *
 * @example
 * const store = memoryLeases(); // in a service: postgresLeases, etcdLeases, ...
 * const lease = await Lease.acquire({ store, clock, name: 'a', holder: 'b', ttlMs: 10_000 });
 * try {
 *   for (const id of [17, 18]) {
 *     lease.check();
 *     console.log('send invoice', id, 'with token', lease.token);
 *   }
 * } finally {
 *   await lease.release();
 * }
 */
export class Lease extends Inspectable implements AsyncDisposable {
  readonly name: string;
  /** Who took it, as the option says. */
  readonly holder: string;
  /**
   * The fencing token: greater than that of every earlier holder. A resource that remembers the
   * greatest one, and refuses smaller ones, is safe whatever happens here.
   */
  readonly token: bigint;
  readonly #settings: LeaseSettings;
  readonly #controller = new AbortController();
  #term: LeaseTerm;
  /** Why it is over for good. */
  #over: LeaseLostReason | undefined;
  /** The monotonic reading up to which it lasts, as seen when there was a bound last. */
  #lastsUntil = 0n;
  #cancel: () => void = () => {};
  #renewing = false;
  #renewals = 0;
  readonly #failures = { failed: 0, timeout: 0, malformed: 0 };
  /** Whether the store knows that it was released. */
  #given = false;

  /** @internal Programs call {@link Lease.acquire}. */
  constructor(settings: LeaseSettings, taken: Taken, term: LeaseTerm) {
    super();
    if (!(settings instanceof LeaseSettings)) {
      throw new ArgumentTypeError('settings', 'made by Lease.acquire()', settings);
    }
    this.name = settings.name;
    this.holder = taken.holder;
    this.token = taken.token;
    this.#settings = settings;
    this.#term = term;
    this.#watch();
  }

  /**
   * Waits until the lease is ours. Takes it at once when nobody has it, or when the end of who had
   * it has certainly passed. Keeps the process alive while it waits.
   *
   * Rejects with
   * - {@link LeaseTimeoutError} (`ERR_LEASE_TIMEOUT`) after `timeoutMs`;
   * - {@link LeaseStoreError} (`ERR_LEASE_STORE`) when the store failed three times in a row;
   * - `signal.reason` on abort;
   * - ArgumentTypeError, ArgumentRangeError for a bad option.
   */
  static acquire(options: AcquireOptions): Promise<Lease> {
    return acquire(options);
  }

  /**
   * As {@link Lease.acquire}, but asks once: `undefined` when somebody else may still have it.
   * Rejects with a ClockUnsynchronizedError while the clock must have a bound and has none.
   */
  static tryAcquire(options: AcquireOptions): Promise<Lease | undefined> {
    return tryAcquire(options);
  }

  /**
   * Its end, Unix ns, by the last renewal that was confirmed. Of the kind `'duration'`, which knows
   * no true time, what the wall clock made of it then: to be shown, not to be compared with.
   */
  get expiresAt(): UnixNs {
    return this.#term.expiresAt;
  }

  /**
   * Aborted `marginMs` before the end, when it was released, and when somebody else was found to
   * have it; the reason is a {@link LeaseLostError}. From then on it is not renewed. It is a
   * courtesy for work that can be told to stop: a paused process is told late. The guarantee is
   * {@link Lease.check}.
   */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Whether the lease is certainly held at an instant within this call. It looks at the wall clock
   * first, so a suspend of the machine is noticed at once. In true time it leaves nothing on the
   * heap but the double that `Date.now()` returns, 16 B.
   */
  held(): boolean {
    return this.#over === undefined && this.#term.held();
  }

  /**
   * Throws unless the lease is certainly held at an instant within this call. Call it right before
   * each act. It costs what {@link Lease.held} does.
   *
   * @throws LeaseLostError (`ERR_LEASE_LOST`)
   */
  check(): void {
    if (!this.held()) throw this.#lost();
  }

  /** How long it is certainly held from now on, ns, rounded down; 0n when it is not. */
  remainingNs(): bigint {
    const left = this.held() ? this.#remainingNs() : undefined;
    return left !== undefined && left > 0n ? left : 0n;
  }

  /**
   * Moves the end to `ttlMs` from now. When it rejects, the old end is in force.
   *
   * Rejects with
   * - {@link LeaseLostError} when the lease is over, the store says that somebody else has it, or
   *   the clock must have a bound and has none;
   * - {@link LeaseStoreError} when the store failed or did not answer;
   * - `signal.reason` on abort.
   */
  async renew(options: RenewOptions = {}): Promise<void> {
    if (this.#over !== undefined || this.signal.aborted) throw this.#lost();
    const { store, kind, localClock, name, answerMs } = this.#settings;
    let request: LeaseRequest;
    try {
      request = kind.begin();
    } catch (error) {
      throw error instanceof ClockUnsynchronizedError ? this.#lost('no-bound') : error;
    }
    const limits = { clock: localClock, timeoutMs: answerMs, signal: options.signal };
    const extend = (call: StoreCallOptions) => request.extend(name, this.token, call);
    const term = await callStore(store, limits, extend).catch((error: unknown) => {
      if (isStoreError(error)) this.#failures[error.reason]++;
      throw error;
    });
    if (term === undefined) this.#end('superseded');
    if (this.#over !== undefined || this.signal.aborted) throw this.#lost();
    // Of two renewals at once, the later end counts. After a jump the old one counts nothing.
    if (term !== undefined && (term.end >= this.#term.end || !this.#term.held())) {
      this.#term = term;
    }
    this.#renewals++;
    this.#watch();
  }

  /**
   * Lets go of it, so that somebody else can take it at once. From the call on it is not held.
   * Idempotent. Stop what the lease protects first: what is still under way is not protected.
   *
   * Rejects with a {@link LeaseStoreError} when the store failed or did not answer. Call it again,
   * or the lease ends by itself, when the store has it no longer: soon after
   * {@link Lease.expiresAt}, and of the kind `'duration'` up to `ttlMs` after the last renewal that
   * reached the store, or later where the store gave more.
   */
  async release(): Promise<void> {
    if (this.#given || this.#over === 'superseded') return;
    this.#end('released');
    const { store, kind, localClock, answerMs } = this.#settings;
    const limits = { clock: localClock, timeoutMs: answerMs };
    await callStore(store, limits, (call) => kind.end(this.name, this.token, call));
    this.#given = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Counts since it was got. */
  stats(): LeaseStats {
    return { renewals: this.#renewals, failures: { ...this.#failures } };
  }

  /** One line, which `console.log` shows too. */
  override toString(): string {
    const seconds = Number(this.remainingNs()) / 1e9;
    const left = this.#over ?? `${seconds.toFixed(1)} s left`;
    return `Lease { ${this.name}, token ${this.token}, ${left} }`;
  }

  toJSON(): unknown {
    const { name, holder } = this;
    return { name, holder, token: `${this.token}`, expiresAt: `${this.expiresAt}` };
  }

  /** How long it is certainly held, ns; below 0: it may be over; `undefined`: nothing tells. */
  #remainingNs(): bigint | undefined {
    return this.#over === undefined ? this.#term.remainingNs() : 0n;
  }

  #lost(why?: LeaseLostReason): LeaseLostError {
    const { name, token } = this;
    if (this.#over !== undefined) return new LeaseLostError(name, token, this.#over);
    const unknown = this.#term.remainingNs() === undefined ? this.#term.unknown : undefined;
    const reason = why ?? unknown ?? (this.held() ? 'ending' : 'expired');
    return new LeaseLostError(name, token, reason);
  }

  /** It is over for good. */
  #end(reason: LeaseLostReason): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#cancel();
    this.#controller.abort(this.#lost());
  }

  /** Looks how long is left, and plans the next look. Nothing but `signal` rests on it. */
  #watch(): void {
    this.#cancel();
    if (this.#over !== undefined || this.signal.aborted) return;
    const { localClock, kind, marginMs, automatic } = this.#settings;
    const now = localClock.monotonicNs();
    const left = this.#remainingNs();
    if (left !== undefined) this.#lastsUntil = now + left;
    // Without a bound the end is not known. It is then guessed, until there is a bound again.
    const untilMarginMs = Number(this.#lastsUntil - now) / 1e6 - marginMs;
    if (untilMarginMs <= 0) {
      this.#controller.abort(this.#lost());
      return;
    }
    let lookInMs = left === undefined ? Math.min(LOOK_EVERY_MS, untilMarginMs) : untilMarginMs;
    // After a jump a renewal makes it held again. Without a bound there can be no renewal.
    const renewable = left !== undefined || this.#term.unknown === 'jumped';
    if (automatic && !this.#renewing && renewable) {
      const renewAtMs = kind.lastsMs * (RENEW_AT - this.#jitter() / 10);
      const renewInMs = left === undefined ? 0 : untilMarginMs + marginMs - renewAtMs;
      if (renewInMs <= 0) void this.#renewInBackground();
      else lookInMs = Math.min(lookInMs, renewInMs);
    }
    const again = (): void => this.#watch();
    this.#cancel = localClock.setTimer(lookInMs, again, { background: true });
  }

  async #renewInBackground(): Promise<void> {
    this.#renewing = true;
    const { localClock, ttlMs } = this.#settings;
    // Not renewed, or not held all the same: it is over, the store is in trouble, or the clock.
    const helped = await this.renew({ signal: this.signal }).then(
      () => this.held(),
      () => false,
    );
    if (!helped) {
      const retryMs = ttlMs * RETRY_AFTER * (1 + this.#jitter());
      const { signal } = this;
      await sleep(localClock, retryMs, { background: true, signal }).catch(() => {});
    }
    this.#renewing = false;
    this.#watch();
  }

  /** From 0 to 1, so that many leases are not renewed at once. */
  #jitter(): number {
    return Number(this.#settings.localClock.monotonicNs() % 1009n) / 1009;
  }
}
