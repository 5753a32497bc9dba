/** Events for the properties: some without any sense, and small worlds whose truth is known. */

import type { StampedEvent } from 'epsilon-clock/ordering';
import type { Stamp } from 'epsilon-clock/timestamps';
import { formatStamp } from 'epsilon-clock/timestamps';
import fc from 'fast-check';

const instant = fc.bigInt({ min: 0n, max: 12n });
const node = fc.constantFrom('a', 'b', 'c');

/** Any events: their fields may contradict each other. Few values, so that ties are common. */
export const events: fc.Arbitrary<StampedEvent[]> = fc.array(
  fc
    .record({
      timestamp: instant,
      nodeId: node,
      ends: fc.tuple(instant, instant),
      bounded: fc.boolean(),
      from: fc.option(fc.tuple(instant, node), { nil: undefined }),
    })
    .map(({ timestamp, nodeId, ends, bounded, from }) => ({
      timestamp,
      nodeId,
      ...(bounded && {
        earliest: ends[0] < ends[1] ? ends[0] : ends[1],
        latest: ends[0] < ends[1] ? ends[1] : ends[0],
      }),
      ...(from !== undefined && { from: formatStamp(from[0], from[1]) }),
    })),
  { minLength: 2, maxLength: 9 },
);

/** An event whose true instant and true causes are known. */
export interface TrueEvent extends StampedEvent {
  readonly at: bigint;
  /** For each node, how many of its events are this one or before it: a vector clock. */
  readonly vector: readonly number[];
  readonly nodeIndex: number;
}

export interface World {
  /** By node, in the order in which they happened. */
  readonly logs: readonly (readonly TrueEvent[])[];
  /** By timestamp and node. */
  readonly events: readonly TrueEvent[];
  /** No timestamp is further ahead of the middle of its interval, or of the truth without one. */
  readonly maxLeadMs: number;
}

export function happenedBefore(a: TrueEvent, b: TrueEvent): boolean {
  return a !== b && b.vector[a.nodeIndex]! >= a.vector[a.nodeIndex]!;
}

const step = fc.record({
  node: fc.nat({ max: 3 }),
  gap: fc.constantFrom(0, 0, 1, 2, 5, 40),
  /** What the hybrid clock's physical clock is ahead by. */
  error: fc.constantFrom(0, 0, 1, 3, 8, 40),
  /** What the wall clock is ahead by. */
  wallError: fc.constantFrom(-60, -3, 0, 0, 2, 50),
  below: fc.nat({ max: 9 }),
  above: fc.nat({ max: 9 }),
  bounded: fc.integer({ min: 0, max: 9 }).map((n) => n > 1),
  kind: fc.constantFrom(
    'local' as const,
    'send' as const,
    'silent send' as const,
    'receive' as const,
  ),
  /** Which of the messages under way: they overtake each other, arrive twice, or never. */
  message: fc.nat({ max: 99 }),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.array(step, { minLength: 2, maxLength: 40 });

/** Worlds in which every assumption holds, and no timestamp is below the middle of its interval. */
export const worlds: fc.Arbitrary<World> = steps.map((each) => worldOf(each, 0));

/** Worlds whose hybrid clocks may be far behind. */
export const laggingWorlds: fc.Arbitrary<World> = fc
  .tuple(steps, fc.constantFrom(1, 4, 60))
  .map(([each, lag]) => worldOf(each, lag));

function worldOf(planned: readonly Step[], lag: number): World {
  let at = 1000n;
  const messages: { stamp: Stamp; timestamp: bigint; vector: readonly number[] }[] = [];
  const nodes = ['a', 'b', 'c', 'd'].map((nodeId) => ({
    nodeId,
    timestamp: 0n,
    vector: [0, 0, 0, 0],
    log: [] as TrueEvent[],
  }));
  let maxLead = 0n;
  for (const plan of planned) {
    const { node: index, gap, error, wallError, below, above, bounded, kind, message } = plan;
    at += BigInt(gap);
    const here = nodes[index]!;
    const received = kind === 'receive' ? messages[message % (messages.length || 1)] : undefined;
    const floor = [here.timestamp, received?.timestamp ?? 0n].reduce((a, b) => (a > b ? a : b));
    const interval = { earliest: at - BigInt(below), latest: at + BigInt(above) };
    const middle = (interval.earliest + interval.latest + 1n) >> 1n;
    const physical = (middle > at ? middle : at) + BigInt(error - (error === 0 ? lag : 0));
    here.timestamp = physical > floor ? physical : floor + 1n;
    here.vector[index]!++;
    received?.vector.forEach((count, i) => {
      if (count > here.vector[i]!) here.vector[i] = count;
    });
    const { nodeId, timestamp } = here;
    const vector = [...here.vector];
    if (kind === 'send' || kind === 'silent send') {
      messages.push({ stamp: formatStamp(timestamp, nodeId), timestamp, vector });
    }
    if (kind === 'silent send') continue;
    const lead = timestamp - (bounded ? middle : at);
    if (lead > maxLead) maxLead = lead;
    here.log.push({
      ...{ nodeId, timestamp, at, vector, nodeIndex: index, time: at + BigInt(wallError) },
      ...(bounded && interval),
      ...(received !== undefined && { from: received.stamp }),
    });
  }
  const logs = nodes.map(({ log }) => log);
  return { logs, events: logs.flat().sort(byStamp), maxLeadMs: Number(maxLead + 1n) / 1e6 };
}

function byStamp(a: StampedEvent, b: StampedEvent): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return a.nodeId < b.nodeId ? -1 : 1;
}
