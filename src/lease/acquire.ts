/** Getting a lease: asking the store, and waiting until its holder certainly has it no longer. */
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { throwIfAborted } from '../commit-wait/abort-listeners.ts';
import { checkNumber } from '../time/errors.ts';
import { sleep } from '../time/sleep.ts';
import { isStoreError, LeaseStoreError, LeaseTimeoutError } from './errors.ts';
import { Lease } from './lease.ts';
import type { LeaseRequest, Taken } from './lease-kind.ts';
import { type AcquireOptions, LeaseSettings } from './lease-options.ts';
import { callStore } from './store-call.ts';
import { LOOK_EVERY_MS } from './true-time.ts';

/** A holder may let go early, so it is asked for at least this often, ms; with 20 % of jitter. */
const ASK_EVERY_MS = 200;
/** The store may fail this often in a row. */
const MAX_FAILURES = 3;

export async function acquire(options: AcquireOptions): Promise<Lease> {
  const settings = new LeaseSettings(options);
  const { signal, timeoutMs = Infinity } = options;
  checkNumber('timeoutMs', timeoutMs, 0, Infinity);
  const attempt = new Attempt(settings, signal);
  return attempt.orAbandon(attempt.wait(timeoutMs));
}

export async function tryAcquire(options: AcquireOptions): Promise<Lease | undefined> {
  const attempt = new Attempt(new LeaseSettings(options), options.signal);
  const got = await attempt.orAbandon(attempt.ask(Infinity, 1));
  return got instanceof Lease ? got : undefined;
}

/**
 * One attempt to get one lease. The store knows it by its claim, however often it is asked.
 *
 * What the store gives to a claim may be taken back when it comes late, so nobody else may use the
 * claim: it belongs to one attempt, and to the lease that this has got.
 */
export class Attempt {
  readonly #settings: LeaseSettings;
  readonly #signal: AbortSignal | undefined;
  #claim = crypto.randomUUID();
  #failures = 0;
  /** Why the store did not answer the last question; `undefined` when it did. */
  #failure: LeaseStoreError | undefined;
  #abandoned = false;
  /** The last answer of the store. */
  #seen: Taken | undefined;

  constructor(settings: LeaseSettings, signal: AbortSignal | undefined) {
    throwIfAborted(signal);
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Asks until the lease is ours. After a rejection it can be called again. */
  async wait(timeoutMs: number): Promise<Lease> {
    const { localClock } = this.#settings;
    const began = localClock.monotonicNs();
    const leftMs = (): number => timeoutMs - Number(localClock.monotonicNs() - began) / 1e6;
    this.#failures = 0;
    this.#failure = undefined;
    try {
      for (;;) {
        const got = await this.ask(Math.max(leftMs(), 1), MAX_FAILURES);
        if (got instanceof Lease) return got;
        if (leftMs() <= 0) throw this.#timedOut(timeoutMs);
        const waitMs = Math.min(got, Math.max(leftMs(), 0));
        await sleep(localClock, waitMs, { signal: this.#signal });
      }
    } catch (error) {
      const outOfTime = leftMs() <= 0 && isStoreError(error);
      throw outOfTime ? this.#timedOut(timeoutMs, error) : error;
    }
  }

  /**
   * The lease, or after how long it is worth asking again, ms.
   *
   * @param timeoutMs how long the store has to answer at most
   * @param failures how often it may fail in a row; at 1 it does not wait for a bound either
   */
  async ask(timeoutMs: number, failures: number): Promise<Lease | number> {
    this.#signal?.throwIfAborted();
    const { kind, store } = this.#settings;
    let request: LeaseRequest;
    try {
      request = kind.begin();
    } catch (error) {
      const willBeBack = error instanceof ClockUnsynchronizedError && error.reason !== 'stopped';
      if (failures > 1 && willBeBack) return LOOK_EVERY_MS;
      throw error;
    }
    try {
      const taken = await this.#take(request, timeoutMs);
      this.#seen = taken;
      if (taken.term === undefined) {
        this.#failures = 0;
        this.#failure = undefined;
        // What this claim had got was ended, and it is given no other lease.
        if (taken.claim === this.#claim) this.#claim = crypto.randomUUID();
        return waitMs(this.#settings, taken);
      }
      const lease = new Lease(this.#settings, taken, taken.term);
      if (lease.held()) return lease;
      // The answer came after the end. What this claim has got is over.
      void lease.release().catch(() => {});
      this.#claim = crypto.randomUUID();
      throw new LeaseStoreError(store.name, 'timeout');
    } catch (error) {
      if (!isStoreError(error) || ++this.#failures >= failures) throw error;
      this.#failure = error;
      return Math.min(ASK_EVERY_MS, this.#settings.ttlMs / 10) * this.#failures;
    }
  }

  /** Nobody wants it any more: a lease that the store tells of later is let go. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** What `asking` has got. When it rejects, nobody asks again. */
  async orAbandon<T>(asking: Promise<T>): Promise<T> {
    try {
      return await asking;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  #timedOut(timeoutMs: number, cause: unknown = this.#failure): LeaseTimeoutError {
    const holder = cause === undefined ? this.#seen?.holder : undefined;
    return new LeaseTimeoutError(this.#settings.name, timeoutMs, holder, cause);
  }

  #take(request: LeaseRequest, timeoutMs: number): Promise<Taken> {
    const { localClock, store, name, holder, answerMs } = this.#settings;
    const limits = {
      clock: localClock,
      timeoutMs: Math.min(answerMs, timeoutMs),
      signal: this.#signal,
      late: (taken: Taken) => this.#cameLate(taken),
    };
    const wish = { name, holder, claim: this.#claim };
    return callStore(store, limits, (call) => request.take(wish, call));
  }

  #cameLate({ term, claim, token }: Taken): void {
    if (!this.#abandoned || term === undefined || claim !== this.#claim) return;
    const { kind, name } = this.#settings;
    const { signal } = new AbortController();
    new Promise<void>((resolve) => resolve(kind.end(name, token, { signal }))).catch(
      () => {}, // Then it ends by itself.
    );
  }
}

/** Until it may be free, but not long: the holder may let go. */
function waitMs({ localClock }: LeaseSettings, taken: Taken): number {
  const jitter = Number(localClock.monotonicNs() % 1009n) / 1009;
  const askMs = ASK_EVERY_MS * (0.8 + 0.4 * jitter);
  return Math.max(1, Math.min(askMs, taken.waitMs() ?? askMs));
}
