import { describe, expect, it } from 'vitest';
import { asMonotonicNs } from '../../src/time/instant.ts';
import { EngineStory, MS, SECOND } from '../kit/samples.ts';

// Slope 0.0002 unless said otherwise: 200,000 ns a second, and 1 ns of rounding each time it is applied.
const GROWN_1S = 200_001n;
const HOUR = 3600n * SECOND;

describe('one source', () => {
  it('gives each fact its own instant: the upper ages from sentAt, the lower from receivedAt', () => {
    const story = new EngineStory(['a']);
    const sent = 10n * SECOND;
    const received = 11n * SECOND;
    expect(story.at(received)).toBe('starting');
    const facts = { sentAt: sent, receivedAt: received, lower: -40n, upper: 60n };
    expect(story.ingest(facts)).toBe('bounded');
    // At receivedAt the lower fact is new, the upper one a second old.
    expect(story.at(received)).toEqual([-40n, 60n + GROWN_1S]);
    // A second later: the cone ages once more, rounding once more.
    expect(story.at(12n * SECOND)).toEqual([-40n - GROWN_1S, 60n + 2n * GROWN_1S]);
    // The bound is a function of the instant asked about: asking twice changes nothing.
    expect(story.at(12n * SECOND)).toEqual([-40n - GROWN_1S, 60n + 2n * GROWN_1S]);
  });

  it('ages the upper fact from one grid before sentAt, since a reading may be a grid behind', () => {
    const story = new EngineStory(['a'], { resolutionNs: 2_000_000 });
    story.ingest({ sentAt: SECOND, lower: -40n, upper: 60n });
    expect(story.at(SECOND)).toEqual([-40n, 60n + 400n + 1n]);
  });

  it('keeps the best of each side, which may come from different samples', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: 0n, upper: 1_000_000n });
    // A second on, the memory says [-200001, 1200001]: the new upper is better, the new lower worse.
    story.ingest({ sentAt: SECOND, lower: -300_000n, upper: 900_000n });
    expect(story.at(SECOND)).toEqual([-GROWN_1S, 900_000n]);
    // Now the other way about.
    story.ingest({ sentAt: 2n * SECOND, lower: 100_000n, upper: 5_000_000n });
    expect(story.at(2n * SECOND)).toEqual([100_000n, 900_000n + GROWN_1S]);
  });

  it('takes a duplicate as nothing new, however often', () => {
    const story = new EngineStory(['a']);
    const facts = { sentAt: SECOND, receivedAt: SECOND + 20n * MS, lower: -5n, upper: 7n * MS };
    story.ingest(facts);
    const before = story.snapshot(SECOND + 20n * MS);
    for (let i = 0; i < 5; i++) expect(story.ingest(facts)).toBe('bounded');
    expect(story.snapshot(SECOND + 20n * MS)).toEqual(before);
  });

  it('ages a late sample forward, and it does not make the bound younger', () => {
    const story = new EngineStory(['a'], { expireAfterNs: 100e9 });
    story.ingest({ sentAt: 10n * SECOND, lower: -2_000_000n, upper: 2_000_000n });
    // Received at 9 s, delivered after the one of 10 s: worth [-1e6 - 200001, 1e6 + 200001] at 10 s.
    story.ingest({ sentAt: 9n * SECOND, lower: -1_000_000n, upper: 1_000_000n });
    expect(story.at(10n * SECOND)).toEqual([-1_000_000n - GROWN_1S, 1_000_000n + GROWN_1S]);
    expect(story.engine.expiresAt()).toBe(110n * SECOND);
  });

  it('forgets its past when it contradicts itself, and answers again from the next sample', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: 0n, upper: 1000n });
    // 5 ms away a second later: 0.2 ms is all that the rate explains.
    expect(story.ingest({ sentAt: SECOND, lower: 5n * MS, upper: 5n * MS + 1000n })).toBe(
      'refuted',
    );
    expect(story.at(SECOND)).toBe('contradiction');
    expect(story.engine.refuted).toEqual({ assumption: 'A0-or-A1', atNs: SECOND });
    expect(story.source('a').contradictions).toBe(1);
    // Only the last sample was kept, and the next one confirms it.
    expect(story.ingest({ sentAt: 2n * SECOND, lower: 5n * MS, upper: 6n * MS })).toBe('bounded');
    expect(story.at(2n * SECOND)).toEqual([5n * MS, 5n * MS + 1000n + GROWN_1S]);
  });

  it.each([
    ['uptime 1e6 s', 10n ** 15n],
    ['origin 1e17 ns', 10n ** 17n],
    ['negative readings', -(10n ** 17n)],
  ])('rounds no worse at %s', (_name, origin) => {
    const story = new EngineStory(['a']);
    const theta = 1_795_000_000_123_456_789n - origin;
    const facts = { sentAt: origin, receivedAt: origin + 10n, lower: theta, upper: theta + 1n };
    story.ingest(facts);
    // 10 ns of drift is 0.002 ns, rounded up, and one more.
    expect(story.at(origin + 10n)).toEqual([theta, theta + 3n]);
    expect(story.at(origin + 10n + SECOND)).toEqual([theta - GROWN_1S, theta + 3n + GROWN_1S]);
  });

  it('goes on past 26 days of local time, where its bases move', () => {
    const story = new EngineStory(['a'], { expireAfterNs: 86_400e9 });
    const step = 6n * HOUR;
    const grown = 6n * 3600n * 200_000n + 1n;
    story.ingest({ sentAt: 0n, lower: -1000n, upper: 1000n });
    for (let i = 1n; i <= 160n; i++) {
      // Each sample is worse than memory on both sides but the first, so all edges stem from memory.
      const wide = 200n * grown;
      const now = i * step;
      expect(story.ingest({ sentAt: now, lower: -wide, upper: wide })).toBe('bounded');
      expect(story.at(now)).toEqual([-1000n - i * grown, 1000n + i * grown]);
      expect(story.engine.expiresAt()).toBe(now + 24n * HOUR);
    }
    expect(story.engine.toMonotonic(story.engine.provenance[0].born)).toBe(0n);
  });

  it('ends when no agreeing sample came for expireAfter, and starts again with the next', () => {
    const story = new EngineStory(['a'], { expireAfterNs: 60e9 });
    story.ingest({ sentAt: 0n, lower: -9n, upper: 9n });
    story.tick(60n * SECOND);
    expect(story.engine.bounded).toBe(true);
    story.tick(60n * SECOND + 1n);
    expect(story.at(60n * SECOND + 1n)).toBe('expired');
    expect(story.engine.voters).toBe(0);
    // Nothing of the old bound narrows the new one.
    story.ingest({ sentAt: 61n * SECOND, lower: -MS, upper: MS });
    expect(story.at(61n * SECOND)).toEqual([-MS, MS]);
  });
});

describe('samples that cannot be true', () => {
  it.each([
    ['of a source nobody configured', { from: 'x', sentAt: 2n * SECOND, lower: -1n, upper: 1n }],
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
  ])('%s: refused, and all state is as before', (_name, facts) => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(SECOND, MS, { a: 0n, b: 10n, c: 20n });
    const before = story.snapshot(2n * SECOND);
    expect(story.ingest(facts)).toBe('impossible');
    expect(story.snapshot(2n * SECOND)).toEqual(before);
  });

  it('facts may cross by as much as the clock drifts in a round trip', () => {
    const story = new EngineStory(['a']);
    const facts = { sentAt: 0n, receivedAt: SECOND, lower: 200_000n, upper: 0n };
    expect(story.ingest(facts)).toBe('bounded');
    expect(story.at(SECOND)).toEqual([200_000n, GROWN_1S]);
  });
});

describe('who must be heard before the first answer', () => {
  it('everybody, once: a reply or a miss', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd']);
    expect(story.say(0n, MS, { a: 0n, b: 0n })).toEqual(['waiting', 'waiting']);
    // f = 1 and two agree, but two liars might be quicker than the honest two.
    expect(story.at(0n)).toBe('starting');
    expect(story.say(1n, MS, { c: 0n })).toEqual(['waiting']);
    expect(story.miss('d', 2n)).toBe('bounded');
    expect(story.engine.quorum).toBe('full');
  });

  it('repeating oneself is not somebody else being heard', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    for (let i = 0n; i < 10n; i++) expect(story.say(i, MS, { a: 0n, b: 0n })[1]).toBe('waiting');
    expect(story.at(10n)).toBe('starting');
  });

  it('two colluding liars of four that reply first never answer, and do not raise the rate', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd']);
    const slope = story.engine.slope;
    const outcomes = new Set<string>();
    for (let round = 0n; round < 200n; round++) {
      const now = round * 16n * SECOND;
      const said = { a: 250n * MS, b: 250n * MS, c: 0n, d: 0n };
      for (const outcome of story.say(now, MS, said)) outcomes.add(outcome);
      story.tick(now + SECOND);
      expect(story.engine.bounded).toBe(false);
    }
    expect([...outcomes].sort()).toEqual(['refuted', 'waiting']);
    expect(story.engine.reason).toBe('no-agreement');
    expect(story.engine.refuted?.assumption).toBe('A0');
    expect(story.engine.slope).toBe(slope);
  });

  it('after a refutation everybody again: misses from before do not count', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    story.miss('d', 1n);
    expect(story.engine.bounded).toBe(true);
    // b and c move away from a and from their own past: no three of three agree.
    story.say(SECOND, MS, { b: 100n * MS });
    expect(story.say(SECOND, MS, { c: 200n * MS })).toEqual(['refuted']);
    expect(story.say(2n * SECOND, MS, { a: 0n, b: 0n })).toEqual(['waiting', 'waiting']);
    // Then a and b outvote the c that was kept.
    expect(story.miss('d', 3n * SECOND)).toBe('bounded');
    expect(story.source('c').agrees).toBe(false);
  });

  it('too few: m <= f of the configured sources have said anything', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd', 'e']);
    story.say(0n, MS, { a: 0n, b: 0n });
    for (const id of ['c', 'd', 'e']) story.miss(id, 1n);
    expect(story.at(1n)).toBe('too-few-sources');
    // A third voter is more than f = 2: sound, though liars could stretch it.
    expect(story.say(2n, MS, { c: 0n })).toEqual(['bounded']);
    expect(story.engine.quorum).toBe('partial');
    story.say(3n, MS, { d: 0n });
    expect(story.engine.quorum).toBe('partial');
    story.say(4n, MS, { e: 0n });
    expect(story.engine.quorum).toBe('full');
  });
});

describe('agreement', () => {
  it('is the hull of what m - f cover: a liar who shifts just enough does not exclude the truth', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd', 'e'], { slope: 0, maxFaulty: 2 });
    const interval = (from: string, lower: bigint, upper: bigint): string =>
      story.ingest({ from, sentAt: 0n, lower, upper });
    interval('a', 2n, 10n);
    interval('b', 3n, 20n);
    interval('c', 2n, 12n);
    interval('d', 0n, 5n);
    expect(interval('e', 0n, 5n)).toBe('bounded');
    // Five cover [3, 5], three cover from 2 (a c d e) to 10 (a b c): f = 2 of them may be wrong.
    expect(story.at(0n)).toEqual([2n, 10n]);
  });

  it('outvotes one falseticker of three, and names it', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    expect(story.say(0n, MS, { a: 0n, b: 100n, c: 250n * MS })[2]).toBe('bounded');
    expect(story.at(0n)).toEqual([-MS + 100n, MS]);
    expect(story.engine.sources.map(({ agrees }) => agrees)).toEqual([true, true, false]);
    // It never agreed, so its next lie is no reason to suspect ourselves.
    expect(story.say(SECOND, MS, { c: 300n * MS })).toEqual(['bounded']);
    expect(story.engine.suspicious).toBe(false);
    // It comes back to its senses and is believed again.
    story.say(2n * SECOND, MS, { c: 0n });
    expect(story.source('c').agrees).toBe(true);
  });

  it('a source that falls silent keeps its vote while its cone opens, until it expires', () => {
    const story = new EngineStory(['a', 'b', 'c'], { expireAfterNs: 100e9 });
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    story.say(90n * SECOND, MS, { a: 0n, b: 0n });
    expect(story.engine.voters).toBe(3);
    story.tick(101n * SECOND);
    expect(story.engine.voters).toBe(2);
    expect(story.engine.quorum).toBe('partial');
    expect(story.engine.bounded).toBe(true);
  });

  it('what is remembered ages with the clock before it meets what is new', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    // 1.1 ms in 10 s is within the 2 ms that the rate allows.
    expect(story.say(10n * SECOND, MS, { a: (21n * MS) / 10n })).toEqual(['bounded']);
    // a alone moved: three cover nothing new, and b, c with memory say [-3 ms, 3 ms].
    expect(story.at(10n * SECOND)).toEqual([-3n * MS - 1n, 3n * MS + 1n]);
    story.say(10n * SECOND, MS, { b: (21n * MS) / 10n });
    expect(story.at(10n * SECOND)).toEqual([(11n * MS) / 10n, 3n * MS + 1n]);
  });

  it('a new bound starts at the sources that answer, wherever a liar is', () => {
    for (const order of [
      ['liar', 'a', 'b'],
      ['a', 'liar', 'b'],
      ['a', 'b', 'liar'],
    ]) {
      const story = new EngineStory(order);
      const theta = 1_795_000_000_000_000_001n;
      const years = 50n * 365n * 86_400n * SECOND;
      for (let i = 0n; i < 100n; i++) {
        const said = { liar: theta - years - 977n * i, a: theta, b: theta };
        const turn = Object.fromEntries(order.map((id) => [id, said[id as 'a']]));
        story.say(i * SECOND, 1n, turn);
      }
      // Exact to the nanosecond beside a liar 1.6e18 ns away.
      expect(story.at(99n * SECOND)).toEqual([theta - 1n, theta + 1n]);
      expect(story.source('liar').agrees).toBe(false);
    }
  });

  it('a liar far away stretches a partial quorum; the honest edge is then rounded outward', () => {
    const theta = 1_795_000_000_000_000_001n;
    for (let i = 0n; i < 300n; i += 7n) {
      const story = new EngineStory(['liar', 'a'], { maxFaulty: 1 });
      const far = theta - 1_577_880_000_000_000_000n - i;
      const said = { liar: far, a: theta };
      story.say(0n, 0n, said);
      const [lo, hi] = story.at(0n) as [bigint, bigint];
      expect(lo <= far && far - lo <= 4096n).toBe(true);
      expect(hi >= theta && hi - theta <= 4096n).toBe(true);
      // And it does not erode while memory is renewed.
      for (let again = 1n; again <= 20n; again++) story.say(again, 0n, said);
      expect((story.at(20n) as [bigint, bigint])[1] >= theta).toBe(true);
    }
  });

  it('a source that jumps further than the numbers reach forgets its past', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    story.say(SECOND, MS, { c: 10n ** 18n });
    expect(story.source('c').contradictions).toBe(1);
    expect(story.source('c').agrees).toBe(false);
    expect(story.at(SECOND)).toEqual([-MS - GROWN_1S, MS + GROWN_1S]);
    story.say(2n * SECOND, MS, { c: 0n });
    expect(story.source('c').contradictions).toBe(2);
    expect(story.source('c').agrees).toBe(true);
  });
});

describe('refutation', () => {
  const agreeingOn = (story: EngineStory, now: bigint, theta: bigint): string[] =>
    story.say(now, MS, { a: theta, b: theta, c: theta });

  /** The only source refutes the bound, and confirms itself. */
  const strike = (story: EngineStory, now: bigint, theta: bigint): void => {
    const facts = { sentAt: now, lower: theta, upper: theta };
    expect(story.ingest(facts)).toBe('refuted');
    expect(story.ingest(facts)).toBe('bounded');
  };

  it('sources that agree with one another but not with memory refute the bound', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    agreeingOn(story, 0n, 0n);
    expect(agreeingOn(story, SECOND, 50n * MS)).toEqual(['suspicious', 'refuted', 'waiting']);
    expect(story.at(SECOND)).toBe('contradiction');
    // b's sample was kept, c's came after it; a must be heard again.
    expect(story.say(2n * SECOND, MS, { a: 50n * MS })).toEqual(['bounded']);
    // Two of three cover what b and c, a second old, say.
    const old = MS + GROWN_1S;
    expect(story.at(2n * SECOND)).toEqual([50n * MS - old, 50n * MS + old]);
  });

  it('a second time within 10 minutes the rate itself is raised; it relaxes when all is quiet', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(story, 100n * SECOND, 50n * MS);
    expect(story.engine.slope).toBe(0.0002);
    expect(story.engine.refuted?.assumption).toBe('A0-or-A1');
    // 30 ms beyond what 100 s at 200 ppm explain (20 ms): 1.5 * 30 ms / 100 s = 450 ppm more.
    strike(story, 200n * SECOND, 100n * MS);
    expect(story.engine.slope).toBeCloseTo(0.00065, 9);
    expect(story.engine.refuted?.assumption).toBe('A1');
    // 500 ppm are within the new bound.
    story.ingest({ sentAt: 300n * SECOND, lower: 150n * MS, upper: 150n * MS });
    expect(story.ingest({ sentAt: 400n * SECOND, lower: 200n * MS, upper: 200n * MS })).toBe(
      'bounded',
    );
    const raised = story.engine.slope;
    // Ten quiet minutes after the last refutation it halves, then every five.
    story.tick(799n * SECOND);
    expect(story.engine.slope).toBe(raised);
    story.tick(800n * SECOND);
    expect(story.engine.slope).toBe(raised / 2);
    story.tick(1099n * SECOND);
    expect(story.engine.slope).toBe(raised / 2);
    story.tick(1100n * SECOND);
    expect(story.engine.slope).toBe(0.0002);
    story.tick(5000n * SECOND);
    expect(story.engine.slope).toBe(0.0002);
  });

  it('at least doubles the rate, and never beyond 10 %', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    strike(story, SECOND, MS);
    // 1 us beyond: doubling is more than 1.5 gaps.
    strike(story, 2n * SECOND, MS + 201_001n);
    expect(story.engine.slope).toBe(0.0004);
    strike(story, 3n * SECOND, 3600n * SECOND);
    expect(story.engine.slope).toBe(0.1);
  });

  it('refutations more than 10 minutes apart do not raise it', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: 0n, upper: 0n });
    for (let i = 1n; i < 20n; i++) {
      const now = i * 601n * SECOND;
      strike(story, now, i * SECOND);
    }
    expect(story.engine.slope).toBe(0.0002);
  });

  it('what was known ages with the old rate until the rate changes, with the new one afterwards', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    for (const i of [0n, 1n, 2n]) {
      agreeingOn(story, i * SECOND, i * 50n * MS);
      story.say(i * SECOND, MS, { a: i * 50n * MS });
    }
    const raised = story.engine.slope;
    expect(raised).toBeGreaterThan(0.01);
    const [lo, hi] = story.at(2n * SECOND) as [bigint, bigint];
    const said = (now: bigint): bigint | undefined =>
      story.engine.intervalOf(story.source('a'), asMonotonicNs(now))?.upperNs;
    const upper = said(2n * SECOND) as bigint;
    story.tick(602n * SECOND);
    expect(story.engine.slope).toBe(raised / 2);
    const grown = BigInt(Math.ceil(raised * 600e9)) + 1n;
    expect(story.at(602n * SECOND)).toEqual([lo - grown, hi + grown]);
    expect(said(602n * SECOND)).toBe(upper + grown);
    const more = BigInt(Math.ceil((raised / 2) * 1e9)) + 1n;
    expect(story.at(603n * SECOND)).toEqual([lo - grown - more, hi + grown + more]);
  });

  it('more than f sources apart from the bound refute it even while others touch it', () => {
    const story = new EngineStory(['a', 'b', 'c', 'd', 'e'], { slope: 0, maxFaulty: 2 });
    story.say(0n, 100n, { a: 0n, b: 0n, c: 0n, d: 0n, e: 0n });
    const outcomes = story.say(1n, 10n, { a: 500n, b: 500n, c: 500n });
    expect(outcomes).toEqual(['suspicious', 'suspicious', 'refuted']);
  });

  it('a disruption drops everything, and everybody must be heard again', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    agreeingOn(story, 0n, 0n);
    const { era } = story.engine;
    story.engine.disrupt(asMonotonicNs(5n * SECOND), 'suspend');
    expect(story.at(5n * SECOND)).toBe('suspend');
    expect(story.engine.refuted).toEqual({ assumption: 'A3', atNs: 5n * SECOND });
    expect(agreeingOn(story, 6n * SECOND, 8n * SECOND)).toEqual(['waiting', 'waiting', 'bounded']);
    expect(story.at(6n * SECOND)).toEqual([8n * SECOND - MS, 8n * SECOND + MS]);
    expect(story.engine.era).toBe(era + 1n);
  });
});

describe('suspicion', () => {
  const five = ['a', 'b', 'c', 'd', 'e'];
  const agreed = (): EngineStory => {
    const story = new EngineStory(five);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n, d: 0n, e: 0n });
    return story;
  };

  it('widens the answer to the sudden dissenter until f + 1 others confirm', () => {
    const story = agreed();
    expect(story.say(SECOND, MS, { e: 40n * MS })).toEqual(['suspicious']);
    const { lo, hi, suspectLo, suspectHi } = story.edges(SECOND);
    expect([lo, hi]).toEqual([-MS - GROWN_1S, MS + GROWN_1S]);
    expect([suspectLo, suspectHi]).toEqual([lo, 41n * MS]);
    // What the suspect said ages like anything else.
    expect(story.edges(2n * SECOND).suspectHi).toBe(41n * MS + GROWN_1S);
    // f = 2: two confirmations are not enough, nor is the suspect's own word.
    story.say(2n * SECOND, MS, { a: 0n, b: 0n });
    story.say(2n * SECOND, MS, { e: 40n * MS, a: 0n });
    expect(story.engine.suspicious).toBe(true);
    expect(story.say(2n * SECOND, MS, { c: 0n })).toEqual(['bounded']);
    expect(story.engine.suspicious).toBe(false);
    expect(story.edges(2n * SECOND)).toMatchObject({ suspectLo: -MS, suspectHi: MS });
    expect(story.source('e')).toMatchObject({ agrees: false, suspect: false, lies: 1 });
  });

  it('is ended by a suspect that came back, where too few others are left', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    // From here on c is dead, and b is wrong once.
    expect(story.say(SECOND, MS, { b: 250n * MS })).toEqual(['suspicious']);
    story.say(2n * SECOND, MS, { a: 0n });
    expect(story.engine.suspicious).toBe(true);
    story.say(2n * SECOND, MS, { b: 0n });
    expect(story.engine.suspicious).toBe(false);
    expect(story.edges(2n * SECOND)).toMatchObject({ suspectLo: -MS, suspectHi: MS });
    expect(story.source('b')).toMatchObject({ agrees: true, suspect: false });
  });

  it('backs off 300 s, then twice as long, for a source that cried wolf', () => {
    const story = agreed();
    let now = SECOND;
    const cry = (): boolean => {
      story.say(now, MS, { e: 0n });
      // Far enough to be disjoint from a bound that has aged for ten minutes.
      story.say(now + 1n, MS, { e: 400n * MS });
      const cried = story.engine.suspicious;
      story.say(now + 2n, MS, { a: 0n, b: 0n, c: 0n, d: 0n });
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

  it('is the beginning of a refutation when more than f follow', () => {
    const story = agreed();
    expect(story.say(SECOND, MS, { a: 40n * MS, b: 40n * MS, c: 40n * MS })).toEqual([
      'suspicious',
      'suspicious',
      'refuted',
    ]);
    expect(story.engine.suspicious).toBe(false);
  });

  it('covers every suspect', () => {
    const story = agreed();
    story.say(SECOND, MS, { a: 40n * MS, b: -30n * MS });
    const { suspectLo, suspectHi } = story.edges(SECOND);
    expect([suspectLo, suspectHi]).toEqual([-31n * MS, 41n * MS]);
  });

  it('a suspect that takes it back is no falseticker once the others have spoken', () => {
    const story = agreed();
    story.say(SECOND, MS, { e: 40n * MS });
    story.say(2n * SECOND, MS, { e: 0n, a: 0n, b: 0n, c: 0n });
    expect(story.source('e')).toMatchObject({ agrees: true, suspect: false, lies: 1 });
  });
});

describe('leap second', () => {
  // 2026-12-31T23:59:50Z at local time 0.
  const LEAP = 1_798_761_600n * SECOND;
  const theta = LEAP - 10n * SECOND;
  const three = ['a', 'b', 'c'];

  it('ends the bound before latest reaches it, and believes nobody until two seconds after', () => {
    const story = new EngineStory(three);
    const announce = (from: string, now: bigint): string =>
      story.ingest({ from, sentAt: now, lower: theta - MS, upper: theta + MS, leap: 'insert' });
    announce('a', 0n);
    story.say(0n, MS, { c: theta });
    announce('b', 0n);
    expect(story.engine.leapAt).toBe(LEAP);
    story.tick(9n * SECOND);
    expect(story.engine.bounded).toBe(true);
    // latest = now + theta + 1 ms + drift: a little before 9.997 s.
    story.tick(9_999n * MS);
    expect(story.at(9_999n * MS)).toBe('leap-second');
    expect(story.engine.leapAt).toBeUndefined();
    // A server that has not repeated the second yet is not believed ...
    const early = story.say(11n * SECOND, MS, { a: theta, b: theta, c: theta });
    expect(early).toEqual(['waiting', 'waiting', 'waiting']);
    // ... after the settling time all are: the second was inserted, theta is one less.
    const after = { a: theta - SECOND, b: theta - SECOND, c: theta - SECOND };
    expect(story.say(14n * SECOND, MS, after)).toContain('bounded');
    expect(story.at(14n * SECOND)).toEqual([theta - SECOND - MS, theta - SECOND + MS]);
  });

  it('f announcements are not enough, and when they are taken back there is no leap', () => {
    const story = new EngineStory(three);
    story.say(0n, MS, { b: theta, c: theta });
    story.ingest({ from: 'a', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    expect(story.engine.leapAt).toBeUndefined();
    story.ingest({ from: 'b', sentAt: 0n, lower: theta, upper: theta, leap: 'insert' });
    expect(story.engine.leapAt).toBe(LEAP);
    story.say(SECOND, MS, { b: theta });
    expect(story.engine.leapAt).toBeUndefined();
  });

  it.each([
    ['long ago', -(10n ** 18n)],
    ['next month', 30n * 86_400n * SECOND],
  ])('the month is that of the bound, not that of a liar who says it is %s', (_name, lie) => {
    const story = new EngineStory(three);
    story.say(0n, MS, { b: theta, c: theta });
    story.ingest({ from: 'b', sentAt: 1n, lower: theta, upper: theta, leap: 'insert' });
    const liar = theta + lie;
    story.ingest({ from: 'a', sentAt: 2n, lower: liar, upper: liar, leap: 'insert' });
    story.ingest({ from: 'a', sentAt: 3n, lower: liar, upper: liar, leap: 'insert' });
    expect(story.engine.bounded).toBe(true);
    expect(story.engine.leapAt).toBe(LEAP);
  });

  it('is heard in the samples before the first bound, even if a miss completes it', () => {
    const story = new EngineStory(three);
    story.ingest({ from: 'a', sentAt: 0n, lower: theta, upper: theta, leap: 'delete' });
    story.ingest({ from: 'b', sentAt: 0n, lower: theta, upper: theta, leap: 'delete' });
    expect(story.miss('c', 1n)).toBe('bounded');
    expect(story.engine.leapAt).toBe(LEAP);
  });
});

describe('other sources from now on', () => {
  it('the bound stands, those who left lose their vote, those who came have nothing yet', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    story.engine.setSources(['b', 'c', 'd', 'e', 'f']);
    expect(story.engine.voters).toBe(2);
    expect(story.engine.maxFaulty).toBe(2);
    expect(story.at(0n)).toEqual([-MS, MS]);
    expect(story.ingest({ from: 'a', sentAt: 1n, lower: 0n, upper: 0n })).toBe('impossible');
    // Two voters are no more than f = 2: nobody could tell which of them is wrong.
    story.tick(SECOND);
    expect(story.at(SECOND)).toBe('too-few-sources');
    expect(story.say(2n * SECOND, MS, { d: 0n })).toEqual(['waiting']);
    expect(story.say(2n * SECOND, MS, { e: 0n, f: 0n })[1]).toBe('bounded');
  });

  it('a source that leaves and comes back starts afresh', () => {
    const story = new EngineStory(['a', 'b', 'c']);
    story.say(0n, MS, { a: 0n, b: 0n, c: 0n });
    story.engine.setSources(['a', 'b']);
    story.engine.setSources(['a', 'b', 'c']);
    expect(story.source('c').cone.known).toBe(false);
    expect(story.source('a').cone.known).toBe(true);
  });

  it('no sources at all: nothing is known, nothing breaks', () => {
    const story = new EngineStory([]);
    story.tick(SECOND);
    expect(story.miss('a', SECOND)).toBe('waiting');
    expect(story.at(SECOND)).toBe('starting');
  });
});

describe('the wall guard', () => {
  it('is part of the bound while it is within a second of it', () => {
    const story = new EngineStory(['a']);
    story.ingest({ sentAt: 0n, lower: -MS, upper: MS });
    story.engine.setGuard({ lowerNs: 300n * MS, upperNs: 301n * MS });
    expect(story.edges(0n).guard).toEqual([300n * MS, 301n * MS]);
    story.engine.setGuard({ lowerNs: 1001n * MS, upperNs: 1002n * MS });
    expect(story.edges(0n).guard).toEqual([1001n * MS, 1002n * MS]);
    // A daemon would step, not slew, from here.
    story.engine.setGuard({ lowerNs: 1002n * MS, upperNs: 1002n * MS });
    expect(story.edges(0n).guard).toBeUndefined();
    story.engine.setGuard({ lowerNs: -1002n * MS, upperNs: -1002n * MS });
    expect(story.edges(0n).guard).toBeUndefined();
    story.engine.setGuard(undefined);
    expect(story.edges(0n).guard).toBeUndefined();
  });
});
