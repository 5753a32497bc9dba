/**
 * Scenarios for fast-check, so that a world that breaks a promise shrinks to a small one: fewer
 * servers, fewer events, gentler clocks.
 *
 * Every scenario drawn here *keeps* the assumptions of a bounded clock with default settings:
 * - Rates stay within `maxDriftPpm`. On a free-running host they are as steady as A2 demands.
 * - At most `floor((n - 1) / 2)` of n servers lie.
 * - Suspends show on the wall clock, and no guest is frozen.
 *
 * So the oracle must not find a violation in any of these worlds.
 *
 * The caller passes fast-check, which is not imported here: it is a development dependency of the
 * caller, not of this package.
 */

import type * as FastCheck from 'fast-check';
import { checkMethods, checkObject } from '../time/errors.ts';
import { Oscillator } from './oscillator.ts';
import type { Scenario, ScenarioEvent, ServerPlan } from './scenario.ts';
import type { SimClockOptions } from './sim-clock.ts';
import type { SimNtpBehaviour } from './sim-ntp-server.ts';

/** The parts of the module `fast-check` that are used. */
type FastCheckBuilders = Pick<typeof FastCheck, keyof FastCheckModule>;

/**
 * The module `fast-check`, described without its types, so that code compiles where it is not
 * installed.
 */
export type FastCheckModule = Readonly<
  Record<
    | 'array'
    | 'boolean'
    | 'constant'
    | 'constantFrom'
    | 'double'
    | 'integer'
    | 'oneof'
    | 'option'
    | 'record'
    | 'tuple',
    (...args: never[]) => unknown
  >
>;

/**
 * A fast-check `Arbitrary<T>`, described without fast-check's types. fast-check accepts it wherever
 * it accepts an arbitrary of its own.
 */
export interface ScenarioArbitrary<T> {
  /** As fast-check has it. */
  generate(
    random: unknown,
    biasFactor: number | undefined,
  ): {
    readonly hasToBeCloned: boolean;
    readonly value: T;
    readonly value_: T;
    readonly context: unknown;
  };
  /** As fast-check has it. */
  canShrinkWithoutContext(value: unknown): value is T;
  /** As fast-check has it. */
  shrink(value: T, context: unknown): never;
  /** As fast-check has it. */
  filter<U extends T>(refinement: (value: T) => value is U): ScenarioArbitrary<U>;
  /** As fast-check has it. */
  filter(predicate: (value: T) => boolean): ScenarioArbitrary<T>;
  /** As fast-check has it. */
  map<U>(mapper: (value: T) => U): ScenarioArbitrary<U>;
  /** As fast-check has it. */
  chain<U>(chainer: (value: T) => ScenarioArbitrary<U>): ScenarioArbitrary<U>;
  /** As fast-check has it. */
  noShrink(): ScenarioArbitrary<T>;
  /** As fast-check has it. */
  noBias(): ScenarioArbitrary<T>;
}

/** Options of {@link scenarioArbitrary}. */
export interface ScenarioArbitraryOptions {
  /** The length of each world, minutes. Default 60. */
  readonly minutes?: number | undefined;
  /** The largest number of servers. Default 7. */
  readonly maxServers?: number | undefined;
}

/** The default drift bound of a bounded clock. All rates drawn here add up to at most this. */
const DRIFT_BOUND_PPM = 200;

/**
 * An arbitrary of scenarios in which the assumptions hold.
 *
 * @param fc the module `fast-check`
 * @throws ArgumentTypeError when `fc` is not the module, or `options` is not an object
 * @example
 * const fc = await import('fast-check');
 * const scenarios = scenarioArbitrary(fc, { minutes: 2 });
 * const keepsItsPromise = fc.asyncProperty(scenarios, async (scenario) => {
 *   const { world, run } = openScenario(scenario);
 *   await run();
 *   return world.oracle.report() === '';
 * });
 * await fc.assert(keepsItsPromise, { numRuns: 2 });
 */
export function scenarioArbitrary(
  fc: FastCheckModule,
  options: ScenarioArbitraryOptions = {},
): ScenarioArbitrary<Scenario> {
  return draw(
    fc as unknown as FastCheckBuilders,
    options,
  ) as unknown as ScenarioArbitrary<Scenario>;
}

function draw(
  fc: FastCheckBuilders,
  options: ScenarioArbitraryOptions,
): FastCheck.Arbitrary<Scenario> {
  checkMethods('fc', 'the module fast-check', fc, ['record', 'integer', 'option']);
  const { minutes = 60, maxServers = 7 } = checkObject('options', options);
  return fc
    .record({
      seed: fc.integer({ min: 0, max: 0xffff_ffff }),
      clock: clockArbitrary(fc),
      preemption: fc.option(
        // Not more than a process can bear, which reads its clock some hundred times a second.
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

/** Gives the lies to the first servers, to at most `floor((n - 1) / 2)` of them. */
function withLiars(servers: readonly ServerPlan[], lies: readonly SimNtpBehaviour[]): ServerPlan[] {
  const most = Math.floor((servers.length - 1) / 2);
  return servers.map((plan, i) => {
    const behaviour = i < most ? lies[i] : undefined;
    return behaviour === undefined ? plan : { ...plan, server: { ...plan.server, behaviour } };
  });
}

function clockArbitrary(fc: FastCheckBuilders): FastCheck.Arbitrary<SimClockOptions> {
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
      // The drift bound may be used up, but not exceeded.
      const excess = Oscillator.extremePpm(clock) - DRIFT_BOUND_PPM;
      if (excess <= 0) return clock;
      return { ...clock, driftPpm: clock.driftPpm - Math.sign(clock.driftPpm) * excess };
    });
}

/**
 * `clock`, made as steady as a free-running clock assumes: within 25 ppm from peak to peak,
 * changing by 0.1 ppm a second.
 */
function steady(clock: SimClockOptions): SimClockOptions {
  const { temperature = { ppm: 0, periodMs: 1 }, wander = { maxPpm: 0, ppmPerSecond: 0 } } = clock;
  const ppm = Math.min(temperature.ppm, 12);
  const minPeriodMs = ppm * 2 * Math.PI * (1000 / 0.05);
  return {
    ...clock,
    temperature: { ppm, periodMs: Math.max(temperature.periodMs, minPeriodMs) },
    wander: {
      maxPpm: Math.min(wander.maxPpm, 12 - ppm),
      ppmPerSecond: Math.min(wander.ppmPerSecond, 0.05),
    },
  };
}

function serverArbitrary(fc: FastCheckBuilders): FastCheck.Arbitrary<ServerPlan> {
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

function lieArbitrary(fc: FastCheckBuilders): FastCheck.Arbitrary<SimNtpBehaviour> {
  return fc.oneof(
    // From smaller than everyone's error to absurd. The small ones are those that fool an overlap.
    fc.record({ offsetMs: fc.constantFrom(-0.1, 0.2, -0.5, 1, -3, 10, -250, 4e9) }),
    fc.record({ driftPpm: fc.constantFrom(-5000, -300, 300, 1000) }),
    fc.record({ offsetMs: fc.constantFrom(-2, 2), claimShare: fc.constantFrom(0, 0.1) }),
    fc.record({ silent: fc.constant(true) }),
  );
}

function eventArbitrary(
  fc: FastCheckBuilders,
  minutes: number,
): FastCheck.Arbitrary<ScenarioEvent> {
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
