/**
 * Hybrid clocks on simulated machines. True time is known, so their distance from it is known too.
 * Wall clocks are minutes off, and one is set during the run. Then all machines lose the time
 * servers. Causality must always hold; the timestamps must be close to true time while there is a
 * bound.
 */
import { BoundedClock, HybridClock, type HybridClockOptions } from 'epsilon-clock';
import { lanDelay, SimWorld } from 'epsilon-clock/sim';
import { expect, test } from 'vitest';

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const NODES = ['a', 'b', 'c'];
const MS = 1_000_000n;

/** Three nodes that send each other a message about every 5 ms, and counts of what they saw. */
function harness(on: 'bounded' | 'wall') {
  const world = new SimWorld({ seed: 11 });
  const seen = { received: 0, refused: 0, lost: 0, worstNs: 0n };
  for (const server of SERVERS) world.ntpServer(server);
  const nodes = NODES.map((name, i) => {
    const clock = { driftPpm: 60 * (i - 1), wallOffsetMs: 90_000 * (i - 1) };
    const machine = world.process(name, { clock });
    for (const server of SERVERS) {
      world.network.link(name, server, { delay: lanDelay(world.random.fork(name + server)) });
    }
    const bounded = BoundedClock.start({
      clock: machine.clock,
      hostClock: 'free-running',
      expireAfterMs: 30_000,
      sources: SERVERS.map((server) => world.ntp(machine, server)),
    });
    const options: HybridClockOptions = {
      clock: on === 'bounded' ? bounded : machine.clock,
      nodeId: name,
    };
    return { machine, bounded, hlc: new HybridClock(options), last: 0n };
  });
  const event = (node: (typeof nodes)[number], timestamp: bigint, cause: bigint) => {
    if (timestamp <= node.last || timestamp <= cause) seen.lost++;
    node.last = timestamp;
    const error = timestamp - world.scheduler.trueNs();
    const size = error < 0n ? -error : error;
    if (size > seen.worstNs) seen.worstNs = size;
  };
  const random = world.random.fork('messages');
  const send = (node: (typeof nodes)[number]) => {
    node.machine.clock.setTimer(random.between(2, 8), () => send(node));
    const sent = node.hlc.now();
    event(node, sent, 0n);
    const others = nodes.filter((other) => other !== node);
    const to = others[random.integer(0, 1)]!;
    world.scheduler.after(random.between(1e4, 3e6), () => {
      try {
        event(to, to.hlc.receive(sent), sent);
        seen.received++;
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'ERR_TIMESTAMP_AHEAD') throw error;
        seen.refused++;
      }
    });
  };
  return { world, nodes, seen, begin: () => nodes.forEach(send) };
}

test('on bounded clocks: in order, and near true time, even with wrong wall clocks', async () => {
  const { world, nodes, seen, begin } = harness('bounded');
  expect(() => nodes[0]!.hlc.now()).toThrow(
    expect.objectContaining({ code: 'ERR_CLOCK_UNSYNCHRONIZED' }),
  );
  await world.run(20_000);
  begin();
  await world.run(5_000);
  nodes[1]!.machine.clock.stepWall(-3_600_000);
  await world.run(10_000);
  expect(seen).toMatchObject({ lost: 0, refused: 0 });
  expect(seen.received).toBeGreaterThan(5_000);
  expect(seen.worstNs).toBeLessThan(5n * MS);

  for (const server of SERVERS) world.network.isolate(server);
  const before = seen.received;
  await world.run(40_000);
  for (const { bounded } of nodes) expect(bounded.read().status).toBe('unsynchronized');
  expect(seen).toMatchObject({ lost: 0, refused: 0 });
  expect(seen.received).toBeGreaterThan(before + 10_000);
});

test('on their wall clocks: in order too, and timestamps of fast clocks are refused', async () => {
  const { world, seen, begin } = harness('wall');
  begin();
  await world.run(5_000);
  expect(seen.lost).toBe(0);
  expect(seen.refused).toBeGreaterThan(500);
  expect(seen.received).toBeGreaterThan(500);
});
