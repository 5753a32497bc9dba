/**
 * The process in which a group of rows runs: `node --expose-gc subject.js <module> <group>`. It
 * makes the rows, then serves one {@link Request} of its parent at a time, and ends with the
 * parent.
 */
import { bytesPerCall } from './allocation.ts';
import type { Effort, Groups, Row } from './row.ts';
import { Timing } from './timing.ts';

export type Request =
  | { readonly task: 'time'; readonly id: string; readonly effort: Effort }
  | { readonly task: 'allocation'; readonly id: string };

/** A row without its code, as it is sent to another process. */
export type RowHead = Omit<Row, 'run' | 'during'>;

export type Answer =
  | { readonly heads: readonly RowHead[] }
  | { readonly samples: readonly number[] }
  | { readonly bytes: number }
  | { readonly error: string };

const answer = (message: Answer): void => {
  process.send?.(message);
};
const failed = (error: unknown): Answer => ({
  error: error instanceof Error ? (error.stack ?? error.message) : String(error),
});

const timings = new Map<string, Timing>();
const rows = new Map<string, Row>();

process.on('disconnect', () => process.exit());
process.on('message', async (request: Request) => {
  try {
    const row = rows.get(request.id) as Row;
    if (request.task === 'allocation') return answer({ bytes: bytesPerCall(row) });
    answer({ samples: await (timings.get(request.id) as Timing).sample(request.effort) });
  } catch (error) {
    answer(failed(error));
  }
});

try {
  const [module, group] = process.argv.slice(2) as [string, string];
  const { groups } = (await import(module)) as { groups: Groups };
  for (const row of await (groups[group] as Groups[string])()) {
    rows.set(row.id, row);
    timings.set(row.id, new Timing(row));
  }
  answer({ heads: [...rows.values()].map(({ run, during, ...head }) => head) });
} catch (error) {
  answer(failed(error));
}
