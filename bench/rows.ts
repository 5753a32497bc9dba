/**
 * The hot paths. To measure another one, add a row here.
 *
 * A result that a caller would keep goes into `kept`, a ring of 64, so that neither the call nor what it
 * allocates can be optimised away. Text is read once (`charCodeAt`), since V8 builds a concatenation
 * only when somebody looks.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  agreement,
  BoundedClock,
  type BoundedReader,
  beginCommit,
  compareStamps,
  formatStamp,
  formatTimestamp,
  fromUuidV7,
  type HlcTimestamp,
  HybridClock,
  LamportClock,
  parseStamp,
  parseTimestamp,
  parseTimestampInto,
  readTimestamp,
  type SharedBoundedClock,
  SharedHybridClock,
  type Stamp,
  systemClock,
  timeInterval,
  toUuidV7,
  type UnixNs,
  unixNs,
  waitUntilAfter,
  writeTimestamp,
} from 'epsilon-clock';
import { DurableHybridClock } from 'epsilon-clock/node';
import { agreedHull } from '../src/interval/agreement.ts';
import type { Groups, Row } from './row.ts';
import { boundedClock, ingesting, learnedClock, sampleNow } from './worlds.ts';

const MASK = 63;
const kept: unknown[] = new Array(MASK + 1).fill(0n);
const slots = new BigInt64Array(2);
const view = new DataView(new ArrayBuffer(16));

const ring = <T>(make: (i: number) => T): T[] =>
  Array.from({ length: MASK + 1 }, (_, i) => make(i));
const worker = (name: string, workerData?: unknown): Worker =>
  new Worker(new URL(`${name}.worker.js`, import.meta.url), { workerData });

function clocks(): Row[] {
  const hrtime = process.hrtime.bigint;
  const clock = systemClock();
  const { monotonicNs } = clock;
  return [
    {
      id: 'hrtime',
      operation: '`process.hrtime.bigint()` into a slot',
      run: () => {
        slots[0] = hrtime();
      },
      maxBytes: 0,
    },
    {
      id: 'clock.monotonicNs',
      operation: '`monotonicNs()` into a slot',
      run: () => {
        slots[0] = monotonicNs();
      },
      maxBytes: 0,
    },
    {
      id: 'clock.wallNs',
      operation: '`wallNs()` into a slot',
      run: () => {
        slots[0] = clock.wallNs();
      },
      maxBytes: 0,
    },
    {
      id: 'date.now',
      operation: '`Date.now()`, for comparison',
      run: (i) => {
        kept[i & MASK] = Date.now();
      },
    },
  ];
}

/** The rows of a reader, whichever thread it is in. */
function readings(where: string, xFloor: number, reader: BoundedReader): Row[] {
  const t: UnixNs = unixNs(1_000_000_000n);
  return [
    {
      id: `${where}.readInto`,
      operation: '`readInto(slots)`',
      run: () => reader.readInto(slots),
      maxBytes: 0,
      target: { xFloor },
    },
    {
      id: `${where}.after`,
      operation: '`after(t)`',
      run: (i) => {
        kept[i & MASK] = reader.after(t);
      },
      maxBytes: 0,
      target: { xFloor },
    },
    {
      id: `${where}.now`,
      operation: '`now()`, the object kept',
      run: (i) => {
        kept[i & MASK] = reader.now();
      },
      target: { xFloor: 1.8 },
    },
  ];
}

async function bounded(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  return readings('bounded', 1.3, clock);
}

async function learned(): Promise<Row[]> {
  return readings('learned', 1.35, await learnedClock(5));
}

async function attached(): Promise<Row[]> {
  const [handle] = (await once(worker('publisher'), 'message')) as [SharedBoundedClock];
  return readings('attached', 1.35, BoundedClock.attach(handle));
}

async function attachedLearned(): Promise<Row[]> {
  const publisher = worker('publisher', { learned: true });
  const [handle] = (await once(publisher, 'message')) as [SharedBoundedClock];
  return readings('attached-learned', 1.35, BoundedClock.attach(handle));
}

function lamport(): Row[] {
  const clock = new LamportClock({ nodeId: 'a' });
  return [
    {
      id: 'lamport.tick',
      operation: '`tick()`',
      run: (i) => {
        kept[i & MASK] = clock.tick();
      },
    },
    {
      id: 'lamport.receive',
      operation: '`receive(number)`',
      run: (i) => {
        kept[i & MASK] = clock.receive(i);
      },
    },
  ];
}

function hybrid(): Row[] {
  const clock = systemClock();
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  const remotes = ring((i) => clock.wallNs() - BigInt(i * 1000));
  writeTimestamp(remotes[0] as bigint, view, 8);
  return [
    {
      id: 'hlc.tick',
      operation: '`tick()`',
      run: () => hlc.tick(),
      maxBytes: 0,
      target: { xFloor: 1.25 },
    },
    {
      id: 'hlc.into',
      operation: '`into(slots, i)`',
      run: () => hlc.into(slots, 1),
      maxBytes: 0,
      target: { xFloor: 1.25 },
    },
    {
      id: 'hlc.writeTo',
      operation: '`writeTo(view, i)`: 8 bytes',
      run: () => hlc.writeTo(view, 0),
      maxBytes: 0,
      target: { xFloor: 1.25 },
    },
    {
      id: 'hlc.now',
      operation: '`now()`: bigint',
      run: (i) => {
        kept[i & MASK] = hlc.now();
      },
      maxBytes: 40,
      target: { xFloor: 1.5 },
    },
    {
      id: 'hlc.update',
      operation: '`update(bigint)`',
      run: (i) => hlc.update(remotes[i & MASK] as bigint),
      maxBytes: 0,
      target: { xFloor: 1.45 },
    },
    {
      id: 'hlc.updateFrom',
      operation: '`updateFrom(view, i)`: from 8 bytes',
      run: () => hlc.updateFrom(view, 8),
      maxBytes: 0,
      target: { xFloor: 1.45 },
    },
    {
      id: 'hlc.receive',
      operation: '`receive(bigint)`: bigint',
      run: (i) => {
        kept[i & MASK] = hlc.receive(remotes[i & MASK] as bigint);
      },
      target: { xFloor: 1.8 },
    },
    {
      id: 'hlc.text',
      operation: '`formatTimestamp(now())`',
      run: (i) => {
        const text = formatTimestamp(hlc.now());
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
      target: { xFloor: 2.5 },
    },
    {
      id: 'hlc.stamp',
      operation: '`stamp()`: text with the node id',
      run: (i) => {
        const text = hlc.stamp();
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
  ];
}

/** What one clock costs must not depend on how many there are. */
function secondHybrid(): Row[] {
  const first = new HybridClock({ clock: systemClock(), nodeId: 'a' });
  for (let i = 0; i < 100_000; i++) first.tick();
  const second = new HybridClock({ clock: systemClock(), nodeId: 'b' });
  return [
    {
      id: 'hlc-second.tick',
      operation: '`tick()`',
      run: () => second.tick(),
      maxBytes: 0,
      target: { xFloor: 1.25 },
    },
  ];
}

async function hybridOnBounded(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  return [
    {
      id: 'hlc-bounded.tick',
      operation: '`tick()`',
      run: () => hlc.tick(),
      maxBytes: 0,
      target: { xFloor: 1.35 },
    },
    {
      id: 'hlc-bounded.now',
      operation: '`now()`: bigint',
      run: (i) => {
        kept[i & MASK] = hlc.now();
      },
      maxBytes: 40,
    },
  ];
}

/** Its file is on whatever disk holds the temporary folder; the hot path never waits for it. */
async function durable(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'durable-clock-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const path = join(folder, 'hlc');
  const hlc = await DurableHybridClock.open({ clock: systemClock(), nodeId: 'a', path });
  return [
    {
      id: 'durable.tick',
      operation: '`tick()`',
      run: () => hlc.tick(),
    },
    {
      id: 'durable.now',
      operation: '`now()`: bigint',
      run: (i) => {
        kept[i & MASK] = hlc.now();
      },
    },
  ];
}

function shared(): Row[] {
  const hlc = SharedHybridClock.create({ clock: systemClock(), nodeId: 'a' });
  const flag = new Int32Array(new SharedArrayBuffer(4));
  worker('rival', { handle: hlc.share(), flag });
  const run = (i: number): void => {
    kept[i & MASK] = hlc.now();
  };
  return [
    { id: 'shared.now', operation: '`now()`, alone', run, target: { xFloor: 2 } },
    {
      id: 'shared.now.contended',
      operation: '`now()`, a second thread doing the same',
      run,
      target: { xFloor: 7 },
      during: () => {
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
        return () => Atomics.store(flag, 0, 0);
      },
    },
  ];
}

function codecs(): Row[] {
  const clock = systemClock();
  const stamps = ring((i) => clock.wallNs() + BigInt(i * 1000)) as HlcTimestamp[];
  const texts = stamps.map(formatTimestamp);
  const nodeTexts = stamps.map((t) => formatStamp(t, 'orders-3'));
  const uuids = stamps.map((t) => toUuidV7(t, 3n));
  const pairs: Stamp[] = stamps.map((timestamp, i) => ({ timestamp, nodeId: `orders-${i % 3}` }));
  return [
    {
      id: 'codec.format',
      operation: '`formatTimestamp(t)`: 19 digits',
      run: (i) => {
        const text = formatTimestamp(stamps[i & MASK] as HlcTimestamp);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
      target: { xFloor: 1.6 },
      baseline: 'codec.String',
    },
    {
      id: 'codec.String',
      operation: '`String(bigint)`, for comparison',
      run: (i) => {
        const text = String(stamps[i & MASK]);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.parseInto',
      operation: '`parseTimestampInto(text, slots, i)`',
      run: (i) => parseTimestampInto(texts[i & MASK] as string, slots, 0),
      maxBytes: 0,
      target: { xFloor: 1.7 },
      baseline: 'codec.BigInt',
    },
    {
      id: 'codec.parse',
      operation: '`parseTimestamp(text)`: bigint',
      run: (i) => {
        kept[i & MASK] = parseTimestamp(texts[i & MASK] as string);
      },
      baseline: 'codec.BigInt',
    },
    {
      id: 'codec.BigInt',
      operation: '`BigInt(text)`, for comparison',
      run: (i) => {
        kept[i & MASK] = BigInt(texts[i & MASK] as string);
      },
    },
    {
      id: 'codec.write',
      operation: '`writeTimestamp(t, view, i)`: 8 bytes',
      run: (i) => writeTimestamp(stamps[i & MASK] as HlcTimestamp, view, 0),
      maxBytes: 0,
    },
    {
      id: 'codec.read',
      operation: '`readTimestamp(view, i)`: bigint',
      run: (i) => {
        kept[i & MASK] = readTimestamp(view, 0);
      },
    },
    {
      id: 'codec.formatStamp',
      operation: '`formatStamp(t, nodeId)`',
      run: (i) => {
        const text = formatStamp(stamps[i & MASK] as HlcTimestamp, 'orders-3');
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.parseStamp',
      batch: 100,
      operation: '`parseStamp(text)`',
      run: (i) => {
        kept[i & MASK] = parseStamp(nodeTexts[i & MASK] as string);
      },
    },
    {
      id: 'codec.compareStamps',
      operation: '`compareStamps(a, b)`',
      run: (i) => {
        kept[i & MASK] = compareStamps(pairs[i & MASK] as Stamp, pairs[(i + 7) & MASK] as Stamp);
      },
      maxBytes: 0,
    },
    {
      id: 'codec.toUuid',
      batch: 100,
      operation: '`toUuidV7(t, nodeBits)`',
      run: (i) => {
        const text = toUuidV7(stamps[i & MASK] as HlcTimestamp, 3n);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
      baseline: 'codec.randomUUID',
    },
    {
      id: 'codec.randomUUID',
      batch: 100,
      operation: '`crypto.randomUUID()`, for comparison',
      run: (i) => {
        const text = randomUUID();
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.fromUuid',
      batch: 100,
      operation: '`fromUuidV7(text)`',
      run: (i) => {
        kept[i & MASK] = fromUuidV7(uuids[i & MASK] as string);
      },
    },
  ];
}

/** Intervals that overlap in the middle, in no order, one liar in three aside. */
function hulls(n: number): Row[] {
  const faulty = Math.floor((n - 1) / 2);
  const middle = (i: number): bigint =>
    i % 3 === 2 ? 90_000_000n : BigInt((i * 7919) % 997) * 1000n;
  const intervals = Array.from({ length: n }, (_, i) =>
    timeInterval({
      earliest: unixNs(10_000_000n + middle(i)),
      latest: unixNs(20_000_000n + middle(i)),
    }),
  );
  const starts = Float64Array.from(intervals, ({ earliest }) => Number(earliest));
  const ends = Float64Array.from(intervals, ({ latest }) => Number(latest));
  const [sortedStarts, sortedEnds, out] = [starts.slice(), ends.slice(), new Float64Array(2)];
  return [
    {
      id: `agreement.hull.${n}`,
      batch: 100,
      operation: `the hull of ${n - faulty} of ${n} sources, as the engine computes it`,
      run: () => {
        sortedStarts.set(starts);
        sortedEnds.set(ends);
        return agreedHull(sortedStarts, sortedEnds, n - faulty, out);
      },
      maxBytes: 0,
    },
    {
      id: `agreement.${n}`,
      batch: 100,
      operation: `\`agreement()\` of ${n} sources`,
      run: (i) => {
        kept[i & MASK] = agreement(intervals, faulty);
      },
    },
  ];
}

async function ingest(): Promise<Row[]> {
  const { sinks } = await boundedClock(5);
  const clock = systemClock();
  return [
    ...hulls(5),
    ...hulls(20),
    {
      id: 'engine.ingest.5',
      batch: 100,
      operation: 'one sample into the bound engine, 5 sources',
      run: ingesting(5),
      maxBytes: 0,
      target: { ns: 5000 },
    },
    {
      id: 'engine.learn.5',
      batch: 100,
      operation: 'the same where the rate is learned',
      run: ingesting(5, true),
      maxBytes: 0,
      target: { ns: 10_000 },
    },
    {
      id: 'clock.sample.5',
      batch: 100,
      operation: 'one sample from a source to the published page, 5 sources',
      run: (i) => {
        const k = i % 5;
        sinks[k]?.sample(sampleNow(`source-${k}`, clock));
      },
    },
  ];
}

/** The waits are released between the windows: some thousands at a time are waiting. */
async function waits(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  let t: UnixNs = unixNs(0n);
  const passed = clock.now().earliest;
  return [
    {
      id: 'wait.register',
      batch: 100,
      turns: true,
      operation: '`waitUntilAfter(clock, t)`, a promise that waits',
      run: (i) => {
        if (i === 0) t = unixNs(clock.now().latest + 2_000_000n);
        kept[i & MASK] = waitUntilAfter(clock, t);
      },
      target: { ns: 500 },
      baseline: 'wait.setTimeout',
    },
    {
      id: 'wait.setTimeout',
      batch: 100,
      turns: true,
      operation: 'a promise and its `setTimeout`, for comparison',
      run: (i) => {
        kept[i & MASK] = new Promise((resolve) => setTimeout(resolve, 4));
      },
    },
    {
      id: 'wait.passed',
      batch: 100,
      operation: '`waitUntilAfter(clock, t)`, nothing to wait for',
      run: (i) => {
        kept[i & MASK] = waitUntilAfter(clock, passed);
      },
    },
    {
      id: 'commit.begin',
      batch: 100,
      operation: '`beginCommit({ clock, hlc })`, the wall clock checked',
      run: (i) => {
        kept[i & MASK] = beginCommit({ clock, hlc });
      },
    },
  ];
}

export const groups: Groups = {
  'Clocks of this machine': clocks,
  'Bounded clock, in the thread that publishes': bounded,
  'Bounded clock that has learned the rate, in the thread that publishes': learned,
  'Bounded clock, attached in another thread': attached,
  'Bounded clock that has learned the rate, attached in another thread': attachedLearned,
  'Hybrid clock on the system clock': hybrid,
  'Hybrid clock, the second in its process': secondHybrid,
  'Hybrid clock on a bounded clock': hybridOnBounded,
  'Hybrid clock that survives crashes': durable,
  'Hybrid clock shared by threads': shared,
  'Lamport clock': lamport,
  'Commit wait': waits,
  Codecs: codecs,
  'Agreement and samples': ingest,
};
