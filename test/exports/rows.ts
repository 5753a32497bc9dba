/**
 * Every value that an entry exports, and how to call it correctly. The tests beside this file call
 * each with nonsense in the place of one argument, and convert all results to JSON.
 */
import type { BoundedClock, HybridClock } from 'epsilon-clock';
import * as index from 'epsilon-clock';
import * as browser from 'epsilon-clock/browser';
import * as dashboards from 'epsilon-clock/dashboard';
import * as express from 'epsilon-clock/express';
import * as detection from 'epsilon-clock/failure-detection';
import * as fastify from 'epsilon-clock/fastify';
import * as fetches from 'epsilon-clock/fetch';
import * as grpc from 'epsilon-clock/grpc';
import * as hono from 'epsilon-clock/hono';
import * as http from 'epsilon-clock/http';
import * as interval from 'epsilon-clock/interval';
import * as lamports from 'epsilon-clock/lamport';
import * as leases from 'epsilon-clock/lease';
import * as metrics from 'epsilon-clock/metrics';
import * as node from 'epsilon-clock/node';
import * as ntp from 'epsilon-clock/ntp';
import * as opentelemetry from 'epsilon-clock/opentelemetry';
import * as ordering from 'epsilon-clock/ordering';
import * as pino from 'epsilon-clock/pino';
import * as propagation from 'epsilon-clock/propagation';
import * as sim from 'epsilon-clock/sim';
import * as sources from 'epsilon-clock/sources';
import * as testing from 'epsilon-clock/testing';
import * as threads from 'epsilon-clock/threads';
import * as time from 'epsilon-clock/time';
import * as timestamps from 'epsilon-clock/timestamps';
import * as undici from 'epsilon-clock/undici';
import * as winston from 'epsilon-clock/winston';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

export const ENTRIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'epsilon-clock': index,
  'epsilon-clock/time': time,
  'epsilon-clock/interval': interval,
  'epsilon-clock/timestamps': timestamps,
  'epsilon-clock/lamport': lamports,
  'epsilon-clock/threads': threads,
  'epsilon-clock/ordering': ordering,
  'epsilon-clock/failure-detection': detection,
  'epsilon-clock/lease': leases,
  'epsilon-clock/metrics': metrics,
  'epsilon-clock/sources': sources,
  'epsilon-clock/http': http,
  'epsilon-clock/browser': browser,
  'epsilon-clock/propagation': propagation,
  'epsilon-clock/dashboard': dashboards,
  'epsilon-clock/node': node,
  'epsilon-clock/ntp': ntp,
  'epsilon-clock/sim': sim,
  'epsilon-clock/testing': testing,
  'epsilon-clock/pino': pino,
  'epsilon-clock/winston': winston,
  'epsilon-clock/fastify': fastify,
  'epsilon-clock/express': express,
  'epsilon-clock/hono': hono,
  'epsilon-clock/fetch': fetches,
  'epsilon-clock/undici': undici,
  'epsilon-clock/grpc': grpc,
  'epsilon-clock/opentelemetry': opentelemetry,
};

/** The exports that need no Node, by name. A name that two entries have means one value. */
const core = {
  ...index,
  ...time,
  ...interval,
  ...timestamps,
  ...lamports,
  ...threads,
  ...detection,
  ...leases,
  ...ordering,
  ...metrics,
  ...sources,
  ...ntp,
};

/** Values that a plain JavaScript caller passes by mistake. */
export const NONSENSE: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['5', 5],
  ['NaN', Number.NaN],
  ["''", ''],
  ['{}', {}],
  ['[]', []],
];

export interface Row {
  /** The export, such as `HybridClock`, or with a method after a dot. */
  readonly name: string;
  readonly call: (...args: never[]) => unknown;
  /** Valid arguments. */
  readonly args: readonly unknown[];
  /**
   * Values of `NONSENSE` that are valid here, by the place of the argument. Examples: `undefined`
   * for an option that may be left out, a number in range.
   */
  readonly fine?: Readonly<Record<number, readonly string[]>>;
  /** The call is refused with a typed error even with valid arguments. */
  readonly refused?: boolean;
}

export const T = 1_795_227_787_534_418_003n;
/** Values of `NONSENSE` that are valid in place of options that have defaults. */
const OPTIONAL = ['undefined', '{}', '[]'];

/** A synchronised clock, a hybrid clock on it, and the hand clock and source that move them. */
export function world(): {
  clock: HandClock;
  source: ScriptedSource;
  bounded: BoundedClock;
  hlc: HybridClock;
} {
  const clock = new HandClock({ wall: T });
  const source = new ScriptedSource('a');
  const bounded = core.BoundedClock.start({ sources: [source], clock });
  const theta = clock.wallOffset;
  source.sink.sample(source.exchange(clock, { theta }));
  const hlc = new core.HybridClock({ clock: bounded, nodeId: 'a' });
  return { clock, source, bounded, hlc };
}

const make =
  (Class: unknown) =>
  (...args: never[]) =>
    new (Class as new (...args: never[]) => unknown)(...args);

/** Valid arguments of the error classes. The library makes these errors, so nothing checks them. */
const ERROR_ARGS: Readonly<Record<string, readonly unknown[]>> = {
  ClockUnsynchronizedError: ['unsynchronized', 'starting'],
  CommitWaitInterruptedError: [
    { timestamp: T, waitedNs: 5n },
    { status: 'unsynchronized', reason: 'expired' },
  ],
  CommitWaitTimeoutError: [T, 5n],
  CommitWaitTooLongError: [T, 5n, 4n],
  DurableClockClosedError: ['/d/x'],
  DurableClockFileError: ['/d/x', 'magic'],
  ClockBoundPageError: ['/d/x', 'in-use'],
  DurableClockInUseError: ['/d/x'],
  DurableClockLockError: ['/d/x', 'why', new Error('cause')],
  DurableClockStorageError: ['/d/x', Object.assign(new Error(), { code: 'EIO' })],
  FencedOutError: [6n, 7n],
  HostClockRefusedError: ['/run/c', 'owner', 'detail', new Error('cause')],
  IsoTimeError: ['syntax', 'text'],
  LeaseLostError: ['a', 7n, 'expired'],
  LeaseStoreError: ['postgres', 'failed', new Error('cause')],
  AdaptiveTimeoutError: [1000, 2, 'budget'],
  LeaseTimeoutError: ['a', 1000, 'b'],
  LogUnsortedError: [0, T, T + 5n],
  MalformedTimestampError: ['stamp', 'better'],
  NtpPacketError: ['short', 5],
  TimestampAheadError: [T, 5n, 4n],
  TimestampExhaustedError: [T],
  UncertaintyTooWideError: [5n, 4n],
};
export const ERRORS: readonly (readonly [string, Error])[] = Object.entries(ERROR_ARGS).map(
  ([name, args]) => [
    name,
    make({ ...core, ...node }[name as 'IsoTimeError'])(...(args as never[])) as Error,
  ],
);

/** Exports that take no argument which could be wrong: base classes, classes without options. */
export const NO_ARGUMENTS: readonly string[] = [
  'EpsilonClockError',
  'PropagationCounts',
  'fencingTokenHeader', // a text
  'hlcHeader', // a text
  'measuredClock',
  'postgresLeaseTables', // a text
  'randomNodeBits',
  'systemClock',
  'SimStorage',
  'TraceHash',
];

export function rows(): readonly Row[] {
  const { clock, bounded, hlc } = world();
  const timeUrl = 'https://a.example/time';
  const lamport = new core.LamportClock({ nodeId: 'a' });
  const shared = new core.SharedHybridClock({ clock, nodeId: 'a' });
  const detector = new core.JumpDetector(clock);
  const a = core.timeInterval({ earliest: T, latest: T + 9n });
  const view = new DataView(new ArrayBuffer(8));
  const slots = new BigInt64Array(2);
  const stamp = core.formatStamp(T, 'a');
  const steps = { prepare: () => {}, makeVisible: () => {} };
  const simWorld = new sim.SimWorld({ seed: 1 });
  const { scheduler, random, network } = simWorld;
  const process = simWorld.process('p');
  const scenario = { seed: 1, minutes: 1, servers: [{}] };
  const past = bounded.now().earliest - 1n;
  const event = { timestamp: T, nodeId: 'a' };
  const leaseOptions = {
    ...{ store: core.memoryLeases(), clock: bounded, name: 'a', holder: 'b', ttlMs: 1000 },
    timeoutMs: 0,
  };
  const timeout = new core.AdaptiveTimeout({ clock });
  const memberOptions = { clock, hlc, send: () => {} };
  const facts = {
    sourceId: 'a',
    sentAt: core.monotonicNs(5n),
    receivedAt: core.monotonicNs(6n),
    serverReceivedAt: T,
    serverSentAt: T,
    serverErrorNs: 0n,
    localGridNs: 0n,
  };
  return [
    { name: 'BoundedClock', call: make(core.BoundedClock), args: [] },
    {
      name: 'BoundedClock.start',
      call: core.BoundedClock.start,
      args: [{ sources: [new ScriptedSource('a')], clock }],
    },
    {
      name: 'BoundedClock.attach',
      call: core.BoundedClock.attach,
      args: [bounded.share(), { clock }],
      fine: { 1: OPTIONAL },
    },
    { name: 'BoundedClock.after', call: (t) => bounded.after(t), args: [T] },
    { name: 'BoundedClock.before', call: (t) => bounded.before(t), args: [T] },
    { name: 'BoundedClock.remainingNs', call: (t) => bounded.remainingNs(t), args: [T] },
    {
      name: 'BoundedClock.readInto',
      call: (target, index) => bounded.readInto(target, index),
      args: [slots, 0],
      fine: { 1: ['undefined'] },
    },
    {
      name: 'BoundedClock.waitSynced',
      call: (options) => bounded.waitSynced(options),
      args: [{}],
      fine: { 0: OPTIONAL },
    },
    { name: 'BoundedClock.onChange', call: (f) => bounded.onChange(f), args: [() => {}] },
    { name: 'HybridClock', call: make(core.HybridClock), args: [{ clock, nodeId: 'a' }] },
    { name: 'HybridClock.receive', call: (r) => hlc.receive(r), args: [T] },
    { name: 'HybridClock.update', call: (r) => hlc.update(r), args: [T] },
    {
      name: 'HybridClock.updateFrom',
      call: (v, o) => hlc.updateFrom(v, o),
      args: [view, 0],
      fine: { 1: ['undefined'] },
    },
    {
      name: 'HybridClock.receiveAll',
      call: (r) => hlc.receiveAll(r),
      args: [[T]],
      fine: { 0: ['[]'] },
    },
    { name: 'HybridClock.nowAtLeast', call: (r) => hlc.nowAtLeast(r), args: [T] },
    {
      name: 'HybridClock.writeTo',
      call: (v, o) => hlc.writeTo(v, o),
      args: [view, 0],
      fine: { 1: ['undefined'] },
    },
    {
      name: 'HybridClock.nowInto',
      call: (v, o) => hlc.nowInto(v, o),
      args: [slots, 0],
      fine: { 1: ['undefined'] },
    },
    { name: 'HybridClock.reserve', call: (n) => hlc.reserve(n), args: [7], fine: { 0: ['5'] } },
    { name: 'HybridClock.reserveInto', call: (v) => hlc.reserveInto(v), args: [slots] },
    {
      name: 'SharedHybridClock',
      call: make(core.SharedHybridClock),
      args: [{ clock, nodeId: 'a' }],
    },
    {
      name: 'SharedHybridClock.attach',
      call: core.SharedHybridClock.attach,
      args: [shared.share(), { clock }],
    },
    { name: 'LamportClock', call: make(core.LamportClock), args: [{ nodeId: 'a' }] },
    {
      name: 'LamportClock.receive',
      call: (r) => lamport.receive(r),
      args: [7],
      fine: { 0: ['5'] },
    },
    { name: 'LamportClock.update', call: (r) => lamport.update(r), args: [7], fine: { 0: ['5'] } },
    {
      name: 'formatLamportStamp',
      call: core.formatLamportStamp,
      args: [7, 'a'],
      fine: { 0: ['5'] },
    },
    { name: 'parseLamportStamp', call: core.parseLamportStamp, args: ['0000000000000007@a'] },
    { name: 'nodeIdFrom', call: core.nodeIdFrom, args: ['a'], fine: { 0: ['5', 'NaN'] } },
    { name: 'uuidv7Bytes', call: core.uuidv7Bytes, args: [T, 3n], fine: { 1: ['undefined'] } },
    { name: 'addMs', call: core.addMs, args: [T, 7], fine: { 1: ['5'] } },
    { name: 'hrTimeFromUnixNs', call: core.hrTimeFromUnixNs, args: [T] },
    { name: 'unixNsFromHrTime', call: core.unixNsFromHrTime, args: [[1, 5]] },
    { name: 'uncertaintyNs', call: core.uncertaintyNs, args: [a] },
    { name: 'midpoint', call: core.midpoint, args: [a] },
    { name: 'formatInterval', call: core.formatInterval, args: [a] },
    { name: 'parseInterval', call: core.parseInterval, args: [core.formatInterval(a)] },
    {
      name: 'JumpDetector',
      call: make(core.JumpDetector),
      args: [clock, {}],
      fine: { 1: OPTIONAL },
    },
    { name: 'JumpDetector.tick', call: (o) => detector.tick(o), args: [{ expectedMs: 5 }] },
    { name: 'MonotonicClock', call: make(core.MonotonicClock), args: [() => 5n] },
    {
      name: 'agreement',
      call: core.agreement,
      args: [[a], { maxFaulty: 0 }],
      fine: { 0: ['[]'] },
    },
    { name: 'beginCommit', call: core.beginCommit, args: [{ clock: bounded, hlc }] },
    {
      name: 'runCommit',
      // On a hand clock no time passes, so a wait would never end. It must be refused.
      call: (clocks, both, options) =>
        core.runCommit(
          clocks,
          both,
          options === undefined || Object(options) === options ? { maxWaitMs: 0 } : options,
        ),
      args: [{ clock: bounded, hlc }, steps, { maxWaitMs: 0 }],
      refused: true,
    },
    {
      name: 'waitUntilAfter',
      call: core.waitUntilAfter,
      args: [bounded, past, {}],
      fine: { 2: OPTIONAL },
    },
    {
      name: 'waitUntilAfterSync',
      call: core.waitUntilAfterSync,
      args: [bounded, past, {}],
      fine: { 2: OPTIONAL },
    },
    { name: 'compareStamps', call: core.compareStamps, args: [stamp, stamp] },
    { name: 'contains', call: core.contains, args: [a, T] },
    { name: 'hull', call: core.hull, args: [a, a] },
    { name: 'intersect', call: core.intersect, args: [a, a] },
    { name: 'isAfter', call: core.isAfter, args: [a, a] },
    { name: 'isBefore', call: core.isBefore, args: [a, a] },
    { name: 'overlaps', call: core.overlaps, args: [a, a] },
    { name: 'timeInterval', call: core.timeInterval, args: [a] },
    { name: 'widen', call: core.widen, args: [a, 5n] },
    { name: 'widthNs', call: core.widthNs, args: [a] },
    { name: 'dateFromUnixNs', call: core.dateFromUnixNs, args: [T] },
    { name: 'formatIso', call: core.formatIso, args: [T] },
    { name: 'formatStamp', call: core.formatStamp, args: [T, 'a'] },
    { name: 'formatTimestamp', call: core.formatTimestamp, args: [T] },
    { name: 'parseUuidv7', call: core.parseUuidv7, args: [core.formatUuidv7(T, 3n)] },
    { name: 'hlcTimestamp', call: core.hlcTimestamp, args: [T] },
    { name: 'instantFromUnixNs', call: core.instantFromUnixNs, args: [T] },
    { name: 'monotonicNs', call: core.monotonicNs, args: [T] },
    { name: 'msFromNsDown', call: core.msFromNsDown, args: [T] },
    { name: 'msFromNsUp', call: core.msFromNsUp, args: [T] },
    { name: 'msFromUnixNs', call: core.msFromUnixNs, args: [T] },
    { name: 'nsFromMsDown', call: core.nsFromMsDown, args: [7], fine: { 0: ['5'] } },
    { name: 'nsFromMsUp', call: core.nsFromMsUp, args: [7], fine: { 0: ['5'] } },
    { name: 'parseIso', call: core.parseIso, args: [core.formatIso(core.unixNs(T))] },
    { name: 'parseStamp', call: core.parseStamp, args: [stamp] },
    { name: 'parseTimestamp', call: core.parseTimestamp, args: [String(T)] },
    {
      name: 'parseTimestampInto',
      call: core.parseTimestampInto,
      args: [String(T), slots, 0],
      fine: { 2: ['undefined'] },
    },
    {
      name: 'readTimestamp',
      call: core.readTimestamp,
      args: [view, 0],
      fine: { 1: ['undefined'] },
    },
    {
      name: 'sleep',
      call: core.sleep,
      args: [core.systemClock(), 0, {}],
      fine: { 1: ['5'], 2: OPTIONAL },
    },
    {
      name: 'timestampFromBytes',
      call: core.timestampFromBytes,
      args: [core.bytesFromTimestamp(T)],
    },
    { name: 'bytesFromTimestamp', call: core.bytesFromTimestamp, args: [T] },
    { name: 'formatUuidv7', call: core.formatUuidv7, args: [T, 3n], fine: { 1: ['undefined'] } },
    { name: 'unixNs', call: core.unixNs, args: [T] },
    { name: 'unixNsFromDate', call: core.unixNsFromDate, args: [new Date(5)] },
    { name: 'unixNsFromInstant', call: core.unixNsFromInstant, args: [{ epochNanoseconds: T }] },
    { name: 'unixNsFromMs', call: core.unixNsFromMs, args: [7], fine: { 0: ['5'] } },
    {
      name: 'writeTimestamp',
      call: core.writeTimestamp,
      args: [T, view, 0],
      fine: { 2: ['undefined'] },
    },
    { name: 'longFromTimestamp', call: core.longFromTimestamp, args: [T] },
    { name: 'timestampFromLong', call: core.timestampFromLong, args: [core.longFromTimestamp(T)] },
    { name: 'relation', call: core.relation, args: [event, event] },
    {
      name: 'mergeLogs',
      call: core.mergeLogs,
      args: [[[event]], {}],
      fine: { 0: ['[]'], 1: OPTIONAL },
    },
    { name: 'narrow', call: core.narrow, args: [[event], {}], fine: { 0: ['[]'], 1: OPTIONAL } },
    {
      name: 'inversions',
      call: core.inversions,
      args: [[event], {}],
      fine: { 0: ['[]'], 1: OPTIONAL },
    },
    { name: 'explainOrder', call: core.explainOrder, args: [[event], event, event] },
    {
      name: 'metricsText',
      call: core.metricsText,
      args: [{ clock: bounded, hlc }, {}],
      fine: { 0: ['{}', '[]'], 1: OPTIONAL },
    },
    {
      name: 'metricsContentType',
      call: core.metricsContentType,
      args: [{}],
      fine: { 0: OPTIONAL },
    },
    {
      name: 'metricsHandler',
      call: core.metricsHandler,
      args: [{ clock: bounded }],
      fine: { 0: ['{}', '[]'] },
    },
    { name: 'health', call: core.health, args: [bounded, { maxUncertaintyMs: 5 }] },
    { name: 'healthHandler', call: core.healthHandler, args: [bounded, { maxUncertaintyMs: 5 }] },
    {
      name: 'Dashboard.start',
      call: (...args: Parameters<typeof dashboards.Dashboard.start>) => {
        const dashboard = dashboards.Dashboard.start(...args);
        dashboard.stop();
        return dashboard;
      },
      args: [{ clock: bounded, hlc }],
    },
    {
      name: 'WaitHistogram',
      call: make(core.WaitHistogram),
      args: [{}],
      fine: { 0: OPTIONAL },
    },
    {
      name: 'WaitHistogram.measure',
      call: (wait) => new core.WaitHistogram().measure(wait as never),
      args: [core.waitUntilAfter(bounded, bounded.now().earliest - 1n)],
    },
    {
      name: 'pollingSource',
      call: core.pollingSource,
      args: [{ name: 'a', ask: async () => facts }],
    },
    { name: 'sampleFrom', call: core.sampleFrom, args: [facts] },
    { name: 'httpTime', call: http.httpTime, args: [timeUrl, {}], fine: { 1: OPTIONAL } },
    { name: 'httpDate', call: http.httpDate, args: [timeUrl, {}], fine: { 1: OPTIONAL } },
    { name: 'timeHandler', call: http.timeHandler, args: [{ clock: bounded }] },
    { name: 'serverTiming', call: http.serverTiming, args: [{ clock: bounded }] },
    {
      name: 'serverTimingSource',
      call: http.serverTimingSource,
      args: [{ origin: 'https://a.example' }],
    },
    {
      name: 'acrossTabs',
      call: browser.acrossTabs,
      args: [http.httpTime(timeUrl), { name: 'a' }],
    },
    { name: 'hostNodeId', call: node.hostNodeId, args: ['orders'] },
    { name: 'DurableHybridClock', call: make(node.DurableHybridClock), args: [] },
    { name: 'DurableHybridClock.open', call: node.DurableHybridClock.open, args: [] },
    { name: 'decodePacket', call: core.decodePacket, args: [new Uint8Array(48)] },
    { name: 'awsTime', call: node.awsTime, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'azureTime', call: node.azureTime, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'googleTime', call: node.googleTime, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'PauseMeter', call: make(core.PauseMeter), args: [{ clock }] },
    { name: 'PauseMeter.start', call: core.PauseMeter.start, args: [{ clock }] },
    {
      name: 'PauseMeter.longestNs',
      call: (ms) => core.PauseMeter.start({ clock }).longestNs(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'PauseMeter.onPause',
      call: (f) => core.PauseMeter.start({ clock }).onPause(f),
      args: [() => {}],
    },
    { name: 'PhiAccrualDetector', call: make(core.PhiAccrualDetector), args: [{ clock }] },
    { name: 'AdaptiveTimeout', call: make(core.AdaptiveTimeout), args: [{ clock }] },
    {
      name: 'AdaptiveTimeout.observe',
      call: (ms) => timeout.observe(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'AdaptiveTimeout.race',
      call: (run, options) => timeout.race(run, options),
      args: [async () => 7, {}],
      fine: { 1: OPTIONAL },
    },
    { name: 'Membership', call: make(core.Membership), args: [memberOptions] },
    { name: 'Membership.start', call: core.Membership.start, args: [memberOptions] },
    {
      name: 'Membership.receive',
      call: (bytes) => core.Membership.start(memberOptions).receive(bytes),
      args: [new Uint8Array(3)],
    },
    {
      name: 'Membership.statusOf',
      call: (nodeId) => core.Membership.start(memberOptions).statusOf(nodeId),
      args: ['a'],
    },
    { name: 'checkLeaseStore', call: testing.checkLeaseStore, args: [core.memoryLeases()] },
    { name: 'Lease', call: make(core.Lease), args: [], refused: true },
    { name: 'Lease.acquire', call: core.Lease.acquire, args: [leaseOptions] },
    { name: 'Lease.tryAcquire', call: core.Lease.tryAcquire, args: [leaseOptions] },
    { name: 'Election', call: make(core.Election), args: [], refused: true },
    {
      name: 'Election.start',
      call: (options: never) => void core.Election.start(options).stop(),
      args: [{ ...leaseOptions, timeoutMs: undefined }],
    },
    { name: 'Fence', call: make(core.Fence), args: [{}], fine: { 0: OPTIONAL } },
    { name: 'Fence.admit', call: (token: never) => new core.Fence().admit(token), args: [7n] },
    {
      name: 'Fence.tryAdmit',
      call: (token: never) => new core.Fence().tryAdmit(token),
      args: [7n],
    },
    { name: 'etcdLeases', call: core.etcdLeases, args: [{ url: 'http://127.0.0.1:2379' }] },
    { name: 'fileLeases', call: node.fileLeases, args: ['leases'] },
    {
      name: 'natsLeases',
      call: core.natsLeases,
      args: [{ get: async () => null, create: async () => 1, update: async () => 1 }],
    },
    { name: 'memoryLeases', call: core.memoryLeases, args: [{ clock }], fine: { 0: OPTIONAL } },
    {
      name: 'postgresFenceTrigger',
      call: core.postgresFenceTrigger,
      args: [{ table: 'a', name: 'b' }],
    },
    { name: 'postgresLeases', call: core.postgresLeases, args: [{ query: async () => facts }] },
    { name: 'postgresFence', call: core.postgresFence, args: [{ query: async () => facts }, 'a'] },
    { name: 'redisLeases', call: core.redisLeases, args: [{ eval: async () => facts }] },
    { name: 'redisFence', call: core.redisFence, args: [{ eval: async () => facts }, 'a'] },
    { name: 'chrony', call: node.chrony, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'clockBound', call: node.clockBound, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'HostClock', call: make(node.HostClock), args: [], refused: true },
    { name: 'HostClock.open', call: node.HostClock.open, args: [] },
    { name: 'HostClockPublisher', call: make(node.HostClockPublisher), args: [], refused: true },
    { name: 'HostClockPublisher.start', call: node.HostClockPublisher.start, args: [] },
    { name: 'ntp', call: node.ntp, args: ['a.example', {}], fine: { 1: OPTIONAL } },
    { name: 'ClockBoundPublisher', call: make(node.ClockBoundPublisher), args: [], refused: true },
    { name: 'ClockBoundPublisher.start', call: node.ClockBoundPublisher.start, args: [] },
    { name: 'NtpServer', call: make(node.NtpServer), args: [], refused: true },
    { name: 'NtpServer.start', call: node.NtpServer.start, args: [] },
    { name: 'nts', call: node.nts, args: ['a.example', {}], fine: { 1: OPTIONAL } },
    { name: 'NtsServer', call: make(node.NtsServer), args: [], refused: true },
    { name: 'NtsServer.start', call: node.NtsServer.start, args: [] },
    {
      name: 'roughtime',
      call: node.roughtime,
      args: ['a.example', { publicKey: '0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=' }],
    },
    { name: 'RoughtimeServer', call: make(node.RoughtimeServer), args: [], refused: true },
    { name: 'RoughtimeServer.start', call: node.RoughtimeServer.start, args: [] },
    { name: 'systemResolver', call: core.systemResolver, args: [] },
    { name: 'udpTransport', call: core.udpTransport, args: [{}], fine: { 0: OPTIONAL } },
    { name: 'cloudDelay', call: sim.cloudDelay, args: [random] },
    {
      name: 'congested',
      call: sim.congested,
      args: [sim.constantDelay(1), { everyMs: 1, lastsMs: 1, extraMs: 1 }],
    },
    { name: 'constantDelay', call: sim.constantDelay, args: [7], fine: { 0: ['5'] } },
    { name: 'internetDelay', call: sim.internetDelay, args: [random] },
    { name: 'lanDelay', call: sim.lanDelay, args: [random] },
    { name: 'openScenario', call: sim.openScenario, args: [scenario, {}], fine: { 1: OPTIONAL } },
    { name: 'Oracle', call: make(sim.Oracle), args: [scheduler, 'replay'], fine: { 1: ["''"] } },
    {
      name: 'queueingDelay',
      call: sim.queueingDelay,
      args: [{ baseMs: 1, jitterMs: 1, tailShare: 0.1, tailMs: 1 }],
    },
    { name: 'Random', call: make(sim.Random), args: [7], fine: { 0: ['5'] } },
    {
      name: 'routeChange',
      call: sim.routeChange,
      args: [sim.constantDelay(1), sim.constantDelay(2), 7],
      fine: { 2: ['5'] },
    },
    { name: 'scenarioArbitrary', call: sim.scenarioArbitrary, args: [] },
    { name: 'Scheduler', call: make(sim.Scheduler), args: [{}], fine: { 0: OPTIONAL } },
    { name: 'serverAddress', call: sim.serverAddress, args: [7], fine: { 0: ['5'] } },
    { name: 'SimClock', call: make(sim.SimClock), args: [] },
    { name: 'SimNetwork', call: make(sim.SimNetwork), args: [scheduler, random] },
    {
      name: 'SimNtpServer',
      call: make(sim.SimNtpServer),
      args: ['10.0.0.99', scheduler, network, random, {}],
      fine: { 0: ["''"], 4: OPTIONAL },
    },
    {
      name: 'SimProcess',
      call: make(sim.SimProcess),
      args: ['p', scheduler, random, {}],
      fine: { 3: OPTIONAL, 0: ["''"] },
    },
    { name: 'simTransport', call: sim.simTransport, args: [network, process] },
    { name: 'SimWorld', call: make(sim.SimWorld), args: [{ seed: 1 }] },
    { name: 'TestClock', call: make(testing.TestClock), args: [{}], fine: { 0: OPTIONAL } },
    {
      name: 'TestClock.advance',
      call: (ms) => new testing.TestClock().advance(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'TestClock.step',
      call: (ms) => new testing.TestClock().step(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'TestClock.suspend',
      call: (ms) => new testing.TestClock().suspend(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'TestClock.setUncertainty',
      call: (ms) => new testing.TestClock().setUncertainty(ms),
      args: [7],
      fine: { 0: ['5'] },
    },
    {
      name: 'TestClock.loseBound',
      call: (reason) => new testing.TestClock().loseBound(reason),
      args: ['stopped'],
      fine: { 0: ['undefined'] },
    },
    { name: 'stampLines', call: pino.stampLines, args: [{ hlc, clock: bounded }] },
    { name: 'stampFormat', call: winston.stampFormat, args: [{ hlc, clock: bounded }] },
    {
      name: 'inject',
      call: propagation.inject,
      args: [hlc, {}, {}],
      fine: { 1: ['{}'], 2: OPTIONAL },
    },
    {
      name: 'extract',
      call: propagation.extract,
      args: [hlc, {}, {}],
      fine: { 1: NONSENSE.map(([label]) => label), 2: OPTIONAL },
    },
    {
      name: 'hlcPlugin',
      call: (options) =>
        fastify.hlcPlugin({ decorateRequest() {}, addHook() {} }, options as never),
      args: [{ hlc }],
    },
    { name: 'hlcMiddleware', call: express.hlcMiddleware, args: [{ hlc }] },
    { name: 'hlcMiddleware', call: hono.hlcMiddleware, args: [{ hlc }] },
    { name: 'hlcFetch', call: fetches.hlcFetch, args: [globalThis.fetch, { hlc }] },
    { name: 'hlcHandler', call: fetches.hlcHandler, args: [() => new Response(), { hlc }] },
    { name: 'hlcInterceptor', call: undici.hlcInterceptor, args: [{ hlc }] },
    { name: 'hlcClientInterceptor', call: grpc.hlcClientInterceptor, args: [{ hlc }] },
    { name: 'hlcServerInterceptor', call: grpc.hlcServerInterceptor, args: [{ hlc }] },
    { name: 'hlcPropagator', call: opentelemetry.hlcPropagator, args: [{ hlc }] },
    { name: 'hlcSpanProcessor', call: opentelemetry.hlcSpanProcessor, args: [{ hlc }] },
    { name: 'hlcLogProcessor', call: opentelemetry.hlcLogProcessor, args: [{ hlc }] },
    {
      name: 'correctedExporter',
      call: opentelemetry.correctedExporter,
      args: [{ export() {}, shutdown() {} }, { clock: bounded }],
    },
    {
      name: 'observeClocks',
      call: opentelemetry.observeClocks,
      args: [
        {
          createObservableGauge() {},
          createObservableCounter() {},
          addBatchObservableCallback() {},
          removeBatchObservableCallback() {},
        },
        { hlc },
      ],
      fine: { 1: ['{}', '[]'] },
    },
    { name: 'uniformDelay', call: sim.uniformDelay, args: [6, 7], fine: { 0: ['5'] } },
  ];
}
