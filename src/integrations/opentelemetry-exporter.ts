/**
 * Spans with true times.
 *
 * The problem. A span takes its start from `Date.now()`. In a trace through hosts whose wall clocks
 * disagree by more than a call takes, children start before their parents.
 *
 * The idea. When a span starts, `hlcSpanProcessor` notes how far the wall clock is ahead of true
 * time. Just before the export all times of the span are moved by that amount. So durations stay as
 * they were measured.
 *
 * | a time of the span | where the SDK has it from |
 * |---|---|
 * | start | `Date.now()` |
 * | end, event | start + the monotonic time since, so a step of the wall clock does not matter |
 * | end, event, where the program gave the start | `Date.now()` |
 *
 * Guarantee. A moved time is the clock's best estimate. It is off by at most the width of the
 * interval, twice `epsilon.uncertainty_us`, and 1 ms more, because `Date.now()` gives whole ms.
 * Where the program gave the start, this holds while the wall clock is not stepped before the end
 * of the span. A time that the program gave must be one of the wall clock: it is moved as well.
 *
 * A span without that attribute, because the clock had no bound yet, is moved by the error of the
 * wall clock at the export. That is right while the wall clock was not stepped in between. If there
 * is no bound at the export either, its times stay as they are.
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { type HrTime, hrTimeFromUnixNs, unixNsFromHrTime } from '../time/convert.ts';
import { checkMethods } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { readTogether, WALL_AHEAD } from './opentelemetry-attributes.ts';

/** An event of a {@link OtelSpan}. */
export interface OtelEvent {
  /** Seconds and nanoseconds since 1970. */
  readonly time: HrTime;
  /** The attributes of the event. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** What OpenTelemetry calls a `ReadableSpan`: a span that has ended. */
export interface OtelSpan {
  /** Its name. */
  readonly name: string;
  /** Client, server and so on. */
  readonly kind: unknown;
  /** The ids of the trace and of the span. */
  readonly spanContext: () => unknown;
  /** Those of its parent. */
  readonly parentSpanContext?: unknown;
  /** Seconds and nanoseconds since 1970. */
  readonly startTime: HrTime;
  /** Seconds and nanoseconds since 1970. */
  readonly endTime: HrTime;
  /** Whether it failed. */
  readonly status: unknown;
  /** Its attributes. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Links to other spans. */
  readonly links: unknown;
  /** Its events. */
  readonly events: readonly OtelEvent[];
  /** Seconds and nanoseconds. */
  readonly duration: HrTime;
  /** Always true. */
  readonly ended: boolean;
  /** The service. */
  readonly resource: unknown;
  /** The library that made it. */
  readonly instrumentationScope: unknown;
  /** Attributes beyond the limit. */
  readonly droppedAttributesCount: number;
  /** Events beyond the limit. */
  readonly droppedEventsCount: number;
  /** Links beyond the limit. */
  readonly droppedLinksCount: number;
}

/** What OpenTelemetry calls a `SpanExporter`. */
export interface OtelSpanExporter<Span, Result> {
  /** Exports spans, then calls `done`. */
  export(spans: Span[], done: (result: Result) => void): void;
  /** Ends the exporter. */
  shutdown(): Promise<void>;
  /** Exports what is kept back. */
  forceFlush?(): Promise<void>;
}

/** Options of {@link correctedExporter}. */
export interface CorrectedExporterOptions {
  /** The clock that knows true time on this host. */
  readonly clock: BoundedReader;
}

const OPTIONS: Readonly<Record<keyof CorrectedExporterOptions, true>> = { clock: true };

/**
 * An exporter that corrects start, end and event times of spans by what `clock` knows of the wall
 * clock of this host, and hands the spans to `exporter`. Use it with {@link hlcSpanProcessor},
 * which notes the error of the wall clock when a span starts.
 *
 * The original times stay as attributes, Unix ns as text: `epsilon.original_start` and
 * `epsilon.original_end` of the span, `epsilon.original_time` of each event. Without a bound, spans
 * are exported as they are, and have no such attributes. No span is lost, and none is changed: the
 * exporter is given copies. Some microseconds per span.
 *
 * @throws ArgumentTypeError naming the argument at fault
 * @example
 * const exporter = correctedExporter({ export() {}, shutdown: async () => {} }, { clock });
 * // new BatchSpanProcessor(exporter)
 */
export function correctedExporter<Span extends OtelSpan, Result>(
  exporter: OtelSpanExporter<Span, Result>,
  options: CorrectedExporterOptions,
): OtelSpanExporter<Span, Result> {
  checkMethods('exporter', 'an object with export() and shutdown()', exporter, [
    'export',
    'shutdown',
  ]);
  const clock = checkReader(checkOptionNames(options, OPTIONS).clock);
  return {
    export(spans, done) {
      const aheadNow = wallAheadNow(clock);
      exporter.export(spans.map((span) => corrected(span, aheadNow)) as Span[], done);
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** As the attribute `epsilon.wall_ahead_us`, now. */
function wallAheadNow(clock: BoundedReader): number | undefined {
  try {
    return readTogether(clock).wallAheadUs;
  } catch {
    return undefined; // fake timers
  }
}

function corrected(span: OtelSpan, aheadNow: number | undefined): OtelSpan {
  const aheadThen = span.attributes[WALL_AHEAD]; // the program may have set it to anything
  const aheadUs = Number.isSafeInteger(aheadThen) ? (aheadThen as number) : aheadNow;
  if (aheadUs === undefined) return copyOf(span, {});
  const byNs = -1000n * BigInt(aheadUs);
  try {
    const move = (time: HrTime): Moved => moved(time, byNs);
    const start = move(span.startTime);
    const end = move(span.endTime);
    return copyOf(span, {
      startTime: start.time,
      endTime: end.time,
      attributes: {
        ...span.attributes,
        'epsilon.original_start': start.original,
        'epsilon.original_end': end.original,
      },
      events: span.events.map((event) => {
        const { time, original } = move(event.time);
        const attributes = { ...event.attributes, 'epsilon.original_time': original };
        return { ...event, time, attributes };
      }),
    });
  } catch {
    return copyOf(span, {}); // not a time: the exporter's affair
  }
}

interface Moved {
  readonly time: HrTime;
  readonly original: string;
}

function moved(time: HrTime, byNs: bigint): Moved {
  const original = unixNsFromHrTime(time);
  return { time: hrTimeFromUnixNs(original + byNs), original: String(original) };
}

/**
 * A copy whose properties are its own, because those of a span of the SDK are partly getters of its
 * class, and an exporter may spread what it is given.
 */
function copyOf(span: OtelSpan, changes: Partial<OtelSpan>): OtelSpan {
  const context = span.spanContext();
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status,
    attributes: span.attributes,
    links: span.links,
    events: span.events,
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
    ...changes,
  };
}
