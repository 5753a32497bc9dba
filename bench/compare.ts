/**
 * The guard against rot: ratios of two runs, maybe months and machines apart. Times can't be compared then;
 * how many times the floor a row takes can, and if one of the runs had no C compiler, how many times the
 * bare `hrtime` reading.
 */
import type { Run } from './run.ts';

/** A row may be so much slower than it was. */
const TOLERANCE = 0.25;

export interface Slower {
  readonly id: string;
  readonly group: string;
  readonly fault: string;
}

/** Rows that are slower than before, or gone. */
export function compare(before: Run, after: Run): Slower[] {
  const sameFloor = before.scene.floor === after.scene.floor;
  const now = new Map(after.rows.map((row) => [row.id, row]));
  const slower: Slower[] = [];
  for (const row of before.rows) {
    const { id, group } = row;
    const again = now.get(id);
    if (again === undefined) {
      slower.push({ id, group, fault: `${id}: no longer measured` });
      continue;
    }
    const then = sameFloor ? row.xFloor : row.xHrtime;
    const here = sameFloor ? again.xFloor : again.xHrtime;
    if (!(here <= then * (1 + TOLERANCE))) {
      const floor = sameFloor ? 'the floor' : 'hrtime';
      const fault = `${id}: ${here.toFixed(2)} times ${floor}, was ${then.toFixed(2)}`;
      slower.push({ id, group: again.group, fault });
    }
  }
  return slower;
}

/** Those that a second run finds slower too: one that was only disturbed is not. */
export function slowerAgain(first: readonly Slower[], before: Run, second: Run): Slower[] {
  const again = new Set(compare(before, second).map(({ id }) => id));
  return first.filter(({ id }) => again.has(id));
}
