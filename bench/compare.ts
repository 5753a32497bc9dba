/**
 * The guard against rot: ratios of two runs, maybe months and machines apart. Times can't be compared then;
 * how many times the floor a row takes can, and if one of the runs had no C compiler, how many times the
 * bare `hrtime` reading.
 */
import type { Run } from './run.ts';

/** A row may be so much slower than it was. */
const TOLERANCE = 0.25;

/** Rows that are slower than before, or gone. */
export function compare(before: Run, after: Run): string[] {
  const sameFloor = before.scene.floor === after.scene.floor;
  const now = new Map(after.rows.map((row) => [row.id, row]));
  const faults: string[] = [];
  for (const row of before.rows) {
    const then = sameFloor ? row.xFloor : row.xHrtime;
    const again = now.get(row.id);
    if (again === undefined) {
      faults.push(`${row.id}: no longer measured`);
      continue;
    }
    const here = sameFloor ? again.xFloor : again.xHrtime;
    if (!(here <= then * (1 + TOLERANCE))) {
      const floor = sameFloor ? 'the floor' : 'hrtime';
      faults.push(`${row.id}: ${here.toFixed(2)} times ${floor}, was ${then.toFixed(2)}`);
    }
  }
  return faults;
}
