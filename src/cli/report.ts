/**
 * The clock's report for programs: one JSON object on one line, every int64 a decimal string (a JSON number
 * would lose its last digits). Its shape is stable: fields are only ever added.
 */
import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Explanation } from '../bounded-clock/explain.ts';
import { offsetNs } from './wording.ts';

/** True time as whom it shows: `this-machine` when the servers are the embedded ones. */
export type TrueTo = 'this-machine' | 'sources';

export interface ReportInput {
  readonly explanation: Explanation;
  readonly trueTo: TrueTo;
  readonly elapsedMs: number;
  /** Since the last report. */
  readonly events: readonly ClockEvent[];
}

/**
 * `{"status":"synchronized","interval":{"earliest":"…","latest":"…"},"quorum":"full",…,"sources":[…]}`; without
 * a bound there is a `reason` and no `interval`. Each source has its `verdict` and, where both are known,
 * `offsetNs`: how far the middle of its interval is ahead of the bound's.
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

/** `value` as JSON on one line, every bigint a decimal string. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  );
}
