/**
 * Whole worlds for fast-check, so that a world that breaks a promise shrinks to a small one: fewer
 * servers, fewer events, gentler clocks.
 *
 * Every world drawn here *keeps* the assumptions of a bounded clock with default settings: rates within
 * `maxDriftPpm`, and on a free-running host as steady as A2 has them, at most `floor((n - 1) / 2)` liars, suspends that show on the wall clock, no frozen guests. So
 * the oracle must find nothing in any of them.
 *
 * fast-check is handed in and not imported: it is a development dependency of whoever tests, not of this
 * package.
 */
import type * as FastCheck from 'fast-check';
import { Oscillator } from './oscillator.ts';
import type { Scenario, ScenarioEvent, ServerPlan } from './scenario.ts';
import type { SimClockOptions } from './sim-clock.ts';
import type { SimNtpBehaviour } from './sim-ntp-server.ts';

/** The part of fast-check that is used. */
export type FastCheckModule = Pick<
  typeof FastCheck,
  | 'array'
  | 'boolean'
  | 'constant'
  | 'constantFrom'
  | 'double'
  | 'integer'
  | 'oneof'
  | 'option'
  | 'record'
  | 'tuple'
>;

export interface ScenarioArbitraryOptions {
  /** Length of each world. Default 60. */
  readonly minutes?: number;
  /** Default 7. */
  readonly maxServers?: number;
}

/** The default drift bound of a bounded clock, which all rates drawn here add up to at most. */
const DRIFT_BOUND_PPM = 200;

/**
 * An arbitrary of worlds in which the assumptions hold.
 *
 * @param fc the module `fast-check`
 * @example
 * await fc.assert(fc.asyncProperty(scenarioArbitrary(fc), async (scenario) => {
 *   const { world, run } = openScenario(scenario);
 *   await run();
 *   expect(world.oracle.report()).toBe('');
 * }));
 */
export function scenarioArbitrary(
  fc: FastCheckModule,
  options: ScenarioArbitraryOptions = {},
): FastCheck.Arbitrary<Scenario> {
  const { minutes = 60, maxServers = 7 } = options;
  return fc
    .record({
      seed: fc.integer({ min: 0, max: 0xffff_ffff }),
      clock: clockArbitrary(fc),
      preemption: fc.option(
        // Not more than a process can bear: it reads its clock some hundred times a second.
        fc.constantFrom(
          { probability: 0.0003, maxMs: 1000 },
          { probability: 0.003, maxMs: 30 },
          { probability: 0.1, maxMs: 0.1 },
        ),
        { nil: undefined },
      ),
      pollMs: fc.constantFrom(1000, 16_000, 64_000),
      hostClock: fc.constantFrom('disciplined' as const, 'free-running' as const),
      servers: fc.array(serverArbitrary(fc), { minLength: 1, maxLength: maxServers }),
      lies: fc.array(lieArbitrary(fc), { maxLength: Math.floor((maxServers - 1) / 2) }),
      events: fc.array(eventArbitrary(fc, minutes), { maxLength: 4 }),
    })
    .map(({ lies, preemption, ...world }) => ({
      ...world,
      clock: world.hostClock === 'free-running' ? steady(world.clock) : world.clock,
      ...(preemption !== undefined && { preemption }),
      minutes,
      servers: withLiars(world.servers, lies),
      readEveryMs: 2000,
    }));
}

/** The first servers lie, as many as may. */
function withLiars(servers: readonly ServerPlan[], lies: readonly SimNtpBehaviour[]): ServerPlan[] {
  const most = Math.floor((servers.length - 1) / 2);
  return servers.map((plan, i) => {
    const behaviour = i < most ? lies[i] : undefined;
    return behaviour === undefined ? plan : { ...plan, server: { ...plan.server, behaviour } };
  });
}

function clockArbitrary(fc: FastCheckModule): FastCheck.Arbitrary<SimClockOptions> {
  return fc
    .record({
      driftPpm: fc.integer({ min: -DRIFT_BOUND_PPM, max: DRIFT_BOUND_PPM }),
      temperature: fc.record({
        ppm: fc.integer({ min: 0, max: 20 }),
        periodMs: fc.integer({ min: 600_000, max: 86_400_000 }),
      }),
      wander: fc.record({
        maxPpm: fc.integer({ min: 0, max: 20 }),
        ppmPerSecond: fc.constantFrom(0, 0.01, 0.1, 1),
      }),
      uptimeMs: fc.constantFrom(0, 1000, 1e6, 1e9),
      wallOffsetMs: fc.constantFrom(0, 1, -137, 300_000),
      monotonicGridNs: fc.constantFrom(1, 41, 100, 1000, 1_000_000),
      wallGridNs: fc.constantFrom(1, 1000, 1_000_000),
      suspend: fc.constantFrom('stops-monotonic' as const, 'counts' as const),
      timerEarlyMs: fc.constantFrom(0, 1),
      timerLateMs: fc.constantFrom(0, 4, 100),
    })
    .map((clock) => {
      // All of the bound may be used, none of it exceeded.
      const excess = Oscillator.extremePpm(clock) - DRIFT_BOUND_PPM;
      if (excess <= 0) return clock;
      return { ...clock, driftPpm: clock.driftPpm - Math.sign(clock.driftPpm) * excess };
    });
}

/** As steady as a free-running clock assumes: within 25 ppm from peak to peak, changing by 0.1 ppm a second. */
function steady(clock: SimClockOptions): SimClockOptions {
  const { temperature = { ppm: 0, periodMs: 1 }, wander = { maxPpm: 0, ppmPerSecond: 0 } } = clock;
  const ppm = Math.min(temperature.ppm, 12);
  const slowest = ppm * 2 * Math.PI * (1000 / 0.05);
  return {
    ...clock,
    temperature: { ppm, periodMs: Math.max(temperature.periodMs, slowest) },
    wander: {
      maxPpm: Math.min(wander.maxPpm, 12 - ppm),
      ppmPerSecond: Math.min(wander.ppmPerSecond, 0.05),
    },
  };
}

function serverArbitrary(fc: FastCheckModule): FastCheck.Arbitrary<ServerPlan> {
  const wayMs = fc.constantFrom(0.05, 0.3, 2, 25, 120);
  return fc.record({
    path: fc.oneof(
      fc.constantFrom('lan' as const, 'cloud' as const, 'internet' as const),
      fc.record({ forthMs: wayMs, backMs: wayMs }),
    ),
    loss: fc.constantFrom(0, 0.01, 0.3),
    duplication: fc.constantFrom(0, 0.1),
    congested: fc.boolean(),
    server: fc.record({
      rootDelayMs: fc.constantFrom(0, 0.4, 30),
      rootDispersionMs: fc.constantFrom(0, 0.3, 10),
      errorShare: fc.constantFrom(-1, -0.5, 0, 0.5, 1),
      errorPeriodMs: fc.constantFrom(60_000, 600_000, 86_400_000),
      holdMs: fc.constantFrom(0, 0.05, 20),
      precision: fc.constantFrom(-6, -18, -20, -25),
    }),
  });
}

function lieArbitrary(fc: FastCheckModule): FastCheck.Arbitrary<SimNtpBehaviour> {
  return fc.oneof(
    // Sizes from "inside everybody's error" to absurd: the first are the ones that fool an overlap.
    fc.record({ offsetMs: fc.constantFrom(-0.1, 0.2, -0.5, 1, -3, 10, -250, 4e9) }),
    fc.record({ driftPpm: fc.constantFrom(-5000, -300, 300, 1000) }),
    fc.record({ offsetMs: fc.constantFrom(-2, 2), claimShare: fc.constantFrom(0, 0.1) }),
    fc.record({ silent: fc.constant(true) }),
  );
}

function eventArbitrary(fc: FastCheckModule, minutes: number): FastCheck.Arbitrary<ScenarioEvent> {
  const atMs = fc.integer({ min: 0, max: minutes * 60_000 });
  const forMs = fc.constantFrom(100, 1500, 30_000, 300_000);
  return fc.oneof(
    fc.record({
      atMs,
      kind: fc.constant('step' as const),
      byMs: fc.constantFrom(-3_600_000, -300, -10, 10, 300, 3_600_000),
    }),
    fc.record({ atMs, kind: fc.constantFrom('suspend' as const, 'pause' as const), forMs }),
    fc.record({
      atMs,
      kind: fc.constant('isolate' as const),
      server: fc.integer({ min: 0, max: 6 }),
      forMs,
    }),
  );
}
