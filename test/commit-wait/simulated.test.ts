/**
 * Commit waits on simulated machines, where true time is known: timers that fire early and late,
 * pauses between any two readings, steps, suspends, samples that move the edge. Two things must
 * always hold. When a wait is released, true time has passed its timestamp. And transactions that
 * follow each other in true time have timestamps in that order.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { beginCommit, runCommit } from '../../src/commit-wait/commit.ts';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { HybridClock } from '../../src/logical/hybrid-clock.ts';
import { openScenario, type Scenario } from '../../src/sim/scenario.ts';
import { scenarioArbitrary } from '../../src/sim/scenario-arbitrary.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { asUnixNs, type UnixNs } from '../../src/time/instant.ts';
import { sleep } from '../../src/time/sleep.ts';

const SECONDS = 20;

interface PlannedWait {
  readonly atMs: number;
  /** How far the timestamp is ahead of `earliest`, ms; `undefined` means a commit. */
  readonly aheadMs: number | undefined;
  readonly mode: 'economy' | 'precise';
  readonly timeoutMs: number | undefined;
  readonly abortAfterMs: number | undefined;
}

const modes = fc.constantFrom('economy' as const, 'precise' as const);

const waits: fc.Arbitrary<readonly PlannedWait[]> = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: SECONDS * 1000 }),
    aheadMs: fc.constantFrom(undefined, 0, 0.0001, 1, 1.3, 7, 300),
    mode: modes,
    timeoutMs: fc.constantFrom(undefined, undefined, 0, 2, 100),
    abortAfterMs: fc.constantFrom(undefined, undefined, undefined, 1, 50),
  }),
  { minLength: 1, maxLength: 30 },
);

/**
 * One server whose error is as large as it claims, so that true time stays within microseconds of
 * `earliest`.
 */
const atTheEdge = fc.record({
  path: fc.record({
    forthMs: fc.constantFrom(0.1, 3, 20),
    backMs: fc.constant(0),
    jitterMs: fc.constant(0),
  }),
  server: fc.record({
    errorShare: fc.constant(1),
    rootDispersionMs: fc.constantFrom(0, 5),
    rootDelayMs: fc.constant(0),
    holdMs: fc.constant(0),
  }),
});

const scenarios: fc.Arbitrary<Scenario> = fc
  .tuple(scenarioArbitrary(fc, { minutes: SECONDS / 60, maxServers: 4 }), fc.option(atTheEdge))
  .map(([scenario, edge]) => ({
    ...scenario,
    pollMs: 1000,
    ...(edge && { servers: [edge] }),
  }));

/** Runs the waits in a world. Returns what went wrong, and how the waits ended. */
async function waitIn(scenario: Scenario, planned: readonly PlannedWait[]) {
  const { world, process, clock } = openScenario(scenario);
  const hlc = new HybridClock({ clock, nodeId: 'a', beforeSync: process.clock });
  const seen = { early: [] as bigint[], released: 0, ended: 0 };
  const pending = new Map<Promise<unknown>, UnixNs>();
  const begin = ({ aheadMs, mode, timeoutMs, abortAfterMs }: PlannedWait): void => {
    const controller = new AbortController();
    const options = {
      mode,
      signal: controller.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    let timestamp: UnixNs;
    let wait: Promise<unknown>;
    try {
      if (aheadMs === undefined) {
        const commit = beginCommit({ clock, hlc });
        timestamp = commit.timestamp;
        wait = commit.settled(options);
      } else {
        timestamp = asUnixNs(clock.now().earliest + BigInt(Math.round(aheadMs * 1e6)));
        wait = waitUntilAfter(clock, timestamp, options);
      }
    } catch {
      return; // there is no bound, or it is too wide
    }
    pending.set(wait, timestamp);
    if (abortAfterMs !== undefined) process.clock.setTimer(abortAfterMs, () => controller.abort());
    wait.then(
      () => {
        const lead = timestamp - world.scheduler.trueNs();
        if (lead >= 0n) seen.early.push(lead);
        seen.released++;
        pending.delete(wait);
      },
      () => {
        seen.ended++;
        pending.delete(wait);
      },
    );
  };
  for (const each of planned) {
    world.scheduler.at(
      each.atMs * 1e6,
      process.bind(() => begin(each)),
    );
  }
  await world.run(SECONDS * 1000);
  // No wait is forgotten: this is later than any pause or late timer.
  const due = [...pending].filter(([, timestamp]) => clock.after(timestamp));
  await world.run(310_000);
  const forgotten = due.filter(([wait]) => pending.has(wait)).length;
  clock.stop();
  await world.run(1);
  return { ...seen, forgotten, pending: pending.size, hooks: clock.publishListeners.size };
}

describe('one machine', () => {
  test('no wait is released before true time has passed its timestamp, and none is forgotten', async () => {
    let released = 0;
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(scenarios, waits, async (scenario, planned) => {
        const seen = await waitIn(scenario, planned);
        released += seen.released;
        ended += seen.ended;
        expect(seen).toMatchObject({ early: [], forgotten: 0, pending: 0, hooks: 0 });
      }),
      { seed: 17, numRuns: 150 },
    );
    // The worlds release many waits, and end many in other ways. Otherwise the test would prove
    // little.
    expect(released).toBeGreaterThan(200);
    expect(ended).toBeGreaterThan(50);
  });
});

/** A machine of the second property. */
interface Node {
  /** The edge of its bound that true time is at. */
  readonly edge: 'lower' | 'upper';
  readonly wayMs: number;
  readonly driftPpm: number;
  readonly timerEarlyMs: number;
  readonly timerLateMs: number;
}

const node: fc.Arbitrary<Node> = fc.record({
  edge: fc.constantFrom('lower' as const, 'upper' as const),
  wayMs: fc.constantFrom(0.1, 2, 15),
  driftPpm: fc.constantFrom(0, -200, 200),
  timerEarlyMs: fc.constantFrom(0, 1),
  timerLateMs: fc.constantFrom(0, 1, 10),
});

const cluster = fc.record({
  // A smaller seed does not give a simpler world.
  seed: fc.noShrink(fc.integer({ min: 0, max: 0xffff_ffff })),
  nodes: fc.array(node, { minLength: 2, maxLength: 4 }),
  clients: fc.integer({ min: 1, max: 4 }),
  prepareMs: fc.constantFrom(0, 0.5, 6),
  mode: modes,
  preempted: fc.boolean(),
  /** The machine that is suspended. */
  suspends: fc.option(fc.nat(3)),
  /** The machine whose wall clock is set. */
  steps: fc.option(fc.nat(3)),
});

type Cluster = typeof cluster extends fc.Arbitrary<infer T> ? T : never;

/**
 * Clients run one transaction after the other on any machine. They exchange nothing; only true time
 * relates them.
 */
async function transact({ seed, nodes, clients, prepareMs, mode, preempted, ...faults }: Cluster) {
  const world = new SimWorld({ seed });
  const random = world.random.fork('clients');
  const machines = nodes.map(({ edge, wayMs, ...crystal }, i) => {
    const server = `10.0.0.${i + 1}`;
    world.ntpServer(server, { errorShare: edge === 'lower' ? 1 : -1, holdMs: 0 });
    const machine = world.process(`n${i}`, {
      clock: { ...crystal, wallOffsetMs: 1000 * i },
      ...(preempted && { preemption: { probability: 0.01, maxMs: 3 } }),
    });
    const way = (ms: number) => ({ delay: () => ms * 1e6 });
    world.network.link(`n${i}`, server, way(edge === 'lower' ? wayMs : 0));
    world.network.link(server, `n${i}`, way(edge === 'lower' ? 0 : wayMs));
    const clock = BoundedClock.start({
      clock: machine.clock,
      hostClock: 'free-running',
      sources: [world.ntp(machine, server, { pollIntervalMs: 1000, force: true })],
    });
    return { machine, clock, hlc: new HybridClock({ clock, nodeId: `n${i}` }) };
  });
  await world.run(6000);

  const seen = { early: 0, disordered: 0, committed: 0, refused: 0 };
  // With the true time of each, because a process that pauses acts later than the order of the
  // JavaScript jobs suggests.
  const shown: { readonly timestamp: bigint; readonly at: bigint }[] = [];
  const greatestShownBy = (at: bigint): bigint =>
    shown.reduce((max, each) => (each.at <= at && each.timestamp > max ? each.timestamp : max), 0n);
  const next = (): void => {
    const { machine, clock, hlc } = machines[random.integer(0, machines.length - 1)]!;
    const transaction = machine.bind(() => {
      // The greatest timestamp shown by now. This transaction starts later.
      const shownBefore = greatestShownBy(world.scheduler.trueNs());
      runCommit(
        { clock, hlc },
        {
          prepare: () => sleep(machine.clock, prepareMs),
          makeVisible: (timestamp) => {
            const at = world.scheduler.trueNs();
            if (timestamp >= at) seen.early++;
            if (timestamp <= shownBefore) seen.disordered++;
            shown.push({ timestamp, at });
            seen.committed++;
          },
        },
        { mode },
      )
        .catch(() => seen.refused++)
        .finally(() => world.scheduler.after(random.between(1e3, 2e6), next));
    });
    world.scheduler.after(0, transaction);
  };
  for (let i = 0; i < clients; i++) next();
  await world.run(1000);
  if (faults.suspends !== null) machines[faults.suspends]?.machine.suspend(700);
  if (faults.steps !== null) machines[faults.steps]?.machine.clock.stepWall(-50);
  await world.run(1000);
  for (const { clock } of machines) clock.stop();
  return seen;
}

describe('many machines', () => {
  test('a transaction that starts after another was shown has the greater timestamp, though they exchange nothing', async () => {
    let committed = 0;
    await fc.assert(
      fc.asyncProperty(cluster, async (plan) => {
        const seen = await transact(plan);
        committed += seen.committed;
        expect(seen).toMatchObject({ early: 0, disordered: 0 });
      }),
      { seed: 23, numRuns: 40 },
    );
    expect(committed).toBeGreaterThan(2000);
  });
});
