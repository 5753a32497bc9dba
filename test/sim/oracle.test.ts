import { expect, test } from 'vitest';
import { Oracle } from '../../src/sim/oracle.ts';
import { Random } from '../../src/sim/random.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { TraceHash } from '../../src/sim/trace-hash.ts';
import { WidthHistogram } from '../../src/sim/width-histogram.ts';
import { unixNs } from '../../src/time/instant.ts';

const NS_PER_SECOND = 1_000_000_000n;

function around(scheduler: Scheduler, below: bigint, above: bigint) {
  const now = scheduler.trueNs();
  return { earliest: unixNs(now - below), latest: unixNs(now + above) };
}

// below and above: how far the interval reaches from the truth, which is at 0.
test.for([
  [0n, 0n, undefined],
  [5n, 0n, undefined],
  [-1n, 5n, -1n], // begins after the truth
  [5n, -1n, 1n], // ends before the truth
])('an interval from -%i to +%i ns misses by %s', ([below, above, missedBy]) => {
  const scheduler = new Scheduler();
  const oracle = new Oracle(scheduler, 'replay me');
  scheduler.at(3, () => oracle.judge('c', () => around(scheduler, below!, above!)));
  scheduler.run(10);
  expect(oracle.violations[0]?.missedByNs).toBe(missedBy);
  expect(oracle.summary().violations).toBe(missedBy === undefined ? 0 : 1);
  if (missedBy !== undefined) {
    expect(oracle.violations[0]).toMatchObject({ reader: 'c', eventIndex: 1, elapsedNs: 3 });
    expect(oracle.report()).toContain('replay me');
  }
});

test('a reading that was pre-empted inside the call is judged over the whole call', () => {
  const scheduler = new Scheduler();
  const oracle = new Oracle(scheduler, '');
  scheduler.at(0, () => {
    oracle.judge('read first', () => {
      const interval = around(scheduler, 1n, 1n);
      scheduler.stall(1000);
      return interval;
    });
    oracle.judge('read last', () => {
      scheduler.stall(1000);
      return around(scheduler, 1n, 1n);
    });
  });
  scheduler.run(10);
  expect(oracle.summary()).toMatchObject({ readings: 2, violations: 0 });
});

// The call began 5 ns before the step and ended 5 ns after it. 23:59:59 is deleted, or comes twice.
test.for([
  ['delete', -5n, 0n, undefined],
  ['delete', -6n, -6n, 1n], // below both
  ['delete', 0n, NS_PER_SECOND - 1n, 1n], // in the second that is left out, 1 ns from either side
  ['delete', NS_PER_SECOND, NS_PER_SECOND + 5n, undefined],
  ['delete', NS_PER_SECOND + 6n, NS_PER_SECOND + 6n, -1n],
  ['insert', -5n, -1n, undefined],
  ['insert', 0n, 0n, -1n],
  ['insert', -NS_PER_SECOND, -NS_PER_SECOND + 5n, undefined],
  ['insert', -NS_PER_SECOND + 6n, -6n, -1n], // between the two
] as const)('%s: a reading across it from %i to %i ns misses by %s', ([kind, from, to, missed]) => {
  const originNs = unixNs(1_798_761_500n * NS_PER_SECOND);
  const leapSecondAtNs = unixNs(1_798_761_600n * NS_PER_SECOND);
  const scheduler = new Scheduler({ originNs, leapSecondAtNs, leapSecondKind: kind });
  const oracle = new Oracle(scheduler, '');
  const stepNs = kind === 'delete' ? leapSecondAtNs - NS_PER_SECOND : leapSecondAtNs;
  scheduler.at(Number(stepNs - originNs) - 5, () => {
    oracle.judge('c', () => {
      scheduler.stall(10);
      return { earliest: unixNs(stepNs + from), latest: unixNs(stepNs + to) };
    });
  });
  scheduler.run(200e9);
  expect(oracle.violations[0]?.missedByNs).toBe(missed);
  expect(oracle.summary().violations).toBe(missed === undefined ? 0 : 1);
});

test('the summary counts availability, widths and the first bound', () => {
  const scheduler = new Scheduler();
  const oracle = new Oracle(scheduler, '');
  for (let i = 0; i < 100; i++) {
    const has = i >= 20;
    scheduler.at(i * 1000, () =>
      oracle.judge('c', () => (has ? around(scheduler, 100n * BigInt(i), 0n) : undefined)),
    );
  }
  scheduler.run(1e6);
  const summary = oracle.summary();
  expect(summary).toMatchObject({ readings: 100, availability: 0.8, firstBoundNs: 20_000 });
  expect(summary.meanNs).toBeCloseTo(50 * 59.5, 6);
  expect(summary.p50Ns / (50 * 59)).toBeCloseTo(1, 1);
  expect(summary.p99Ns / (50 * 99)).toBeCloseTo(1, 1);
});

test('quantiles are right to 1 %', () => {
  const random = new Random(1);
  const histogram = new WidthHistogram();
  const all = Array.from({ length: 5001 }, () => random.pareto(100, 1));
  for (const width of all) histogram.add(width);
  all.sort((a, b) => a - b);
  for (const share of [0.01, 0.5, 0.9, 0.99]) {
    const exact = all[Math.ceil(share * all.length) - 1]!;
    expect(histogram.quantile(share) / exact).toBeGreaterThan(0.999);
    expect(histogram.quantile(share) / exact).toBeLessThan(1.0101);
  }
  expect(new WidthHistogram().quantile(0.5)).toBeNaN();
});

test('the trace hash tells apart order, sign, high bits and low bits', () => {
  const digest = (...values: bigint[]) => {
    const hash = new TraceHash();
    for (const value of values) hash.add(value);
    return hash.digest();
  };
  const different = [[], [0n], [1n], [-1n], [1n, 2n], [2n, 1n], [1n << 32n], [1n << 62n]].map((v) =>
    digest(...v),
  );
  expect(new Set(different).size).toBe(different.length);
  expect(digest(5n, 6n)).toBe(digest(5n, 6n));
  expect(different[0]).toMatch(/^[0-9a-f]{16}$/);
});
