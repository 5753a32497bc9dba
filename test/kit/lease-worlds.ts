/**
 * Worlds in which 2 to 4 processes want one lease, and true time is known: machines whose clocks
 * drift, step, sleep and freeze; processes that lose the processor between `check()` and the act; a
 * store behind a network that delays and loses. A check that passes although the store has given
 * the lease to somebody else is an overlap.
 *
 * An assumption about the clock of the first contender can be broken on purpose. Then there must be
 * overlaps, and the fence must refuse what they lead to.
 */
import fc from 'fast-check';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { Fence } from '../../src/lease/fence.ts';
import { Lease } from '../../src/lease/lease.ts';
import type { LeaseStore, StoreCallOptions } from '../../src/lease/lease-store.ts';
import { memoryLeases } from '../../src/lease/stores/memory.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { sleep } from '../../src/time/sleep.ts';

/** The assumption about the first contender's clock that does not hold. */
export type BrokenAssumption = 'A0' | 'A1' | 'A2' | 'A3' | 'A4';

/** One world. */
export interface LeaseWorld {
  readonly seed: number;
  readonly minutes: number;
  /** Leases, work and poll intervals last this many times as long, so that hours cost less. */
  readonly stretch?: number | undefined;
  /** A contender wants the lease again after up to this long, ms. Default 600. */
  readonly restMs?: number | undefined;
  readonly ttlMs: number;
  /** How long a request or a reply takes on average, ms. */
  readonly wayMs: number;
  readonly loss: number;
  readonly contenders: readonly Contender[];
  readonly broken?: BrokenAssumption | undefined;
}

/** One process on a machine of its own. */
export interface Contender {
  readonly driftPpm: number;
  readonly wallOffsetMs: number;
  readonly hostClock: 'free-running' | 'disciplined';
  readonly preempted: boolean;
  /** What happens to its machine, and when. */
  readonly event: 'none' | 'step' | 'suspend' | 'pause' | 'freeze';
  readonly eventAtMs: number;
}

export interface Seen {
  /** Checks that passed though somebody else had a greater token when they began. */
  overlaps: number;
  checks: number;
  handOvers: number;
  /** Writes that came with a smaller token than an earlier one. */
  stale: number;
  /** Those of them that the fence admitted. */
  admitted: number;
}

export function nothingSeen(): Seen {
  return { overlaps: 0, checks: 0, handOvers: 0, stale: 0, admitted: 0 };
}

/** Worlds of `minutes` with `least` to 4 contenders. */
export function drawLeaseWorlds({
  minutes,
  least = 2,
  stretch = 1,
  restMs = 600,
}: {
  readonly minutes: number;
  readonly least?: number;
  readonly stretch?: number;
  readonly restMs?: number;
}): fc.Arbitrary<LeaseWorld> {
  return fc.record({
    seed: fc.noShrink(fc.integer({ min: 0, max: 0xffff_ffff })),
    minutes: fc.constant(minutes),
    stretch: fc.constant(stretch),
    restMs: fc.constant(restMs),
    ttlMs: fc.constantFrom(500, 2000, 10_000),
    wayMs: fc.constantFrom(0.2, 20, 400),
    loss: fc.constantFrom(0, 0, 0.05, 0.3),
    contenders: fc.array(
      fc.record<Contender>({
        driftPpm: fc.constantFrom(0, -180, 180),
        wallOffsetMs: fc.constantFrom(0, -400, 400),
        hostClock: fc.constantFrom('free-running' as const, 'disciplined' as const),
        preempted: fc.boolean(),
        event: fc.constantFrom('none', 'step', 'suspend', 'pause', 'freeze' as const),
        eventAtMs: fc.integer({ min: 60_000, max: (minutes - 1) * 60_000 }),
      }),
      { minLength: least, maxLength: 4 },
    ),
  });
}

/** How often the sources are asked: rarely, so that the broken assumption shows late. */
const POLL_MS: Readonly<Record<BrokenAssumption, number>> = {
  A0: 4000,
  A1: 3_600_000,
  A2: 240_000,
  A3: 3_600_000,
  A4: 3_600_000,
};

/** A contender whose clock is good and to which nothing happens. */
export const GOOD_CONTENDER: Contender = {
  driftPpm: 0,
  wallOffsetMs: 0,
  hostClock: 'free-running',
  preempted: false,
  event: 'none',
  eventAtMs: 60_000,
};

/** A store behind a network, as one process sees it. */
function storeAcross(
  world: SimWorld,
  machine: SimProcess,
  { wayMs, loss }: LeaseWorld,
  inner: LeaseStore,
): LeaseStore {
  const random = world.random.fork(`store of ${machine.name}`);
  const way = (go: () => void): void => {
    if (random.between(0, 1) < loss) return;
    world.scheduler.after(random.exponential(wayMs * 1e6), go);
  };
  const across = <T>(run: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      way(() => {
        run().then(
          (answer) => way(machine.bind(() => resolve(answer))),
          (error: unknown) => way(machine.bind(() => reject(error))),
        );
      });
    });
  return {
    name: 'simulated',
    take: (claim, options: StoreCallOptions) => across(() => inner.take(claim, options)),
    extend: (extension, options) => across(() => inner.extend(extension, options)),
    end: (name, token, options) => across(() => inner.end(name, token, options)),
  };
}

/** Runs the world to its end. */
export async function runLeaseWorld(plan: LeaseWorld): Promise<Seen> {
  const world = new SimWorld({ seed: plan.seed });
  const { stretch = 1, restMs = 600 } = plan;
  const seen = nothingSeen();
  const records = memoryLeases();
  let greatest = 0n;
  const counting: LeaseStore = {
    ...records,
    async take(claim, options) {
      const answer = await records.take(claim, options);
      if (answer.taken && answer.record.token > greatest) {
        greatest = answer.record.token;
        seen.handOvers++;
      }
      return answer;
    },
  };
  const fence = new Fence();
  let written = 0n;
  const clocks: BoundedClock[] = [];
  let over = false;
  for (const i of [1, 2, 3]) world.ntpServer(`10.0.0.${i}`, { rootDispersionMs: 0.5 });
  if (plan.broken === 'A0') world.ntpServer('10.0.0.9', { behaviour: { offsetMs: -5000 } });

  /** The act comes later than its check. The fence knows how much later is too late. */
  const act = (token: bigint): void => {
    const isStale = token < written;
    const admitted = fence.tryAdmit(token);
    if (isStale) seen.stale++;
    if (isStale && admitted) seen.admitted++;
    if (token > written) written = token;
  };

  const contend = (contender: Contender, i: number): void => {
    const broken = i === 0 ? plan.broken : undefined;
    const machine = world.process(`n${i}`, {
      clock: {
        driftPpm: contender.driftPpm,
        wallOffsetMs: contender.wallOffsetMs,
        vmClock: broken !== 'A3',
      },
      ...(contender.preempted && { preemption: { probability: 0.002, maxMs: 300 } }),
    });
    const random = world.random.fork(`work of n${i}`);
    const servers = broken === 'A0' ? ['10.0.0.9'] : ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    const pollIntervalMs = broken === undefined ? 4000 * stretch : POLL_MS[broken];
    const clock = BoundedClock.start({
      clock: machine.clock,
      hostClock: broken === 'A4' ? 'disciplined' : contender.hostClock,
      sources: servers.map((at) => world.ntp(machine, at, { pollIntervalMs, force: true })),
    });
    clocks.push(clock);
    happen(world, machine, contender, broken);
    const store = storeAcross(world, machine, plan, counting);
    const options = { store, clock, name: 'a', holder: `n${i}`, ttlMs: plan.ttlMs * stretch };
    const work = async (): Promise<void> => {
      while (!over) {
        // It lets go after a while, or it neither renews nor lets go, and has it to the end.
        const lets = random.chance(0.6);
        const renewal = lets ? 'automatic' : 'manual';
        const lease = await Lease.acquire({ ...options, renewal }).catch(() => undefined);
        if (lease === undefined) {
          await sleep(machine.clock, 100);
          continue;
        }
        const holdNs = BigInt(Math.ceil(random.between(0, 20_000 * stretch) * 1e6));
        const until = machine.clock.monotonicNs() + holdNs;
        while (!over && (!lets || machine.clock.monotonicNs() < until)) {
          const greatestBefore = greatest;
          const held = lease.held();
          seen.checks++;
          if (held && greatestBefore > lease.token) seen.overlaps++;
          if (!held && lease.signal.aborted) break;
          const { token } = lease;
          if (held) world.scheduler.after(random.exponential(50e6), () => act(token));
          // Ever more often towards the end.
          const leftMs = Number(lease.remainingNs()) / 1e6;
          const nextMs = lets ? Infinity : Math.max(2, leftMs / 2);
          await sleep(machine.clock, Math.min(random.between(5, 300 * stretch), nextMs));
        }
        if (lets) await lease.release().catch(() => {});
        await sleep(machine.clock, random.between(0, restMs));
      }
    };
    machine.start(() => void work());
  };
  plan.contenders.forEach(contend);
  await world.run(plan.minutes * 60_000);
  over = true;
  for (const clock of clocks) clock.stop();
  return seen;
}

/** What happens to a machine: once by its plan, and what breaks the assumption. */
function happen(
  world: SimWorld,
  machine: SimProcess,
  { event, eventAtMs }: Contender,
  broken: BrokenAssumption | undefined,
): void {
  const { clock } = machine;
  if (event !== 'none') {
    world.scheduler.after(eventAtMs * 1e6, () => {
      if (event === 'step') clock.stepWall(-700);
      else if (event === 'pause') machine.pause(20_000);
      else if (event === 'suspend') machine.suspend(20_000);
      else machine.freeze(20_000);
    });
  }
  const every = (minutes: number, run: () => void): void => {
    world.scheduler.after(minutes * 60e9, () => {
      run();
      every(minutes, run);
    });
  };
  // Faster than the drift bound, and for A4 away from the truth, with the wall clock.
  if (broken === 'A1' || broken === 'A4') every(1, () => clock.slew(-20_000));
  // Within the drift bound, but its rate was learned by then.
  let slewed = false;
  if (broken === 'A2') {
    every(20, () => {
      slewed = !slewed;
      clock.slew(slewed ? -400 : 0);
    });
  }
  if (broken === 'A3') every(1, () => machine.freeze(5000));
}
