/**
 * A source of time that asks nothing: it listens to the replies that a page gets anyway.
 *
 * A reply stamped by `serverTiming` comes with the stamps of Resource Timing in one entry, which
 * the browser pairs. There is no nonce. So a reply that a cache had stored would say an old time,
 * and a page cannot see the caches between it and the server. What is done about that:
 *
 * - Entries that tell of the browser's own store, a service worker or a redirect are left out.
 * - A stored reply lies in one direction only. What it says is too early, which its lower fact may
 *   be. Its upper fact is refused when it contradicts a lower fact of an earlier reply (`stale`).
 * - Servers send `no-store` with a stamped reply: an assumption of this source.
 */
import type { ClockSample } from '../../bound/clock-sample.ts';
import type { RunningSource, SourceSink, TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../time/errors.ts';
import type { MonotonicNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { AskMiss } from '../ask-miss.ts';
import { reasonOf } from '../cause.ts';
import { sampleOf } from '../sample-from.ts';
import { AgedFacts } from './aged-facts.ts';
import { onAttention } from './attention.ts';
import { type Page, type TimingEntry, type TimingObserver, thisPage } from './page.ts';
import { isDirect, readingOf, readsPerformance } from './resource-timing.ts';
import { type Basis, factsOf, METRIC, readDescription, restsOnClaimOf } from './statement.ts';

/** Options of {@link serverTimingSource}. */
export interface ServerTimingSourceOptions {
  /** Whose replies count: `'https://api.shop.example'`. Default: those of the page's own origin. */
  readonly origin?: string | undefined;
}

const NAMES: Readonly<Record<keyof ServerTimingSourceOptions, true>> = { origin: true };
/** For how long a sample counts as fresh: three of these. */
const INTERVAL_MS = 30_000;

/**
 * Each reply of `origin` that its server stamped by `serverTiming` is a sample: no further request
 * is made. It is one vote. It needs a browser, or there is never a sample.
 *
 * Misses: `quiet` (no stamped reply has come since the clock asked), `unsynchronized` (the server's
 * clock has no bound), `stale` (a cache had stored the reply), `no-resource-timing` (this runtime
 * has no Resource Timing, or the clock is not that of the page), `malformed`, `version`,
 * `root-distance`, `hold-time`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `origin` is not one, or left out where there
 *   is no page
 * @example
 * const source = serverTimingSource({ origin: 'https://api.shop.example' });
 * source.name // 'server-timing:https://api.shop.example'
 */
export function serverTimingSource(options: ServerTimingSourceOptions = {}): TimeSource {
  return serverTimingSourceOf(thisPage, options);
}

/** As {@link serverTimingSource}, in any page. */
export function serverTimingSourceOf(
  page: Page,
  options: ServerTimingSourceOptions = {},
): TimeSource {
  const origin = originOf(checkOptionNames(options, NAMES).origin ?? page.location?.origin);
  const name = `server-timing:${origin}`;
  const basis: { last: Basis | undefined } = { last: undefined };
  return {
    name,
    maxEndpoints: 1,
    timescale: 'utc',
    get restsOn() {
      return restsOnClaimOf(origin, basis.last);
    },
    start: (sink) => new Listening({ page, origin, name, basis }, sink),
  };
}

function originOf(given: unknown): string {
  if (typeof given !== 'string') {
    throw new ArgumentTypeError('origin', "a string such as 'https://api.shop.example'", given);
  }
  if (/^https?:\/\/[^/?#@\s]{1,230}$/.test(given)) {
    try {
      return new URL(given).origin;
    } catch {} // it is refused below
  }
  throw new ArgumentRangeError('origin', "such as 'https://api.shop.example'", given);
}

interface Settings {
  readonly page: Page;
  readonly origin: string;
  readonly name: string;
  readonly basis: { last: Basis | undefined };
}

class Listening implements RunningSource {
  readonly pollIntervalMs: number = INTERVAL_MS;
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  readonly #facts: AgedFacts;
  /** What the clock is told when it asks: nothing has come, or nothing can come. */
  #silence: 'quiet' | 'no-resource-timing' = 'quiet';
  #observer: TimingObserver | undefined;
  readonly #endAttention: () => void;
  /** Requests that began before this reading do not count. */
  #validFrom: MonotonicNs;
  #begun = false;
  #cancel: () => void;

  constructor(settings: Settings, sink: SourceSink) {
    this.#settings = settings;
    this.#sink = sink;
    this.#facts = new AgedFacts(sink);
    this.#validFrom = sink.clock.monotonicNs();
    this.#endAttention = onAttention(settings.page, () => sink.checkJump?.());
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancel = sink.clock.nextTurn(() => this.#begin());
  }

  /**
   * The clock has lost its bound, perhaps by a leap second: what was heard before may be false.
   * Nobody can be asked. But the clock waits until each source has spoken.
   */
  burst(): void {
    this.#facts.drop();
    if (!this.#begun) return;
    this.#cancel();
    this.#cancel = this.#sink.clock.nextTurn(() => this.#miss(this.#silence));
  }

  /** The clocks have jumped: a request under way began before, and proves nothing. */
  discardInFlight(): void {
    this.#facts.drop();
    this.#validFrom = this.#sink.clock.monotonicNs();
  }

  stop(): void {
    this.#cancel();
    this.#endAttention();
    this.#observer?.disconnect();
  }

  #begin(): void {
    const { page, name } = this.#settings;
    const { PerformanceObserver } = page;
    this.#begun = true;
    this.#sink.endpoints([name]);
    try {
      if (PerformanceObserver !== undefined && readsPerformance(this.#sink.clock, page)) {
        this.#observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as TimingEntry[]) this.#onEntry(entry);
        });
        this.#observer.observe({ type: 'resource' });
      }
    } catch {
      this.#observer = undefined; // an old runtime, which observes other things only
    }
    if (this.#observer === undefined) this.#silence = 'no-resource-timing';
    this.#miss(this.#silence);
  }

  #onEntry(entry: TimingEntry): void {
    const { origin } = this.#settings;
    if (!entry.name.startsWith(`${origin}/`) || !isDirect(entry)) return;
    const metric = entry.serverTiming?.find(({ name }) => name === METRIC);
    if (metric === undefined) return;
    let sample: ClockSample;
    try {
      sample = this.#sampleOf(entry, metric.description);
    } catch (error) {
      this.#miss(reasonOf(error) ?? 'malformed');
      return;
    }
    if (sample.sentAt < this.#validFrom) return;
    if (this.#facts.isStale(sample)) {
      this.#miss('stale');
      return;
    }
    this.#facts.take(sample);
    this.#sink.sample(sample);
  }

  /** @throws AskMiss */
  #sampleOf(entry: TimingEntry, description: string): ClockSample {
    const said = readDescription(description);
    this.#settings.basis.last = said.basis;
    // The stamps came with the head. Where the browser does not tell when that came, the end of the
    // reply is later and so as true.
    const { requestStart, finalResponseHeadersStart = 0, responseEnd } = entry;
    const sentAt = readingOf(requestStart);
    const receivedAt = readingOf(
      finalResponseHeadersStart > 0 ? finalResponseHeadersStart : responseEnd,
    );
    const localGridNs = this.#sink.clock.monotonicGridNs;
    if (receivedAt < sentAt) throw new AskMiss('malformed');
    // The server's clock may have been corrected between its two stamps.
    const longest = receivedAt - sentAt + localGridNs + 2n * said.errorNs;
    if (said.sentNs - said.receivedNs > longest) {
      throw new AskMiss('hold-time');
    }
    const sourceId = this.#settings.name;
    return sampleOf({ ...factsOf(said), sourceId, sentAt, receivedAt, localGridNs });
  }

  #miss(reason: string): void {
    this.#sink.miss(this.#settings.name, reason);
  }
}
