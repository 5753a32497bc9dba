import { describe, expect, it } from 'vitest';
import { intervalOf, provenanceOf } from '../../src/bound/engine-views.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';
import { EngineHarness, MS, SECOND } from '../kit/samples.ts';

// What 1 s adds at the default R of 0.0002: 200,000 ns, and 1 ns of rounding for each ageing.
const GROWN_1S = 200_001n;
const HOUR = 3600n * SECOND;

describe('one source', () => {
  it('gives each fact its own instant: the upper ages from sentAt, the lower from receivedAt', () => {
    const harness = new EngineHarness(['a']);
    const sent = 10n * SECOND;
    const received = 11n * SECOND;
    expect(harness.at(received)).toBe('starting');
    const facts = { sentAt: sent, receivedAt: received, lower: -40n, upper: 60n };
    expect(harness.ingest(facts)).toBe('bounded');
    // At receivedAt the lower fact is new, the upper one a second old.
    expect(harness.at(received)).toEqual([-40n, 60n + GROWN_1S]);
    // A second later the cone has aged, and is rounded, once more.
    expect(harness.at(12n * SECOND)).toEqual([-40n - GROWN_1S, 60n + 2n * GROWN_1S]);
    // The bound depends on the instant alone: a second call changes nothing.
    expect(harness.at(12n * SECOND)).toEqual([-40n - GROWN_1S, 60n + 2n * GROWN_1S]);
  });

  it('ages the upper fact from one grid before sentAt, since a reading may be a grid behind', () => {
    const harness = new EngineHarness(['a'], { gridNs: 2_000_000 });
    harness.ingest({ sentAt: SECOND, lower: -40n, upper: 60n });
    expect(harness.at(SECOND)).toEqual([-40n, 60n + 400n + 1n]);
  });

  it('keeps the best of each side, which may come from different samples', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 1_000_000n });
    // A second later the memory is [-200001, 1200001]. The new upper fact is better, the lower one
    // worse.
    harness.ingest({ sentAt: SECOND, lower: -300_000n, upper: 900_000n });
    expect(harness.at(SECOND)).toEqual([-GROWN_1S, 900_000n]);
    // Now the lower fact is better and the upper one worse.
    harness.ingest({ sentAt: 2n * SECOND, lower: 100_000n, upper: 5_000_000n });
    expect(harness.at(2n * SECOND)).toEqual([100_000n, 900_000n + GROWN_1S]);
  });

  it('takes a duplicate as nothing new, however often', () => {
    const harness = new EngineHarness(['a']);
    const facts = { sentAt: SECOND, receivedAt: SECOND + 20n * MS, lower: -5n, upper: 7n * MS };
    harness.ingest(facts);
    const before = harness.snapshot(SECOND + 20n * MS);
    for (let i = 0; i < 5; i++) expect(harness.ingest(facts)).toBe('bounded');
    expect(harness.snapshot(SECOND + 20n * MS)).toEqual(before);
  });

  it('ages a late sample forward, and it does not make the bound younger', () => {
    const harness = new EngineHarness(['a'], { expireAfterNs: 100e9 });
    harness.ingest({ sentAt: 10n * SECOND, lower: -2_000_000n, upper: 2_000_000n });
    // Received at 9 s and delivered after the sample of 10 s. At 10 s it says [-1e6 - 200001, 1e6 +
    // 200001].
    harness.ingest({ sentAt: 9n * SECOND, lower: -1_000_000n, upper: 1_000_000n });
    expect(harness.at(10n * SECOND)).toEqual([-1_000_000n - GROWN_1S, 1_000_000n + GROWN_1S]);
    expect(harness.engine.expiresAt()).toBe(110n * SECOND);
  });

  it('forgets its past when it contradicts itself, and answers again from the next sample', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 1000n });
    // 5 ms away after a second, of which R explains 0.2 ms.
    expect(harness.ingest({ sentAt: SECOND, lower: 5n * MS, upper: 5n * MS + 1000n })).toBe(
      'refuted',
    );
    expect(harness.at(SECOND)).toBe('contradiction');
    expect(harness.engine.refuted).toEqual({ assumption: 'A0-or-A1', atNs: SECOND });
    expect(harness.source('a').contradictions).toBe(1);
    // Only the last sample was kept, and the next one confirms it.
    expect(harness.ingest({ sentAt: 2n * SECOND, lower: 5n * MS, upper: 6n * MS })).toBe('bounded');
    expect(harness.at(2n * SECOND)).toEqual([5n * MS, 5n * MS + 1000n + GROWN_1S]);
  });

  it.each([
    ['uptime 1e6 s', 10n ** 15n],
    ['origin 1e17 ns', 10n ** 17n],
    ['negative readings', -(10n ** 17n)],
  ])('rounds as well at %s', (_name, origin) => {
    const harness = new EngineHarness(['a']);
    const theta = 1_795_000_000_123_456_789n - origin;
    const facts = { sentAt: origin, receivedAt: origin + 10n, lower: theta, upper: theta + 1n };
    harness.ingest(facts);
    // The drift of 10 ns is 0.002 ns, which is rounded up, and one more.
    expect(harness.at(origin + 10n)).toEqual([theta, theta + 3n]);
    expect(harness.at(origin + 10n + SECOND)).toEqual([theta - GROWN_1S, theta + 3n + GROWN_1S]);
  });

  it('goes on past 26 days of local time, where its bases move', () => {
    const harness = new EngineHarness(['a'], { expireAfterNs: 86_400e9 });
    const step = 6n * HOUR;
    const grown = 6n * 3600n * 200_000n + 1n;
    harness.ingest({ sentAt: 0n, lower: -1000n, upper: 1000n });
    for (let i = 1n; i <= 160n; i++) {
      // Each sample but the first is worse than the memory on both sides, so all edges come from
      // the memory.
      const wide = 200n * grown;
      const now = i * step;
      expect(harness.ingest({ sentAt: now, lower: -wide, upper: wide })).toBe('bounded');
      expect(harness.at(now)).toEqual([-1000n - i * grown, 1000n + i * grown]);
      expect(harness.engine.expiresAt()).toBe(now + 24n * HOUR);
    }
    expect(harness.engine.toMonotonic(provenanceOf(harness.engine)[0].born.ns)).toBe(0n);
  });

  it('ends when no agreeing sample came for expireAfter, and starts again with the next', () => {
    const harness = new EngineHarness(['a'], { expireAfterNs: 60e9 });
    harness.ingest({ sentAt: 0n, lower: -9n, upper: 9n });
    harness.tick(60n * SECOND);
    expect(harness.engine.bounded).toBe(true);
    harness.tick(60n * SECOND + 1n);
    expect(harness.at(60n * SECOND + 1n)).toBe('expired');
    expect(harness.engine.voters).toBe(0);
    // Nothing of the old bound narrows the new one.
    harness.ingest({ sentAt: 61n * SECOND, lower: -MS, upper: MS });
    expect(harness.at(61n * SECOND)).toEqual([-MS, MS]);
  });
});

describe('samples that cannot be true', () => {
  it.each([
    [
      'of a source that is not configured',
      { from: 'x', sentAt: 2n * SECOND, lower: -1n, upper: 1n },
    ],
    ['received before it was sent', { sentAt: 2n, receivedAt: 1n, lower: -1n, upper: 1n }],
    ['facts crossed by more than drift', { sentAt: 2n * SECOND, lower: 5n, upper: 3n }],
    [
      'facts crossed by more than a round trip of drift',
      { sentAt: 2n * SECOND, receivedAt: 3n * SECOND, lower: 200_002n, upper: 0n },
    ],
    ['beyond the years of int64', { sentAt: 2n * SECOND, lower: 0n, upper: 2n ** 63n - 1n }],
    ['an upper fact that int64 would wrap', { sentAt: 2n * SECOND, lower: 0n, upper: 2n ** 64n }],
    ['a lower one that int64 would wrap', { sentAt: 2n * SECOND, lower: -(2n ** 64n), upper: 0n }],
    ['before the years of int64', { sentAt: 2n * SECOND, lower: -(2n ** 63n), upper: 0n }],
  ])('%s: refused, and no state changes', (_name, facts) => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(SECOND, MS, { a: 0n, b: 10n, c: 20n });
    const before = harness.snapshot(2n * SECOND);
    expect(harness.ingest(facts)).toBe('impossible');
    expect(harness.snapshot(2n * SECOND)).toEqual(before);
  });

  it('facts may cross by as much as the clock drifts in a round trip', () => {
    const harness = new EngineHarness(['a']);
    const facts = { sentAt: 0n, receivedAt: SECOND, lower: 200_000n, upper: 0n };
    expect(harness.ingest(facts)).toBe('bounded');
    expect(harness.at(SECOND)).toEqual([200_000n, GROWN_1S]);
  });
});

describe('who must be heard before the first answer', () => {
  it('every source once: a reply or a miss', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd']);
    expect(harness.sampleAll(0n, MS, { a: 0n, b: 0n })).toEqual(['waiting', 'waiting']);
    // f = 1 and two agree, but two liars might reply before the two honest sources.
    expect(harness.at(0n)).toBe('starting');
    expect(harness.sampleAll(1n, MS, { c: 0n })).toEqual(['waiting']);
    expect(harness.miss('d', 2n)).toBe('bounded');
    expect(harness.engine.quorum).toBe('full');
  });

  it('a source that replies again does not stand for another source', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    for (let i = 0n; i < 10n; i++)
      expect(harness.sampleAll(i, MS, { a: 0n, b: 0n })[1]).toBe('waiting');
    expect(harness.at(10n)).toBe('starting');
  });

  it('two colluding liars of four that reply first never answer, and do not raise the rate', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd']);
    const maxRate = harness.engine.maxRate;
    const outcomes = new Set<string>();
    for (let round = 0n; round < 200n; round++) {
      const now = round * 16n * SECOND;
      const said = { a: 250n * MS, b: 250n * MS, c: 0n, d: 0n };
      for (const outcome of harness.sampleAll(now, MS, said)) outcomes.add(outcome);
      harness.tick(now + SECOND);
      expect(harness.engine.bounded).toBe(false);
    }
    expect([...outcomes].sort()).toEqual(['refuted', 'waiting']);
    expect(harness.engine.reason).toBe('no-agreement');
    expect(harness.engine.refuted?.assumption).toBe('A0');
    expect(harness.engine.maxRate).toBe(maxRate);
  });

  it('after a refutation every source again: misses from before do not count', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    harness.miss('d', 1n);
    expect(harness.engine.bounded).toBe(true);
    // b and c move away from a and from their own past, so the three do not agree.
    harness.sampleAll(SECOND, MS, { b: 100n * MS });
    expect(harness.sampleAll(SECOND, MS, { c: 200n * MS })).toEqual(['refuted']);
    expect(harness.sampleAll(2n * SECOND, MS, { a: 0n, b: 0n })).toEqual(['waiting', 'waiting']);
    // Then a and b outvote the c that was kept.
    expect(harness.miss('d', 3n * SECOND)).toBe('bounded');
    expect(harness.source('c').agrees).toBe(false);
  });

  it('too few: m <= f of the configured sources have said anything', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd', 'e']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n });
    for (const id of ['c', 'd', 'e']) harness.miss(id, 1n);
    expect(harness.at(1n)).toBe('too-few-sources');
    // Three voters are more than f = 2. The bound is sound, though liars could widen it.
    expect(harness.sampleAll(2n, MS, { c: 0n })).toEqual(['bounded']);
    expect(harness.engine.quorum).toBe('partial');
    harness.sampleAll(3n, MS, { d: 0n });
    expect(harness.engine.quorum).toBe('partial');
    harness.sampleAll(4n, MS, { e: 0n });
    expect(harness.engine.quorum).toBe('full');
  });
});

describe('agreement', () => {
  it('is the hull of what m - f cover: a liar who shifts just enough does not exclude the truth', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd', 'e'], { maxRate: 0, maxFaulty: 2 });
    const interval = (from: string, lower: bigint, upper: bigint): string =>
      harness.ingest({ from, sentAt: 0n, lower, upper });
    interval('a', 2n, 10n);
    interval('b', 3n, 20n);
    interval('c', 2n, 12n);
    interval('d', 0n, 5n);
    expect(interval('e', 0n, 5n)).toBe('bounded');
    // All five cover [3, 5]. At least three, since f = 2 may be wrong, cover 2 (a c d e) to 10 (a b
    // c).
    expect(harness.at(0n)).toEqual([2n, 10n]);
  });

  it('outvotes one falseticker of three, and names it', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    expect(harness.sampleAll(0n, MS, { a: 0n, b: 100n, c: 250n * MS })[2]).toBe('bounded');
    expect(harness.at(0n)).toEqual([-MS + 100n, MS]);
    expect(harness.engine.sources.map(({ agrees }) => agrees)).toEqual([true, true, false]);
    // It never agreed, so a sudden change of it raises no suspicion.
    expect(harness.sampleAll(SECOND, MS, { c: 300n * MS })).toEqual(['bounded']);
    expect(harness.engine.suspicious).toBe(false);
    // It is right again, and agrees.
    harness.sampleAll(2n * SECOND, MS, { c: 0n });
    expect(harness.source('c').agrees).toBe(true);
  });

  it('a source that falls silent keeps its vote while its cone opens, until it expires', () => {
    const harness = new EngineHarness(['a', 'b', 'c'], { expireAfterNs: 100e9 });
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    harness.sampleAll(90n * SECOND, MS, { a: 0n, b: 0n });
    expect(harness.engine.voters).toBe(3);
    harness.tick(101n * SECOND);
    expect(harness.engine.voters).toBe(2);
    expect(harness.engine.quorum).toBe('partial');
    expect(harness.engine.bounded).toBe(true);
  });

  it('the memory is aged before it is intersected with a new vote', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    // 1.1 ms in 10 s is within the 2 ms that R allows.
    expect(harness.sampleAll(10n * SECOND, MS, { a: (21n * MS) / 10n })).toEqual(['bounded']);
    // Only a moved. Two of three still cover what b and c say, [-3 ms, 3 ms], and so does the
    // memory.
    expect(harness.at(10n * SECOND)).toEqual([-3n * MS - 1n, 3n * MS + 1n]);
    harness.sampleAll(10n * SECOND, MS, { b: (21n * MS) / 10n });
    expect(harness.at(10n * SECOND)).toEqual([(11n * MS) / 10n, 3n * MS + 1n]);
  });

  it('a new bound starts at the sources that answer, wherever a liar is', () => {
    for (const order of [
      ['liar', 'a', 'b'],
      ['a', 'liar', 'b'],
      ['a', 'b', 'liar'],
    ]) {
      const harness = new EngineHarness(order);
      const theta = 1_795_000_000_000_000_001n;
      const years = 50n * 365n * 86_400n * SECOND;
      for (let i = 0n; i < 100n; i++) {
        const said = { liar: theta - years - 977n * i, a: theta, b: theta };
        const turn = Object.fromEntries(order.map((id) => [id, said[id as 'a']]));
        harness.sampleAll(i * SECOND, 1n, turn);
      }
      // It is exact to the nanosecond although a liar is 1.6e18 ns away.
      expect(harness.at(99n * SECOND)).toEqual([theta - 1n, theta + 1n]);
      expect(harness.source('liar').agrees).toBe(false);
    }
  });

  it('a liar far away stretches a partial quorum; the honest edge is then rounded outward', () => {
    const theta = 1_795_000_000_000_000_001n;
    for (let i = 0n; i < 300n; i += 7n) {
      const harness = new EngineHarness(['liar', 'a'], { maxFaulty: 1 });
      const far = theta - 1_577_880_000_000_000_000n - i;
      const said = { liar: far, a: theta };
      harness.sampleAll(0n, 0n, said);
      const [lo, hi] = harness.at(0n) as [bigint, bigint];
      expect(lo <= far && far - lo <= 4096n).toBe(true);
      expect(hi >= theta && hi - theta <= 4096n).toBe(true);
      // The edge does not move inward while the memory is renewed.
      for (let again = 1n; again <= 20n; again++) harness.sampleAll(again, 0n, said);
      expect((harness.at(20n) as [bigint, bigint])[1] >= theta).toBe(true);
    }
  });

  it('a source that jumps further than the numbers reach forgets its past', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    harness.sampleAll(SECOND, MS, { c: 10n ** 18n });
    expect(harness.source('c').contradictions).toBe(1);
    expect(harness.source('c').agrees).toBe(false);
    expect(harness.at(SECOND)).toEqual([-MS - GROWN_1S, MS + GROWN_1S]);
    harness.sampleAll(2n * SECOND, MS, { c: 0n });
    expect(harness.source('c').contradictions).toBe(2);
    expect(harness.source('c').agrees).toBe(true);
  });
});

describe('refutation', () => {
  const agreeingOn = (harness: EngineHarness, now: bigint, theta: bigint): string[] =>
    harness.sampleAll(now, MS, { a: theta, b: theta, c: theta });

  /** The only source refutes the bound, then confirms its own sample. */
  const strike = (harness: EngineHarness, now: bigint, theta: bigint): void => {
    const facts = { sentAt: now, lower: theta, upper: theta };
    expect(harness.ingest(facts)).toBe('refuted');
    expect(harness.ingest(facts)).toBe('bounded');
  };

  it('sources that agree with one another but not with memory refute the bound', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    agreeingOn(harness, 0n, 0n);
    expect(agreeingOn(harness, SECOND, 50n * MS)).toEqual(['suspicious', 'refuted', 'waiting']);
    expect(harness.at(SECOND)).toBe('contradiction');
    // b's sample was kept and c's came after it. a must be heard again.
    expect(harness.sampleAll(2n * SECOND, MS, { a: 50n * MS })).toEqual(['bounded']);
    // Two of three cover what b and c said a second ago.
    const old = MS + GROWN_1S;
    expect(harness.at(2n * SECOND)).toEqual([50n * MS - old, 50n * MS + old]);
  });

  it('a second refutation within 10 minutes raises R; it relaxes when all is quiet', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(harness, 100n * SECOND, 50n * MS);
    expect(harness.engine.maxRate).toBe(0.0002);
    expect(harness.engine.refuted?.assumption).toBe('A0-or-A1');
    // 30 ms more than the 20 ms that 100 s at 200 ppm explain: 1.5 * 30 ms / 100 s = 450 ppm more.
    strike(harness, 200n * SECOND, 100n * MS);
    expect(harness.engine.maxRate).toBeCloseTo(0.00065, 9);
    expect(harness.engine.refuted?.assumption).toBe('A1');
    // 500 ppm are within the new bound.
    harness.ingest({ sentAt: 300n * SECOND, lower: 150n * MS, upper: 150n * MS });
    expect(harness.ingest({ sentAt: 400n * SECOND, lower: 200n * MS, upper: 200n * MS })).toBe(
      'bounded',
    );
    const raised = harness.engine.maxRate;
    // It halves ten quiet minutes after the last refutation, then every five minutes.
    harness.tick(799n * SECOND);
    expect(harness.engine.maxRate).toBe(raised);
    harness.tick(800n * SECOND);
    expect(harness.engine.maxRate).toBe(raised / 2);
    harness.tick(1099n * SECOND);
    expect(harness.engine.maxRate).toBe(raised / 2);
    harness.tick(1100n * SECOND);
    expect(harness.engine.maxRate).toBe(0.0002);
    harness.tick(5000n * SECOND);
    expect(harness.engine.maxRate).toBe(0.0002);
  });

  it('a raised R stays while the memory refutes the lower one', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(harness, 100n * SECOND, 50n * MS);
    strike(harness, 200n * SECOND, 100n * MS);
    const raised = harness.engine.maxRate;
    // 500 ppm. Half of the raised bound is 325 ppm.
    const sampleAndTick = (s: bigint): void => {
      const theta = (s * MS) / 2n;
      harness.ingest({ sentAt: s * SECOND, lower: theta, upper: theta });
      harness.tick(s * SECOND);
    };
    for (let s = 201n; s < 3000n; s++) sampleAndTick(s);
    expect(harness.engine.maxRate).toBe(raised);
  });

  it('a memory of before a disruption refutes no R', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(harness, 100n * SECOND, 50n * MS);
    strike(harness, 200n * SECOND, 100n * MS);
    const raised = harness.engine.maxRate;
    harness.ingest({ sentAt: 600n * SECOND, lower: 300n * MS, upper: 300n * MS });
    harness.tick(600n * SECOND);
    harness.engine.disrupt(asMonotonicNs(610n * SECOND), 'suspend');
    harness.ingest({ sentAt: 611n * SECOND, lower: 0n, upper: 0n });
    harness.tick(800n * SECOND);
    expect(harness.engine.maxRate).toBe(raised / 2);
  });

  it('at least doubles R, and never raises it above 10 %', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(harness, SECOND, MS);
    // 1 us too far. Doubling R is more than 1.5 times that gap.
    strike(harness, 2n * SECOND, MS + 201_001n);
    expect(harness.engine.maxRate).toBe(0.0004);
    strike(harness, 3n * SECOND, 3600n * SECOND);
    expect(harness.engine.maxRate).toBe(0.1);
  });

  it('refutations more than 10 minutes apart do not raise R', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    for (let i = 1n; i < 20n; i++) {
      const now = i * 601n * SECOND;
      strike(harness, now, i * SECOND);
    }
    expect(harness.engine.maxRate).toBe(0.0002);
  });

  it('what is known ages with the old R until R changes, with the new one afterwards', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    for (const i of [0n, 1n, 2n]) {
      agreeingOn(harness, i * SECOND, i * 50n * MS);
      harness.sampleAll(i * SECOND, MS, { a: i * 50n * MS });
    }
    const raised = harness.engine.maxRate;
    expect(raised).toBeGreaterThan(0.01);
    const [lo, hi] = harness.at(2n * SECOND) as [bigint, bigint];
    const said = (now: bigint): bigint | undefined =>
      intervalOf(harness.engine, harness.source('a'), asMonotonicNs(now))?.upperNs;
    const upper = said(2n * SECOND) as bigint;
    harness.tick(602n * SECOND);
    expect(harness.engine.maxRate).toBe(raised / 2);
    const grown = BigInt(Math.ceil(raised * 600e9)) + 1n;
    expect(harness.at(602n * SECOND)).toEqual([lo - grown, hi + grown]);
    expect(said(602n * SECOND)).toBe(upper + grown);
    const more = BigInt(Math.ceil((raised / 2) * 1e9)) + 1n;
    expect(harness.at(603n * SECOND)).toEqual([lo - grown - more, hi + grown + more]);
  });

  it('more than f sources disjoint from the bound refute it, even while others overlap it', () => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd', 'e'], { maxRate: 0, maxFaulty: 2 });
    harness.sampleAll(0n, 100n, { a: 0n, b: 0n, c: 0n, d: 0n, e: 0n });
    const outcomes = harness.sampleAll(1n, 10n, { a: 500n, b: 500n, c: 500n });
    expect(outcomes).toEqual(['suspicious', 'suspicious', 'refuted']);
  });

  it('a disruption drops everything, and every source must be heard again', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    agreeingOn(harness, 0n, 0n);
    const { era } = harness.engine;
    harness.engine.disrupt(asMonotonicNs(5n * SECOND), 'suspend');
    expect(harness.at(5n * SECOND)).toBe('suspend');
    expect(harness.engine.refuted).toEqual({ assumption: 'A3', atNs: 5n * SECOND });
    expect(agreeingOn(harness, 6n * SECOND, 8n * SECOND)).toEqual([
      'waiting',
      'waiting',
      'bounded',
    ]);
    expect(harness.at(6n * SECOND)).toEqual([8n * SECOND - MS, 8n * SECOND + MS]);
    expect(harness.engine.era).toBe(era + 1n);
  });
});

describe('suspicion', () => {
  const five = ['a', 'b', 'c', 'd', 'e'];
  const agreed = (): EngineHarness => {
    const harness = new EngineHarness(five);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n, d: 0n, e: 0n });
    return harness;
  };

  it('widens the answer to the suspect until f + 1 others confirm the bound', () => {
    const harness = agreed();
    expect(harness.sampleAll(SECOND, MS, { e: 40n * MS })).toEqual(['suspicious']);
    const { lo, hi, suspectLo, suspectHi } = harness.edges(SECOND);
    expect([lo, hi]).toEqual([-MS - GROWN_1S, MS + GROWN_1S]);
    expect([suspectLo, suspectHi]).toEqual([lo, 41n * MS]);
    // What the suspect said ages like any fact.
    expect(harness.edges(2n * SECOND).suspectHi).toBe(41n * MS + GROWN_1S);
    // f = 2, so two confirmations are not enough. The suspect's own sample does not confirm.
    harness.sampleAll(2n * SECOND, MS, { a: 0n, b: 0n });
    harness.sampleAll(2n * SECOND, MS, { e: 40n * MS, a: 0n });
    expect(harness.engine.suspicious).toBe(true);
    expect(harness.sampleAll(2n * SECOND, MS, { c: 0n })).toEqual(['bounded']);
    expect(harness.engine.suspicious).toBe(false);
    expect(harness.edges(2n * SECOND)).toMatchObject({ suspectLo: -MS, suspectHi: MS });
    expect(harness.source('e')).toMatchObject({ agrees: false, suspect: false, falseAlarms: 1 });
  });

  it('is ended by a suspect that came back, if too few others are left', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    // From here on c is dead, and b is wrong once.
    expect(harness.sampleAll(SECOND, MS, { b: 250n * MS })).toEqual(['suspicious']);
    harness.sampleAll(2n * SECOND, MS, { a: 0n });
    expect(harness.engine.suspicious).toBe(true);
    harness.sampleAll(2n * SECOND, MS, { b: 0n });
    expect(harness.engine.suspicious).toBe(false);
    expect(harness.edges(2n * SECOND)).toMatchObject({ suspectLo: -MS, suspectHi: MS });
    expect(harness.source('b')).toMatchObject({ agrees: true, suspect: false });
  });

  it('backs off 300 s, then twice as long, after a false alarm', () => {
    const harness = agreed();
    let now = SECOND;
    const cry = (): boolean => {
      harness.sampleAll(now, MS, { e: 0n });
      // Far enough to be disjoint from a bound that has aged for ten minutes.
      harness.sampleAll(now + 1n, MS, { e: 400n * MS });
      const cried = harness.engine.suspicious;
      harness.sampleAll(now + 2n, MS, { a: 0n, b: 0n, c: 0n, d: 0n });
      return cried;
    };
    expect(cry()).toBe(true);
    now += 299n * SECOND;
    expect(cry()).toBe(false);
    now += 2n * SECOND;
    expect(cry()).toBe(true);
    now += 599n * SECOND;
    expect(cry()).toBe(false);
    now += 2n * SECOND;
    expect(cry()).toBe(true);
  });

  it('becomes a refutation when more than f follow', () => {
    const harness = agreed();
    expect(harness.sampleAll(SECOND, MS, { a: 40n * MS, b: 40n * MS, c: 40n * MS })).toEqual([
      'suspicious',
      'suspicious',
      'refuted',
    ]);
    expect(harness.engine.suspicious).toBe(false);
    // Without a bound there is nothing that a source could be suspected of.
    expect(harness.engine.sources.filter(({ suspect }) => suspect)).toEqual([]);
  });

  it('is not ended by sources that were heard at the very instant it arose', () => {
    const harness = agreed();
    harness.sampleAll(SECOND, MS, { a: 0n, b: 0n, c: 0n });
    expect(harness.sampleAll(SECOND, MS, { e: 40n * MS })).toEqual(['suspicious']);
    expect(harness.engine.suspicious).toBe(true);
  });

  it('makes only the suspect wait before its next suspicion', () => {
    const harness = agreed();
    harness.sampleAll(SECOND, MS, { e: 40n * MS });
    harness.sampleAll(2n * SECOND, MS, { a: 0n, b: 0n, c: 0n });
    expect(harness.engine.suspicious).toBe(false);
    const { falseAlarms, suspicionBlockedUntil } = harness.source('a');
    expect([falseAlarms, suspicionBlockedUntil.ns]).toEqual([0, 0]);
    expect(harness.sampleAll(3n * SECOND, MS, { a: 40n * MS })).toEqual(['suspicious']);
  });

  it('covers every suspect', () => {
    const harness = agreed();
    harness.sampleAll(SECOND, MS, { a: 40n * MS, b: -30n * MS });
    const { suspectLo, suspectHi } = harness.edges(SECOND);
    expect([suspectLo, suspectHi]).toEqual([-31n * MS, 41n * MS]);
  });

  it('a suspect that takes it back is not a falseticker once the others have replied', () => {
    const harness = agreed();
    harness.sampleAll(SECOND, MS, { e: 40n * MS });
    harness.sampleAll(2n * SECOND, MS, { e: 0n, a: 0n, b: 0n, c: 0n });
    expect(harness.source('e')).toMatchObject({ agrees: true, suspect: false, falseAlarms: 1 });
  });
});

describe('leap second', () => {
  // 2026-12-31T23:59:50Z at local time 0.
  const LEAP = 1_798_761_600n * SECOND;
  const theta = LEAP - 10n * SECOND;
  const three = ['a', 'b', 'c'];

  it('ends the bound before latest reaches it, and believes no source until two seconds after', () => {
    const harness = new EngineHarness(three);
    const announce = (from: string, now: bigint): string =>
      harness.ingest({ from, sentAt: now, lower: theta - MS, upper: theta + MS, leap: 'insert' });
    announce('a', 0n);
    harness.sampleAll(0n, MS, { c: theta });
    announce('b', 0n);
    expect(harness.engine.leapAt).toBe(LEAP);
    harness.tick(9n * SECOND);
    expect(harness.engine.bounded).toBe(true);
    // latest = now + theta + 1 ms + drift: a little before 9.997 s.
    harness.tick(9_999n * MS);
    expect(harness.at(9_999n * MS)).toBe('leap-second');
    expect(harness.engine.leapAt).toBeUndefined();
    // A server that has not repeated the second yet is not believed.
    const early = harness.sampleAll(11n * SECOND, MS, { a: theta, b: theta, c: theta });
    expect(early).toEqual(['waiting', 'waiting', 'waiting']);
    // After the settling time all are believed. The second was inserted, so theta is a second less.
    const after = { a: theta - SECOND, b: theta - SECOND, c: theta - SECOND };
    expect(harness.sampleAll(14n * SECOND, MS, after)).toContain('bounded');
    expect(harness.at(14n * SECOND)).toEqual([theta - SECOND - MS, theta - SECOND + MS]);
  });

  it('f announcements are not enough, and announcements can be taken back', () => {
    const harness = new EngineHarness(three);
    harness.sampleAll(0n, MS, { b: theta, c: theta });
    harness.ingest({ from: 'a', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    expect(harness.engine.leapAt).toBeUndefined();
    harness.ingest({ from: 'b', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    expect(harness.engine.leapAt).toBe(LEAP);
    harness.sampleAll(SECOND, MS, { b: theta });
    expect(harness.engine.leapAt).toBeUndefined();
  });

  it.each([
    ['long ago', -(10n ** 18n)],
    ['next month', 30n * 86_400n * SECOND],
  ])('the month is that of the bound, not that of a liar who says it is %s', (_name, lie) => {
    const harness = new EngineHarness(three);
    harness.sampleAll(0n, MS, { b: theta, c: theta });
    harness.ingest({ from: 'b', sentAt: 1n, lower: theta, upper: theta, leap: 'insert' });
    const liar = theta + lie;
    harness.ingest({ from: 'a', sentAt: 2n, lower: liar, upper: liar, leap: 'insert' });
    harness.ingest({ from: 'a', sentAt: 3n, lower: liar, upper: liar, leap: 'insert' });
    expect(harness.engine.bounded).toBe(true);
    expect(harness.engine.leapAt).toBe(LEAP);
  });

  it('is taken from samples before the first bound, even if a miss completes the bound', () => {
    const harness = new EngineHarness(three);
    harness.ingest({ from: 'a', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    harness.ingest({ from: 'b', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    expect(harness.miss('c', 1n)).toBe('bounded');
    expect(harness.engine.leapAt).toBe(LEAP);
  });

  it('a deletion that any one source announces ends the bound a second before the month ends', () => {
    const harness = new EngineHarness(three);
    harness.sampleAll(0n, MS, { a: theta, b: theta });
    harness.ingest({ from: 'c', sentAt: 0n, lower: theta, upper: theta, leap: 'delete' });
    expect(harness.engine.leapAt).toBe(LEAP - SECOND);
    harness.tick(8n * SECOND);
    expect(harness.engine.bounded).toBe(true);
    // latest = now + theta + 1 ms + drift, and theta steps at 9 s.
    harness.tick(8_999n * MS);
    expect(harness.at(8_999n * MS)).toBe('leap-second');
    // A server that is 1.9 s late shows 23:59:59 and more, a second that never was.
    const late = { a: theta, b: theta, c: theta };
    expect(harness.sampleAll(10_899n * MS, MS, late)).toEqual(['waiting', 'waiting', 'waiting']);
    // A server that has carried out the deletion is believed from two seconds past the end on.
    const after = { a: theta + SECOND, b: theta + SECOND, c: theta + SECOND };
    expect(harness.sampleAll(10_999n * MS, MS, after)).not.toContain('bounded');
    expect(harness.sampleAll(11_002n * MS, MS, after)).toContain('bounded');
    expect(harness.engine.leapAt).toBeUndefined();
  });

  it('if the kinds differ the earlier instant counts, for as long as it is announced', () => {
    const harness = new EngineHarness(three);
    const announce = (from: string, leap: 'insert' | 'delete' | 'none'): void => {
      harness.ingest({ from, sentAt: 0n, lower: theta, upper: theta, leap });
    };
    announce('a', 'insert');
    announce('b', 'insert');
    announce('c', 'none');
    expect(harness.engine.leapAt).toBe(LEAP);
    announce('c', 'delete');
    expect(harness.engine.leapAt).toBe(LEAP - SECOND);
    announce('c', 'none');
    expect(harness.engine.leapAt).toBe(LEAP);
    announce('b', 'delete');
    announce('a', 'none');
    announce('b', 'none');
    expect(harness.engine.leapAt).toBeUndefined();
  });

  it.each([
    ['insert', 9_999n * MS],
    ['delete', 8_999n * MS],
    ['delete', 9_500n * MS],
  ] as const)(
    '%s, announced when latest is past the step, at %i ns: the bound ends at once',
    (leap, now) => {
      const harness = new EngineHarness(three);
      harness.sampleAll(0n, MS, { a: theta, b: theta, c: theta });
      harness.ingest({ from: 'a', sentAt: now, lower: theta - MS, upper: theta + MS, leap });
      const outcome = harness.ingest({
        from: 'b',
        sentAt: now,
        lower: theta - MS,
        upper: theta + MS,
        leap,
      });
      expect(outcome).toBe('waiting');
      expect(harness.at(now)).toBe('leap-second');
    },
  );

  it.each([
    ['insert', -1n, false],
    ['insert', 0n, true],
    ['insert', 2n * SECOND - 1n, true],
    ['insert', 2n * SECOND, false],
    ['delete', -SECOND - 1n, false],
    ['delete', -SECOND, true],
    ['delete', 2n * SECOND - 1n, true],
    ['delete', 2n * SECOND, false],
  ] as const)(
    'at a start, a server that announces %s and says %i ns past the end is not believed: %s',
    (leap, past, ambiguous) => {
      const harness = new EngineHarness(['a']);
      const said = LEAP + past;
      const outcome = harness.ingest({ sentAt: 0n, lower: said, upper: said, leap });
      expect(outcome).toBe(ambiguous ? 'waiting' : 'bounded');
      // One of three announces, so nothing is expected. Its own word still says that it may not
      // have stepped, once the month has ended.
      const alone = new EngineHarness(['a', 'b', 'c']);
      alone.ingest({ from: 'a', sentAt: 0n, lower: said, upper: said, leap });
      expect(alone.engine.voters).toBe(ambiguous && past >= 0n ? 0 : 1);
    },
  );
});

describe('a change of sources', () => {
  it('keeps the bound; sources that left lose their vote, new ones have no data yet', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    harness.engine.setSources(['b', 'c', 'd', 'e', 'f']);
    expect(harness.engine.voters).toBe(2);
    expect(harness.engine.maxFaulty).toBe(2);
    expect(harness.at(0n)).toEqual([-MS, MS]);
    expect(harness.ingest({ from: 'a', sentAt: 1n, lower: 0n, upper: 0n })).toBe('impossible');
    // Two voters are not more than f = 2, and both of them may be wrong.
    harness.tick(SECOND);
    expect(harness.at(SECOND)).toBe('too-few-sources');
    expect(harness.sampleAll(2n * SECOND, MS, { d: 0n })).toEqual(['waiting']);
    expect(harness.sampleAll(2n * SECOND, MS, { e: 0n, f: 0n })[1]).toBe('bounded');
  });

  it('a source that leaves and comes back starts afresh', () => {
    const harness = new EngineHarness(['a', 'b', 'c']);
    harness.sampleAll(0n, MS, { a: 0n, b: 0n, c: 0n });
    harness.engine.setSources(['a', 'b']);
    harness.engine.setSources(['a', 'b', 'c']);
    expect(harness.source('c').cone.known).toBe(false);
    expect(harness.source('a').cone.known).toBe(true);
  });

  it('to no sources at all: nothing is known, nothing breaks', () => {
    const harness = new EngineHarness([]);
    harness.tick(SECOND);
    expect(harness.miss('a', SECOND)).toBe('waiting');
    expect(harness.at(SECOND)).toBe('starting');
  });
});

describe('the wall guard', () => {
  it('is part of the bound while it is within a second of it', () => {
    const harness = new EngineHarness(['a']);
    harness.ingest({ sentAt: 0n, lower: -MS, upper: MS });
    harness.engine.setGuard({ lowerNs: 300n * MS, upperNs: 301n * MS });
    expect(harness.edges(0n).guard).toEqual([300n * MS, 301n * MS]);
    harness.engine.setGuard({ lowerNs: 1001n * MS, upperNs: 1002n * MS });
    expect(harness.edges(0n).guard).toEqual([1001n * MS, 1002n * MS]);
    // From here a daemon would step the clock instead of slewing it.
    harness.engine.setGuard({ lowerNs: 1002n * MS, upperNs: 1002n * MS });
    expect(harness.edges(0n).guard).toBeUndefined();
    harness.engine.setGuard({ lowerNs: -1002n * MS, upperNs: -1002n * MS });
    expect(harness.edges(0n).guard).toBeUndefined();
    harness.engine.setGuard(undefined);
    expect(harness.edges(0n).guard).toBeUndefined();
  });
});
