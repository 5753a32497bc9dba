/**
 * Judges of what a database did, by true time: when each transaction was started and when its answer had
 * come, as one observer's monotonic clock tells, and the timestamp that it was given.
 */

export interface Event {
  readonly timestamp: bigint;
  readonly startedAt: bigint;
  readonly returnedAt: bigint;
}

/** A snapshot: how many transfers each shard showed, and the sum of all balances. */
export interface Snapshot extends Event {
  readonly transfers: readonly number[];
  readonly total: bigint;
}

/**
 * External consistency: how many events have a timestamp that is not greater than that of every event
 * which had returned before they started.
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
 * How many snapshots did not see exactly the transfers at or below their timestamp. They ask for nothing
 * above it, so whether they saw all is a matter of counting.
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
