/**
 * What the published declarations accept and refuse. `npm run check` compiles this file in a user's
 * project, against the installed tarball, with `exactOptionalPropertyTypes` and without
 * `skipLibCheck`. Each `@ts-expect-error` is a line that must not compile.
 */
import {
  BoundedClock,
  type BoundedReader,
  beginCommit,
  type ClockReading,
  compareStamps,
  formatStamp,
  HybridClock,
  type MonotonicNs,
  parseStamp,
  type Stamp,
  systemClock,
  type TimeSource,
  type UnixNs,
  waitUntilAfter,
} from 'epsilon-clock';
import { hlcMiddleware } from 'epsilon-clock/express';
import { type Extracted, hlcPlugin } from 'epsilon-clock/fastify';
import { hlcFetch, hlcHandler } from 'epsilon-clock/fetch';
import { hlcClientInterceptor } from 'epsilon-clock/grpc';
import { agreement, isBefore, timeInterval } from 'epsilon-clock/interval';
import { health, metricsText, WaitHistogram } from 'epsilon-clock/metrics';
import { DurableHybridClock, NtpServer, NtsServer, ntp, nts } from 'epsilon-clock/node';
import {
  correctedExporter,
  hlcPropagator,
  hlcSpanProcessor,
  type OtelSpan,
  type OtelSpanExporter,
} from 'epsilon-clock/opentelemetry';
import {
  inversions,
  mergeLogs,
  type Relation,
  relation,
  type StampedEvent,
} from 'epsilon-clock/ordering';
import { stampLines } from 'epsilon-clock/pino';
import { extract, inject, PropagationCounts } from 'epsilon-clock/propagation';
import { openScenario } from 'epsilon-clock/sim';
import { pollingSource, type ServerFacts, sampleFrom } from 'epsilon-clock/sources';
import { TestClock } from 'epsilon-clock/testing';
import { SharedHybridClock } from 'epsilon-clock/threads';
import { addMs, formatIso, monotonicNs, sleep, unixNs } from 'epsilon-clock/time';
import { bytesFromTimestamp, formatUuidv7, writeTimestamp } from 'epsilon-clock/timestamps';
import { stampFormat } from 'epsilon-clock/winston';

declare const clock: BoundedClock;
declare const reader: BoundedReader;
declare const hlc: HybridClock;
declare const row: { readonly id: bigint };
const unix: UnixNs = unixNs(1n);
const monotonic: MonotonicNs = monotonicNs(1n);

/** Unix time: a branded instant and a plain bigint, but no monotonic instant. */
export function unixTime(): unknown[] {
  clock.after(unix);
  clock.after(row.id);
  clock.before(row.id);
  reader.remainingNs(row.id);
  hlc.receive(row.id);
  hlc.nowAtLeast(row.id);
  hlc.receiveAll([row.id, unix]);
  // @ts-expect-error a monotonic instant is not Unix time
  clock.after(monotonic);
  // @ts-expect-error a monotonic instant is not Unix time
  hlc.receive(monotonic);
  // @ts-expect-error a monotonic instant is not Unix time
  formatIso(monotonic);
  // @ts-expect-error milliseconds are not nanoseconds
  clock.after(Date.now());
  // @ts-expect-error one brand is not the other
  const wrong: UnixNs = monotonic;
  // @ts-expect-error brands of two clocks are never equal
  const never = unix === monotonic;
  // The compiler does not refuse arithmetic or `<` across brands; the documentation says so.
  const sum: bigint = unix + monotonic;
  const less: boolean = unix < monotonic;
  return [
    waitUntilAfter(clock, row.id),
    formatStamp(row.id, 'a'),
    formatUuidv7(row.id),
    bytesFromTimestamp(row.id),
    writeTimestamp(row.id, new Uint8Array(8)),
    addMs(row.id, 5),
    timeInterval({ earliest: row.id, latest: unix }),
    [wrong, never, sum, less],
  ];
}

/** Every option may be `undefined`. */
export function undefinedOptions(): unknown[] {
  return [
    BoundedClock.start({
      sources: [
        ntp('a', { port: undefined, pool: undefined, timeoutMs: undefined, force: undefined }),
        nts('a', { port: undefined, ca: undefined, resolve: undefined, timeoutMs: undefined }),
      ],
      clock: undefined,
      hostClock: undefined,
      crystal: { jitterPpm: undefined, horizonMs: undefined },
      maxDriftPpm: undefined,
      maxFaulty: undefined,
      expireAfterMs: undefined,
      warnUncertaintyMs: undefined,
    }),
    clock.waitSynced({ timeoutMs: undefined, signal: undefined }),
    clock.pollNow({ signal: undefined }),
    clock.onChange(() => {}, { signal: undefined }),
    new HybridClock({
      clock: systemClock(),
      nodeId: 'a',
      maxRemoteAheadMs: undefined,
      onLead: undefined,
      beforeSync: undefined,
      startAfter: undefined,
      nodeBits: undefined,
    }),
    DurableHybridClock.open({ clock, nodeId: 'a', path: 'x', windowMs: undefined }),
    NtpServer.start({ clock: systemClock(), host: undefined, port: undefined }),
    NtsServer.start({ clock: systemClock(), key: 'k', cert: 'c', ntpPort: undefined }),
    sleep(systemClock(), 5, { signal: undefined, background: undefined }),
    waitUntilAfter(clock, unix, { mode: undefined, signal: undefined, maxWaitMs: undefined }),
    openScenario({ seed: 1, minutes: 1, servers: [{ loss: undefined }], events: undefined }),
  ];
}

/** A union's absent fields can be asked for. */
export function readings(reading: ClockReading): unknown[] {
  const { reason } = reading;
  if (reading.status === 'disrupted') {
    const why: 'step' | 'suspend' | 'step-or-suspend' | 'vm-disruption' = reading.reason;
    return [why];
  }
  const agreed = agreement([], { maxFaulty: 0 });
  return [reading.interval?.earliest, reading.interval?.midpoint, agreed.interval?.latest, reason];
}

/** A stamp is its text; its parts are an object; both compare, nothing else does. */
export function stamps(): unknown[] {
  const stamp: Stamp = hlc.stamp();
  const parts = parseStamp(stamp);
  compareStamps(stamp, parts);
  // @ts-expect-error a number is not a stamp
  compareStamps(5, stamp);
  // @ts-expect-error a timestamp is not a stamp
  compareStamps(parts.timestamp, stamp);
  return [isBefore(clock.now(), reader.now())];
}

/** Stamps of log lines: any hybrid clock, and a clock that has intervals. */
export function logLines(shared: SharedHybridClock): unknown[] {
  const text: string = stampLines({ hlc: shared, clock: reader, fields: undefined }).timestamp();
  const info: { level: string } = stampFormat({ hlc, fields: 'hlc' }).transform({ level: 'info' });
  // @ts-expect-error a clock of the system has no interval
  stampLines({ hlc, clock: systemClock() });
  // @ts-expect-error there is no such form
  stampFormat({ hlc, clock, fields: 'short' });
  return [text, info];
}

/** The order of logs: an iteration is plain where every log is; a reason stands beside an order. */
export function order(log: StampedEvent[], stream: AsyncIterable<StampedEvent>): unknown[] {
  const event: StampedEvent = { timestamp: 1n, nodeId: 'a', earliest: undefined, from: undefined };
  const found: Relation = relation(event, { ...event, from: [hlc.stamp(), hlc.stamp()] });
  const because: 'same-node' | 'interval' | 'message' | undefined = found.because;
  const groups: number[] = [...mergeLogs([log, log])].map(({ group }) => group);
  const kinds = [...inversions(log)].map(({ kind }): 'time' | 'lead' | 'broken' => kind);
  const merged: AsyncIterable<{ readonly watermark: number }> = mergeLogs([log, stream]);
  // @ts-expect-error a log is asynchronous, so the iteration is
  for (const line of mergeLogs([log, stream])) return [line];
  // @ts-expect-error the time of a process is not Unix time
  relation(event, { ...event, timestamp: monotonic });
  // @ts-expect-error options are known by name
  mergeLogs([log], { window: 5 });
  return [because, groups, kinds, merged];
}

/** Sources of one's own: instants of a server are Unix time, our readings are monotonic. */
export function sources(): TimeSource[] {
  const facts: ServerFacts = {
    serverReceivedAt: 1n,
    serverSentAt: unix,
    serverErrorNs: 0n,
    leap: undefined,
  };
  const local = { sourceId: 'a', sentAt: monotonic, receivedAt: monotonic, localGridNs: 0n };
  sampleFrom({ ...facts, ...local });
  // @ts-expect-error a server does not know our monotonic clock
  sampleFrom({ ...facts, ...local, serverSentAt: monotonic });
  // @ts-expect-error our readings are not Unix time
  sampleFrom({ ...facts, ...local, sentAt: unix });
  // @ts-expect-error the answer comes later
  pollingSource({ name: 'a', ask: () => facts });
  return [pollingSource({ name: 'a', ask: async () => facts, timeoutMs: undefined })];
}

/** Metrics take any reader and any hybrid clock; a health that is ok has no reason. */
export function measures(shared: SharedHybridClock): unknown[] {
  const waits = new WaitHistogram({ limitsMs: undefined });
  const wait: Promise<{ readonly waitedNs: bigint }> = waits.measure(waitUntilAfter(clock, unix));
  const text: string = metricsText({ clock: reader, hlc: shared, waits }, { accept: undefined });
  const found = health(reader, { maxUncertaintyMs: 5 });
  const reason: string | undefined = found.reason;
  if (found.status === 'ok') {
    const { uncertaintyNs }: { uncertaintyNs: bigint } = found;
    return [uncertaintyNs];
  }
  // @ts-expect-error a clock of the system has no interval
  health(systemClock(), { maxUncertaintyMs: 5 });
  // @ts-expect-error only waits can be measured
  waits.measure(Promise.resolve(5));
  return [wait, text, reason];
}

/** A test clock is a bounded reader, and so serves whatever takes one. */
export async function testClock(): Promise<unknown[]> {
  const test = new TestClock({
    uncertaintyMs: undefined,
    startAt: undefined,
    synchronized: undefined,
  });
  const asReader: BoundedReader = test;
  await test.advance(5);
  test.loseBound('step');
  // @ts-expect-error there is no such reason
  test.loseBound('bad luck');
  // @ts-expect-error ms are not a date
  new TestClock({ startAt: Date.now() });
  return [asReader, new HybridClock({ clock: test, nodeId: 'a' }), test.localClock.wallNs()];
}

/** Timestamps of messages: any carrier, every option `undefined`, a union of what came of it. */
export function propagation(message: { headers?: Record<string, string | Uint8Array> }): unknown[] {
  const stamp: Stamp = inject(hlc, new Headers(), { header: undefined, counts: undefined });
  inject(hlc, new Map<string, string>());
  const counts = new PropagationCounts();
  const received: Extracted = extract(hlc, message.headers, {
    trust: undefined,
    onRefused: undefined,
    header: undefined,
    counts,
  });
  const error: Error | undefined = received.error;
  if (received.status === 'received') {
    const from: Stamp = received.from;
    const timestamp: UnixNs = received.timestamp;
    return [from, timestamp];
  }
  // @ts-expect-error a promise is not trust
  extract(hlc, {}, { trust: async () => true });
  // @ts-expect-error a text carries nothing
  extract(hlc, 'epsilon-hlc');
  // @ts-expect-error a LamportClock has no stamps of a hybrid clock
  inject({ nodeId: 'a' }, {});
  return [stamp, error, received.from, received.timestamp, counts.malformed];
}

/** Integrations: what `trust` is given, also where the program has a narrower type of its own. */
export function integrations(): unknown[] {
  interface Narrow {
    readonly ip: string;
    readonly headers: Record<string, string>;
    readonly user: { readonly internal: boolean };
  }
  // @ts-expect-error the clock is needed
  hlcMiddleware({ trust: true });
  return [
    hlcMiddleware({ hlc, trust: (req) => req.socket.remoteAddress === '10.0.0.7' }),
    hlcPlugin(
      { decorateRequest() {}, addHook() {} },
      { hlc, trust: (r: Narrow) => r.user.internal },
    ),
    hlcFetch(globalThis.fetch, { hlc, trust: (response) => response.ok }),
    hlcHandler((request, { from }) => new Response(request.url + from), { hlc }),
    hlcHandler((_request, _received, context: { env: string }) => new Response(context.env), {
      hlc,
    }),
    hlcClientInterceptor({ hlc, trust: (call) => call.getPeer() === '10.0.0.7:443' }),
  ];
}

/** OpenTelemetry: an exporter keeps its types, every option may be `undefined`. */
export function telemetry(): unknown[] {
  interface Span extends OtelSpan {
    readonly spanContext: () => { readonly traceId: string };
  }
  const wrapped: OtelSpanExporter<Span, { code: number }> = correctedExporter(
    {
      export(spans: Span[], done: (result: { code: number }) => void) {
        done({ code: spans.length });
      },
      shutdown: async () => {},
    },
    { clock },
  );
  // @ts-expect-error an exporter can be shut down
  correctedExporter({ export() {} }, { clock });
  // @ts-expect-error a clock of the system has no interval
  hlcSpanProcessor({ hlc, clock: systemClock() });
  // @ts-expect-error there is no such carrier
  hlcPropagator({ hlc, carrier: 'cookie' });
  return [
    wrapped,
    hlcSpanProcessor({ hlc, clock: undefined }),
    hlcPropagator({ hlc, trust: (headers: Record<string, string>) => headers.host === 'a' }),
  ];
}

/** What is for the library's own use is not there. */
export function internals(): void {
  // @ts-expect-error stripped
  clock.publishListeners;
  // @ts-expect-error stripped
  reader.remaining(unix);
  // @ts-expect-error stripped
  reader.answeredAt;
  // @ts-expect-error readers are made by `start` and `attach`
  new BoundedClock();
  // @ts-expect-error joining takes `attach`
  new SharedHybridClock({ clock: systemClock() }, {});
  // @ts-expect-error options are known by name
  BoundedClock.start({ sources: [], maxDriftPPM: 5 });
  beginCommit({ clock: reader, hlc });
}
