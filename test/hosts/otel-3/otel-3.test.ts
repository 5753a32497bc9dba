/**
 * With the SDK 3.x. The gate installs it beside this file, on the versions of Node that it runs on
 * (`npm ci --prefix test/hosts/otel-3`, then `npx vitest run --project otel-3`).
 */
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
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type Exported, metricsOf, type Sdk } from '../../integrations/opentelemetry/sdk.ts';
import { suite } from '../../integrations/opentelemetry/suite.ts';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const sdk3: Sdk = {
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
    const exporter = new SimpleSpanProcessor({ exporter: wrap(memory) });
    const provider = new TracerProvider({ spanProcessors: [...processors, exporter] });
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

suite(sdk3);
