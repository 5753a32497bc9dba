/**
 * What the tests need of an SDK of OpenTelemetry. The same tests run on 2.x here, and on 3.x in
 * test/hosts/otel-3, which needs a later Node.
 */
import type {
  Context,
  Meter,
  Span,
  SpanContext,
  TextMapPropagator,
  Tracer,
} from '@opentelemetry/api';
import type {
  OtelLogProcessor,
  OtelPropagator,
  OtelSpan,
  OtelSpanExporter,
  OtelSpanProcessor,
} from '../../../src/opentelemetry.ts';

/** A span as the in-memory exporter has it. */
export type Exported = Omit<OtelSpan, 'spanContext' | 'parentSpanContext'> & {
  readonly spanContext: () => SpanContext;
  readonly parentSpanContext?: SpanContext;
};

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly { readonly attributes: object; readonly value: unknown }[];
}

export interface Sdk {
  /** The context of a trace that begins. */
  readonly root: Context;
  readonly setSpan: (context: Context, span: Span) => Context;
  readonly withBaggage: (context: Context, entries: Record<string, string>) => Context;
  readonly baggageIn: (context: Context) => Record<string, string>;
  /** The propagators of W3C, and ours behind them. */
  readonly propagator: (ours: OtelPropagator) => TextMapPropagator;
  /** A tracer whose spans end in `spans`, by way of `wrap`. */
  readonly tracer: (
    processors: readonly OtelSpanProcessor[],
    wrap: <Span extends OtelSpan, Result>(
      exporter: OtelSpanExporter<Span, Result>,
    ) => OtelSpanExporter<Span, Result>,
  ) => { readonly tracer: Tracer; readonly spans: () => readonly Exported[] };
  /** Emits one log record, and returns its attributes. */
  readonly logged: (processor: OtelLogProcessor) => object;
  /** A meter, and a function that collects once. */
  readonly meter: () => {
    readonly meter: Meter;
    readonly collect: () => Promise<readonly Metric[]>;
  };
}

/** What a metric reader collects, in the form of 2.x and of 3.x. */
export function metricsOf(collected: {
  readonly resourceMetrics: {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly descriptor: { readonly name: string; readonly unit: string };
        readonly dataPoints: readonly { readonly attributes: object; readonly value: unknown }[];
      }[];
    }[];
  };
  readonly errors: readonly unknown[];
}): readonly Metric[] {
  if (collected.errors.length > 0) throw new AggregateError(collected.errors);
  return collected.resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.map(({ descriptor, dataPoints }) => ({
      name: descriptor.name,
      unit: descriptor.unit,
      points: dataPoints.map(({ attributes, value }) => ({ attributes, value })),
    })),
  );
}
