/**
 * The bulk of the hours. With the whole library in them: 230 here and 280 in scenarios.test.ts, in two files so
 * that they run side by side. With the engine alone: 480 here.
 */
import { expect, test } from 'vitest';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { drawEngineWorld, runEngineWorld } from '../kit/engine-world.ts';

test('230 hours of drawn whole worlds: no reading excludes the truth', async () => {
  expect(await runDrawnWorlds({ seed: 21, hours: 230 })).toBeGreaterThan(230 * 1500);
});

test('240 hours of drawn engine worlds: no reading excludes the truth', () => {
  let bounded = 0;
  let checked = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const outcome = runEngineWorld(drawEngineWorld(seed, 10));
    expect(outcome.first).toBeUndefined();
    bounded += outcome.bounded;
    checked += outcome.checked;
  }
  expect(bounded / checked).toBeGreaterThan(0.99);
});

// With one source nothing covers for a mistake in dating or rounding: no vote, no second opinion.
test('240 hours with one source at the edge of its claim, at an uptime of 1e6 s', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const world = drawEngineWorld(seed, 10);
    const outcome = runEngineWorld({
      ...world,
      sources: 1,
      liars: 0,
      path: 'lan',
      uptimeNs: 1_000_000_000_000_000n,
      // The whole drift bound, in either direction.
      oscillator: { driftPpm: seed % 2 === 0 ? 200 : -200 },
    });
    expect(outcome.first).toBeUndefined();
    expect(outcome.bounded).toBeGreaterThan(0.99 * outcome.checked);
  }
});

test('an oracle that can fail: a crystal beyond the drift bound is caught lying', () => {
  const world = drawEngineWorld(3, 2);
  const outcome = runEngineWorld({
    ...world,
    sources: 1,
    liars: 0,
    path: 'lan',
    pollS: 256,
    oscillator: { driftPpm: 400 },
  });
  expect(outcome.violations).toBeGreaterThan(0);
  expect(outcome.first).toMatch(/outside/);
});
