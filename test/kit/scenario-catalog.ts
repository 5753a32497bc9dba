/**
 * The scenarios of docs/simulator-results.md, and of the tests that promise no violation in any of
 * them. In all of these the assumptions hold; the worlds that break one are in
 * test/sim/assumptions.test.ts.
 */
import type { Scenario, ScenarioEvent, ServerPlan } from '../../src/sim/scenario.ts';

export interface CatalogEntry {
  readonly name: string;
  readonly scenario: Scenario;
  /**
   * The least gain that is required: how many times wider than ours the best other sound rule must
   * be, on average.
   */
  readonly goal?: number;
  /**
   * Whether to compute the narrowest possible interval too: only where A2 holds and where it takes
   * seconds.
   */
  readonly limit?: true;
  /** How many times wider than the narrowest possible interval ours may be, on average. */
  readonly maxExcess?: number;
}

const FIVE = 5;
/** A crystal that is 80 ppm off, wanders, and follows the temperature of the room. */
const CRYSTAL = {
  driftPpm: 80,
  temperature: { ppm: 2, periodMs: 7_200_000 },
  wander: { maxPpm: 5, ppmPerSecond: 0.02 },
};
const HOUR_MS = 3_600_000;

function servers(plan: ServerPlan, count = FIVE): ServerPlan[] {
  return Array.from({ length: count }, () => plan);
}

const LAN: ServerPlan = { path: 'lan' };
const CLOUD: ServerPlan = { path: 'cloud', loss: 0.001 };
const INTERNET: ServerPlan = {
  path: 'internet',
  loss: 0.01,
  duplication: 0.001,
  server: { rootDelayMs: 20, rootDispersionMs: 2 },
};

/**
 * A reference clock on the machine itself: it has almost no error, and updates often. Public
 * servers with a reference clock state 0.015 to 0.031 ms; chronyd on a pulse per second states
 * 0.018 ms 16 s after its last update.
 */
const REFERENCE = { rootDelayMs: 0, rootDispersionMs: 0.05, updateEveryMs: 16_000 };
const LAN_NEAR: ServerPlan = { path: 'lan', server: REFERENCE };
/** One zone of a cloud: 1.4 ms there and back. */
const CLOUD_NEAR: ServerPlan = {
  path: { forthMs: 0.7, backMs: 0.7, jitterMs: 0.1 },
  loss: 0.001,
  server: REFERENCE,
};
/** Servers of the same country: 40 ms there and back. */
const INTERNET_NEAR: ServerPlan = {
  path: { forthMs: 20, backMs: 20, jitterMs: 2 },
  loss: 0.01,
  duplication: 0.001,
  server: REFERENCE,
};

/** Long enough for the half-width to repeat itself; a faster poll needs less time. */
function minutesFor(pollMs: number): number {
  return pollMs === 1000 ? 20 : pollMs === 16_000 ? 120 : 240;
}

function polled(name: string, plan: ServerPlan, pollMs: number): CatalogEntry {
  return {
    name: `${name}, ${pollMs / 1000} s polls`,
    ...(pollMs > 1000 && { limit: true, maxExcess: 1.1 }),
    scenario: {
      seed: 1,
      minutes: minutesFor(pollMs),
      clock: CRYSTAL,
      servers: servers(plan),
      pollMs,
    },
  };
}

function special(
  name: string,
  change: Partial<Scenario>,
  events: readonly ScenarioEvent[] = [],
): CatalogEntry {
  const base = { seed: 1, minutes: 120, clock: CRYSTAL, servers: servers(LAN), events };
  return { name, scenario: { ...base, ...change } };
}

function liars(count: number, offsetMs: number): ServerPlan[] {
  return servers(LAN).map((plan, i) =>
    i < count ? { ...plan, server: { behaviour: { offsetMs } } } : plan,
  );
}

function lying(name: string, plans: readonly ServerPlan[]): CatalogEntry {
  return { ...special(name, { servers: plans }), limit: true, maxExcess: 1.1 };
}

/** The event every 10 minutes, from minute 5 on. */
function regularly(event: (atMs: number) => ScenarioEvent): ScenarioEvent[] {
  return Array.from({ length: 11 }, (_, i) => event((5 + 10 * i) * 60_000));
}

export const catalog: readonly CatalogEntry[] = [
  ...[1000, 16_000, 64_000].map((pollMs) => polled('LAN', LAN, pollMs)),
  ...[1000, 16_000, 64_000].map((pollMs) => polled('cloud', CLOUD, pollMs)),
  ...[1000, 16_000, 64_000].map((pollMs) => polled('internet', INTERNET, pollMs)),
  // Where the servers are good and near, the rest of the width comes from the local rate.
  { ...polled('LAN, stratum 1', LAN_NEAR, 16_000), goal: 2.5 },
  { ...polled('LAN, stratum 1', LAN_NEAR, 64_000), goal: 4 },
  { ...polled('cloud zone, stratum 1', CLOUD_NEAR, 16_000), goal: 1.9 },
  { ...polled('cloud zone, stratum 1', CLOUD_NEAR, 64_000), goal: 3 },
  { ...polled('internet, 40 ms, stratum 1', INTERNET_NEAR, 64_000), goal: 1.15 },
  {
    ...special(
      'LAN, stratum 1, all sources down for an hour',
      { minutes: 90, servers: servers(LAN_NEAR) },
      [0, 1, 2, 3, 4].map((server) => ({
        atMs: 30 * 60_000,
        kind: 'isolate',
        server,
        forMs: HOUR_MS,
      })),
    ),
    goal: 6,
    limit: true,
    maxExcess: 1.1,
  },
  lying('1 liar of 5, 250 ms', liars(1, 250)),
  lying('2 liars of 5, colluding, 250 ms', liars(2, 250)),
  // Small enough to overlap honest intervals: the smallest overlap is fooled by it.
  lying('2 liars of 5, colluding, 1 ms', liars(2, 1)),
  lying(
    '2 liars of 5, running off at 300 ppm',
    liars(0, 0).map((plan, i) =>
      i < 2 ? { ...plan, server: { behaviour: { driftPpm: 300 } } } : plan,
    ),
  ),
  special(
    'all but one source down for 50 min',
    { expireAfterMs: HOUR_MS },
    [1, 2, 3, 4].map((server) => ({
      atMs: 30 * 60_000,
      kind: 'isolate',
      server,
      forMs: 50 * 60_000,
    })),
  ),
  {
    ...special(
      'all sources down for 50 min',
      {},
      [0, 1, 2, 3, 4].map((server) => ({
        atMs: 30 * 60_000,
        kind: 'isolate',
        server,
        forMs: 50 * 60_000,
      })),
    ),
    limit: true,
    maxExcess: 1.1,
  },
  special('one source only', { servers: servers(LAN, 1) }),
  special('asymmetric routes, 5 ms there and 45 ms back', {
    servers: servers({ path: { forthMs: 5, backMs: 45 } }),
  }),
  special('route change, 30 ms longer one way', {
    servers: servers({
      path: { forthMs: 5, backMs: 5 },
      routeChange: { atMs: 60 * 60_000, byMs: 30 },
    }),
  }),
  special('congestion bursts', {
    servers: servers({ path: 'cloud', congested: true, loss: 0.02 }),
  }),
  special('pauses of up to 1 s anywhere in the code', {
    preemption: { probability: 0.001, maxMs: 1000 },
  }),
  special(
    'suspend for 1 min every 10 min',
    {},
    regularly((atMs) => ({ atMs, kind: 'suspend', forMs: 60_000 })),
  ),
  special(
    'wall clock stepped by 300 ms every 10 min',
    {},
    regularly((atMs) => ({ atMs, kind: 'step', byMs: 300 })),
  ),
  // A daemon keeps the wall clock near the truth. The width that this adds is the wall clock's own
  // error.
  special('profile disciplined, nothing to correct', {
    hostClock: 'disciplined',
    clock: { ...CRYSTAL, driftPpm: 0 },
  }),
  // The daemon slews a wall clock that is 30 ms behind, faster than R. The wall guard covers that.
  special(
    'slewed by a daemon at 500 ppm, profile disciplined',
    { hostClock: 'disciplined', clock: { ...CRYSTAL, driftPpm: 0, wallOffsetMs: -30 } },
    [{ atMs: 30 * 60_000, kind: 'slew', ppm: 500, forMs: 60_000 }],
  ),
  // Names, bursts, first round trips: all that a first bound takes.
  special('cold start', { minutes: 1, servers: servers(INTERNET), readEveryMs: 100 }),
];
