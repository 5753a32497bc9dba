import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ascending } from '../../src/bound/ascending.ts';

const number = fc.integer({ min: -5, max: 5 });

test('sorts whatever changed since the last time', () => {
  // Each round has its number of voters, and then some changes of single values.
  const change = fc.record({ voter: fc.nat(), to: number });
  const round = fc.record({
    values: fc.array(number, { maxLength: 9 }),
    changes: fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(round, { maxLength: 4 }), (rounds) => {
      const ascending = new Ascending();
      for (const { values, changes } of rounds) {
        ascending.resize(values.length);
        ascending.values.set(values);
        for (const some of [[], ...changes]) {
          for (const { voter, to } of some) ascending.values[voter % values.length] = to;
          ascending.sort();
          expect([...ascending.sorted]).toEqual([...ascending.values].sort((a, b) => a - b));
        }
      }
    }),
    { seed: 20293, numRuns: 300 },
  );
});

test('keeps its arrays while the number of voters stays the same', () => {
  const ascending = new Ascending();
  ascending.resize(3);
  const { values, sorted } = ascending;
  ascending.resize(3);
  expect(ascending.values).toBe(values);
  expect(ascending.sorted).toBe(sorted);
});
