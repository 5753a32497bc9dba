/**
 * `epsilon-clock now`: one reading, as soon as the sources agree. Before it, on standard error, the
 * setting that would make a wide interval narrow: standard output is the reading alone.
 */
import { ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import { systemClock } from '../time/system-clock.ts';
import type { ClockArguments } from './arguments.ts';
import type { Output } from './output.ts';
import { reportJson } from './report.ts';
import { noTime, openSession } from './session.ts';
import { readingText } from './status-line.ts';
import { describeQuorum, widthAdvice } from './wording.ts';

/**
 * Prints the reading.
 *
 * @throws NoTimeError when the sources did not agree within `--timeout`; the signal's reason on
 *   abort
 */
export async function now(
  args: ClockArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const clock = systemClock();
  const startedAt = clock.monotonicNs();
  await using session = await openSession(args, clock, signal);
  const { bounded, trueTo, headline } = session;
  if (trueTo === 'this-machine') output.remark(headline[0]!);
  try {
    await bounded.waitSynced({ timeoutMs: args.timeoutMs, signal });
  } catch (error) {
    if (error instanceof ClockUnsynchronizedError) throw noTime(bounded, args.timeoutMs);
    throw error;
  }
  const explanation = bounded.explain();
  const elapsedMs = Number(clock.monotonicNs() - startedAt) / 1e6;
  if (!args.json) for (const line of widthAdvice(explanation)) output.remark(line);
  output.print(
    args.json
      ? reportJson({ explanation, trueTo, elapsedMs, events: [] })
      : `${readingText(explanation)}  ${explanation.reading.status}, ${describeQuorum(explanation)}`,
  );
}
