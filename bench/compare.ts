/**
 * Compares two runs, to notice rows that became slower. The runs may be months apart and on
 * different machines, so times can't be compared. Multiples of the floor can. If one of the runs
 * had no C compiler, multiples of the bare `hrtime` reading are compared instead.
 */
import type { Run } from './run.ts';

/** By this share a row may be slower than before. */
const TOLERANCE = 0.25;

export interface Slower {
  readonly id: string;
  readonly group: string;
  readonly fault: string;
}

/** Rows that are slower than before, or gone. */
export function compare(before: Run, after: Run): Slower[] {
  const sameFloor = before.conditions.floor === after.conditions.floor;
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

/** The rows that a second run finds slower too. A row that was only disturbed drops out. */
export function slowerAgain(first: readonly Slower[], before: Run, second: Run): Slower[] {
  const again = new Set(compare(before, second).map(({ id }) => id));
  return first.filter(({ id }) => again.has(id));
}
