/**
 * Three liars of five that run off together outvote the truth, and no vote can tell
 * (collusion.test.ts). A witness that knows the time to a second tells, once they are a second off.
 * docs/guarantees/bounded-clock.md states the time that takes.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import type { TimeSource } from '../../src/bounded-clock/time-source.ts';
import { lanDelay } from '../../src/sim/delay-models.ts';
import { serverAddress } from '../../src/sim/scenario.ts';
import type { SimClockOptions } from '../../src/sim/sim-clock.ts';
import { SimWorld } from '../../src/sim/world.ts';

const HOUR_S = 3600;
const BEGIN_S = 0.5 * HOUR_S;
/** How often the witness is asked, as `roughtime` does by default. */
const WITNESS_POLL_S = 300;
const WITNESS = 5;

interface Plan {
  readonly seed: number;
  readonly hours: number;
  readonly radiusMs: number;
  readonly driftPpm: number;
  readonly hostClock: 'free-running' | 'disciplined';
  readonly clock: SimClockOptions;
  /** Whether the witness is asked at all. */
  readonly witness?: boolean;
  /** When the servers are honest again. */
  readonly untilS?: number;
}

interface Seen {
  readonly events: readonly (ClockEvent & { readonly atS: number })[];
  /** How far the truth was outside at worst, s. */
  readonly worstS: number;
  /** When the last reading with an interval was wrong, s. */
  readonly lastWrongS: number;
  readonly status: string;
  readonly reason: string | undefined;
}

async function run(plan: Plan): Promise<Seen> {
  const { seed, hours, radiusMs, driftPpm, hostClock, untilS } = plan;
  const world = new SimWorld({ seed });
  const process = world.process('node', { clock: plan.clock });
  const servers = [0, 1, 2, 3, 4, WITNESS].map((i) => {
    const address = serverAddress(i);
    const random = world.random.fork(`path to ${address}`);
    world.network.link('node', address, { delay: lanDelay(random) });
    world.network.link(address, 'node', { delay: lanDelay(random) });
    return world.ntpServer(address);
  });
  const sources: TimeSource[] = servers
    .slice(0, WITNESS)
    .map(({ address }) => world.ntp(process, address, { pollIntervalMs: 16_000 }));
  if (plan.witness !== false) {
    const pollIntervalMs = WITNESS_POLL_S * 1000;
    sources.push(world.witness(process, serverAddress(WITNESS), { pollIntervalMs, radiusMs }));
  }
  const options: BoundedClockOptions = { sources, clock: process.clock, hostClock };
  const bounded = BoundedClock.start(options);
  const nowS = (): number => world.scheduler.elapsedNs / 1e9;
  const events: (ClockEvent & { atS: number })[] = [];
  bounded.onChange((event) => events.push({ ...event, atS: nowS() }));
  const behave = (atS: number, behaviour: { driftPpm?: number }): void => {
    world.scheduler.at(atS * 1e9, () => {
      for (const server of servers.slice(0, 3)) server.behave(behaviour);
    });
  };
  behave(BEGIN_S, { driftPpm });
  if (untilS !== undefined) behave(untilS, {});
  let worstS = 0;
  let lastWrongS = 0;
  const look = process.bind(() => {
    const { interval } = bounded.read();
    if (interval !== undefined) {
      const truth = world.scheduler.trueNs();
      const outside =
        truth < interval.earliest ? interval.earliest - truth : truth - interval.latest;
      if (outside > 0n) lastWrongS = nowS();
      worstS = Math.max(worstS, Number(outside) / 1e9);
    }
    world.scheduler.after(10e9, look);
  });
  look();
  await world.runCallbacks(hours * HOUR_S * 1000);
  const reading = bounded.read();
  const reason = 'reason' in reading ? reading.reason : undefined;
  bounded.stop();
  return { events, worstS, lastWrongS, status: reading.status, reason };
}

const refutations = ({ events }: Seen): Seen['events'] =>
  events.filter(({ type, atS }) => type === 'refuted' && atS > BEGIN_S);

const FREE_RUNNING = {
  hostClock: 'free-running',
  clock: { driftPpm: 80, wander: { maxPpm: 2, ppmPerSecond: 0.02 } },
} as const;
// The wall clock is so far off that the wall guard ignores it.
const DISCIPLINED = { hostClock: 'disciplined', clock: { wallOffsetMs: 5000 } } as const;

test.each([
  ['free-running', 20, 1000, FREE_RUNNING],
  ['disciplined', 180, 1000, DISCIPLINED],
  ['disciplined', 180, 3000, DISCIPLINED],
] as const)(
  '%s: 3 liars of 5 at %d ppm are refuted when they are %d ms off, within a poll of the witness',
  async (_, driftPpm, radiusMs, profile) => {
    const beyondS = radiusMs / 1000 / (driftPpm * 1e-6);
    const hours = (BEGIN_S + beyondS + 1800) / HOUR_S;
    for (const seed of [1, 2]) {
      const seen = await run({ seed, hours, radiusMs, driftPpm, ...profile });
      const [first] = refutations(seen);
      expect(first).toMatchObject({ type: 'refuted', assumption: 'A0' });
      const tookS = first!.atS - BEGIN_S;
      // 12 ms for what paths, servers and the drift between polls add.
      expect(tookS).toBeGreaterThan(beyondS);
      const slackS = 0.012 / (driftPpm * 1e-6);
      expect(tookS).toBeLessThan(beyondS + slackS + 1.08 * WITNESS_POLL_S);
      // From then on there is no answer, as long as they lie.
      expect(seen.lastWrongS).toBeLessThanOrEqual(first!.atS);
      expect(seen.worstS).toBeLessThan((tookS + 1) * driftPpm * 1e-6);
      expect(seen).toMatchObject({ status: 'unsynchronized', reason: 'witness' });
    }
  },
);

test.each([
  [180, 1],
  [180, 3],
  [20, 1],
  [20, 3],
])('the page states the time that %d ppm take for a radius of %d s', (driftPpm, radiusS) => {
  const page = readFileSync(new URL('../../docs/guarantees/bounded-clock.md', import.meta.url));
  const minutes = Math.ceil(radiusS / (driftPpm * 1e-6) / 60);
  const row = String(page)
    .split('\n')
    .find((line) => line.startsWith(`| run off together at ${driftPpm} ppm |`));
  const [, , oneSecond, threeSeconds] = row!.split('|');
  const stated = radiusS === 1 ? oneSecond : threeSeconds;
  expect(stated).toBe(` after ${Math.floor(minutes / 60)} h ${minutes % 60} min `);
});

test('without the witness the same liars are believed to the end', async () => {
  const seen = await run({
    seed: 1,
    hours: 3,
    radiusMs: 1000,
    driftPpm: 180,
    ...DISCIPLINED,
    witness: false,
  });
  expect(refutations(seen)).toEqual([]);
  expect(seen.worstS).toBeGreaterThan(1.5);
  expect(seen.status).toBe('synchronized');
});

test('when the liars are honest again, the clock is back within two polls', async () => {
  const untilS = 2.5 * HOUR_S;
  const plan = { seed: 3, radiusMs: 1000, driftPpm: 180, ...DISCIPLINED, untilS };
  const seen = await run({ ...plan, hours: 2.6 });
  expect(seen.status).toBe('synchronized');
  const back = seen.events.findLast(
    ({ type, status }) => type === 'status' && status === 'synchronized',
  );
  expect(back!.atS).toBeGreaterThan(untilS);
  expect(back!.atS).toBeLessThan(untilS + 40);
  expect(seen.lastWrongS).toBeLessThan(untilS);
});

test.each([FREE_RUNNING, DISCIPLINED])(
  'honest servers and a witness of any radius: never refuted ($hostClock)',
  async (profile) => {
    for (const radiusMs of [0, 1, 1000]) {
      const seen = await run({ seed: 4, hours: 4, radiusMs, driftPpm: 0, ...profile });
      expect(seen.events.filter(({ type }) => type === 'refuted')).toEqual([]);
      expect(seen).toMatchObject({ status: 'synchronized', worstS: 0 });
    }
  },
);
