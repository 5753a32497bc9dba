import { expect, test } from 'vitest';
import { AgedInterval, copyProvenance, newProvenance } from '../../src/bound/aged-interval.ts';
import { Instants, LocalNow } from '../../src/bound/local-now.ts';

const PPM_200 = 0.0002;

function at(now: number): LocalNow {
  return Object.assign(new LocalNow(PPM_200), { now });
}

/** `[lo, hi]`, known since the instant 1000. */
function interval(lo: number, hi: number): AgedInterval {
  const made = new AgedInterval(new Instants());
  made.begin(at(1000));
  return Object.assign(made, { lo, hi });
}

test('nothing is known at first; then everything is possible until the edges are set', () => {
  const made = new AgedInterval(new Instants());
  expect(made.known).toBe(false);
  made.begin(at(77));
  expect(made).toMatchObject({
    known: true,
    at: { ns: 77 },
    lo: Number.NEGATIVE_INFINITY,
    hi: Number.POSITIVE_INFINITY,
  });
});

test('opens by the drift on either side, rounded outward by 1 ns', () => {
  const edges = { lo: 0, hi: 0 };
  const made = interval(-50, 70);
  // 0.0002 of 5000 ns is 1 ns.
  made.edgesAt(at(6000), edges);
  expect(edges).toEqual({ lo: -52, hi: 72 });
  // Looking changes nothing. Aging does, and counts from the new instant on.
  expect(made).toMatchObject({ at: { ns: 1000 }, lo: -50, hi: 70 });
  made.ageTo(at(6000));
  expect(made).toMatchObject({ at: { ns: 6000 }, lo: -52, hi: 72 });
  made.ageTo(at(6000));
  expect(made).toMatchObject({ at: { ns: 6000 }, lo: -52, hi: 72 });
});

test('edges beyond 2^52 ns, which doubles round, stay outside of the exact ones', () => {
  const edges = { lo: 0, hi: 0 };
  const far = 2 ** 60;
  interval(-far, far).edgesAt(at(5001000), edges);
  const exact = BigInt(far) + 1001n;
  for (const excess of [BigInt(edges.hi) - exact, -BigInt(edges.lo) - exact]) {
    expect(excess >= 0n && excess <= 2048n).toBe(true);
  }
  // Also on the near side of 0, where outward is the other way.
  interval(far, far).edgesAt(at(5001000), edges);
  expect(BigInt(edges.lo) <= BigInt(far) - 1001n).toBe(true);
});

test('a provenance moves with the base of local time, and is copied whole', () => {
  const instants = new Instants();
  const from = newProvenance(instants);
  expect(from).toEqual({ born: { ns: 0 }, pathDelay: 0, serverError: 0 });
  const to = newProvenance(instants);
  from.born.ns = 500;
  copyProvenance(Object.assign(from, { pathDelay: 3, serverError: 4 }), to);
  instants.moveBack(100);
  expect(to).toEqual({ born: { ns: 400 }, pathDelay: 3, serverError: 4 });
  expect(to.born).not.toBe(from.born);
});
