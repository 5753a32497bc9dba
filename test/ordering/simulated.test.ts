/**
 * Logs of simulated machines, whose true instants are known. Clocks are skewed, drift and step, one
 * machine loses its time servers for a while, and messages are delayed, lost and overtake each
 * other. No statement about order may be false.
 */
import { BoundedClock, HybridClock } from 'epsilon-clock';
import { inversions, mergeLogs, narrow, relation, type StampedEvent } from 'epsilon-clock/ordering';
import { internetDelay, lanDelay, SimWorld } from 'epsilon-clock/sim';
import { formatStamp, type Stamp } from 'epsilon-clock/timestamps';
import { beforeAll, describe, expect, it } from 'vitest';

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const NODES = ['a', 'b', 'c', 'd'];
const SECOND = 1000;

interface TrueEvent extends StampedEvent {
  readonly time: bigint;
  readonly at: bigint;
}

/** Machines that log on average every `everyMs` and send a message with every second event. */
async function logsOf(path: typeof lanDelay, everyMs: number): Promise<TrueEvent[][]> {
  const world = new SimWorld({ seed: 15 });
  for (const server of SERVERS) world.ntpServer(server);
  const random = world.random.fork('messages');
  const nodes = NODES.map((nodeId, i) => {
    const machine = world.process(nodeId, {
      clock: { driftPpm: 300 * (i - 1.5), wallOffsetMs: 250 * (i - 1) },
    });
    for (const server of SERVERS) {
      world.network.link(nodeId, server, { delay: path(world.random.fork(nodeId + server)) });
      world.network.link(server, nodeId, { delay: path(world.random.fork(server + nodeId)) });
    }
    const clock = BoundedClock.start({
      clock: machine.clock,
      maxDriftPpm: 500,
      expireAfterMs: 20 * SECOND,
      sources: SERVERS.map((server) => world.ntp(machine, server)),
    });
    const hlc = new HybridClock({ clock, nodeId });
    return { nodeId, machine, clock, hlc, log: [] as TrueEvent[] };
  });
  const write = (node: (typeof nodes)[number], timestamp: bigint, from?: Stamp): void => {
    node.log.push({
      timestamp,
      nodeId: node.nodeId,
      ...node.clock.read().interval,
      ...(from !== undefined && { from }),
      time: node.machine.clock.wallNs(),
      at: world.scheduler.trueNs(),
    });
  };
  const act = (node: (typeof nodes)[number]): void => {
    node.machine.clock.setTimer(random.exponential(everyMs), () => act(node));
    write(node, node.hlc.now());
    const to = nodes[random.integer(0, nodes.length - 1)]!;
    if (random.chance(0.5) || to === node) return;
    // As a header is stamped: the send has a timestamp of its own, which is no line of the log.
    const sent = node.hlc.now();
    if (random.chance(0.1)) return; // lost
    world.scheduler.after(random.between(0.2e6, 20e6), () => {
      write(to, to.hlc.receive(sent), formatStamp(sent, node.nodeId));
    });
  };
  await world.run(20 * SECOND);
  for (const node of nodes) act(node);
  await world.run(5 * SECOND);
  nodes[1]!.machine.clock.stepWall(-2 * SECOND);
  nodes[3]!.machine.clock.stepWall(700);
  for (const server of SERVERS)
    world.network.link('c', server, { delay: lanDelay(random), loss: 1 });
  await world.run(25 * SECOND);
  for (const server of SERVERS) world.network.link('c', server, { delay: lanDelay(random) });
  await world.run(70 * SECOND);
  for (const { clock } of nodes) clock.stop();
  return nodes.map(({ log }) => log);
}

const sortedByTruth = (events: TrueEvent[]): TrueEvent[] =>
  [...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));

describe.each([
  ['on a LAN', lanDelay, 350],
  ['across the internet', internetDelay, 350],
] as const)('%s', (name, path, everyMs) => {
  let logs: TrueEvent[][];
  let events: TrueEvent[];
  beforeAll(async () => {
    logs = await logsOf(path, everyMs);
    events = sortedByTruth(logs.flat());
  });

  it('no decided order is false, over more than a million pairs', () => {
    const merged = [...mergeLogs(logs)].map(({ event }) => event);
    const narrowed = new Map([...narrow(merged)].map((each) => [each.event, each]));
    const seen = { pairs: 0, raw: 0, narrowed: 0, timestamps: 0, times: 0, wrong: 0 };
    for (const [i, a] of events.entries()) {
      const narrowedA = narrowed.get(a)!;
      for (const b of events.slice(i + 1)) {
        seen.pairs++;
        const raw = relation(a, b).order;
        const better = relation(narrowedA, narrowed.get(b)!).order;
        if (raw === 'after' || better === 'after') seen.wrong++;
        if (raw === 'before') seen.raw++;
        if (better === 'before') seen.narrowed++;
        else if (raw === 'before') seen.wrong++; // narrowing never loses an order
        if (a.timestamp > b.timestamp) seen.timestamps++;
        if (a.time > b.time) seen.times++;
      }
    }
    const share = (count: number): string => `${((100 * count) / seen.pairs).toFixed(3)} %`;
    console.log(
      `${name}: ${seen.pairs} pairs, decided ${share(seen.raw)}, after narrowing ` +
        `${share(seen.narrowed)}; in the wrong order by wall clock ${share(seen.times)}, ` +
        `by hybrid timestamp ${share(seen.timestamps)}`,
    );
    expect(seen.wrong).toBe(0);
    expect(seen.pairs).toBeGreaterThan(1_000_000);
    expect(seen.narrowed).toBeGreaterThan(seen.raw);
    // Otherwise the world would be too easy: order by position would be as good.
    expect(seen.times).toBeGreaterThan(0);
    expect(seen.timestamps).toBeGreaterThan(0);
  });

  it('no watermark and no group is false', () => {
    let groups = 0;
    let certain = 0;
    const lines = [...mergeLogs(logs)];
    const earliestFrom: bigint[] = [];
    let least = 2n ** 63n;
    for (const { event } of [...lines].reverse()) {
      if (event.at < least) least = event.at;
      earliestFrom.unshift(least);
    }
    const latestUpTo: bigint[] = [0n];
    for (const { event } of lines) {
      const last = latestUpTo.at(-1)!;
      latestUpTo.push(event.at > last ? event.at : last);
    }
    lines.forEach(({ event, group, watermark }, i) => {
      expect(latestUpTo[watermark]).toBeLessThan(event.at);
      certain += watermark;
      if (i === 0 || group === lines[i - 1]!.group) return;
      groups++;
      expect(latestUpTo[i]).toBeLessThan(earliestFrom[i]!);
    });
    console.log(`${name}: ${groups} groups, ${lines.length} lines, ${certain} certain`);
    expect(groups).toBeGreaterThan(0);
    expect(certain).toBeGreaterThan(0);
  });

  it('every inversion is true, wrong wall clocks are found, and nothing is broken', () => {
    const found = [...inversions([...mergeLogs(logs)].map(({ event }) => event))];
    const kinds = { time: 0, lead: 0, broken: 0 };
    for (const { kind, earlier, later } of found) {
      kinds[kind]++;
      expect(earlier!.at).toBeLessThan(later.at);
    }
    console.log(`${name}:`, kinds);
    expect(kinds.time).toBeGreaterThan(0);
    expect(kinds.broken).toBe(0);
  });
});
