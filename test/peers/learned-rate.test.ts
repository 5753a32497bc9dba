/**
 * The learned rate on a real host that drifts by 300 ppm: never wrong, and narrower than the rate
 * bound alone. 20 s of fast polls next door here; `npm run soak` runs it for ten minutes, 16 s
 * polls, servers 2 to 20 ms away.
 */
import { expect, test } from 'vitest';
import { CLOCKS, type ClockName, DRIFT_PPM, runDriftingHost } from '../kit/drifting-host.ts';

const MINUTES = process.env.DRIFT_MINUTES;

test(`a host that drifts by ${DRIFT_PPM} ppm, for ${MINUTES === undefined ? '20 s' : `${MINUTES} min`}: no violation`, async () => {
  const forMs = Number(MINUTES ?? 1 / 3) * 60_000;
  const tally = Object.fromEntries(
    CLOCKS.map((clock) => [
      clock,
      { readings: 0, without: 0, violations: 0, worstNs: 0, widths: 0 },
    ]),
  ) as Record<
    ClockName,
    Record<'readings' | 'without' | 'violations' | 'worstNs' | 'widths', number>
  >;
  let compared = 0;
  const { refuted, rate } = await runDriftingHost({
    forMs,
    pollIntervalMs: MINUTES === undefined ? 2000 : 16_000,
    distancesMs: MINUTES === undefined ? [0, 0, 0, 2, 5] : [2, 5, 9, 14, 20],
    onReading({ clock, elapsedMs, uncertaintyNs, excludedNs }) {
      const mine = tally[clock];
      mine.readings++;
      if (uncertaintyNs === undefined) mine.without++;
      if (excludedNs > 0) mine.violations++;
      mine.worstNs = Math.max(mine.worstNs, excludedNs);
      // Learning the rate takes a few polls.
      if (elapsedMs < forMs / 3 || uncertaintyNs === undefined) return;
      mine.widths += uncertaintyNs;
      if (clock === 'layer 2') compared++;
    },
  });
  const ms = (clock: ClockName): number => tally[clock].widths / compared / 1e6;
  console.log(
    `${tally['layer 2'].readings} readings each; half-width ${ms('layer 2').toFixed(2)} ms where the rate is ` +
      `learned, ${ms('layer 1').toFixed(2)} ms where it is not; the rate is within ` +
      `[${rate?.lowerPpm.toFixed(1)}, ${rate?.upperPpm.toFixed(1)}] ppm; the false clock is wrong by up to ` +
      `${(tally.false.worstNs / 1e6).toFixed(2)} ms`,
  );
  for (const clock of ['layer 2', 'layer 1'] as const) {
    expect(tally[clock]).toMatchObject({ without: 0, violations: 0 });
    expect(refuted[clock]).toEqual([]);
  }
  expect(tally['layer 2'].readings).toBeGreaterThan(forMs / 1000);
  expect(ms('layer 2')).toBeLessThan(ms('layer 1'));
  // True time loses 300 ppm on a clock that is 300 ppm fast.
  expect(rate!.lowerPpm).toBeLessThan(-DRIFT_PPM + 1);
  expect(rate!.upperPpm).toBeGreaterThan(-DRIFT_PPM - 1);
  // The control: the oracle finds violations of a false bound.
  expect(tally.false.violations).toBeGreaterThan(0);
});
