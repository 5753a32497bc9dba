/**
 * Servers of bounded clocks that follow each other, in a simulated world that knows true time. A
 * loop is refused once an id has come around it. And where it is not noticed, no interval is wrong:
 * a ring without another source only widens.
 */
import { describe, expect, test } from 'vitest';
import { BoundedClock } from '../../../src/bounded-clock/bounded-clock.ts';
import type { SourceSink, TimeSource } from '../../../src/bounded-clock/time-source.ts';
import { SimWorld } from '../../../src/sim/world.ts';
import { serveOnSim } from '../../kit/sim-bounded-server.ts';

interface Node {
  readonly clock: BoundedClock;
  readonly stop: () => void;
}

/** Whether the sources of each clock are told of ids, as they are outside of this test. */
type Trails = 'heard' | 'unheard';

/** A world of clocks that serve, each following what `follows` says; by IP address. */
function build(
  follows: Readonly<Record<string, readonly string[]>>,
  { seed = 1, trails = 'heard' as Trails, maxFaulty = 0 } = {},
): { world: SimWorld; nodes: Readonly<Record<string, Node>> } {
  const world = new SimWorld({ seed });
  const servers = new Set(Object.values(follows).flat());
  for (const address of servers) if (!(address in follows)) world.ntpServer(address);
  const nodes: Record<string, Node> = {};
  for (const [address, upstream] of Object.entries(follows)) {
    const process = world.process(address);
    const sources = upstream
      .map((server) => world.ntp(process, server, { pollIntervalMs: 16_000 }))
      .map((source) => (trails === 'heard' ? source : deaf(source)));
    const clock = BoundedClock.start({
      sources,
      maxFaulty,
      clock: process.clock,
      hostClock: 'free-running',
    });
    nodes[address] = { clock, stop: serveOnSim(world, process, clock) };
    world.watch(process, clock, 500);
  }
  return { world, nodes };
}

/** The same source, which hands on nothing that it hears of ids. */
function deaf(source: TimeSource): TimeSource {
  const without = (sink: SourceSink): SourceSink =>
    Object.create(sink, { trail: { value: undefined } }) as SourceSink;
  return { ...source, start: (sink) => source.start(without(sink)) };
}

const MINUTE = 60_000;
const A = '10.0.1.1';
const B = '10.0.1.2';
const C = '10.0.1.3';
const S = '10.0.0.1';
const S2 = '10.0.0.2';

/** The misses of `clock` with the server at `address`, by reason, and its samples. */
function heard(clock: BoundedClock, address: string): { samples: number; loop: number } {
  const source = clock.explain().sources.find(({ sourceId }) => sourceId.includes(address));
  if (source === undefined) throw new Error(`no source ${address}`);
  return { samples: source.accepted, loop: source.misses.loop ?? 0 };
}

const run = (world: SimWorld, ms: number): Promise<void> => world.runCallbacks(ms);

describe('a loop is refused, and nobody’s interval is ever wrong:', () => {
  test('a server that asks itself, which never yields a sample', async () => {
    const { world, nodes } = build({ [A]: [S, A] });
    await run(world, 10 * MINUTE);
    const { clock } = nodes[A]!;
    expect(heard(clock, A).samples).toBe(0);
    expect(heard(clock, A).loop).toBeGreaterThan(20);
    expect(clock.read().status).toBe('synchronized');
    expect(world.oracle.violations).toEqual([]);
  });

  test.each([1, 2, 3])(
    'two clocks that ask each other: a chain is left (seed %i)',
    async (seed) => {
      const { world, nodes } = build({ [A]: [S, B], [B]: [S2, A] }, { seed });
      await run(world, 200 * MINUTE); // longer than a loop is remembered
      const [fromB, fromA] = [heard(nodes[A]!.clock, B), heard(nodes[B]!.clock, A)];
      const [less, more] = fromA.samples < fromB.samples ? [fromA, fromB] : [fromB, fromA];
      expect(less.samples).toBeLessThan(5);
      expect(less.loop).toBeGreaterThan(600);
      expect(more.samples).toBeGreaterThan(600);
      expect(world.oracle.violations).toEqual([]);
    },
  );

  test('one that has followed the other for long keeps doing so', async () => {
    const { world, nodes } = build({ [A]: [S], [B]: [A] });
    await run(world, 20 * MINUTE);
    expect(heard(nodes[B]!.clock, A)).toMatchObject({ loop: 0 });
    const process = world.process(`${A}0`);
    const late = BoundedClock.start({
      sources: [world.ntp(process, B, { pollIntervalMs: 16_000 })],
      clock: process.clock,
    });
    serveOnSim(world, process, late);
    await run(world, 20 * MINUTE);
    expect(heard(late, B).loop).toBe(0);
    expect(heard(late, B).samples).toBeGreaterThan(60);
  });

  test.each([1, 2, 3, 4])(
    'a ring of three, each with a server of its own (seed %i)',
    async (seed) => {
      const { world, nodes } = build({ [A]: [S, C], [B]: [S, A], [C]: [S2, B] }, { seed });
      await run(world, 30 * MINUTE);
      const links = [
        heard(nodes[A]!.clock, C),
        heard(nodes[B]!.clock, A),
        heard(nodes[C]!.clock, B),
      ];
      // Broken in one place at least, for good.
      expect(links.some(({ loop, samples }) => loop > 80 && samples < 20)).toBe(true);
      expect(world.oracle.violations).toEqual([]);
      for (const { clock } of Object.values(nodes))
        expect(clock.read().status).toBe('synchronized');
    },
  );
});

test('a chain, a fork and a join are no loops', async () => {
  const { world, nodes } = build({ [A]: [S], [B]: [A], [C]: [A, B, S2] });
  await run(world, 20 * MINUTE);
  for (const { clock } of Object.values(nodes)) {
    expect(clock.read().status).toBe('synchronized');
    for (const { misses } of clock.explain().sources) expect(misses).not.toHaveProperty('loop');
  }
  expect(world.oracle.violations).toEqual([]);
  expect(world.oracle.summary().readings).toBeGreaterThan(1000);
});

test('two clocks of one process may follow each other’s server in one direction', async () => {
  const world = new SimWorld({ seed: 5 });
  world.ntpServer(S);
  const process = world.process(A);
  const options = { clock: process.clock, hostClock: 'free-running' } as const;
  const first = BoundedClock.start({ ...options, sources: [world.ntp(process, S)] });
  serveOnSim(world, process, first);
  const second = BoundedClock.start({ ...options, sources: [world.ntp(process, A)] });
  await run(world, 5 * MINUTE);
  expect(second.read().status).toBe('synchronized');
  expect(heard(second, A).loop).toBe(0);
});

describe('where a ring is not noticed', () => {
  test('no interval is wrong, and without another source they only widen', async () => {
    const { world, nodes } = build({ [A]: [S, C], [B]: [A], [C]: [B] }, { trails: 'unheard' });
    await run(world, 10 * MINUTE);
    expect(heard(nodes[A]!.clock, C).samples).toBeGreaterThan(20);
    expect(heard(nodes[A]!.clock, C).loop).toBe(0);
    world.network.isolate(S);
    const widths: bigint[] = [];
    for (let i = 0; i < 12; i++) {
      await run(world, 10 * MINUTE);
      const { interval } = nodes[A]!.clock.read();
      widths.push(interval!.latest - interval!.earliest);
    }
    // It looks synchronised to itself all the while: that is why loops are refused.
    expect(nodes[A]!.clock.read().status).toBe('synchronized');
    for (let i = 1; i < widths.length; i++) expect(widths[i]).toBeGreaterThan(widths[i - 1]!);
    expect(world.oracle.violations).toEqual([]);
  });
});
