/** What holds with each release of the SDK of OpenTelemetry. */
import { BoundedClock, HybridClock } from 'epsilon-clock';
import {
  correctedExporter,
  hlcLogProcessor,
  hlcPropagator,
  hlcSpanProcessor,
  observeClocks,
} from 'epsilon-clock/opentelemetry';
import { PropagationCounts } from 'epsilon-clock/propagation';
import { hrTimeFromUnixNs, unixNsFromHrTime } from 'epsilon-clock/time';
import { describe, expect, it, test } from 'vitest';
import { HandClock } from '../../kit/hand-clock.ts';
import { ScriptedSource } from '../../kit/scripted-source.ts';
import { type World, world } from '../loggers.ts';
import { GETTER, on, SETTER, type Traces, tracesOf } from './hosts.ts';
import type { Exported, Metric, Sdk } from './sdk.ts';

const MS = 1_000_000n;
const CARRIERS = ['header', 'baggage', 'tracestate'] as const;
/** Sources in the LAN tell the time to less than 1 ms, and `Date.now()` is off by 1 ms. */
const LIMIT = 2n * MS;
const STAMP = '1795227787534418003@orders-3';

export function suite(sdk: Sdk): void {
  describe('spans of hosts 400 ms apart', () => {
    test('before the correction, children start certainly before their parents', async () => {
      expect(await judged(tracesOf(sdk, { correct: false }))).toEqual({
        children: 300,
        certainlyBefore: 150,
        wrong: 600,
      });
    });

    test('after the correction, none does, and each time is right', async () => {
      const right = { children: 300, certainlyBefore: 0, wrong: 0 };
      expect(await judged(tracesOf(sdk))).toEqual(right);
    });

    test('the same while the interval reaches as far as a wrong wall clock', async () => {
      const right = { children: 300, certainlyBefore: 0, wrong: 0 };
      expect(await judged(tracesOf(sdk, { hostClock: 'disciplined' }))).toEqual(right);
    });

    test('originals stay, and durations', async () => {
      const { spans } = await tracesOf(sdk, { count: 6 });
      const raw = new Map(
        (await tracesOf(sdk, { count: 6, correct: false })).spans.map((span) => [
          keyOf(span),
          span,
        ]),
      );
      for (const span of spans) {
        const original = raw.get(keyOf(span))!;
        expect(span.duration).toEqual(original.duration);
        expect(span.attributes).toMatchObject({
          'epsilon.hlc': original.attributes['epsilon.hlc'],
          'epsilon.original_start': String(unixNsFromHrTime(original.startTime)),
          'epsilon.original_end': String(unixNsFromHrTime(original.endTime)),
        });
        expect(span.events[0]!.attributes).toEqual({
          'epsilon.original_time': String(unixNsFromHrTime(original.events[0]!.time)),
        });
      }
      expect(spans).toHaveLength(12);
    });
  });

  describe.each(CARRIERS)('a propagator of %s', (carrier) => {
    test('stamps cause before effect', async () => {
      const { sent } = await tracesOf(sdk, { count: 60, carrier });
      expect(sent).toHaveLength(60);
      expect(sent.filter(([before, after]) => before >= after)).toEqual([]);
    });

    test('carries the trace and the baggage beside it', () => {
      const { hlc } = world();
      const propagator = sdk.propagator(hlcPropagator({ hlc, trust: true, carrier }));
      const { tracer } = sdk.tracer([], (exporter) => exporter);
      const span = tracer.startSpan('call', {}, sdk.root);
      const sender = sdk.withBaggage(sdk.setSpan(sdk.root, span), { 'who?': 'a, b', shop: '17' });
      const first: Record<string, string> = {};
      propagator.inject(sender, first, SETTER);
      const second: Record<string, string> = {};
      const forwarded = propagator.extract(sdk.root, first, GETTER);
      propagator.inject(forwarded, second, SETTER);

      const id = span.spanContext().traceId;
      expect([first.traceparent, second.traceparent]).toEqual([
        expect.stringContaining(id),
        expect.stringContaining(id),
      ]);
      const { 'epsilon-hlc': own, ...rest } = sdk.baggageIn(
        propagator.extract(sdk.root, second, GETTER),
      );
      expect(rest).toEqual({ 'who?': 'a, b', shop: '17' });
      // The stamp of the first hop does not travel on.
      const written = Object.values(second)
        .join()
        .match(/\d{19}@orders-3/g);
      expect(written).toEqual([`${hlc.peek() - 1n}@orders-3`]);
      if (carrier === 'baggage') expect(own).toBe(written?.[0]);
    });

    test('is heard by another library of the same header', () => {
      const { hlc } = world();
      const counts = new PropagationCounts();
      const ours = hlcPropagator({ hlc, trust: true, carrier, counts });
      const headers = {
        'epsilon-hlc': STAMP,
        baggage: `a=b,epsilon-hlc=${encodeURIComponent(STAMP)};p=1,c=d`,
        tracestate: `x=y,epsilon-hlc=${STAMP}`,
      };
      ours.extract(sdk.root, headers, GETTER);
      expect(counts).toMatchObject({ received: 1 });
      expect(hlc.peek()).toBe(1_795_227_787_534_418_004n);
    });

    it.each([
      ['', { malformed: 1 }],
      ['17', { malformed: 1 }],
      ['%', { malformed: 1 }],
      ['-1795227787534418003@a', { malformed: 1 }],
      ['9'.repeat(1e6), { malformed: 1 }],
      ['9000000000000000000@a', { ahead: 1 }],
    ])('survives %.20s', (value, counted) => {
      const { hlc } = world();
      hlc.now();
      const last = hlc.peek();
      const counts = new PropagationCounts();
      const ours = sdk.propagator(hlcPropagator({ hlc, trust: true, carrier, counts }));
      const list = `epsilon-hlc=${value}`;
      const headers = { 'epsilon-hlc': value, baggage: list, tracestate: list };
      expect(ours.extract(sdk.root, headers, GETTER)).toBeDefined();
      expect(hlc.peek()).toBe(last);
      expect(counts).toMatchObject({ malformed: 0, ahead: 0, failed: 0, ...counted });
    });

    test('trusts nobody unless told, and then by the carrier', () => {
      const { hlc } = world();
      const headers = {
        'epsilon-hlc': STAMP,
        baggage: `epsilon-hlc=${STAMP}`,
        tracestate: `epsilon-hlc=${STAMP}`,
      };
      const counts = new PropagationCounts();
      hlcPropagator({ hlc, carrier, counts }).extract(sdk.root, headers, GETTER);
      expect([hlc.peek(), counts.untrusted]).toEqual([0n, 1]);
      const trust = (subject: unknown): boolean => subject === headers;
      hlcPropagator({ hlc, carrier, counts, trust }).extract(sdk.root, headers, GETTER);
      expect(counts).toMatchObject({ untrusted: 1, received: 1 });
    });

    test('sends a request although it cannot stamp it', () => {
      const { tell, hlc } = speechless();
      const ours = hlcPropagator({ hlc, carrier, onRefused: (error) => tell.push(error) });
      const headers: Record<string, string> = {};
      ours.inject(sdk.root, headers, SETTER);
      expect(headers).toEqual({});
      expect(tell).toMatchObject([{ code: 'ERR_CLOCK_UNSYNCHRONIZED' }]);
    });
  });

  describe('lists', () => {
    test('a full list keeps the stamp, and drops what is at its end', () => {
      const { hlc } = world();
      const entries = Array.from({ length: 100 }, (_, i) => [`k${i}`, 'v']);
      const context = sdk.withBaggage(sdk.root, Object.fromEntries(entries));
      const headers: Record<string, string> = {};
      hlcPropagator({ hlc, carrier: 'baggage' }).inject(context, headers, SETTER);
      const members = headers.baggage!.split(',');
      expect(members).toHaveLength(64);
      expect(members[0]).toMatch(/^epsilon-hlc=\d{19}@orders-3$/);
      expect(members[63]).toBe('k62=v');

      const long = sdk.withBaggage(sdk.root, { long: 'v'.repeat(8190), short: 'v' });
      hlcPropagator({ hlc, carrier: 'baggage' }).inject(long, headers, SETTER);
      expect(headers.baggage).toMatch(/^epsilon-hlc=\d{19}@orders-3,short=v$/);
    });
  });

  describe('processors', () => {
    const earliest = expect.stringMatching(/^\d{19}$/);

    test('a span has the timestamp and the interval of its start', () => {
      const { local, clock, hlc } = world();
      const span = oneSpan(sdk, { local, clock, hlc }, false);
      const { attributes } = span;
      expect(attributes).toEqual({
        'epsilon.hlc': String(hlc.peek()),
        'epsilon.node': 'orders-3',
        'epsilon.earliest': earliest,
        'epsilon.latest': earliest,
        'epsilon.uncertainty_us': 1001,
        'epsilon.status': 'synchronized',
        'epsilon.wall_ahead_us': 0,
      });
      const wall = local.wallReadNs();
      expect(BigInt(attributes['epsilon.earliest'] as string)).toBeLessThan(wall);
      expect(BigInt(attributes['epsilon.latest'] as string)).toBeGreaterThan(wall);
    });

    test('a log record has the same', () => {
      const { clock, hlc } = world();
      expect(sdk.logged(hlcLogProcessor({ hlc, clock }))).toEqual({
        'epsilon.hlc': String(hlc.peek()),
        'epsilon.node': 'orders-3',
        'epsilon.earliest': earliest,
        'epsilon.latest': earliest,
        'epsilon.uncertainty_us': 1001,
        'epsilon.status': 'synchronized',
        'epsilon.wall_ahead_us': 0,
      });
    });

    test('without a clock there is the timestamp alone', () => {
      const { hlc } = world();
      expect(sdk.logged(hlcLogProcessor({ hlc }))).toEqual({
        'epsilon.hlc': String(hlc.peek()),
        'epsilon.node': 'orders-3',
      });
    });

    test('without a bound they say so', () => {
      const { clock, hlc } = speechless();
      expect(sdk.logged(hlcLogProcessor({ hlc, clock }))).toEqual({
        'epsilon.unstamped': 'ERR_CLOCK_UNSYNCHRONIZED',
        'epsilon.status': 'unsynchronized',
      });
    });

    test('a clock that was stopped between two reads is read again', () => {
      const { local, clock, hlc } = world();
      let reads = 0;
      local.onRead = (which) => {
        if (which === 'wall' && ++reads === 2) local.advance(5n * MS);
      };
      const { attributes } = oneSpan(sdk, { local, clock, hlc }, false);
      expect(attributes['epsilon.wall_ahead_us']).toBe(0);
      local.onRead = (which) => {
        if (which === 'wall') local.advance(2n * MS);
      };
      expect(oneSpan(sdk, { local, clock, hlc }, false).attributes).not.toHaveProperty([
        'epsilon.wall_ahead_us',
      ]);
    });
  });

  describe('a corrected exporter', () => {
    test('moves a span by the error of the wall clock at its start', () => {
      const { local, clock, truth } = offWall(400n * MS);
      const hlc = new HybridClock({ clock, nodeId: 'orders-3' });
      const span = oneSpan(sdk, { local, clock, hlc }, true, () => {
        local.advance(30n * MS);
        local.wallOffset += 150n * MS; // a step: the end comes from the monotonic clock
      });
      expectNear(span.startTime, truth() - 30n * MS);
      expectNear(span.endTime, truth());
      expectNear(span.events[0]!.time, truth());
    });

    test('moves a span without attributes by the error at the export', () => {
      const { local, clock, truth } = offWall(400n * MS);
      const span = oneSpan(sdk, { local, clock }, true, () => local.advance(20n * MS));
      expectNear(span.startTime, truth() - 20n * MS);
      expectNear(span.endTime, truth());
      expect(span.attributes).toHaveProperty(['epsilon.original_start']);
    });

    test('leaves times alone while there is no bound', () => {
      const { clock, local } = speechless();
      const span = oneSpan(sdk, { local, clock }, true);
      expectNear(span.startTime, local.wallReadNs());
      expect(span.attributes).toEqual({});
      expect({ ...span }).toHaveProperty('spanContext'); // also for exporters that spread a span
    });

    it.each([
      ['text', '5'],
      ['a fraction', 0.5],
      ['infinity', Number.POSITIVE_INFINITY],
    ])('is not misled by attributes of the program: %s', (_, value) => {
      const attributes = { 'epsilon.wall_ahead_us': value };
      const { clock, local, truth } = offWall(400n * MS);
      expectNear(oneSpan(sdk, { local, clock, attributes }, true).startTime, truth());
    });

    test('hands a span on although a time of it is none', () => {
      const { clock } = world();
      const got: unknown[] = [];
      const exporter = correctedExporter(
        { export: (spans: Exported[]) => got.push(...spans), shutdown: async () => {} },
        { clock },
      );
      const span = {
        ...oneSpan(sdk, world(), true),
        startTime: [Number.NaN, 0] as [number, number],
      };
      exporter.export([span], () => {});
      expect(got).toMatchObject([{ startTime: [Number.NaN, 0], name: 'work' }]);
    });

    test('passes on flushes, shutdowns and results', async () => {
      const { clock } = world();
      const calls: string[] = [];
      const exporter = correctedExporter<Exported, string>(
        {
          export: (_, done) => done('sent'),
          forceFlush: async () => void calls.push('flush'),
          shutdown: async () => void calls.push('shutdown'),
        },
        { clock },
      );
      exporter.export([], (result) => calls.push(result));
      await exporter.forceFlush?.();
      await exporter.shutdown();
      expect(calls).toEqual(['sent', 'flush', 'shutdown']);
    });
  });

  describe('a meter', () => {
    test('has the figures of metricsText, from one reading', async () => {
      const { local, clock, hlc } = world();
      let reads = 0;
      local.onRead = (which) => {
        reads++;
        if (which === 'monotonic') local.advance(1000n); // so that two readings differ
      };
      hlc.now();
      const { meter, collect } = sdk.meter();
      const stop = observeClocks(meter, { clock, hlc });
      const metrics = await collect();
      const valueAt = (name: string): unknown => figure(metrics, name)?.[0]?.value;
      const parts = figure(metrics, 'epsilon_clock.uncertainty_part')!;
      const sum = parts.reduce((total, { value }) => total + (value as number), 0);
      expect(sum).toBeCloseTo(valueAt('epsilon_clock.uncertainty') as number, 12);
      expect(figure(metrics, 'epsilon_clock.status')).toEqual([
        { attributes: { status: 'synchronized' }, value: 1 },
        { attributes: { status: 'holdover' }, value: 0 },
        { attributes: { status: 'unsynchronized' }, value: 0 },
        { attributes: { status: 'disrupted' }, value: 0 },
      ]);
      expect(valueAt('epsilon_hlc.refused')).toBe(0);
      expect(metrics.map(({ name, unit }) => [name, unit])).toEqual(
        expect.arrayContaining([
          ['epsilon_clock.uncertainty', 's'],
          ['epsilon_clock.drift_bound', '1'],
          ['epsilon_clock.sources', ''],
          ['epsilon_hlc.lead', 's'],
        ]),
      );
      stop();
      reads = 0;
      await collect();
      expect(reads).toBe(0);
    });

    test('reports no old value: what has gone is NaN', async () => {
      const { clock, sync, local } = world();
      const { meter, collect } = sdk.meter();
      observeClocks(meter, { clock });
      const uncertainty = async (): Promise<unknown> =>
        figure(await collect(), 'epsilon_clock.uncertainty')![0]!.value;
      expect(await uncertainty()).toBeCloseTo(0.001, 6);
      local.wallOffset += 1000n * MS;
      local.advance(2000n * MS);
      expect(await uncertainty()).toBeNaN();
      const lost = figure(await collect(), 'epsilon_clock.no_bound');
      expect(lost).toEqual([{ attributes: { reason: 'step' }, value: 1 }]);
      sync();
      expect(await uncertainty()).toBeCloseTo(0.001, 6);
      const found = figure(await collect(), 'epsilon_clock.no_bound');
      expect(found).toEqual([{ attributes: { reason: 'step' }, value: Number.NaN }]);
    });

    test('says once that a series has gone', () => {
      const { clock, sync, local } = world();
      const reported: unknown[] = [];
      type Observe = Parameters<
        Parameters<typeof observeClocks>[0]['addBatchObservableCallback']
      >[0];
      let callback: Observe | undefined;
      const instrument = (name: string): { name: string } => ({ name });
      const meter = {
        createObservableGauge: instrument,
        createObservableCounter: instrument,
        addBatchObservableCallback: (observe: Observe) => {
          callback = observe;
        },
        removeBatchObservableCallback() {},
      };
      observeClocks(meter, { clock });
      const collect = (): void => {
        reported.length = 0;
        callback?.({
          observe: (instrument, value) => {
            if (Number.isNaN(value)) reported.push((instrument as { name: string }).name);
          },
        });
      };
      local.wallOffset += 1000n * MS;
      local.advance(2000n * MS);
      collect();
      sync();
      collect();
      expect(reported).toEqual(['epsilon_clock.no_bound']);
      collect();
      expect(reported).toEqual([]);
    });
  });
}

function figure(metrics: readonly Metric[], name: string): Metric['points'] | undefined {
  return metrics.find((metric) => metric.name === name)?.points;
}

/** Spans of the two runs of one world have other ids, but the same timestamps. */
function keyOf(span: Exported): unknown {
  return span.attributes['epsilon.hlc'];
}

/** How many children started certainly before their parents, and how many times are wrong. */
async function judged(
  traces: Promise<Traces>,
): Promise<{ children: number; certainlyBefore: number; wrong: number }> {
  const { spans, truth } = await traces;
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  let children = 0;
  let certainlyBefore = 0;
  let wrong = 0;
  for (const span of spans) {
    const { spanId } = span.spanContext();
    const { start, end } = truth.get(spanId)!;
    const times = [span.startTime, span.endTime, span.events[0]!.time].map(unixNsFromHrTime);
    const errors = [times[0]! - start, times[1]! - end, times[2]! - end];
    if (errors.some((error) => error > LIMIT || error < -LIMIT)) wrong++;

    const parent = byId.get(span.parentSpanContext?.spanId ?? '');
    if (parent === undefined) continue;
    children++;
    const gap = unixNsFromHrTime(parent.startTime) - unixNsFromHrTime(span.startTime);
    if (gap > LIMIT + LIMIT) certainlyBefore++;
  }
  return { children, certainlyBefore, wrong };
}

/** Within 1 ms, which `Date.now()` is off, and the uncertainty, which is 1 ms. */
function expectNear(time: readonly [number, number], truth: bigint): void {
  const error = unixNsFromHrTime(time) - truth;
  expect(error < 3n * MS && error > -3n * MS, `${time} is not ${hrTimeFromUnixNs(truth)}`).toBe(
    true,
  );
}

/** One span on a host, with an event at its end. Stamped when there is an `hlc`. */
function oneSpan(
  sdk: Sdk,
  host: Pick<World, 'local' | 'clock'> & {
    readonly hlc?: HybridClock;
    readonly attributes?: Record<string, string | number>;
  },
  correct: boolean,
  meanwhile = (): void => {},
): Exported {
  const { local, clock, hlc, attributes } = host;
  const processors = hlc === undefined ? [] : [hlcSpanProcessor({ hlc, clock })];
  const { tracer, spans } = sdk.tracer(processors, (exporter) =>
    correct ? correctedExporter(exporter, { clock }) : exporter,
  );
  on(local, () => {
    const span = tracer.startSpan('work', attributes === undefined ? {} : { attributes }, sdk.root);
    meanwhile();
    span.addEvent('done');
    span.end();
  });
  return spans()[0]!;
}

/** A clock without a bound, and a hybrid clock on it. */
function speechless(): {
  readonly local: HandClock;
  readonly clock: BoundedClock;
  readonly hlc: HybridClock;
  readonly tell: Error[];
} {
  const local = new HandClock();
  const clock = BoundedClock.start({ sources: [new ScriptedSource('a')], clock: local });
  return { local, clock, hlc: new HybridClock({ clock, nodeId: 'orders-3' }), tell: [] };
}

/** A synchronised clock on a host whose wall clock is `byNs` ahead of true time. */
function offWall(byNs: bigint): {
  readonly local: HandClock;
  readonly clock: BoundedClock;
  readonly truth: () => bigint;
} {
  const local = new HandClock();
  const source = new ScriptedSource('a');
  const clock = BoundedClock.start({ sources: [source], clock: local });
  const theta = local.wallOffset - byNs;
  source.reply(local, { theta, delay: 0n, serverError: MS });
  return { local, clock, truth: () => local.monotonic + theta };
}
