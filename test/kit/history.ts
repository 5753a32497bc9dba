/**
 * Checks of a database's history, in true time: one observer's monotonic clock tells when each
 * transaction was started and when its answer came. Each transaction also has the timestamp that it
 * was given.
 */

export interface Event {
  readonly timestamp: bigint;
  readonly startedAt: bigint;
  readonly returnedAt: bigint;
}

/** A snapshot: the number of transfers that each shard showed, and the sum of all balances. */
export interface Snapshot extends Event {
  readonly transfers: readonly number[];
  readonly total: bigint;
}

/**
 * External consistency: the number of events whose timestamp is not greater than that of every
 * event that had returned before they started.
 */
export function orderViolations(history: readonly Event[]): number {
  const returned = [...history].sort((a, b) => compare(a.returnedAt, b.returnedAt));
  const started = [...history].sort((a, b) => compare(a.startedAt, b.startedAt));
  let violations = 0;
  let greatest = 0n;
  let next = 0;
  for (const { startedAt, timestamp } of started) {
    for (; returned[next]!.returnedAt < startedAt; next++) {
      const { timestamp: before } = returned[next]!;
      if (before > greatest) greatest = before;
    }
    if (timestamp <= greatest) violations++;
  }
  return violations;
}

/**
 * The number of snapshots that did not see exactly the transfers at or below their timestamp. A
 * snapshot never asks for anything above it, so counting tells whether it saw all.
 */
export function snapshotViolations(
  snapshots: readonly Snapshot[],
  transfers: readonly Event[],
): number {
  const timestamps = transfers.map(({ timestamp }) => timestamp).sort(compare);
  return snapshots.filter(({ timestamp, transfers: seen }) => {
    const above = timestamps.findIndex((t) => t > timestamp);
    const atOrBelow = above < 0 ? timestamps.length : above;
    return seen.some((count) => count !== atOrBelow);
  }).length;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
