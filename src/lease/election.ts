/// <reference lib="esnext.disposable" preserve="true" />
/**
 * One of many is the leader: each wants the lease for ever, one has it, and the others wait.
 */

import { Listeners } from '../time/listeners.ts';
import { sleep } from '../time/sleep.ts';
import { Attempt } from './acquire.ts';
import type { LeaseLostReason } from './errors.ts';
import { LeaseLostError } from './errors.ts';
import type { Lease } from './lease.ts';
import { ELECTION_OPTIONS, type LeaseOptions, LeaseSettings } from './lease-options.ts';

/** What an election tells. */
export type ElectionEvent =
  /** This process has the lease now. */
  | { readonly type: 'elected'; readonly lease: Lease }
  /**
   * It has it no longer or, with the reason `ending`, only for `marginMs` more: stop now. It goes
   * on wanting it.
   */
  | { readonly type: 'lost'; readonly lease: Lease; readonly reason: LeaseLostReason }
  /** The store is in trouble. It is asked again, ever more rarely, for as long as it takes. */
  | { readonly type: 'failed'; readonly error: unknown };

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/**
 * Wants a lease until it is stopped.
 *
 * @example
 * const store = memoryLeases(); // in a service: postgresLeases, etcdLeases, ...
 * const election = Election.start({ store, clock, name: 'cron', holder: 'a', ttlMs: 10_000 });
 * const end = election.onChange(({ type }) => console.log(type));
 * // In the loop that only one may run:
 * if (election.lease?.held()) console.log('I am the one');
 * await election.stop();
 * end();
 */
export class Election implements AsyncDisposable {
  /** The name of the lease. */
  readonly name: string;
  readonly #settings: LeaseSettings;
  readonly #controller = new AbortController();
  readonly #listeners = new Listeners<ElectionEvent>();
  readonly #ended: Promise<void>;
  #lease: Lease | undefined;

  private constructor(options: LeaseOptions) {
    this.#settings = new LeaseSettings(options, ELECTION_OPTIONS);
    this.name = this.#settings.name;
    this.#ended = this.#run();
  }

  /**
   * Begins to want the lease. Keeps the process alive.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option. Nothing is started then.
   */
  static start(options: LeaseOptions): Election {
    return new Election(options);
  }

  /** The lease while this process has it. Call its `check()` before each act. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /**
   * Calls `listener` on every change. Returns a function that ends the calls; so does `signal`.
   * What a listener throws becomes an unhandled rejection, which ends a process by Node's default,
   * and disturbs no other listener.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   */
  onChange(
    listener: (event: ElectionEvent) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#listeners.add(listener, options);
  }

  /**
   * Lets go of the lease, and wants it no longer. Idempotent. Rejects as `Lease.release` does; the
   * lease then ends by itself.
   */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      const lease = await this.#elected();
      if (lease !== undefined) await this.#lead(lease);
    }
  }

  /** The lease; `undefined` when nobody wants it any more. */
  async #elected(): Promise<Lease | undefined> {
    const { signal } = this.#controller;
    // One attempt, however often the store fails: an answer that was lost is not another contender.
    const attempt = new Attempt(this.#settings, signal);
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
      try {
        return await attempt.wait(Infinity);
      } catch (error) {
        if (!signal.aborted) {
          this.#listeners.tell({ type: 'failed', error });
          await this.#pause(retryMs);
        }
        if (signal.aborted) {
          attempt.abandon();
          return undefined;
        }
      }
    }
  }

  /** Has the lease until it ends, or until nobody wants it any more. */
  async #lead(lease: Lease): Promise<void> {
    const { signal } = this.#controller;
    this.#lease = lease;
    this.#listeners.tell({ type: 'elected', lease });
    await aborted(signal, lease.signal);
    this.#lease = undefined;
    const error: unknown = lease.signal.reason;
    const reason = error instanceof LeaseLostError ? error.reason : 'released';
    this.#listeners.tell({ type: 'lost', lease, reason });
    // What it protects has the margin to stop. Nobody is elected before that, not even this one.
    while (lease.held() && !signal.aborted) {
      await this.#pause(Math.max(1, Number(lease.remainingNs()) / 1e6));
    }
    if (signal.aborted) await lease.release();
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#controller;
    await sleep(this.#settings.localClock, ms, { signal }).catch(() => {});
  }
}

/** Resolves when one of the signals is aborted. */
function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
      resolve();
    };
    if (signals.some((signal) => signal.aborted)) return resolve();
    for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  });
}
