/** Stamps on spans when they start, and on log records when they are emitted. */
import {
  attributesNow,
  checkProcessorOptions,
  type HlcProcessorOptions,
} from './opentelemetry-attributes.ts';

/** The part of a span or of a log record that the processors use. */
export interface OtelAttributed {
  /** Sets an attribute. */
  setAttribute(key: string, value: string | number): unknown;
}

/** What OpenTelemetry calls a `SpanProcessor`. */
export interface OtelSpanProcessor {
  /** Sets the attributes of a span that starts. Never throws. */
  onStart(span: OtelAttributed): void;
  /** Does nothing. */
  onEnd(): void;
  /** Does nothing. */
  forceFlush(): Promise<void>;
  /** Does nothing. */
  shutdown(): Promise<void>;
}

/** What OpenTelemetry calls a `LogRecordProcessor`. */
export interface OtelLogProcessor {
  /** Sets the attributes of a log record. Never throws. */
  onEmit(record: OtelAttributed): void;
  /** Does nothing. */
  forceFlush(): Promise<void>;
  /** Does nothing. */
  shutdown(): Promise<void>;
}

/**
 * A span processor that stamps each span when it starts.
 *
 * | attribute | form | meaning |
 * |---|---|---|
 * | `epsilon.hlc` | string | the timestamp, 19 digits |
 * | `epsilon.earliest`, `epsilon.latest` | string | true time was between, Unix ns, 19 digits |
 * | `epsilon.uncertainty_us` | number | half the width of that, us, rounded up |
 * | `epsilon.status` | string | the status of the clock, as in a `ClockReading` |
 * | `epsilon.wall_ahead_us` | number | wall clock minus true time, us, to about 1 ms |
 * | `epsilon.unstamped` | string | why `epsilon.hlc` is missing: the code of an error |
 *
 * Without a bound, only `epsilon.status` tells of the clock. {@link correctedExporter} reads
 * `epsilon.wall_ahead_us`. Some microseconds per span.
 *
 * @throws ArgumentTypeError naming the option at fault
 * @example
 * const processor = hlcSpanProcessor({ hlc, clock });
 * // new BasicTracerProvider({ spanProcessors: [processor, new BatchSpanProcessor(exporter)] })
 */
export function hlcSpanProcessor(options: HlcProcessorOptions): OtelSpanProcessor {
  const clocks = checkProcessorOptions(options);
  return { onStart: (span) => stamp(span, clocks), onEnd() {}, ...NOTHING_TO_DO };
}

/**
 * A processor that stamps each log record when it is emitted, with the attributes of
 * {@link hlcSpanProcessor}. It must come before the one that exports.
 *
 * @throws ArgumentTypeError naming the option at fault
 * @example
 * const processor = hlcLogProcessor({ hlc, clock });
 * // new LoggerProvider({ processors: [processor, new BatchLogRecordProcessor(exporter)] })
 */
export function hlcLogProcessor(options: HlcProcessorOptions): OtelLogProcessor {
  const clocks = checkProcessorOptions(options);
  return { onEmit: (record) => stamp(record, clocks), ...NOTHING_TO_DO };
}

const NOTHING_TO_DO = {
  forceFlush: (): Promise<void> => Promise.resolve(),
  shutdown: (): Promise<void> => Promise.resolve(),
};

/** One attribute after the other, because only that is in every release. */
function stamp(target: OtelAttributed, clocks: HlcProcessorOptions): void {
  for (const [name, value] of Object.entries(attributesNow(clocks))) {
    target.setAttribute(name, value);
  }
}
