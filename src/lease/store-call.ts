/** One call of a store, which answers in time or has failed. */
import type { Clock } from '../time/clock.ts';
import { isStoreError, LeaseStoreError } from './errors.ts';
import type { LeaseStore, StoreCallOptions } from './lease-store.ts';

/** What ends a call. */
interface CallLimits<T> {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the call: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Takes an answer that came too late, because what the store has begun must be known. With it the
   * store has `timeoutMs` once more before it is told that nobody waits.
   */
  readonly late?: ((answer: T) => void) | undefined;
}

/**
 * The answer of `store`. Rejects with a {@link LeaseStoreError} when it fails or does not answer in
 * time, and with `signal.reason` on abort.
 */
export function callStore<T>(
  store: LeaseStore,
  { clock, timeoutMs, signal, late }: CallLimits<T>,
  call: (options: StoreCallOptions) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const controller = new AbortController();
    let over = false;
    const end = (): void => {
      over = true;
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (reason: unknown): void => {
      end();
      const abort = (): void => controller.abort();
      if (late === undefined) abort();
      else clock.setTimer(timeoutMs, abort, { background: true });
      reject(reason);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const cancel = clock.setTimer(timeoutMs, () =>
      giveUp(new LeaseStoreError(store.name, 'timeout')),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    // The executor also catches what `call` throws.
    new Promise<T>((settle) => settle(call({ signal: controller.signal }))).then(
      (answer) => {
        if (over) late?.(answer);
        else end();
        resolve(answer);
      },
      (cause: unknown) => {
        if (!over) end();
        reject(isStoreError(cause) ? cause : new LeaseStoreError(store.name, 'failed', cause));
      },
    );
  });
}
