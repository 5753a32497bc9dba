/**
 * Two simulated hosts whose wall clocks are 400 ms apart, and traces that go back and forth between
 * them. The SDK reads `Date.now()` and `performance.now()`, which are those of the host that runs.
 */
import type { Context, Span, TextMapPropagator } from '@opentelemetry/api';
import { BoundedClock, HybridClock } from 'epsilon-clock';
import { correctedExporter, hlcPropagator, hlcSpanProcessor } from 'epsilon-clock/opentelemetry';
import { lanDelay, SimWorld } from 'epsilon-clock/sim';
import { vi } from 'vitest';
import type { Clock } from '../../../src/time/clock.ts';
import type { Exported, Sdk } from './sdk.ts';

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const MS = 1e6;

/** Runs `fn` with the clocks of a host in place of the runtime's. */
export function on<T>(clock: Clock, fn: () => T): T {
  const spies = [
    vi.spyOn(Date, 'now').mockImplementation(() => Number(clock.wallReadNs() / 1_000_000n)),
    vi.spyOn(performance, 'now').mockImplementation(() => Number(clock.monotonicNs()) / 1e6),
  ];
  try {
    return fn();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

interface Host {
  readonly clock: Clock;
  readonly hlc: HybridClock;
  readonly propagator: TextMapPropagator;
  readonly start: (name: string, explicit: boolean, parent: Context) => Span;
  readonly spans: () => readonly Exported[];
}

/** True times of a span, Unix ns. */
export interface Truth {
  readonly start: bigint;
  readonly end: bigint;
}

export interface Traces {
  readonly spans: readonly Exported[];
  /** By span id. */
  readonly truth: ReadonlyMap<string, Truth>;
  /** Pairs of a request's timestamps, before the send and after the receipt. */
  readonly sent: readonly (readonly [bigint, bigint])[];
}

export interface TracesOptions {
  readonly count?: number;
  readonly carrier?: 'header' | 'baggage' | 'tracestate';
  /** Whether the spans go through a corrected exporter. */
  readonly correct?: boolean;
  readonly hostClock?: 'disciplined' | 'free-running';
}

/**
 * `count` traces: a span on one host, a request to the other host, and a span there. The hosts take
 * turns. In every third trace the program gives the second span its start.
 */
export async function tracesOf(
  sdk: Sdk,
  {
    count = 300,
    carrier = 'header',
    correct = true,
    hostClock = 'free-running',
  }: TracesOptions = {},
): Promise<Traces> {
  const world = new SimWorld({ seed: 11 });
  const { scheduler } = world;
  for (const server of SERVERS) world.ntpServer(server);
  const truth = new Map<string, { start: bigint; end: bigint }>();
  const sent: (readonly [bigint, bigint])[] = [];

  const hosts = ['a', 'b'].map((name, i): Host => {
    const clock = { wallOffsetMs: 400 * i - 200, driftPpm: 80 * i - 40 };
    const machine = world.process(name, { clock });
    for (const server of SERVERS) {
      world.network.link(name, server, { delay: lanDelay(world.random.fork(name + server)) });
    }
    const bounded = BoundedClock.start({
      clock: machine.clock,
      hostClock,
      sources: SERVERS.map((server) => world.ntp(machine, server)),
    });
    // On the wall clocks, so that order comes from messages alone.
    const hlc = new HybridClock({ clock: machine.clock, nodeId: name });
    const { tracer, spans } = sdk.tracer([hlcSpanProcessor({ hlc, clock: bounded })], (exporter) =>
      correct ? correctedExporter(exporter, { clock: bounded }) : exporter,
    );
    const propagator = sdk.propagator(hlcPropagator({ hlc, trust: true, carrier }));
    return {
      clock: machine.clock,
      hlc,
      propagator,
      spans,
      start(name, explicit, parent) {
        const options = explicit ? { startTime: Date.now() } : {};
        const span = tracer.startSpan(name, options, parent);
        const now = scheduler.trueNs();
        truth.set(span.spanContext().spanId, { start: now, end: now });
        return span;
      },
    };
  });

  const end = (span: Span): void => {
    span.addEvent('done');
    span.end();
    truth.get(span.spanContext().spanId)!.end = scheduler.trueNs();
  };

  await world.run(30_000);
  const random = world.random.fork('traces');
  const delay = (): number => (0.2 + 2 * random.unit()) * MS;
  for (let i = 0; i < count; i++) {
    const client = hosts[i % 2]!;
    const server = hosts[1 - (i % 2)]!;
    const headers: Record<string, string> = {};
    let parent: Span;
    let before = 0n;
    scheduler.after(i * 20 * MS, () =>
      on(client.clock, () => {
        parent = client.start('call', false, sdk.root);
        scheduler.after(delay(), () =>
          on(client.clock, () => {
            before = client.hlc.now();
            client.propagator.inject(sdk.setSpan(sdk.root, parent), headers, SETTER);
            scheduler.after(delay(), arrive);
          }),
        );
      }),
    );
    const arrive = (): void =>
      on(server.clock, () => {
        const context = server.propagator.extract(sdk.root, headers, GETTER);
        sent.push([before, server.hlc.now()]);
        const child = server.start('serve', i % 3 === 2, context);
        scheduler.after(delay(), () => {
          on(server.clock, () => end(child));
          scheduler.after(delay(), () => on(client.clock, () => end(parent)));
        });
      });
  }
  await world.run(count * 20 + 1000);
  return { spans: hosts.flatMap((host) => host.spans()), truth, sent };
}

export const SETTER = {
  set: (carrier: Record<string, string>, key: string, value: string): void => {
    carrier[key] = value;
  },
};
export const GETTER = {
  keys: (carrier: Record<string, string>): string[] => Object.keys(carrier),
  get: (carrier: Record<string, string>, key: string): string | undefined => carrier[key],
};
