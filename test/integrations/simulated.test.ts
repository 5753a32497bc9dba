/**
 * Lines of simulated machines. True time is known, so each line is judged: whatever interval it
 * states holds the instant at which it was made. Wall clocks are wrong by a minute, crystals drift,
 * one machine is pushed ahead by a peer, and in the end all lose the time servers.
 */
import { BoundedClock, HybridClock } from 'epsilon-clock';
import { lanDelay, SimWorld } from 'epsilon-clock/sim';
import { expect, test } from 'vitest';
import { type Line, LOGGERS, type Log } from './loggers.ts';

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const MS = 1_000_000n;

/** The interval that a line states, in either form. */
function intervalOf({
  hlc,
  earliest,
  latest,
  eps,
  lead = '0',
}: Line): [bigint, bigint] | undefined {
  if (earliest !== undefined) return [BigInt(earliest), BigInt(latest!)];
  if (eps === undefined) return undefined;
  const centre = BigInt(hlc!) - BigInt(lead);
  return [centre - 1000n * BigInt(eps), centre + 1000n * BigInt(eps)];
}

test.each(LOGGERS)('%s: every interval holds the true time of its line', async (_, open) => {
  const world = new SimWorld({ seed: 7 });
  for (const server of SERVERS) world.ntpServer(server);
  const seen = { unstamped: 0, bounded: 0, unbounded: 0, led: 0, wrong: 0 };
  const judge = (log: Log): void => {
    const line = log();
    const interval = intervalOf(line);
    const now = world.scheduler.trueNs();
    if (line.unstamped !== undefined) seen.unstamped++;
    else if (interval === undefined) seen.unbounded++;
    else seen.bounded++;
    if (line.lead !== undefined) seen.led++;
    if (interval !== undefined && !(interval[0] <= now && now <= interval[1])) seen.wrong++;
  };

  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    const clock = { driftPpm: 60 * (i - 1), wallOffsetMs: 60_000 * (i - 1) };
    const machine = world.process(name, { clock });
    for (const server of SERVERS) {
      world.network.link(name, server, { delay: lanDelay(world.random.fork(name + server)) });
    }
    const bounded = BoundedClock.start({
      clock: machine.clock,
      expireAfterMs: 30_000,
      sources: SERVERS.map((server) => world.ntp(machine, server)),
    });
    const hlc = new HybridClock({ clock: bounded, nodeId: name });
    const logs = (['full', 'compact'] as const).map((fields) =>
      open({ hlc, clock: bounded, fields }),
    );
    const every = (): void => {
      logs.forEach(judge);
      machine.clock.setTimer(10, every);
    };
    every();
    if (name !== 'c') continue;
    world.scheduler.after(30e9, () => hlc.receive(world.scheduler.trueNs() + 400n * MS));
  }

  await world.run(60_000);
  expect(seen).toMatchObject({ wrong: 0, unbounded: 0 });
  expect(seen.unstamped).toBeGreaterThan(0); // before the first synchronisation
  expect(seen.bounded).toBeGreaterThan(30_000);
  expect(seen.led).toBeGreaterThan(30); // the line after the message, and those of the next 0.4 s

  for (const server of SERVERS) world.network.isolate(server);
  await world.run(60_000);
  expect(seen.wrong).toBe(0);
  expect(seen.unbounded).toBeGreaterThan(10_000);
});
