/**
 * Sleeping on a clock. A timer is only a hint: `setTimeout` fires up to a millisecond early on the
 * monotonic clock, and a simulated clock may do worse. So every wake-up reads the monotonic clock
 * and sleeps again for the rest. However the sleep ends, it leaves neither timer nor listener
 * behind.
 */
import type { Cancel, Clock } from './clock.ts';
import { ArgumentRangeError, checkMethods, checkObject } from './errors.ts';
import { msFromNsUp, nsFromMsUp } from './rounding.ts';

/** Options of {@link sleep}. */
export interface SleepOptions {
  /** Ends the sleep: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** A background sleep does not keep the process alive. Default `false`. */
  readonly background?: boolean | undefined;
}

/**
 * Resolves once at least `delayMs` (fractions allowed) have passed on the clock's monotonic clock.
 * It may resolve any amount later.
 *
 * Rejects, and never throws:
 *
 * - with `signal.reason` when the signal aborts, before or during the sleep
 * - with an ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `clock`, `delayMs` or `options` has the
 *   wrong type
 * - with an ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `delayMs` is negative, not finite, or
 *   outside int64 nanoseconds
 *
 * @example await sleep(systemClock(), 2.5, { signal });
 */
export function sleep(clock: Clock, delayMs: number, options: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    checkMethods('clock', 'a Clock', clock, ['monotonicNs', 'setTimer']);
    const { signal, background = false } = checkObject('options', options);
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
