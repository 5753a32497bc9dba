/**
 * Waiting until every endpoint has answered or was missed: what `BoundedClock.pollNow` is made of.
 *
 * An outcome counts if its exchange began at or after the call. An exchange that was under way
 * shows the network as it was before, and the caller may know that it has changed. Endpoints come
 * and go meanwhile (a name gets its first address, a silent server gives way to another). Each
 * endpoint of the present must have been heard once. The clock publishes after every outcome and
 * every change of endpoints, so the condition is checked after each publication.
 */
import type { Cancel, Clock } from '../time/clock.ts';
import type { Endpoint } from './explain.ts';

/** Options of `BoundedClock.pollNow`. */
export interface PollNowOptions {
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface AwaitOutcomes {
  readonly clock: Clock;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Functions to call after each publication of the clock. */
  readonly publishListeners: Set<() => void>;
  readonly stopped: () => boolean;
  readonly signal: AbortSignal | undefined;
  /** Asks every source. */
  readonly ask: () => void;
}

/**
 * The period of the timer that keeps the process alive: rare, and within the range of every timer.
 */
const KEEP_ALIVE_MS = 60_000;

/** Rejects with the signal's reason on abort. */
export function awaitOutcomes(options: AwaitOutcomes): Promise<void> {
  const { clock, endpoints, publishListeners, stopped, signal, ask } = options;
  const askedAt = clock.monotonicNs();
  const pollsBefore = new Map([...endpoints].map(([id, { polls }]) => [id, polls]));
  const heard = ({ id, polls, lastStartedAt }: Endpoint): boolean =>
    polls > (pollsBefore.get(id) ?? 0) && (lastStartedAt === undefined || lastStartedAt >= askedAt);
  return new Promise((resolve, reject) => {
    let cancelTimer: Cancel;
    const keepAlive = (): void => {
      cancelTimer = clock.setTimer(KEEP_ALIVE_MS, keepAlive);
    };
    const finish = (settle: () => void): void => {
      cancelTimer();
      publishListeners.delete(check);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal?.reason));
    const check = (): void => {
      if (stopped() || [...endpoints.values()].every(heard)) finish(resolve);
    };
    keepAlive();
    publishListeners.add(check);
    signal?.addEventListener('abort', onAbort);
    ask();
  });
}
