/**
 * Sleeping on a clock. A timer is only a hint (`setTimeout` fires up to a millisecond early on the monotonic
 * clock, and a simulated clock may do worse), so on every wake the monotonic clock is read and the rest is
 * slept again. Nothing is left behind, neither timer nor listener, however it ends.
 */
import type { Cancel, Clock } from './clock.ts';
import { ArgumentRangeError } from './errors.ts';
import { msFromNsUp, nsFromMsUp } from './rounding.ts';

export interface SleepOptions {
  /** Ends the sleep: the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** A background sleep does not keep the process alive. Default `false`. */
  readonly background?: boolean;
}

/**
 * Resolves once at least `delayMs` (fractions allowed) have passed on the clock's monotonic clock.
 * It may be any amount later.
 *
 * Rejects with `signal.reason` when aborted, before or during the sleep; with an ArgumentTypeError or
 * ArgumentRangeError when `delayMs` is negative, not finite, or not within int64 nanoseconds.
 *
 * @example await sleep(clock, 250, { signal: AbortSignal.timeout(100) }) // rejects with TimeoutError
 */
export function sleep(clock: Clock, delayMs: number, options: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal, background = false } = options;
    const delayNs = nsFromMsUp(delayMs, 'delayMs');
    if (delayNs < 0n) throw new ArgumentRangeError('delayMs', '0 or more', delayMs);
    signal?.throwIfAborted();
    const deadline = clock.monotonicNs() + delayNs;
    let cancel: Cancel;

    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const onTimer = (): void => {
      const restNs = deadline - clock.monotonicNs();
      if (restNs > 0n) {
        cancel = clock.setTimer(msFromNsUp(restNs), onTimer, { background });
      } else {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }
    };
    cancel = clock.setTimer(delayMs, onTimer, { background });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
