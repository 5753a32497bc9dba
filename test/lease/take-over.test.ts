/**
 * How long after the end of a dead holder a new candidate has the lease: with the library, and by
 * the rule of client-go (kit/client-go-rule.ts). Both in one world, with the same machines, and in
 * true time. It prints the table of docs/guarantees/leases.md.
 */
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { Lease } from '../../src/lease/lease.ts';
import { memoryLeases } from '../../src/lease/stores/memory.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { ClientGoObject, clientGoAcquire } from '../kit/client-go-rule.ts';

/** client-go's defaults. */
const TTL_MS = 15_000;
const RETRY_PERIOD_MS = 2000;
/** The holder's clock has this long to learn; the holder dies as soon as it has the lease. */
const WARM_UP_MS = 60_000;
const WORLDS = 20;

interface TakeOver {
  /** From the end of the lease or, if it is later, from the candidate's start; true time. */
  readonly libraryMs: number;
  readonly clientGoMs: number;
  /** The widths of both clocks. */
  readonly widthsMs: number;
}

/** @param startMs when the candidate starts, from the end of the lease on */
async function takeOver(seed: number, startMs: number): Promise<TakeOver> {
  const world = new SimWorld({ seed });
  const random = world.random.fork('client-go');
  for (const i of [1, 2, 3]) world.ntpServer(`10.0.0.${i}`, { rootDispersionMs: 0.5 });
  const machines = [-150, 150].map((driftPpm, i) =>
    world.process(`n${i}`, { clock: { driftPpm, wallOffsetMs: i === 0 ? -300 : 300 } }),
  ) as [SimProcess, SimProcess];
  const clocks = machines.map((machine) =>
    BoundedClock.start({
      clock: machine.clock,
      hostClock: 'free-running',
      sources: [1, 2, 3].map((i) => world.ntp(machine, `10.0.0.${i}`, { pollIntervalMs: 4000 })),
    }),
  ) as [BoundedClock, BoundedClock];
  const width = (clock: BoundedClock): number => {
    const { earliest, latest } = clock.now();
    return Number(latest - earliest) / 1e6;
  };
  const nowNs = (): number => world.scheduler.elapsedNs;
  const store = memoryLeases();
  const object = new ClientGoObject();
  const clientGo = (machine: SimProcess): Promise<void> =>
    clientGoAcquire(object, {
      clock: machine.clock,
      identity: machine.name,
      leaseDurationMs: TTL_MS,
      retryPeriodMs: RETRY_PERIOD_MS,
      random: () => random.between(0, 1),
    });

  // The holder gets both, and dies.
  await world.run(WARM_UP_MS);
  let endNs = 0;
  let widthsMs = 0;
  const take = (clock: BoundedClock, holder: string): Promise<Lease> =>
    Lease.acquire({ store, clock, name: 'a', holder, ttlMs: TTL_MS, renewal: 'manual' });
  machines[0].start(() => {
    void clientGo(machines[0]);
    void take(clocks[0], 'dead').then((lease) => {
      endNs = nowNs() + Number(lease.expiresAt - world.scheduler.trueNs());
      widthsMs = width(clocks[0]);
      machines[0].crash();
    });
  });
  await world.run(1000);
  expect(widthsMs).toBeGreaterThan(0);

  await world.run((endNs - nowNs()) / 1e6 + startMs);
  const startNs = nowNs();
  const got = { library: 0, clientGo: 0 };
  machines[1].start(() => {
    void take(clocks[1], 'new').then(() => {
      got.library = nowNs();
      widthsMs += width(clocks[1]);
    });
    void clientGo(machines[1]).then(() => {
      got.clientGo = nowNs();
    });
  });
  await world.run(3 * TTL_MS);
  for (const clock of clocks) clock.stop();
  const sinceMs = (atNs: number): number => (atNs - Math.max(endNs, startNs)) / 1e6;
  return { libraryMs: sinceMs(got.library), clientGoMs: sinceMs(got.clientGo), widthsMs };
}

test.each([
  ['10 s before the end', -10_000],
  ['1 s before the end', -1000],
  ['1 s after the end', 1000],
  ['1 h after the end', 3_600_000],
])('a candidate that starts %s', async (when, startMs) => {
  const taken: TakeOver[] = [];
  for (let seed = 1; seed <= WORLDS; seed++) taken.push(await takeOver(seed, startMs));
  const range = (values: readonly number[]): string =>
    `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} ms`;
  console.log(
    `| ${when} | ${range(taken.map((each) => each.libraryMs))} ` +
      `| ${range(taken.map((each) => each.clientGoMs))} ` +
      `| widths ${range(taken.map((each) => each.widthsMs))}`,
  );
  for (const { libraryMs, clientGoMs, widthsMs } of taken) {
    expect(libraryMs).toBeGreaterThanOrEqual(0);
    expect(libraryMs).toBeLessThanOrEqual(100 + widthsMs);
    // It waits for a whole lease duration from its start on.
    expect(clientGoMs).toBeGreaterThanOrEqual(TTL_MS + Math.min(startMs, 0) - 10);
    expect(clientGoMs).toBeGreaterThan(10 * libraryMs);
  }
});
