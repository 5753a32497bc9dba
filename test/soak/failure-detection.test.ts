import { expect, test } from 'vitest';
import { expectFewerMistakes } from '../kit/detection-checks.ts';
import { SEED } from '../kit/soak.ts';
import { measure } from '../research/detection-quality.ts';
import { DETECTORS, SETUP } from '../research/detection-tables.ts';
import { OBSERVER_PAUSES, WORLDS } from '../research/detection-worlds.ts';

const SEEDS = 1000;
const seeds = Array.from({ length: SEEDS }, (_, i) => SEED + i);

test.each(WORLDS)(
  `$name, ${SEEDS} half hours from seed ${SEED}: crashes are seen, 95 % of answers are right, and ours makes a fifth of the mistakes where the observer pauses`,
  (world) => {
    const measured = measure(world, DETECTORS, { ...SETUP, seeds });
    for (const { detectionMs, wrongMs } of measured.qualities) {
      expect(detectionMs.length).toBe(SEEDS);
      expect(wrongMs).toBeLessThan(measured.watchedMs / 20);
    }
    if (OBSERVER_PAUSES.includes(world)) {
      expect(expectFewerMistakes(measured)).toBeGreaterThanOrEqual(2);
    }
  },
);
