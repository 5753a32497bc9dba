/** Waiting for the first bound: what `BoundedClock.waitSynced` is made of. */
import type { Cancel, Clock } from '../time/clock.ts';
import { checkNumber, checkObject } from '../time/errors.ts';
import type { ClockUnsynchronizedError } from './reading.ts';

/** Options of `waitSynced`. */
export interface WaitSyncedOptions {
  /** Give up after this long, ms. Default 10,000; `Infinity` waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface WaitSyncedInput {
  readonly clock: Clock;
  /** Functions to call after each publication; absent where none is learned of. */
  readonly publishListeners: Set<() => void> | undefined;
  readonly bounded: () => boolean;
  readonly stopped: () => boolean;
  /** Brings the publication up to date. Throws where the clock must not be used. */
  readonly refresh: () => void;
  /** What to reject with after the timeout, or when the clock is stopped. */
  readonly error: () => ClockUnsynchronizedError;
}

const MAX_TIMER_MS = 2 ** 31 - 1;
/** How often a bound is looked for where no publication is learned of. */
const POLL_EVERY_MS = 5;

/** Resolves once there is a bound. Keeps the process alive while it waits. */
export function waitSynced(options: WaitSyncedOptions, input: WaitSyncedInput): Promise<void> {
  const { clock, publishListeners, bounded, stopped, refresh, error } = input;
  return new Promise((resolve, reject) => {
    const { timeoutMs = 10_000, signal } = checkObject('options', options);
    checkNumber('timeoutMs', timeoutMs, 0, Number.POSITIVE_INFINITY);
    signal?.throwIfAborted();
    const nowMs = (): number => Number(clock.monotonicNs()) / 1e6;
    const deadlineMs = nowMs() + timeoutMs;
    let cancelTimer: Cancel = () => {};
    const finish = (settle: () => void): void => {
      cancelTimer();
      publishListeners?.delete(check);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal?.reason));
    const longestMs = publishListeners ? MAX_TIMER_MS : POLL_EVERY_MS;
    let settled = false;
    const check = (): void => {
      settled = bounded() || stopped();
      if (settled) finish(bounded() ? resolve : () => reject(error()));
    };
    const onTimer = (): void => {
      if (!publishListeners) check();
      if (settled) return;
      const leftMs = deadlineMs - nowMs();
      if (leftMs > 0) cancelTimer = clock.setTimer(Math.min(leftMs, longestMs), onTimer);
      else finish(() => reject(error()));
    };
    // The bound may have ended since the last tick.
    refresh();
    publishListeners?.add(check);
    signal?.addEventListener('abort', onAbort);
    check();
    if (!settled) onTimer();
  });
}
