/**
 * The clock's report for programs: one JSON object on one line. Every int64 is a decimal string,
 * because a JSON number would lose the last digits. The shape is stable: fields are added, never
 * removed.
 */
import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Explanation } from '../bounded-clock/explain.ts';
import { bigintAsText } from '../time/json.ts';
import { visibleJson } from './visible.ts';
import { offsetNs } from './wording.ts';

/** What the time shown is true to: `this-machine` when the servers are the embedded ones. */
export type TrueTo = 'this-machine' | 'sources';

export interface ReportInput {
  readonly explanation: Explanation;
  readonly trueTo: TrueTo;
  readonly elapsedMs: number;
  /** The events since the last report. */
  readonly events: readonly ClockEvent[];
}

/**
 * The report, such as
 * `{"status":"synchronized","interval":{"earliest":"…","latest":"…"},"quorum":"full",…}`.
 *
 * Without a bound there is a `reason` and no `interval`. Each source has its `verdict`. Where both
 * the source and the clock have an interval, it also has `offsetNs`: how far the middle of its
 * interval is ahead of the middle of the bound.
 */
export function reportJson({ explanation, trueTo, elapsedMs, events }: ReportInput): string {
  const { reading, toJSON: _, sources, ...rest } = explanation;
  return json({
    ...reading,
    ...rest,
    sources: sources.map((source) => ({ ...source, offsetNs: offsetNs(source, explanation) })),
    events,
    trueTo,
    elapsedMs: Math.round(elapsedMs),
  });
}

/**
 * `value` as JSON on one line. Every bigint is a decimal string, and characters that a terminal
 * obeys are escaped.
 */
export function json(value: unknown): string {
  return visibleJson(JSON.stringify(value, bigintAsText));
}
