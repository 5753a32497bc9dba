import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Growth } from '../../../src/bound/growth.ts';
import { FactList } from '../../../src/bound/learned/fact-list.ts';
import { LearnedEdge } from '../../../src/bound/learned/learned-edge.ts';
import { RateVote } from '../../../src/bound/learned/rate-vote.ts';
import { WanderBound } from '../../../src/bound/learned/wander-bound.ts';
import { LocalNow } from '../../../src/bound/local-now.ts';

const SECOND = 1e9;
const R = 500e-6;
const A2 = { jitter: 1e-6, wander: 1e-16, span: 25e-6, horizonNs: 3600 * SECOND };
const NOW = 1000 * SECOND;

/** A source that vouches for `edge` now, and for the other edge at earlier instants. */
interface Said {
  /** ns */
  readonly edge: number;
  /** ns */
  readonly shift: number;
  /** `dt` s ago theta was at least `edge - rise`, ns. */
  readonly facts: readonly { readonly dt: number; readonly rise: number }[];
}

const steepest = new Growth();
steepest.linear(R);

/** What is known of the rate, ppm, after a vote; before it, `knownPpm`. */
function ratePpm(
  all: readonly Said[],
  faulty: number,
  known = Number.MAX_SAFE_INTEGER,
  knownPpm = 500,
): number {
  const local = new LocalNow(R);
  local.now = NOW;
  const fused = new LearnedEdge(local);
  fused.begin(known, local);
  fused.rate = knownPpm / 1e6;
  const voters: FactList[] = [];
  const opposite: FactList[] = [];
  for (const { edge, shift, facts } of all) {
    const voter = new FactList(local.instants);
    voter.claim = edge;
    voter.shift = shift;
    voters.push(voter);
    const list = new FactList(local.instants);
    opposite.push(list);
    for (const { dt, rise } of facts) {
      // A lower fact is mirrored, and relative to the base of the source.
      const fact = { at: NOW - dt * SECOND, value: rise - (edge - shift) };
      list.add({ ...fact, pathDelay: 0, serverError: 0 }, steepest, steepest, local);
    }
  }
  new RateVote().take(voters, opposite, faulty, fused, new WanderBound(A2, local), A2);
  return fused.rate * 1e6;
}

const one = (edge: number, rise: number, dt = 100): Said => ({
  edge,
  shift: 0,
  facts: [{ dt, rise }],
});

test('one source: the mean rate, the jitter, half the wander', () => {
  // 8 ms in 100 s are 80 ppm; 1 ppm of jitter; 10 ppm of wander, halved.
  expect(ratePpm([one(5e6, 8e6)], 0)).toBeCloseTo(86, 6);
  // What is known of theta may be less than the source vouches for.
  expect(ratePpm([one(5e6, 8e6)], 0, 4e6)).toBeCloseTo(76, 6);
});

test('a fact of less than a second ago teaches nothing, nor does R or more', () => {
  expect(ratePpm([one(0, 10_000, 0.999)], 0)).toBeCloseTo(500, 6);
  expect(ratePpm([one(0, 10_000, 1)], 0)).toBeCloseTo(11.05, 6);
  expect(ratePpm([one(0, 600_000, 1)], 0)).toBeCloseTo(500, 6);
});

test('no set of sources allows the upper edge of one and the lower edge of another', () => {
  // The three are 1 ms wide and moved by nothing. Two are right: a and b, or b and c.
  const width = 1e6;
  const wide = [one(0, width), one(0.5e6, width), one(1e6, width)];
  // Each alone allows 10 ppm. Both sets allow 5: from the lower edge of one to the upper edge of
  // the other, which is 0.5 ms lower.
  expect(ratePpm(wide, 1)).toBeCloseTo(5 + 6, 6);
});

/** By definition: every set of `m - faulty` sources may be the one that is right. */
function bySets(all: readonly Said[], faulty: number, known: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let set = 0; set < 2 ** all.length; set++) {
    const right = all.filter((_, i) => (set >> i) & 1);
    if (right.length !== all.length - faulty) continue;
    const edge = Math.min(known, ...right.map((each) => each.edge));
    const rates = right.flatMap((each) =>
      each.facts.map(({ dt, rise }) => (rise - (each.edge - edge)) / dt / 1000 + 0.05 * dt),
    );
    most = Math.max(most, Math.min(...rates));
  }
  return Math.min(500, most + 1);
}

const ns = fc.integer({ min: -1_000_000, max: 1_000_000 });
const said = fc.record({
  edge: ns,
  shift: ns,
  facts: fc.array(
    fc.record({ dt: fc.integer({ min: 1, max: 900 }), rise: fc.integer({ min: 0, max: 9e6 }) }),
    { minLength: 1, maxLength: 3 },
  ),
});

test('up to three liars of seven: what some set of the others allows, and no more', () => {
  fc.assert(
    fc.property(
      fc.array(said, { minLength: 1, maxLength: 7 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: -1_000_000, max: 2_000_000 }),
      fc.constantFrom(500, 100, 30, 10, 0),
      (all, liars, known, knownPpm) => {
        const faulty = Math.min(liars, all.length - 1);
        const expected = Math.min(knownPpm, bySets(all, faulty, known));
        expect(ratePpm(all, faulty, known, knownPpm)).toBeCloseTo(expected, 6);
      },
    ),
    { seed: 20291, numRuns: 1000 },
  );
});

test('is not taken where it has nothing to teach', () => {
  const asked = vi.spyOn(FactList.prototype, 'boundRate');
  const all = [one(0, 8e6), one(0, 8e6), one(0, 0)];
  // 86 ppm by two of three.
  expect(ratePpm(all, 1, 0, 85.9)).toBeCloseTo(85.9, 6);
  expect(asked).not.toHaveBeenCalled();
  expect(ratePpm(all, 1, 0, 86.1)).toBeCloseTo(86, 6);
  expect(asked).toHaveBeenCalled();
  asked.mockRestore();
});

test('of more sources: never less than some set of the others allows', () => {
  let more = 0;
  fc.assert(
    fc.property(fc.array(said, { minLength: 9, maxLength: 11 }), ns, (all, known) => {
      const faulty = (all.length - 1) >> 1;
      const [voted, exact] = [ratePpm(all, faulty, known), bySets(all, faulty, known)];
      expect(voted).toBeGreaterThan(exact - 1e-6);
      more += voted - exact;
    }),
    { seed: 20292, numRuns: 100 },
  );
  expect(more / 100).toBeLessThan(5);
});
