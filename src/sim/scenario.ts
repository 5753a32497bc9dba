/**
 * A world as data: all choices of a test in plain JSON, so that a failing world can be printed,
 * replayed and shrunk. {@link openScenario} builds it: one process with a {@link BoundedClock} over
 * NTP sources, all of the library unchanged, and the oracle that judges readings at random
 * instants.
 */

import type { ClockSample } from '../bound/clock-sample.ts';
import type { Timescale } from '../bound/timescale.ts';
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import type { BoundedClockOptions } from '../bounded-clock/options.ts';
import type { SourceSink, TimeSource } from '../bounded-clock/time-source.ts';
import { ArgumentTypeError, checkNumber, checkObject } from '../time/errors.ts';
import type { UnixNs } from '../time/instant.ts';
import {
  cloudDelay,
  congested,
  constantDelay,
  type DelayModel,
  internetDelay,
  lanDelay,
  queueingDelay,
  routeChange,
} from './delay-models.ts';
import type { Random } from './random.ts';
import type { SimClockOptions } from './sim-clock.ts';
import type { SimNtpBehaviour, SimNtpServer, SimNtpServerOptions } from './sim-ntp-server.ts';
import type { PreemptionOptions, SimProcess } from './sim-process.ts';
import { SimWorld } from './world.ts';

/** One NTP server of a scenario, and the network path to it. */
export interface ServerPlan {
  /** The network in between: a kind of network, or the least delay of each way. Default `'lan'`. */
  readonly path?:
    | 'lan'
    | 'cloud'
    | 'internet'
    | { readonly forthMs: number; readonly backMs: number; readonly jitterMs?: number }
    | undefined;
  /** The share of packets lost in each direction, 0 to 1. Default 0. */
  readonly loss?: number | undefined;
  /** The share of packets that arrive twice in each direction, 0 to 1. Default 0. */
  readonly duplication?: number | undefined;
  /**
   * Whether each way has congestion bursts, at times of its own: 1 s long, every minute, 30 ms of
   * extra delay. Default `false`.
   */
  readonly congested?: boolean | undefined;
  /** At `atMs` the way back becomes longer by `byMs`. */
  readonly routeChange?: { readonly atMs: number; readonly byMs: number } | undefined;
  /** How the server keeps time, and whether it lies. */
  readonly server?: SimNtpServerOptions | undefined;
  /** What the clock is told that the server does at a leap second. Default `'unknown'`. */
  readonly timescale?: Timescale | undefined;
}

/** An event that happens once, `atMs` after the beginning of the world (true time). */
export type ScenarioEvent = { readonly atMs: number } & (
  | { readonly kind: 'step'; readonly byMs: number }
  | { readonly kind: 'slew'; readonly ppm: number; readonly forMs: number }
  | { readonly kind: 'suspend' | 'freeze' | 'pause'; readonly forMs: number }
  | { readonly kind: 'isolate'; readonly server: number; readonly forMs: number }
  | { readonly kind: 'behave'; readonly server: number; readonly behaviour: SimNtpBehaviour }
);

/**
 * A world as plain JSON. The options of the bounded clock are those of {@link BoundedClockOptions},
 * but `hostClock` is `'free-running'` by default.
 */
export interface Scenario extends Omit<BoundedClockOptions, 'sources' | 'clock'> {
  /** An integer from 0 to 2^32 - 1. */
  readonly seed: number;
  /** How long `run` lets the world run, minutes of true time. */
  readonly minutes: number;
  /** The clocks of the process's machine. */
  readonly clock?: SimClockOptions | undefined;
  /** How the process loses the processor. Default: never. */
  readonly preemption?: PreemptionOptions | undefined;
  /** The servers; server `i` has the address `serverAddress(i)`. */
  readonly servers: readonly ServerPlan[];
  /** Events that happen while the world runs. Default: none. */
  readonly events?: readonly ScenarioEvent[] | undefined;
  /** The interval between polls of each server, ms. Default 16,000. */
  readonly pollMs?: number | undefined;
  /** The mean time between readings, ms. Default 5,000. */
  readonly readEveryMs?: number | undefined;
}

/** Options of {@link openScenario}. */
export interface OpenScenarioOptions {
  /** The command that a violation's report names. Default: the scenario as JSON. */
  readonly replay?: string | undefined;
  /**
   * Called with every sample just before the bounded clock gets it, so that other methods can be
   * run on the same samples.
   */
  readonly onSample?: ((sample: ClockSample) => void) | undefined;
  /** As in {@link SchedulerOptions}. */
  readonly originNs?: UnixNs | undefined;
  /** As in {@link SchedulerOptions}. */
  readonly leapSecondAtNs?: UnixNs | undefined;
  /** As in {@link SchedulerOptions}. */
  readonly leapSecondKind?: 'insert' | 'delete' | undefined;
}

/** The world that a scenario describes, ready to run. */
export interface OpenScenario {
  /** The world itself. */
  readonly world: SimWorld;
  /** The process that runs `clock`. */
  readonly process: SimProcess;
  /** Its NTP servers, in the order of the scenario. */
  readonly servers: readonly SimNtpServer[];
  /** The bounded clock under test. */
  readonly clock: BoundedClock;
  /** Runs the scenario to its end. */
  run(): Promise<void>;
}

/**
 * Until there is a bound, readings come this often, so that the time to the first bound is known
 * well.
 */
const FIRST_READING_INTERVAL_MS = 20;
const PROCESS_HOST = 'node';

/**
 * The address of the server with this index, 0 to 65,535.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `index` is not a number in that range
 */
export function serverAddress(index: number): string {
  checkNumber('index', index, 0, 0xffff);
  return `10.0.${index >> 8}.${(index & 255) + 1}`;
}

/**
 * Builds the world that `scenario` describes. Equal scenarios give equal worlds.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when a field of `scenario` or an option has the
 *   wrong type or range
 */
export function openScenario(scenario: Scenario, options: OpenScenarioOptions = {}): OpenScenario {
  checkObject('options', options);
  const { seed, minutes, servers: plans, events = [], ...rest } = checkObject('scenario', scenario);
  const { pollMs = 16_000, readEveryMs = 5000, clock: simulated, preemption, ...assumed } = rest;
  const { replay = JSON.stringify(scenario) } = options;
  if (!Array.isArray(plans)) throw new ArgumentTypeError('servers', 'an array', plans);
  checkNumber('minutes', minutes, 0, Number.POSITIVE_INFINITY);
  const world = new SimWorld({ ...options, seed, replay });
  const process = world.process(PROCESS_HOST, {
    ...(simulated && { clock: simulated }),
    ...(preemption && { preemption }),
  });
  const servers = plans.map((plan, i) => {
    const address = serverAddress(i);
    connect(world, address, plan);
    return world.ntpServer(address, plan.server);
  });
  const clock = BoundedClock.start({
    hostClock: 'free-running',
    ...assumed,
    clock: process.clock,
    sources: servers.map(({ address }, i) => {
      const { timescale } = plans[i]!;
      const polling = { pollIntervalMs: pollMs, force: true, timescale };
      return withTap(world.ntp(process, address, polling), options.onSample);
    }),
  });
  for (const event of events) {
    world.scheduler.at(event.atMs * 1e6, () => applyEvent(event, world, process, servers));
  }
  world.watch(process, clock, readEveryMs, FIRST_READING_INTERVAL_MS);
  return {
    world,
    process,
    servers,
    clock,
    run: () => world.runCallbacks(minutes * 60_000),
  };
}

function connect(world: SimWorld, address: string, plan: ServerPlan): void {
  const random = world.random.fork(`path to ${address}`);
  const { loss = 0, duplication = 0 } = plan;
  const forth = oneWay(plan, 'forth', random);
  const back = oneWay(plan, 'back', random);
  world.network.link(PROCESS_HOST, address, { delay: forth, loss, duplication });
  world.network.link(address, PROCESS_HOST, { delay: back, loss, duplication });
}

function oneWay(plan: ServerPlan, way: 'forth' | 'back', random: Random): DelayModel {
  const { path = 'lan' } = plan;
  let model: DelayModel;
  if (path === 'lan') model = lanDelay(random);
  else if (path === 'cloud') model = cloudDelay(random);
  else if (path === 'internet') model = internetDelay(random);
  else model = between(path[`${way}Ms`], path.jitterMs ?? 0.05);
  if (way === 'back' && plan.routeChange !== undefined) {
    const { atMs, byMs } = plan.routeChange;
    const before = model;
    model = routeChange(before, (r, t) => before(r, t) + byMs * 1e6, atMs);
  }
  if (plan.congested === true) {
    model = congested(model, { everyMs: 60_000, lastsMs: 1000, extraMs: 30 });
  }
  return model;
}

function between(baseMs: number, jitterMs: number): DelayModel {
  if (jitterMs === 0) return constantDelay(baseMs);
  return queueingDelay({ baseMs, jitterMs, tailShare: 0.01, tailMs: 2 });
}

function applyEvent(
  event: ScenarioEvent,
  world: SimWorld,
  process: SimProcess,
  servers: readonly SimNtpServer[],
): void {
  switch (event.kind) {
    case 'step':
      process.clock.stepWall(event.byMs);
      break;
    case 'slew':
      process.clock.slew(event.ppm);
      world.scheduler.after(event.forMs * 1e6, () => process.clock.slew(0));
      break;
    case 'isolate': {
      const address = serverAddress(event.server);
      world.network.isolate(address);
      world.scheduler.after(event.forMs * 1e6, () => world.network.rejoin(address));
      break;
    }
    case 'behave':
      servers[event.server]?.behave(event.behaviour);
      break;
    default:
      process[event.kind](event.forMs);
  }
}

/** `source`, with each sample passed to `onSample` first. */
function withTap(source: TimeSource, onSample: OpenScenarioOptions['onSample']): TimeSource {
  if (onSample === undefined) return source;
  return {
    ...source,
    start: (sink: SourceSink) =>
      source.start({
        clock: sink.clock,
        endpoints: (ids) => sink.endpoints(ids),
        sample: (sample) => {
          onSample(sample);
          sink.sample(sample);
        },
        miss: (sourceId, reason) => sink.miss(sourceId, reason),
      }),
  };
}
