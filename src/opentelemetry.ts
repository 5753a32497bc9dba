/**
 * `epsilon-clock/opentelemetry`: timestamps and true times in traces, logs and metrics of
 * OpenTelemetry, which it does not import. Loads without Node.
 *
 * @module
 */
export type { HlcProcessorOptions } from './integrations/opentelemetry-attributes.ts';
export {
  type CorrectedExporterOptions,
  correctedExporter,
  type OtelEvent,
  type OtelSpan,
  type OtelSpanExporter,
} from './integrations/opentelemetry-exporter.ts';
export {
  type ObservedClocks,
  type OtelBatchResult,
  type OtelInstrumentOptions,
  type OtelMeter,
  observeClocks,
} from './integrations/opentelemetry-metrics.ts';
export {
  hlcLogProcessor,
  hlcSpanProcessor,
  type OtelAttributed,
  type OtelLogProcessor,
  type OtelSpanProcessor,
} from './integrations/opentelemetry-processors.ts';
export {
  type HlcPropagatorOptions,
  hlcPropagator,
  type OtelContext,
  type OtelGetter,
  type OtelPropagator,
  type OtelSetter,
} from './integrations/opentelemetry-propagator.ts';
