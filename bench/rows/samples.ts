/** The cost of an agreement and of a sample. */
import { systemClock } from 'epsilon-clock';
import { agreement, timeInterval } from 'epsilon-clock/interval';
import { unixNs } from 'epsilon-clock/time';
import { newSourceState } from '../../src/bound/source-state.ts';
import { Vote } from '../../src/bound/vote.ts';
import type { Row } from '../row.ts';
import { boundedClock, ingesting, sampleNow } from '../worlds.ts';
import { kept, MASK } from './kept.ts';

/** Intervals that overlap in the middle, except every third one, a liar. They are in no order. */
export function hulls(n: number): Row[] {
  const faulty = Math.floor((n - 1) / 2);
  const middle = (i: number): bigint =>
    i % 3 === 2 ? 90_000_000n : BigInt((i * 7919) % 997) * 1000n;
  const intervals = Array.from({ length: n }, (_, i) =>
    timeInterval({
      earliest: unixNs(10_000_000n + middle(i)),
      latest: unixNs(20_000_000n + middle(i)),
    }),
  );
  const vote = new Vote();
  const sources = intervals.map(({ earliest, latest }, i) => {
    const source = newSourceState(`source-${i}`);
    source.cone.known = true;
    return Object.assign(source, { lo: Number(earliest), hi: Number(latest) });
  });
  return [
    {
      id: `agreement.hull.${n}`,
      batch: 100,
      operation: `the hull of ${n - faulty} of ${n} sources, as the engine computes it`,
      run: () => vote.take(sources, n, faulty),
      maxBytes: 0,
    },
    {
      id: `agreement.${n}`,
      batch: 100,
      operation: `\`agreement()\` of ${n} sources`,
      run: (i) => {
        kept[i & MASK] = agreement(intervals, { maxFaulty: faulty });
      },
    },
  ];
}

export async function ingest(): Promise<Row[]> {
  const { sinks } = await boundedClock(5);
  const clock = systemClock();
  return [
    ...hulls(5),
    ...hulls(20),
    {
      id: 'engine.ingest.5',
      batch: 100,
      operation: 'one sample into the bound engine, 5 sources',
      run: ingesting(5),
      maxBytes: 0,
      target: { ns: 5000 },
    },
    {
      id: 'engine.learn.5',
      batch: 100,
      operation: 'the same where the rate is learned',
      run: ingesting(5, true),
      maxBytes: 0,
      target: { ns: 10_000 },
    },
    {
      id: 'clock.sample.5',
      batch: 100,
      operation: 'one sample from a source to the published page, 5 sources',
      run: (i) => {
        const k = i % 5;
        sinks[k]?.sample(sampleNow(`source-${k}`, clock));
      },
    },
  ];
}
