/**
 * A world as data: everything that a test chooses, in plain JSON, so that a failing one can be printed,
 * replayed and shrunk. {@link openScenario} builds it: one process with a {@link BoundedClock} over NTP
 * sources, everything of the library unchanged, and the oracle reading it at random instants.
 */

import type { ClockSample } from '../bound/clock-sample.ts';
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import type { BoundedClockOptions } from '../bounded-clock/options.ts';
import type { SourceSink, TimeSource } from '../bounded-clock/time-source.ts';
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

export interface ServerPlan {
  /** The network in between: a kind, or the least delay of each way. Default `'lan'`. */
  readonly path?:
    | 'lan'
    | 'cloud'
    | 'internet'
    | { readonly forthMs: number; readonly backMs: number; readonly jitterMs?: number };
  readonly loss?: number;
  readonly duplication?: number;
  /** Congestion bursts, on both ways but not together: 1 s long, every minute, 30 ms deep. */
  readonly congested?: boolean;
  /** At this instant the way back becomes longer by `byMs`. */
  readonly routeChange?: { readonly atMs: number; readonly byMs: number };
  readonly server?: SimNtpServerOptions;
}

/** Something that happens once. Times are true time since the beginning of the world. */
export type ScenarioEvent = { readonly atMs: number } & (
  | { readonly kind: 'step'; readonly byMs: number }
  | { readonly kind: 'slew'; readonly ppm: number; readonly forMs: number }
  | { readonly kind: 'suspend' | 'freeze' | 'pause'; readonly forMs: number }
  | { readonly kind: 'isolate'; readonly server: number; readonly forMs: number }
  | { readonly kind: 'behave'; readonly server: number; readonly behaviour: SimNtpBehaviour }
);

/** What the bounded clock is to assume is as in its options; but `hostClock` is `'free-running'` by default. */
export interface Scenario extends Omit<BoundedClockOptions, 'sources' | 'clock'> {
  readonly seed: number;
  readonly minutes: number;
  readonly clock?: SimClockOptions;
  readonly preemption?: PreemptionOptions;
  readonly servers: readonly ServerPlan[];
  readonly events?: readonly ScenarioEvent[];
  /** Default 16,000. */
  readonly pollMs?: number;
  /** Mean time between readings. Default 5,000. */
  readonly readEveryMs?: number;
}

export interface OpenScenarioOptions {
  /** What a violation's report says to run. Default: the scenario as JSON. */
  readonly replay?: string;
  /** Sees every sample just before the bounded clock does: other methods can be run on the same trace. */
  readonly onSample?: (sample: ClockSample) => void;
  readonly originNs?: UnixNs;
  readonly leapSecondAtNs?: UnixNs;
}

export interface OpenScenario {
  readonly world: SimWorld;
  readonly process: SimProcess;
  readonly servers: readonly SimNtpServer[];
  readonly clock: BoundedClock;
  /** Runs the scenario to its end. */
  run(): Promise<void>;
}

/** While there is no bound yet, readings come this often, so that the time to the first is known. */
const FIRST_READINGS_MS = 20;
const HOST = 'node';

/** The address of the server with this index. */
export function serverAddress(index: number): string {
  return `10.0.${index >> 8}.${(index & 255) + 1}`;
}

/** Builds the world that `scenario` describes. Equal scenarios give equal worlds. */
export function openScenario(scenario: Scenario, options: OpenScenarioOptions = {}): OpenScenario {
  const { seed, replay = JSON.stringify(scenario) } = { ...scenario, ...options };
  const world = new SimWorld({ ...options, seed, replay });
  const process = world.process(HOST, {
    ...(scenario.clock && { clock: scenario.clock }),
    ...(scenario.preemption && { preemption: scenario.preemption }),
  });
  const servers = scenario.servers.map((plan, i) => {
    const address = serverAddress(i);
    connect(world, address, plan);
    return world.ntpServer(address, plan.server);
  });
  const { pollMs = 16_000, readEveryMs = 5000 } = scenario;
  const clock = BoundedClock.start({
    hostClock: 'free-running',
    ...scenario,
    clock: process.clock,
    sources: servers.map(({ address }) =>
      tapped(
        world.ntp(process, address, { pollIntervalMs: pollMs, force: true }),
        options.onSample,
      ),
    ),
  });
  for (const event of scenario.events ?? []) {
    world.scheduler.at(event.atMs * 1e6, () => happen(event, world, process, servers));
  }
  world.watch(process, clock, readEveryMs, FIRST_READINGS_MS);
  return {
    world,
    process,
    servers,
    clock,
    run: () => world.runCallbacks(scenario.minutes * 60_000),
  };
}

function connect(world: SimWorld, address: string, plan: ServerPlan): void {
  const random = world.random.fork(`path to ${address}`);
  const { loss = 0, duplication = 0 } = plan;
  const forth = oneWay(plan, 'forth', random);
  const back = oneWay(plan, 'back', random);
  world.network.link(HOST, address, { delay: forth, loss, duplication });
  world.network.link(address, HOST, { delay: back, loss, duplication });
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

function happen(
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

/** `source`, telling `onSample` first. */
function tapped(source: TimeSource, onSample: OpenScenarioOptions['onSample']): TimeSource {
  if (onSample === undefined) return source;
  return {
    name: source.name,
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
