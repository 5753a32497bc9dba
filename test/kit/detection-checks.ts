import { expect } from 'vitest';
import { fixedMistakes, type Measured, mean } from '../research/detection-quality.ts';
import { PAIRS, qualityOf } from '../research/detection-tables.ts';

/** A detector with fewer mistakes than this is not compared. */
const ENOUGH = 5;

/**
 * That ours makes at most a fifth of the mistakes of the others that detect a crash as soon.
 * Returns how many comparisons there were.
 */
export function expectFewerMistakes(measured: Measured): number {
  let compared = 0;
  for (const [own, other] of PAIRS) {
    const mine = qualityOf(measured, own);
    const theirs = qualityOf(measured, other);
    const fixed = fixedMistakes(measured, mine);
    if (fixed >= ENOUGH) {
      compared++;
      expect(mine.mistakes * 5).toBeLessThanOrEqual(fixed);
    }
    if (theirs.mistakes >= ENOUGH) {
      compared++;
      expect(mine.mistakes * 5).toBeLessThanOrEqual(theirs.mistakes);
      // Ours is as fast, to a tenth.
      expect(mean(mine.detectionMs)).toBeLessThanOrEqual(1.1 * mean(theirs.detectionMs));
    }
  }
  return compared;
}
