import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Growth } from '../../../src/bound/growth.ts';
import { CAPACITY, FactList } from '../../../src/bound/learned/fact-list.ts';
import { Instants } from '../../../src/bound/local-now.ts';

const SECOND = 1e9;
const RISE = 100e-6;
const FALL = 50e-6;
const HORIZON = { jitter: 0, wander: 0, span: 0, horizonNs: 3600 * SECOND };

/**
 * How far theta rises, from `first` on. -50 ppm is the steepest fall, 100 ppm the steepest rise.
 */
function growth(first = -FALL, wander = 1e-16): Growth {
  const made = new Growth();
  made.curved(first, RISE, wander, 7200 * SECOND, 500e-6);
  return made;
}

/** How far `-theta` rises: theta falls by at most 50 ppm. */
const falling = new Growth();
falling.linear(FALL);

/** Adds, at `now`, that theta was at most `value` at `at`. */
function add(list: FactList, at: number, value: number, now = at, rising = growth()): void {
  list.add({ at, value, pathDelay: 0, serverError: 0 }, rising, falling, { now });
}

/** What the facts alone say, as if nothing had followed from them before. */
function bestAt(list: FactList, now: number, growth: Growth): number {
  list.ageToNow({ growth, grown: Number.POSITIVE_INFINITY }, { now });
  return list.edge;
}

function listOf(...facts: readonly (readonly [atS: number, value: number])[]): FactList {
  return fill(new FactList(new Instants()), facts);
}

function fill(list: FactList, facts: readonly (readonly [atS: number, value: number])[]): FactList {
  for (const [atS, value] of facts) {
    add(list, atS * SECOND, value);
  }
  return list;
}

describe('which fact may be dropped', () => {
  // In a second theta rises by at most 100,000 ns and falls by at most 50,000 ns.
  it.each([
    ['a newer one as high as the steepest rise from the older', [0, 0], [1, 100_000], 1],
    ['a newer one that is lower than that', [0, 0], [1, 99_999], 2],
    ['an older one, when the newer has met its steepest fall', [0, 0], [1, -50_000], 1],
    ['an older one that could still have fallen lower', [0, 0], [1, -49_999], 2],
    ['a late one, when the newer one we have met its fall', [1, -50_000], [0, 0], 1],
    ['a late one that makes the newer one useless', [1, 100_000], [0, 0], 1],
    ['neither', [1, 99_999], [0, 0], 2],
    ['a duplicate', [1, 5], [1, 5], 1],
  ] as const)('%s', (_name, first, second, left) => {
    expect(listOf(first, second).size).toBe(left);
  });

  it('no fact that would ever have been the best one', () => {
    const fact = fc.record({
      afterS: fc.integer({ min: 0, max: 20 }),
      lateS: fc.integer({ min: 0, max: 3 }),
      value: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(fact, { minLength: 1, maxLength: CAPACITY }),
        fc.double({ min: -FALL, max: RISE, noNaN: true }),
        fc.integer({ min: 0, max: 900 }),
        (facts, first, laterS) => {
          const list = new FactList(new Instants());
          const all: { at: number; value: number }[] = [];
          let now = 100 * SECOND;
          for (const { afterS, lateS, value } of facts) {
            now += afterS * SECOND;
            const at = now - lateS * SECOND;
            all.push({ at, value });
            add(list, at, value, now);
          }
          now += laterS * SECOND;
          const aged = growth(first);
          const best = Math.min(...all.map(({ at, value }) => value + aged.over(now - at)));
          // Of two facts that are equal but for rounding either may be kept, which costs that
          // rounding.
          expect(bestAt(list, now, aged)).toBeGreaterThanOrEqual(best);
          expect(bestAt(list, now, aged)).toBeLessThanOrEqual(best + 2);
        },
      ),
      { seed: 20283, numRuns: 500 },
    );
  });
});

describe('when the list is full', () => {
  it('the fact that says least at present is dropped, even if it is the new one', () => {
    const flat = growth(0, 1e-30);
    const fill = (): FactList => {
      const list = new FactList(new Instants());
      // The values fall by 40 ppm. Each could still become the best one, and the oldest says least.
      for (let i = 0; i < CAPACITY; i++) {
        add(list, i * SECOND, -40_000 * i, i * SECOND, flat);
      }
      return list;
    };
    const now = CAPACITY * SECOND;
    const good = fill();
    add(good, now, -40_000 * CAPACITY, now, flat);
    expect(good.size).toBe(CAPACITY);
    expect(bestAt(good, now, flat)).toBe(-40_000 * CAPACITY);
    // The oldest fact was dropped, so the second one is the first to expire.
    good.expire({ now: SECOND + HORIZON.horizonNs }, HORIZON);
    expect(good.size).toBe(CAPACITY);

    const bad = fill();
    const before = bestAt(bad, now, flat);
    add(bad, now, 50_000, now, flat);
    expect(bad.size).toBe(CAPACITY);
    expect(bestAt(bad, now, flat)).toBe(before);
    bad.expire({ now: now + HORIZON.horizonNs }, HORIZON);
    expect(bad.size).toBe(0);
  });
});

describe('the rest', () => {
  it('says where the best one comes from', () => {
    const list = new FactList(new Instants());
    const [first, second] = [
      { at: 0, value: 0, pathDelay: 7, serverError: 8 },
      { at: SECOND, value: 90_000, pathDelay: 9, serverError: 10 },
    ];
    list.add(first, growth(), falling, { now: 0 });
    list.add(second, growth(), falling, { now: SECOND });
    bestAt(list, SECOND, growth());
    expect(list.origin).toEqual({ born: { ns: 0 }, pathDelay: 7, serverError: 8 });
    bestAt(list, SECOND, growth(RISE));
    expect(list.origin).toEqual({ born: { ns: SECOND }, pathDelay: 9, serverError: 10 });
  });

  it('without facts there is no upper bound', () => {
    const list = listOf([5, 0]);
    list.expire({ now: 5 * SECOND + HORIZON.horizonNs }, HORIZON);
    expect(list.size).toBe(1);
    list.expire({ now: 5 * SECOND + 1 + HORIZON.horizonNs }, HORIZON);
    expect(bestAt(list, 9 * SECOND, growth())).toBe(Number.POSITIVE_INFINITY);
  });

  it('a late fact expires by its own date, and so does what is left', () => {
    const horizon = HORIZON.horizonNs;
    const list = listOf([10, 0], [5, 0], [11, 0]);
    expect(list.size).toBe(3);
    list.expire({ now: 5 * SECOND + horizon }, HORIZON);
    expect(list.size).toBe(3);
    for (const [atS, left] of [
      [5, 2],
      [10, 1],
      [11, 0],
    ] as const) {
      list.expire({ now: atS * SECOND + 1 + horizon }, HORIZON);
      expect(list.size).toBe(left);
    }
    const last = listOf([10, 0], [5, 900_000]);
    last.keepLast();
    last.expire({ now: 5 * SECOND + 1 + horizon }, HORIZON);
    expect(last.size).toBe(0);
  });

  it('what followed before ages by what was known then, the facts by what is known now', () => {
    const list = listOf([0, 0]);
    // A second later theta had risen by 1000 ns at most, and the rate was known to be low.
    const slow = growth(1e-6, 1e-30);
    expect(bestAt(list, SECOND, slow)).toBe(slow.over(SECOND));
    // Since then it rose by 500 ns at most, and today the rate may be anything.
    list.ageToNow({ growth: growth(RISE), grown: 500 }, { now: 2 * SECOND });
    expect(list.edge).toBe(slow.over(SECOND) + 500);
    expect(list.origin.born.ns).toBe(0);
    // Where nothing follows from before, the facts are left.
    expect(bestAt(list, 2 * SECOND, growth(RISE))).toBe(200_001);
  });

  it('claims the edge of the source or that of its cone, whichever is lower', () => {
    const list = listOf([0, 0]);
    list.shift = 70;
    for (const [cone, claim, claimed] of [
      [71, 70, true],
      [70, 70, false],
      [69, 69, false],
    ] as const) {
      list.claim = cone;
      bestAt(list, 0, growth());
      expect([list.claim, list.claimed]).toEqual([claim, claimed]);
    }
  });

  it('keepLast keeps the fact that came last, even if it was useless', () => {
    const list = listOf([10, 0], [11, 500_000]);
    expect(list.size).toBe(1);
    expect(bestAt(list, 11 * SECOND, growth(RISE))).toBe(100_001);
    list.keepLast();
    expect(list.size).toBe(1);
    expect(bestAt(list, 11 * SECOND, growth(RISE))).toBe(500_000);
  });

  it('moves with the base of local time', () => {
    const instants = new Instants();
    const list = fill(new FactList(instants), [
      [10, 0],
      [11, 0],
      [12, 0],
    ]);
    const before = bestAt(list, 13 * SECOND, growth());
    instants.moveBack(10 * SECOND);
    expect(bestAt(list, 3 * SECOND, growth())).toBe(before);
    list.keepLast();
    expect(list.size).toBe(1);
    expect(bestAt(list, 2 * SECOND, growth())).toBe(0);
  });
});
