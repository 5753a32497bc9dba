import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_EARLIEST, NO_LATEST } from '../../src/ordering/event.ts';
import { Watermarks } from '../../src/ordering/watermarks.ts';

const instant = fc.bigInt({ min: 0n, max: 30n });
const line = fc.record({
  node: fc.constantFrom('a', 'b', 'c'),
  latest: fc.option(instant, { nil: NO_LATEST, freq: 3 }),
});

/** The `latest` of each line, where an open line has that of the next known one of its node. */
function known(lines: readonly { node: string; latest: bigint }[]): bigint[] {
  return lines.map(({ node, latest }, i) => {
    if (latest !== NO_LATEST) return latest;
    const next = lines.slice(i).find((each) => each.node === node && each.latest !== NO_LATEST);
    return next?.latest ?? NO_LATEST;
  });
}

function bruteForce(lines: readonly { node: string; latest: bigint }[], before: bigint): number {
  const uncertain = known(lines).findIndex((latest) => latest >= before);
  return uncertain < 0 ? lines.length : uncertain;
}

describe('watermarks', () => {
  it('are those of counting from the top', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), instant, (lines, asked) => {
        const watermarks = new Watermarks();
        lines.forEach(({ node, latest }, i) => {
          watermarks.add(node, latest);
          const above = lines.slice(0, i + 1);
          expect(watermarks.countBefore(asked)).toBe(bruteForce(above, asked));
          const all = known(above).reduce((a, b) => (a > b ? a : b), NO_EARLIEST);
          expect(watermarks.latest).toBe(all);
        });
      }),
      { seed: 1504, numRuns: 3000 },
    );
  });

  it('are the same after the past was forgotten, for all that is asked later', () => {
    const round = fc.record({ lines: fc.array(line, { maxLength: 9 }), ahead: instant });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 6 }), (rounds) => {
        const watermarks = new Watermarks();
        const lines: { node: string; latest: bigint }[] = [];
        rounds.forEach(({ lines: next, ahead }, i) => {
          for (const { node, latest } of next) {
            const shifted = latest === NO_LATEST ? latest : latest + BigInt(10 * i);
            lines.push({ node, latest: shifted });
            watermarks.add(node, shifted);
          }
          const asked = BigInt(10 * i) + ahead;
          watermarks.forgetBefore(BigInt(10 * i));
          expect(watermarks.countBefore(asked)).toBe(bruteForce(lines, asked));
        });
      }),
      { seed: 1505, numRuns: 3000 },
    );
  });

  it('grow beyond the first array', () => {
    const watermarks = new Watermarks();
    for (let i = 0; i < 1000; i++) watermarks.add('a', BigInt(i));
    for (const k of [0, 1, 63, 64, 65, 500, 1000]) {
      expect(watermarks.countBefore(BigInt(k))).toBe(k);
    }
  });
});
