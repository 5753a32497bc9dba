/**
 * What the rows need: sources that reply without a network, and samples like those of a network.
 */
import {
  BoundedClock,
  type Clock,
  type ClockSample,
  type SourceSink,
  type TimeSource,
} from 'epsilon-clock';
import { monotonicNs } from 'epsilon-clock/time';
import type { Outcome } from '../src/bound/bound.ts';
import { BoundEngine } from '../src/bound/bound-engine.ts';
import { maxRateFromPpm } from '../src/bound/drift.ts';
import { rateAssumptions } from '../src/bound/learned/rate-assumptions.ts';

const SECOND = 1_000_000_000n;

/**
 * A source that replies once, at the start, with a bound of plus and minus `uncertaintyNs`. Adds
 * the sink that it is given to `sinks`.
 */
function source(name: string, sinks: SourceSink[], uncertaintyNs?: bigint): TimeSource {
  return {
    name,
    start(sink) {
      sinks.push(sink);
      setImmediate(() => {
        sink.endpoints([name]);
        sink.sample(sampleNow(name, sink.clock, uncertaintyNs));
      });
      return { pollIntervalMs: 64_000, burst() {}, discardInFlight() {}, stop() {} };
    },
  };
}

/**
 * A sample received now. By default the path takes 0.5 ms each way, and the server is right to
 * 0.1 ms.
 */
export function sampleNow(
  sourceId: string,
  clock: Clock,
  uncertaintyNs: bigint = 600_000n,
): ClockSample {
  const receivedAt = clock.monotonicNs();
  const theta = clock.wallNs() - receivedAt;
  const pathDelayNs = uncertaintyNs < 600_000n ? 0n : 1_000_000n;
  return {
    sourceId,
    sentAt: monotonicNs(receivedAt - pathDelayNs),
    receivedAt,
    upperNs: theta + uncertaintyNs,
    lowerNs: theta - uncertaintyNs,
    pathDelayNs,
    serverErrorNs: uncertaintyNs - pathDelayNs / 2n,
    leap: 'none',
  };
}

/**
 * A bounded clock on the system clock, synchronised by `sources` sources, each to
 * `uncertaintyNs`.
 */
export async function boundedClock(
  sources: number,
  options: {
    readonly uncertaintyNs?: bigint;
    readonly hostClock?: 'disciplined' | 'free-running';
  } = {},
): Promise<{ clock: BoundedClock; sinks: readonly SourceSink[] }> {
  const sinks: SourceSink[] = [];
  const names = Array.from({ length: sources }, (_, i) => `source-${i}`);
  const clock = BoundedClock.start({
    sources: names.map((name) => source(name, sinks, options.uncertaintyNs)),
    hostClock: options.hostClock ?? 'disciplined',
  });
  await clock.waitSynced();
  return { clock, sinks };
}

/**
 * A bounded clock that has learned the local rate, so the bound that it publishes grows along a
 * parabola. It takes two rounds of samples, more than a second apart and right to 1 us.
 */
export async function learnedClock(sources: number): Promise<BoundedClock> {
  const { clock, sinks } = await boundedClock(sources, { hostClock: 'free-running' });
  // Two rounds suffice, unless a pause of the machine makes the first one worthless.
  for (let round = 0; round < 6; round++) {
    sinks.forEach((sink, i) => {
      sink.sample(sampleNow(`source-${i}`, sink.clock, 1000n));
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { basis, rate, maxDriftPpm } = clock.explain();
    if (basis === 'learned-rate' && rate !== undefined && rate.upperPpm < maxDriftPpm) return clock;
  }
  throw new Error('the clock learned no rate');
}

/**
 * `count` samples of `sources` sources that are polled in turn, each once a second, over paths of 1
 * to 10 ms each way. No two are equal, and every run has the same.
 */
export function samples(sources: number, count: number): ClockSample[] {
  let seed = 1;
  const delay = (): bigint => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return 1_000_000n + BigInt(seed % 9_000_000);
  };
  const theta = 1_795_000_000n * SECOND;
  const serverErrorNs = 100_000n;
  return Array.from({ length: count }, (_, i) => {
    const there = delay();
    const back = delay();
    const sentAt = 100n * SECOND + (BigInt(i) * SECOND) / BigInt(sources);
    const receivedAt = sentAt + there + back;
    return {
      sourceId: `source-${i % sources}`,
      sentAt: monotonicNs(sentAt),
      receivedAt: monotonicNs(receivedAt),
      upperNs: theta + there + serverErrorNs,
      lowerNs: theta - back - serverErrorNs,
      pathDelayNs: there + back,
      serverErrorNs,
      leap: 'none',
    };
  });
}

/** The default assumptions of a free-running host. */
const FREE_RUNNING = {
  maxDriftPpm: 500,
  jitterPpm: 1,
  wanderPpmPerSecond: 0.1,
  maxWanderPpm: 25,
  horizonMs: 3_600_000,
};

/** An engine without samples. */
export function engineOf(sources: number, learning = false): BoundEngine {
  const engine = new BoundEngine({
    maxRate: maxRateFromPpm(learning ? FREE_RUNNING.maxDriftPpm : 200),
    learning: learning ? rateAssumptions(FREE_RUNNING) : undefined,
    gridNs: 280,
    expireAfterNs: 3_600_000_000_000,
  });
  engine.setSources(Array.from({ length: sources }, (_, i) => `source-${i}`));
  return engine;
}

/**
 * Accepts one sample per call, and starts over with a new engine when all are used up. That must be
 * rare, because some of the windows in which bytes are counted must be without it.
 */
export function ingesting(sources: number, learning = false): () => Outcome {
  const stream = samples(sources, 25_000);
  let engine = engineOf(sources, learning);
  let next = 0;
  return () => {
    if (next === stream.length) {
      next = 0;
      engine = engineOf(sources, learning);
    }
    return engine.ingest(stream[next++] as ClockSample);
  };
}
