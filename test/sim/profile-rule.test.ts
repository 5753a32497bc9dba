/**
 * "Start `disciplined`, move to `free-running` once nothing steers the clock", run as a controller:
 * its gain where nothing steers the clock, and the worlds in which it answers wrongly and
 * `disciplined` does not. The figures are those of docs/bound.md, "Which profile?".
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { openScenario, type ServerPlan } from '../../src/sim/scenario.ts';
import type { SimClock, SimClockOptions } from '../../src/sim/sim-clock.ts';
import type { SimWorld } from '../../src/sim/world.ts';
import { MINUTE_S, ONE_POLL_S } from '../kit/observe.ts';
import { ProfileRule } from '../kit/profile-rule.ts';

/** Five good and near servers, so that the rate matters. None of them lies. */
const SERVERS: ServerPlan[] = Array(5).fill({
  server: { rootDelayMs: 0, rootDispersionMs: 0.05, updateEveryMs: 16_000 },
});
const POLL_MS = 16_000;
const AFTERMATH_S = 5 * MINUTE_S;

interface Steering {
  readonly atS: number;
  readonly act: (clock: SimClock, world: SimWorld) => void;
}

interface RuledWorld {
  readonly quietS: number;
  readonly clock: SimClockOptions;
  /** What happens at the beginning of the world. */
  readonly begin?: Steering['act'];
  /** The steering that the rule could not foresee. The world ends some minutes later. */
  readonly steering: Steering;
  readonly keepWallGuard?: boolean;
}

interface Ruled {
  readonly switchedS: number | undefined;
  /** When the rule was back at `disciplined` after the steering, s. */
  readonly returnedS: number | undefined;
  readonly wrongS: readonly number[];
  /** How far outside of the interval the truth was at worst, ms. */
  readonly worstMs: number;
  readonly disciplinedWrongS: readonly number[];
  /** The share of all readings at which `disciplined` had an interval. */
  readonly disciplinedAnswers: number;
  /** How many times wider `disciplined` was on average while the rule was at `free-running`. */
  readonly gain: number;
}

async function run(plan: RuledWorld): Promise<Ruled> {
  const { steering } = plan;
  const { world, process, servers, clock, ...scenario } = openScenario({
    seed: 9,
    minutes: (steering.atS + AFTERMATH_S) / MINUTE_S,
    hostClock: 'disciplined',
    clock: plan.clock,
    servers: SERVERS,
    pollMs: POLL_MS,
  });
  const freeRunning = BoundedClock.start({
    clock: process.clock,
    hostClock: 'free-running',
    sources: servers.map(({ address }) =>
      world.ntp(process, address, { pollIntervalMs: POLL_MS, force: true }),
    ),
  });
  const rule = new ProfileRule({
    clock: process.clock,
    disciplined: clock,
    freeRunning,
    quietMs: plan.quietS * 1000,
    keepWallGuard: plan.keepWallGuard ?? false,
  });
  plan.begin?.(process.clock, world);
  world.scheduler.at(steering.atS * 1e9, () => steering.act(process.clock, world));

  let switchedS: number | undefined;
  let returnedS: number | undefined;
  const wrongS: number[] = [];
  const disciplinedWrongS: number[] = [];
  let worstNs = 0n;
  let readings = 0;
  let answered = 0;
  const widths = { rule: 0, disciplined: 0 };
  const takeReading = (): void => {
    const nowS = world.scheduler.elapsedNs / 1e9;
    const truth = world.scheduler.trueNs();
    const reading = clock.read();
    const disciplined = reading.interval !== undefined ? reading.interval : undefined;
    const answer = rule.interval();
    readings++;
    if (disciplined !== undefined) {
      answered++;
      if (excluded(disciplined, truth) > 0n) disciplinedWrongS.push(nowS);
    }
    if (answer !== undefined && excluded(answer, truth) > 0n) {
      wrongS.push(nowS);
      if (excluded(answer, truth) > worstNs) worstNs = excluded(answer, truth);
    }
    const free = rule.profile === 'free-running';
    if (free) switchedS ??= nowS;
    if (!free && nowS > steering.atS) returnedS ??= nowS;
    if (free && answer !== undefined && disciplined !== undefined && nowS < steering.atS) {
      widths.rule += Number(answer.latest - answer.earliest);
      widths.disciplined += Number(disciplined.latest - disciplined.earliest);
    }
    // Ten readings a second once there is something to see.
    world.scheduler.after(nowS < steering.atS - 1 ? 1e9 : 1e8, takeReading);
  };
  takeReading();
  await scenario.run();
  freeRunning.stop();
  const gain = widths.disciplined / widths.rule;
  const worstMs = Number(worstNs) / 1e6;
  const disciplinedAnswers = answered / readings;
  return { switchedS, returnedS, wrongS, worstMs, disciplinedWrongS, disciplinedAnswers, gain };
}

/** How far outside of the interval `truth` is, ns. */
function excluded(interval: { earliest: bigint; latest: bigint }, truth: bigint): bigint {
  if (truth < interval.earliest) return interval.earliest - truth;
  return truth > interval.latest ? truth - interval.latest : 0n;
}

/** A time daemon finds that its wall clock is wrong and slews the error away at `ppm`. */
const correctAt =
  (ppm: number): Steering['act'] =>
  (clock, world) => {
    const errorNs = Number(clock.wallErrorNs());
    clock.slew(errorNs > 0 ? -ppm : ppm);
    world.scheduler.after(Math.abs(errorNs) / (ppm * 1e-6), () => clock.slew(0));
  };

const HOUR_S = 60 * MINUTE_S;
/**
 * All times that the rule may wait. The steering comes after one and a half times that, in a world
 * of its own for each.
 */
const QUIET_TIMES_S = [10 * MINUTE_S, HOUR_S, 4 * HOUR_S];
const said = readFileSync(new URL('../../docs/bound.md', import.meta.url), 'utf8').replace(
  /\s+/g,
  ' ',
);

test.each([
  // The wall clock is so far off that the guard ignores it: the gain comes from the rate alone.
  [{ driftPpm: 40, wallOffsetMs: 5000 }, (gain: string) => `${gain} times by the rate alone`],
  // Nothing corrects the wall clock, so it runs off, and `disciplined` includes it.
  [{ driftPpm: 40 }, (gain: string) => `${gain} times where the wall clock runs off`],
])(
  'nothing steers a clock of %o: the rule switches, is sound, and gains',
  async (clock, sentence) => {
    const room = { temperature: { ppm: 2, periodMs: 7_200_000 } };
    const wander = { wander: { maxPpm: 2, ppmPerSecond: 0.02 } };
    const steering = { atS: 4 * HOUR_S, act: () => {} };
    const seen = await run({
      quietS: 10 * MINUTE_S,
      clock: { ...clock, ...room, ...wander },
      steering,
    });
    expect(seen.switchedS).toBeLessThan(11 * MINUTE_S);
    expect(seen.returnedS).toBeUndefined();
    expect(seen.wrongS).toEqual([]);
    expect(seen.disciplinedWrongS).toEqual([]);
    const gain = seen.gain < 10 ? seen.gain.toFixed(1) : seen.gain.toFixed(0);
    expect(said).toContain(sentence(gain));
  },
);

test.each([
  ['a wall clock set by 2 ms', (clock: SimClock) => clock.stepWall(2), 2],
  [
    // Within the limits of A2: nothing is refuted, but it counts as steering.
    'a rate that moves by 24 ppm in five minutes',
    (clock: SimClock, world: SimWorld) => {
      for (let ppm = 1; ppm <= 24; ppm++) {
        world.scheduler.after((ppm - 1) * 12e9, () => clock.slew(ppm));
      }
    },
    AFTERMATH_S,
  ],
])('the rule notices every sign that a program can see: %s', async (_name, act, withinS) => {
  const steering = { atS: 20 * MINUTE_S, act };
  const seen = await run({ quietS: 10 * MINUTE_S, clock: { driftPpm: 2 }, steering });
  expect(seen.switchedS).toBeLessThan(11 * MINUTE_S);
  expect(seen.returnedS).toBeLessThan(steering.atS + withinS);
  expect(seen.wrongS).toEqual([]);
});

/** The world in which a rule with this quiet time answers wrongly; the steering comes at `atS`. */
type Counterexample = (atS: number) => Omit<RuledWorld, 'quietS'>;

/** The first column of the table in docs/bound.md. */
const COUNTEREXAMPLES: Record<string, Counterexample> = {
  'a daemon wakes up and slews at 500 ppm': (atS) => ({
    // Its frequency is 2 ppm off. When it asks its servers at last, it finds the error of all that
    // time.
    clock: { driftPpm: 2 },
    steering: { atS, act: correctAt(500) },
  }),
  'a slew older than the clock ends: 150 ppm (4 h: 40 ppm)': (atS) => {
    const ppm = atS < 2 * HOUR_S ? 150 : 40;
    return {
      clock: { driftPpm: 2, wallOffsetMs: (-ppm * atS) / 1000 },
      begin: (clock) => clock.slew(ppm),
      steering: { atS, act: (clock) => clock.slew(0) },
    };
  },
  'somebody starts a daemon, which slews at 50,000 ppm': (atS) => ({
    clock: { driftPpm: 15 },
    steering: { atS, act: correctAt(50_000) },
  }),
  'the wall guard kept after the switch; a daemon misled by 2 ms slews at 100 ppm': (atS) => ({
    clock: { driftPpm: 2 },
    steering: {
      atS,
      act: (clock, world) => {
        clock.slew(100);
        world.scheduler.after(20e9, () => clock.slew(0));
      },
    },
    keepWallGuard: true,
  }),
};

test.each(Object.entries(COUNTEREXAMPLES))(
  'no quiet time is long enough: %s',
  async (name, plan) => {
    const cells: string[] = [];
    for (const quietS of QUIET_TIMES_S) {
      const atS = 1.5 * quietS;
      const seen = await run({ quietS, ...plan(atS) });
      expect(seen.switchedS).toBeLessThan(atS);
      expect(seen.wrongS.length).toBeGreaterThan(0);
      // Wrong from the steering until a sample shows it; that sample sends the rule back.
      expect(seen.returnedS).toBeLessThan(atS + 2 * ONE_POLL_S);
      expect(seen.wrongS.every((at) => at >= atS && at < seen.returnedS!)).toBe(true);
      expect(seen.disciplinedWrongS).toEqual([]);
      expect(seen.disciplinedAnswers).toBeGreaterThan(0.95);
      cells.push(`${(seen.wrongS.length / 10).toFixed(1)} s, ${seen.worstMs.toFixed(1)} ms`);
    }
    expect(said).toContain(`| ${name} | ${cells.join(' | ')} |`);
  },
);
