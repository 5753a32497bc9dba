/** Logical clocks: hybrid on each kind of physical time, shared, durable; and Lamport clocks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTimestamp, HybridClock, systemClock } from 'epsilon-clock';
import { LamportClock } from 'epsilon-clock/lamport';
import { DurableHybridClock } from 'epsilon-clock/node';
import { SharedHybridClock } from 'epsilon-clock/threads';
import { writeTimestamp } from 'epsilon-clock/timestamps';
import type { Row } from '../row.ts';
import { boundedClock } from '../worlds.ts';
import { kept, MASK, ring, slots, startWorker } from './kept.ts';

const view = new DataView(new ArrayBuffer(16));
const bytes = new Uint8Array(16);
const thousand = new BigInt64Array(1000);

export function lamport(): Row[] {
  const clock = new LamportClock({ nodeId: 'a' });
  return [
    {
      id: 'lamport.tick',
      operation: '`now()`',
      run: (i) => {
        kept[i & MASK] = clock.now();
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

export function hybrid(): Row[] {
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
      most: 1.2,
    },
    {
      id: 'hlc.into',
      operation: '`nowInto(slots, i)`',
      run: () => hlc.nowInto(slots, 1),
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
      result: () => hlc.now(),
      maxBytes: 40,
      target: { xFloor: 1.5 },
      most: 1.4,
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
      id: 'hlc.writeToBytes',
      operation: '`writeTo(bytes, i)`: 8 bytes of a `Uint8Array`',
      run: () => hlc.writeTo(bytes, 0),
      maxBytes: 0,
    },
    {
      id: 'hlc.reserveInto',
      batch: 10,
      operation: '`reserveInto(slots)`: 1000 timestamps',
      run: () => hlc.reserveInto(thousand),
      maxBytes: 0,
    },
    {
      id: 'hlc.uuidv7',
      batch: 100,
      operation: '`uuidv7()`',
      run: (i) => {
        const text = hlc.uuidv7();
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
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

/** A call site that sees both kinds of target, in a process of its own. */
export function hybridMixed(): Row[] {
  const hlc = new HybridClock({ clock: systemClock(), nodeId: 'a' });
  return [
    {
      id: 'hlc-mixed.writeTo',
      operation: '`writeTo`, a `DataView` and a `Uint8Array` in turn',
      run: (i) => hlc.writeTo((i & 1) === 0 ? view : bytes, 0),
      maxBytes: 0,
    },
  ];
}

/** The cost of a clock must not depend on how many clocks there are. */
export function secondHybrid(): Row[] {
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

export async function hybridOnBounded(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  return [
    {
      id: 'hlc-bounded.tick',
      operation: '`tick()`',
      run: () => hlc.tick(),
      maxBytes: 0,
      target: { xFloor: 1.35 },
      most: 1.2,
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

/** The file is on the disk of the temporary folder. The hot path never waits for it. */
export async function durable(): Promise<Row[]> {
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

export function shared(): Row[] {
  const hlc = new SharedHybridClock({ clock: systemClock(), nodeId: 'a' });
  const flag = new Int32Array(new SharedArrayBuffer(4));
  startWorker('rival', { handle: hlc.share(), flag });
  const run = (i: number): void => {
    kept[i & MASK] = hlc.now();
  };
  return [
    {
      id: 'shared.now',
      operation: '`now()`, alone',
      run,
      result: () => hlc.now(),
      target: { xFloor: 2 },
      most: 2.2,
    },
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
