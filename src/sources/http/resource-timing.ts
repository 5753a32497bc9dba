/**
 * The two instants nearest to the wire that a page can learn of (W3C Resource Timing).
 *
 * `requestStart` is read immediately before the request leaves, and `finalResponseHeadersStart`
 * when the first byte of the final reply comes. A page's own readings around `fetch` also hold the
 * time to set up a connection, to wait for a free one, and to be called back.
 *
 * Each end is used on its own, and only where it is certain:
 *
 * - The entry is that of our request: its URL has our nonce. Its times are not 0, which is what a
 *   browser says to pages of another origin without `Timing-Allow-Origin`.
 * - Nothing stood in between: no service worker, cache or redirect. A stored reply has the times at
 *   which the store was read.
 * - The reply's beginning counts only if the head of the reply had the server's stamps in it
 *   (`Server-Timing`), and the same as the body. A proxy may send a head before the server has
 *   answered, and then the head would be older than the stamp.
 * - `responseStart` is not used. After an interim reply (103 Early Hints) it is the time of that.
 * - The clock of the source reads `performance.now()` itself. Then an entry's times are readings of
 *   it, with the same grid. `performance.timeOrigin` is not exact enough to go from one to another.
 *
 * Whatever is used must lie inside the page's own readings.
 *
 * Entries come from an observer of our own. The page's buffer has room for 250, and to clear it
 * would take it from the page's own tools.
 */
import type { Clock } from '../../time/clock.ts';
import { asMonotonicNs, type MonotonicNs } from '../../time/instant.ts';
import { nsFromFineMs } from '../../time/system-clock.ts';
import { type Bracket, innerBracket } from '../polling-source.ts';
import type { Page, TimingEntry } from './page.ts';
import { descriptionOf, METRIC, type Statement } from './statement.ts';

/** How long to wait for an entry after the reply has been read. They come within milliseconds. */
const ENTRY_TIMEOUT_MS = 250;

/** The entry of one request that is about to be sent. */
export class TimingWatch {
  readonly #entry: Promise<TimingEntry | undefined>;
  #settle: (entry: TimingEntry | undefined) => void = () => {};
  readonly #clock: Clock;

  /** Watches from now on. `signal` ends it. */
  constructor(url: string, { PerformanceObserver }: Page, clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    if (PerformanceObserver === undefined) {
      this.#entry = Promise.resolve(undefined);
      return;
    }
    const observer = new PerformanceObserver((list) => {
      const entry = (list.getEntries() as TimingEntry[]).find(({ name }) => name === url);
      if (entry !== undefined) this.#settle(entry);
    });
    this.#entry = new Promise((resolve) => {
      this.#settle = (entry) => {
        observer.disconnect();
        signal.removeEventListener('abort', end);
        resolve(entry);
      };
      const end = (): void => this.#settle(undefined);
      signal.addEventListener('abort', end);
      try {
        observer.observe({ type: 'resource' });
      } catch {
        end(); // an old runtime, which observes other things only
      }
    });
  }

  /** The entry of this very request, once the reply was read; `undefined` when none comes. */
  async entry(): Promise<TimingEntry | undefined> {
    const give = (): void => this.#settle(undefined);
    const cancel = this.#clock.setTimer(ENTRY_TIMEOUT_MS, give, { background: true });
    try {
      return await this.#entry;
    } finally {
      cancel();
    }
  }
}

/** `outer`, with each end that `entry` certainly knows better replaced. */
export function narrowed(outer: Bracket, entry: TimingEntry | undefined, said: Statement): Bracket {
  if (entry === undefined || !isDirect(entry)) return outer;
  const { requestStart, finalResponseHeadersStart = 0, serverTiming = [] } = entry;
  const stamped = serverTiming.some(
    ({ name, description }) => name === METRIC && description === descriptionOf(said),
  );
  return innerBracket(outer, {
    sentAt: readingOf(requestStart),
    receivedAt:
      stamped && finalResponseHeadersStart > 0
        ? readingOf(finalResponseHeadersStart)
        : outer.receivedAt,
  });
}

/** Whether the reply came from the network, without anything in between, and its times are told. */
export function isDirect(entry: TimingEntry): boolean {
  const { requestStart, workerStart = 0, redirectStart = 0, deliveryType = '' } = entry;
  const stored = deliveryType !== '' || entry.transferSize === 0;
  return requestStart > 0 && workerStart === 0 && redirectStart === 0 && !stored;
}

/** Whether `clock` reads `performance.now()` itself: an entry's times are then readings of it. */
export function readsPerformance(clock: Clock, { performance }: Page): boolean {
  if (performance === undefined) return false;
  const before = clock.monotonicNs();
  const between = nsFromFineMs(performance.now());
  return before <= between && between <= clock.monotonicNs();
}

/** An entry's time as a reading of the clock, ns, rounded down as its own are. */
export function readingOf(ms: number): MonotonicNs {
  return asMonotonicNs(nsFromFineMs(ms));
}
