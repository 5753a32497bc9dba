import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GreatestBelow } from '../../src/ordering/greatest-below.ts';

const number = fc.bigInt({ min: 0n, max: 12n });
const step = fc.record({ key: number, value: number });

it('finds what a search of all items finds, also after some were forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), number, number, (steps, asked, forgotten) => {
      const greatest = new GreatestBelow<number>();
      steps.forEach(({ key, value }, item) => {
        greatest.add({ key, value, item });
      });
      const below = steps.filter(({ key }) => key < asked).map(({ value }) => value);
      const expected = below.reduce((a, b) => (a > b ? a : b), -1n);
      const found = greatest.find(asked);
      expect(found?.value ?? -1n).toBe(expected);
      if (found !== undefined) expect(steps[found.item]).toMatchObject({ value: expected });
      if (forgotten > asked) return;
      greatest.forgetBelow(forgotten);
      expect(greatest.find(asked)?.value ?? -1n).toBe(expected);
    }),
    { seed: 1506, numRuns: 5000 },
  );
});
