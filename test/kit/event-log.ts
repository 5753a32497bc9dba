/**
 * A log of many nodes for tests of engines: the same in every run. Three nodes have clocks that are
 * 1 to 2 ms off, and say so. Messages push timestamps ahead.
 */

export interface LoggedEvent {
  readonly timestamp: bigint;
  readonly nodeId: string;
  readonly earliest?: bigint;
  readonly latest?: bigint;
}

const NODES = 8;
/** The clocks that are far off, ns. The others are right to 0.05 ms. */
const OFFSETS_NS = [2e6, -1.5e6, 1e6];
const BEGIN_NS = 1_795_227_787_534_418_003n;

/** `count` events in the order of true time, about 0.1 ms apart, with pauses. */
export function eventLog(count: number): LoggedEvent[] {
  const random = randomNumbers(20_261_121);
  const nodes = Array.from({ length: NODES }, (_, i) => {
    const offsetNs = OFFSETS_NS[i] ?? (random() - 0.5) * 1e5;
    const uncertaintyNs = BigInt(Math.ceil(Math.abs(offsetNs) + 1e4 + random() * 5e4));
    return { nodeId: `node-${i}`, offsetNs, uncertaintyNs, last: 0n };
  });
  const events: LoggedEvent[] = [];
  let trueNs = 0;
  for (let i = 0; i < count; i++) {
    trueNs += random() < 0.0002 ? 5e6 + random() * 2e7 : random() * 200_000;
    const node = nodes[Math.floor(random() * NODES)]!;
    const wallNs = BEGIN_NS + BigInt(Math.floor(trueNs + node.offsetNs));
    let timestamp = node.last + 1n;
    if (i > 50 && random() < 0.2) {
      const received = events[i - 1 - Math.floor(random() * 50)]!.timestamp + 1n;
      if (received > timestamp) timestamp = received;
    }
    if (wallNs > timestamp) timestamp = wallNs;
    node.last = timestamp;
    const { nodeId, uncertaintyNs } = node;
    // Now and then a clock has no bound.
    const earliest = wallNs - uncertaintyNs;
    const latest = wallNs + uncertaintyNs;
    events.push(random() < 0.001 ? { timestamp, nodeId } : { timestamp, nodeId, earliest, latest });
  }
  return events;
}

/** The line that `stampLines` would write. */
export function lineOf({ timestamp, nodeId, earliest, latest }: LoggedEvent, msg: string): string {
  const interval = earliest !== undefined && {
    earliest: String(earliest),
    latest: String(latest),
  };
  return JSON.stringify({ level: 30, hlc: String(timestamp), node: nodeId, ...interval, msg });
}

/** Numbers from 0 to 1 (xorshift). */
function randomNumbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
