/** What the pages of the tests in Chromium run; the tests call it as `lab`. Bundled from dist. */
import { acrossTabs, measuredClock } from '../../dist/browser.js';
import { httpTime, serverTimingSource } from '../../dist/http.js';
import { BoundedClock, systemClock } from '../../dist/index.js';

/** `source`, of whose samples and misses `on` is told. */
const watched = (source, on) => ({
  name: source.name,
  maxEndpoints: 1,
  get restsOn() {
    return source.restsOn;
  },
  start: (sink) =>
    source.start(
      Object.create(sink, {
        sample: {
          value: (sample) => {
            sink.sample(sample);
            on.sample?.(sample);
          },
        },
        miss: {
          value: (id, reason, details) => {
            sink.miss(id, reason, details);
            on.miss?.(reason);
          },
        },
      }),
    ),
});

/** A reading, with the page's clock before and after it. */
const read = (clock) => {
  const before = performance.now();
  const interval = clock.tryNow();
  const after = performance.now();
  if (interval === undefined) return undefined;
  return { before, after, earliest: String(interval.earliest), latest: String(interval.latest) };
};

/** A sample and the reading after it, as a page can hand them out. */
const told = ({ sentAt, receivedAt, upperNs, lowerNs, pathDelayNs }, clock) => ({
  sentAt: Number(sentAt),
  receivedAt: Number(receivedAt),
  upper: String(upperNs),
  lower: String(lowerNs),
  path: Number(pathDelayNs),
  reading: read(clock),
});

const clockOf = (measured) => (measured ? measuredClock() : systemClock());
const clocks = new Map();

globalThis.lab = {
  now: () => performance.now(),
  isolated: () => globalThis.crossOriginIsolated,
  grid: (measured) => Number(clockOf(measured).monotonicGridNs),

  /** `count` samples of each of `urls`, with a reading after each; misses by reason. */
  async sample({ urls, count, measured, ownReadingsOnly, mode }) {
    const samples = [];
    const misses = {};
    // An entry of another URL is not that of the request: then the bracket is the page's own.
    const disguised = (url, init) => fetch(ownReadingsOnly ? `${url}&disguised` : url, init);
    const special = (url, init) => fetch(url, { ...init, mode, redirect: 'follow' });
    const options = {
      pollIntervalMs: 5,
      timeoutMs: 3000,
      fetch: mode !== undefined ? special : disguised,
    };
    await Promise.all(
      urls.map(
        (url) =>
          new Promise((resolve) => {
            let left = count;
            const done = () => {
              if (--left > 0) return;
              clock.stop();
              resolve();
            };
            const sample = (heard) => {
              samples.push(told(heard, clock));
              done();
            };
            const miss = (reason) => {
              misses[reason] = (misses[reason] ?? 0) + 1;
              done();
            };
            const source = watched(httpTime(url, options), { sample, miss });
            const clock = BoundedClock.start({ sources: [source], clock: clockOf(measured) });
          }),
      ),
    );
    return { samples, misses };
  },

  /** Starts a clock that goes on; `read` reads it. */
  async start({ name, url, pollIntervalMs, shared }) {
    const source = httpTime(url, { pollIntervalMs });
    const sources = [shared === undefined ? source : acrossTabs(source, { name: shared })];
    const clock = BoundedClock.start({ sources });
    clocks.set(name, clock);
    await clock.waitSynced({ timeoutMs: 10_000 });
  },
  read: (name) => read(clocks.get(name)),
  explain: (name) => clocks.get(name).explain().toJSON(),
  stop: (name) => clocks.get(name).stop(),

  /** Ordinary replies of an API, each of which is a sample. */
  async listen({ origin, url, count }) {
    const samples = [];
    const source = watched(serverTimingSource({ origin }), {
      sample: (sample) => samples.push(told(sample, clock)),
    });
    const clock = BoundedClock.start({ sources: [source] });
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let i = 0; i < count; i++)
      await (await fetch(`${url}?${i}`, { cache: 'no-store' })).text();
    for (let i = 0; i < 40 && samples.length < count; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    clock.stop();
    return { samples, misses: {} };
  },
};
document.title = 'ready';
