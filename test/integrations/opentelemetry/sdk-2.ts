/** The SDK 2.x, as it is in this package's own node_modules. */
import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type Exported, metricsOf, type Sdk } from './sdk.ts';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export const sdk2: Sdk = {
  root: ROOT_CONTEXT,
  setSpan: trace.setSpan.bind(trace),
  withBaggage(context, entries) {
    const values = Object.entries(entries).map(([key, value]) => [key, { value }]);
    return propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(values)));
  },
  baggageIn(context) {
    const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
    return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
  },
  propagator: (ours) =>
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), ours],
    }),
  tracer(processors, wrap) {
    const memory = new InMemorySpanExporter();
    const exporter = new SimpleSpanProcessor(wrap(memory));
    const provider = new BasicTracerProvider({ spanProcessors: [...processors, exporter] });
    return {
      tracer: provider.getTracer('test'),
      spans: () => memory.getFinishedSpans() as readonly Exported[],
    };
  },
  logged(processor) {
    const exporter = new InMemoryLogRecordExporter();
    const processors = [processor, new SimpleLogRecordProcessor({ exporter })];
    new LoggerProvider({ processors }).getLogger('test').emit({ body: 'order taken' });
    return exporter.getFinishedLogRecords()[0]!.attributes;
  },
  meter() {
    const reader = new Reader();
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
    return { meter, collect: async () => metricsOf(await reader.collect()) };
  },
};
