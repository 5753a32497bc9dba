/**
 * What a clock can prove of a server that lies: reports that somebody else's program accepts
 * (malfeasance-verifier.ts), and that cannot be changed.
 */
import { BoundedClock, type ClockEvent, type Evidence } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import { describe, expect, it, test } from 'vitest';
import { HandClock } from '../../kit/hand-clock.ts';
import { ScriptedNetwork } from '../../kit/scripted-network.ts';
import { examine } from './malfeasance-verifier.ts';
import { RoughtimeNetwork } from './network.ts';

/** Three honest NTP servers, and witnesses, on a clock moved by hand. */
class World {
  readonly clock = new HandClock();
  readonly witnesses: readonly RoughtimeNetwork[];
  readonly bounded: BoundedClock;
  readonly events: ClockEvent[] = [];

  constructor(witnesses = 1) {
    const { clock } = this;
    this.witnesses = Array.from({ length: witnesses }, () => new RoughtimeNetwork(clock));
    const network = new ScriptedNetwork(clock, () => ({ answer: {} }));
    const voters = [1, 2, 3].map((i) =>
      ntp(`10.0.0.${i}`, { transport: network, resolve: async (host) => [host] }),
    );
    const sources = [
      ...voters,
      ...this.witnesses.map((server, i) =>
        server.source(`10.0.1.${i + 1}`, { pollIntervalMs: 64_000 + 7000 * i }),
      ),
    ];
    this.bounded = BoundedClock.start({ sources, clock });
    this.bounded.onChange((event) => this.events.push(event));
  }

  /** The evidence of this party against that one. */
  evidence(sourceId: string, against: string): Evidence | undefined {
    return this.bounded
      .evidence()
      .find((each) => each.sourceId === sourceId && each.against === against);
  }
}

const LIAR = 'roughtime://10.0.1.1:2002';
const HONEST = 'roughtime://10.0.1.2:2002';

describe('a server that is 10 s off among three honest NTP servers', () => {
  it.each([
    ['ahead', 10_000],
    ['behind', -10_000],
  ])('%s: it is reported, with what it signed', async (_, aheadMs) => {
    const world = new World();
    await world.clock.elapse(130_000);
    expect(world.bounded.read().status).toBe('synchronized');
    expect(world.bounded.evidence()).toEqual([]);
    world.witnesses[0]!.aheadMs = aheadMs;
    await world.clock.elapse(64_000);
    expect(world.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'witness' });
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'refuted', assumption: 'A0' }),
    );
    const { report } = world.evidence(LIAR, 'bound')!;
    const { intervals } = examine(JSON.stringify(report));
    const now = Number(world.clock.wallNs() / 1_000_000_000n);
    // Alone it proves what the server said, and after what.
    const [earliest, latest] = intervals.at(-1)!;
    expect(aheadMs > 0 ? earliest > now : latest < now - 1).toBe(true);
    expect(intervals.length).toBeGreaterThan(2);
  });

  it('with an honest witness beside it, the report alone convicts', async () => {
    const world = new World(2);
    world.witnesses[0]!.aheadMs = 10_000;
    await world.clock.elapse(300_000);
    expect(world.bounded.read()).toMatchObject({ reason: 'witness' });
    // The liar is ahead, so what convicts is that the honest one signed less time later.
    const { report } = world.evidence(HONEST, LIAR)!;
    const { convicts, intervals } = examine(JSON.stringify(report));
    expect(convicts).toBe(true);
    expect(intervals.length).toBeGreaterThanOrEqual(2);
    expect(world.evidence(LIAR, HONEST)).toBeUndefined();
    expect(world.evidence(HONEST, 'bound')).toBeUndefined();
    const { witnesses } = world.bounded.explain();
    expect(witnesses.map(({ verdict }) => verdict)).toEqual(['contradicts', 'undecided']);
  });

  it('a server that comes to its senses has convicted itself', async () => {
    const world = new World();
    world.witnesses[0]!.aheadMs = 10_000;
    await world.clock.elapse(3000);
    world.witnesses[0]!.aheadMs = 0;
    await world.clock.elapse(70_000);
    expect(world.bounded.read().status).toBe('synchronized');
    const { report } = world.evidence(LIAR, LIAR)!;
    expect(examine(JSON.stringify(report)).convicts).toBe(true);
  });
});

test('honest witnesses, silent ones and bad replies leave no evidence in three hours', async () => {
  const world = new World(3);
  world.witnesses[1]!.radiusS = 3;
  for (let minute = 0; minute < 3 * 60; minute += 10) {
    const odd = (minute / 10) % 3;
    world.witnesses[2]!.reaction = odd === 0 ? 'honest' : odd === 1 ? 'greased' : 'silent';
    await world.clock.elapse(600_000);
    expect(world.bounded.read().status).toBe('synchronized');
  }
  expect(world.bounded.evidence()).toEqual([]);
  expect(world.bounded.explain().witnesses.map(({ accepted }) => accepted > 5)).toEqual([
    true,
    true,
    true,
  ]);
});

test('a report in which anything was changed is refused: a bit of every fifth byte, and the order', async () => {
  const world = new World(2);
  world.witnesses[0]!.aheadMs = 10_000;
  await world.clock.elapse(300_000);
  const { report } = world.evidence(HONEST, LIAR)!;
  const accepted = (changed: unknown): boolean => {
    try {
      return examine(JSON.stringify(changed)).convicts;
    } catch {
      return false;
    }
  };
  expect(accepted(report)).toBe(true);
  const { responses } = report;
  expect(responses[0]).not.toHaveProperty('rand');
  let changes = 0;
  for (const [i, exchange] of responses.entries()) {
    for (const [name, text] of Object.entries(exchange)) {
      const bytes = Buffer.from(text, 'base64');
      for (let at = 0; at < bytes.length; at += 5) {
        bytes[at]! ^= 1 << (at % 8);
        const changed = { ...exchange, [name]: bytes.toString('base64') };
        expect(accepted({ responses: responses.with(i, changed) })).toBe(false);
        changes++;
        bytes[at]! ^= 1 << (at % 8);
      }
    }
  }
  expect(changes).toBeGreaterThan(600);
  expect(accepted({ responses: responses.toReversed() })).toBe(false);
  expect(accepted({ responses: responses.slice(1) })).toBe(false);
  expect(accepted({ responses: responses.slice(0, -1) })).toBe(false);
  expect(accepted({ responses: [] })).toBe(false);
  const [{ rand: _, ...unchained }] = responses.slice(-1) as [(typeof responses)[0]];
  expect(accepted({ responses: responses.with(-1, unchained) })).toBe(false);
});

test('memory is bounded: a report has at most 32 exchanges, however long the clock runs', async () => {
  const world = new World();
  await world.clock.elapse(3 * 3_600_000);
  world.witnesses[0]!.aheadMs = 10_000;
  for (let minute = 0; minute < 60; minute++) {
    await world.clock.elapse(60_000);
    const evidence = world.bounded.evidence();
    expect(evidence.length).toBeLessThanOrEqual(1);
    for (const { report } of evidence) {
      expect(report.responses.length).toBeLessThanOrEqual(32);
      examine(JSON.stringify(report));
    }
  }
  expect(world.bounded.evidence().length).toBe(1);
});
