/**
 * Thousands of simulated hours: the bound engine alone, fed with samples computed directly from an
 * oscillator, delay models and servers that err within their claim. There are no packets, timers or
 * pages: whole worlds (test/sim/scenarios.test.ts) cover those, at ten times the cost per hour.
 */
import { newBound } from '../../src/bound/bound.ts';
import { BoundEngine } from '../../src/bound/bound-engine.ts';
import type { ClockSample } from '../../src/bound/clock-sample.ts';
import { maxRateFromPpm } from '../../src/bound/drift.ts';
import { type RateAssumptions, rateAssumptions } from '../../src/bound/learned/rate-assumptions.ts';
import {
  cloudDelay,
  type DelayModel,
  internetDelay,
  lanDelay,
} from '../../src/sim/delay-models.ts';
import { Oscillator, type OscillatorOptions } from '../../src/sim/oscillator.ts';
import { Random } from '../../src/sim/random.ts';
import { asMonotonicNs, type MonotonicNs } from '../../src/time/instant.ts';

export interface EngineWorld {
  readonly seed: number;
  readonly hours: number;
  readonly sources: number;
  /**
   * How many servers lie, from the first on, each in its own way. At most
   * `floor((sources - 1) / 2)` for a world in which the assumptions hold.
   */
  readonly liars: number;
  readonly pollS: number;
  readonly path: 'lan' | 'cloud' | 'internet';
  readonly oscillator: OscillatorOptions;
  readonly maxDriftPpm: number;
  readonly uptimeNs: bigint;
  /** The grid of the monotonic clock, ns. Default 1. */
  readonly gridNs?: number;
  /** A2, when the rate is to be learned. */
  readonly learning?: RateAssumptions;
  /**
   * Fast jitter on top of the oscillator, up to this much either way, drawn anew every few seconds.
   */
  readonly jitterPpm?: number;
}

export interface EngineOutcome {
  readonly checked: number;
  readonly bounded: number;
  readonly violations: number;
  /** The first violation, for the failure message. */
  readonly first: string | undefined;
  readonly meanNs: number;
  /** The assumption last refuted; `undefined` when all assumptions hold. */
  readonly refuted: string | undefined;
}

interface Server {
  readonly id: string;
  readonly forth: DelayModel;
  readonly back: DelayModel;
  readonly claimNs: number;
  readonly share: number;
  /** The server's lie at an instant, ns. */
  readonly lie: (elapsedNs: number) => number;
}

interface Exchange {
  readonly receivedAt: number;
  /** `undefined` when the reply came too late. */
  readonly sample: ClockSample | undefined;
}

const ORIGIN_NS = 1_795_000_000_000_000_000n;
const TIMEOUT_NS = 1e9;
const PATHS = { lan: lanDelay, cloud: cloudDelay, internet: internetDelay };
/** Readings judged after each exchange, besides one just before it and one just after it. */
const LATER_READINGS = 2;

/** A world drawn from `seed` in which all assumptions hold. */
export function drawEngineWorld(seed: number, hours: number): EngineWorld {
  const random = new Random(seed);
  const sources = random.integer(1, 7);
  const most = Math.floor((sources - 1) / 2);
  return {
    seed,
    hours,
    sources,
    liars: random.integer(0, most),
    pollS: [16, 16, 64, 256][random.integer(0, 3)]!,
    path: (['lan', 'cloud', 'internet'] as const)[random.integer(0, 2)]!,
    oscillator: {
      driftPpm: random.integer(-150, 150),
      temperature: { ppm: random.integer(0, 30), periodMs: random.integer(600_000, 86_400_000) },
      wander: { maxPpm: 20, ppmPerSecond: random.between(0, 0.2) },
    },
    maxDriftPpm: 200,
    uptimeNs: [0n, 1_000_000_000_000_000n][random.integer(0, 1)]!,
  };
}

/** The default options of a free-running clock. */
export const FREE_RUNNING = {
  maxDriftPpm: 500,
  jitterPpm: 1,
  wanderPpmPerSecond: 0.1,
  maxWanderPpm: 25,
  horizonMs: 3_600_000,
};

/** The same world on a free-running host: A2 holds too, up to its limits. */
export function drawFreeRunningWorld(seed: number, hours: number): EngineWorld {
  const random = new Random(seed).fork('free-running');
  // Peak to peak the base rate stays within A, and its two changes together within w.
  const temperature = {
    ppm: random.integer(0, 12),
    periodMs: random.integer(2_000_000, 86_400_000),
  };
  const spent = (temperature.ppm * 2 * Math.PI * 1000) / temperature.periodMs;
  return {
    ...drawEngineWorld(seed, hours),
    oscillator: {
      driftPpm: random.integer(-480, 480),
      temperature,
      wander: { maxPpm: 12.4 - temperature.ppm, ppmPerSecond: 0.0998 - spent },
    },
    jitterPpm: random.chance(0.5) ? 0 : 0.998,
    maxDriftPpm: 500,
    gridNs: [1, 41, 1000, 1_000_000][random.integer(0, 3)]!,
    learning: rateAssumptions(FREE_RUNNING),
  };
}

/** Runs the world, and judges readings before, after and between samples. */
export function runEngineWorld(world: EngineWorld): EngineOutcome {
  const random = new Random(world.seed).fork('engine world');
  const oscillator = new Oscillator(world.oscillator, random.fork('oscillator'));
  const { gridNs = 1, learning, jitterPpm = 0 } = world;
  const engine = new BoundEngine({
    maxRate: maxRateFromPpm(world.maxDriftPpm),
    gridNs: gridNs,
    expireAfterNs: 3600e9,
    learning,
  });
  const servers = Array.from({ length: world.sources }, (_, i) => drawServer(world, random, i));
  engine.setSources(servers.map(({ id }) => id));

  const bound = newBound();
  const outcome = { checked: 0, bounded: 0, violations: 0, first: undefined as string | undefined };
  let widths = 0;
  const grid = BigInt(gridNs);
  let jitterUntil = 0;
  const monotonicAt = (t: number) => {
    while (jitterPpm > 0 && t >= jitterUntil) {
      oscillator.slew(jitterUntil, random.chance(0.5) ? jitterPpm : -jitterPpm);
      jitterUntil += random.integer(1e9, 60e9);
    }
    const exact = world.uptimeNs + BigInt(oscillator.count(t));
    return asMonotonicNs(exact - (exact % grid));
  };
  const check = (t: number): void => {
    outcome.checked++;
    if (!engine.bounded) return;
    outcome.bounded++;
    const m = monotonicAt(t);
    engine.boundAt(m, bound);
    const theta = Number(ORIGIN_NS + BigInt(t) - m - engine.thetaBase);
    widths += (bound.suspectHi - bound.suspectLo) / 2;
    if (bound.suspectLo <= theta && theta <= bound.suspectHi + gridNs) return;
    outcome.violations++;
    outcome.first ??= `theta ${theta} outside [${bound.suspectLo}, ${bound.suspectHi}] at ${t} ns of ${JSON.stringify(world, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`;
  };

  const pollNs = world.pollS * 1e9;
  for (let begin = 0; begin < world.hours * 3600e9; begin += pollNs) {
    let last = begin;
    servers.forEach((server, i) => {
      // Spread over the first half of the interval, further apart than the timeout, so that none
      // overlap.
      const at = begin + (i * pollNs) / (2 * servers.length);
      const { receivedAt, sample } = exchange(server, at, random, monotonicAt, grid);
      last = receivedAt;
      if (sample === undefined) {
        engine.miss(server.id, monotonicAt(receivedAt));
        return;
      }
      check(receivedAt);
      engine.ingest(sample);
      check(receivedAt);
    });
    for (let i = 1; i <= LATER_READINGS; i++) {
      check(Math.floor(last + ((begin + pollNs - last) * i) / (LATER_READINGS + 1)));
    }
    engine.tick(monotonicAt(begin + pollNs));
  }
  return { ...outcome, meanNs: widths / outcome.bounded, refuted: engine.refuted?.assumption };
}

function drawServer(world: EngineWorld, random: Random, i: number): Server {
  const draw = random.fork(`server ${i}`);
  const offset = draw.between(-1, 1) * Math.exp(draw.between(Math.log(1e4), Math.log(1e9)));
  const drift = draw.between(-1e-3, 1e-3);
  const lies = [() => 0, () => offset, (t: number) => drift * t];
  return {
    id: `s${i}`,
    forth: PATHS[world.path](draw),
    back: PATHS[world.path](draw),
    claimNs: draw.between(1e4, 3e6),
    share: draw.chance(0.5) ? (draw.chance(0.5) ? 1 : -1) : draw.between(-1, 1),
    lie: i < world.liars ? lies[draw.integer(1, 2)]! : lies[0]!,
  };
}

/** One exchange that begins about `begin`: its true instants, and the stamps of both ends. */
function exchange(
  server: Server,
  begin: number,
  random: Random,
  monotonicAt: (t: number) => MonotonicNs,
  grid: bigint,
): Exchange {
  const sent = Math.floor(begin);
  const arrived = Math.ceil(sent + server.forth(random, sent));
  const left = arrived + random.integer(0, 50_000);
  const receivedAt = Math.ceil(left + server.back(random, left));
  if (receivedAt - sent > TIMEOUT_NS) return { receivedAt: sent + TIMEOUT_NS, sample: undefined };
  const errorAt = (t: number) => Math.trunc(server.claimNs * server.share) + server.lie(t);
  const serverTime = (t: number) => ORIGIN_NS + BigInt(t) + BigInt(Math.trunc(errorAt(t)));
  const t1 = monotonicAt(sent);
  const t4 = monotonicAt(receivedAt);
  const claim = BigInt(Math.ceil(server.claimNs));
  return {
    receivedAt,
    sample: {
      sourceId: server.id,
      sentAt: t1,
      receivedAt: t4,
      upperNs: serverTime(arrived) - t1 + claim,
      lowerNs: serverTime(left) - t4 - grid - claim,
      pathDelayNs: BigInt(receivedAt - sent - (left - arrived)),
      serverErrorNs: claim,
      leap: 'none',
    },
  };
}
