/** `--follow`: prints what is in the files, and then what comes. */
import { sleep } from '../../time/sleep.ts';
import { systemClock } from '../../time/system-clock.ts';
import { FollowedLines } from './followed-lines.ts';
import type { GrowingFile } from './growing-file.ts';
import type { LogRecord } from './log-record.ts';
import type { OrderedLine } from './ordered-line.ts';
import { PlainLog } from './record-log.ts';

const POLL_MS = 200;

export interface Following {
  readonly files: readonly GrowingFile[];
  readonly windowMs: number;
  readonly maxLeadMs: number;
  readonly signal: AbortSignal;
  /** Merges what is in the files now, and calls `visit` with every line. */
  readonly merge: (logs: readonly PlainLog[], visit: (line: OrderedLine) => void) => Promise<void>;
  /** Prints a line. */
  readonly print: (line: OrderedLine) => void;
  /** Called when no more lines can be printed for now. */
  readonly flush: () => Promise<void>;
}

/** Never resolves; rejects with the signal's reason, or when a file cannot be read any longer. */
export async function follow(following: Following): Promise<never> {
  const { files, windowMs, maxLeadMs, signal } = following;
  const lines = new FollowedLines(windowMs, maxLeadMs);
  const logs = files.map((file) => new PlainLog(file.source, whatIsThere(file)));
  await following.merge(logs, ({ event, earliest, latest, watermark }) => {
    const line = { event, earliest, latest, group: undefined, watermark };
    lines.printed(line);
    following.print(line);
  });
  const clock = systemClock();
  let quietMs = 0;
  for (;;) {
    await following.flush();
    await sleep(clock, POLL_MS, { signal });
    const came = files.flatMap((file) => [...file.read()].flat());
    quietMs = came.length > 0 ? 0 : quietMs + POLL_MS;
    lines.add(came);
    // After a round without news the last record of each file counts as complete.
    if (came.length === 0) for (const file of files) lines.add(file.release());
    for (const line of lines.take(quietMs >= windowMs)) following.print(line);
  }
}

function* whatIsThere(file: GrowingFile): Generator<readonly LogRecord[], void, undefined> {
  yield* file.read();
  yield file.release();
}
