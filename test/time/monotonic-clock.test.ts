import fc from 'fast-check';
import { expect, it } from 'vitest';
import { INT64_MIN } from '../../src/time/instant.ts';
import { MonotonicClock } from '../../src/time/monotonic-clock.ts';

it('holds the greatest reading while its source is behind it', () => {
  const source = [10n, 12n, 7n, 11n, 12n, 13n];
  const clock = new MonotonicClock(() => source.shift()!);
  const readings = Array.from({ length: 6 }, () => clock.monotonicNs());
  expect(readings).toEqual([10n, 12n, 12n, 12n, 12n, 13n]);
  expect(clock.regressions).toBe(2); // 7 and 11; a repeated 12 does not count
});

it('passes the least int64 on', () => {
  const clock = new MonotonicClock(() => INT64_MIN);
  expect([clock.monotonicNs(), clock.regressions]).toEqual([INT64_MIN, 0]);
});

it('is the running maximum of any source', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -50n, max: 50n }), { minLength: 1 }), (source) => {
      const left = [...source];
      const clock = new MonotonicClock(() => left.shift()!);
      source.forEach((_, i) => {
        const soFar = source.slice(0, i + 1).map(Number);
        expect(Number(clock.monotonicNs())).toBe(Math.max(...soFar));
      });
      const back = source.filter((reading, i) => source.slice(0, i).some((old) => old > reading));
      expect(clock.regressions).toBe(back.length);
    }),
    { seed: 20_104 },
  );
});
