/**
 * Most of the simulated hours: 1,000 hours of the engine alone, and 40 with the whole library.
 * About as many with the whole library are in scenarios.test.ts, so that the two files run in
 * parallel.
 */
import { expect, test } from 'vitest';
import { runDrawnWorlds } from '../kit/drawn-worlds.ts';
import { drawEngineWorld, drawFreeRunningWorld, runEngineWorld } from '../kit/engine-world.ts';

test('40 hours of drawn whole worlds: no reading excludes the truth', async () => {
  expect(await runDrawnWorlds({ seed: 21, hours: 40 })).toBeGreaterThan(40 * 1500);
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

// With one source, no vote and no other source hides a mistake in dating or rounding.
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

test('240 hours of drawn free-running worlds, A2 kept to the edge: none wrong, none refuted', () => {
  let bounded = 0;
  let checked = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const outcome = runEngineWorld(drawFreeRunningWorld(seed, 10));
    expect(outcome.first).toBeUndefined();
    expect(outcome.refuted).toBeUndefined();
    bounded += outcome.bounded;
    checked += outcome.checked;
  }
  expect(bounded / checked).toBeGreaterThan(0.99);
});

/**
 * A rate that goes from one end of the span to the other and back, changing by at most this many
 * ppm a second.
 */
const swinging = (ppmPerSecond: number) => ({
  ppm: 12.4,
  periodMs: (2 * Math.PI * 12.4 * 1000) / ppmPerSecond,
});

test('240 free-running hours with one source at the edge of its claim, at an uptime of 1e6 s', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const outcome = runEngineWorld({
      ...drawFreeRunningWorld(seed, 10),
      sources: 1,
      liars: 0,
      path: 'lan',
      uptimeNs: 1_000_000_000_000_000n,
      jitterPpm: 0.998,
      oscillator: { driftPpm: seed % 2 === 0 ? 480 : -480, temperature: swinging(0.0998) },
    });
    expect(outcome.first).toBeUndefined();
    expect(outcome.refuted).toBeUndefined();
  }
});

test('an oracle that can fail: a rate that jumps by 60 ppm is caught', () => {
  let violations = 0;
  let refuted = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const outcome = runEngineWorld({
      ...drawFreeRunningWorld(seed, 2),
      sources: 1,
      liars: 0,
      path: 'lan',
      jitterPpm: 30,
    });
    violations += outcome.violations;
    if (outcome.refuted === 'A2') refuted++;
  }
  expect(violations).toBeGreaterThan(0);
  expect(refuted).toBeGreaterThan(0);
});

test('an oracle that can fail: a crystal beyond the drift bound gives wrong readings', () => {
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
