/**
 * Readings of a bounded clock, in the thread that publishes, in a thread that attached, and from
 * the page that other processes read.
 */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BoundedClock,
  type BoundedClockHandle,
  type BoundedReader,
  type UnixNs,
} from 'epsilon-clock';
import { HostClock } from 'epsilon-clock/node';
import { unixNs } from 'epsilon-clock/time';
import type { Row } from '../row.ts';
import { boundedClock, learnedClock } from '../worlds.ts';
import { kept, MASK, slots, startWorker } from './kept.ts';

/** The rows of a reader, in any thread. */
export function readings(where: string, xFloor: number, reader: BoundedReader): Row[] {
  const t: UnixNs = unixNs(1_000_000_000n);
  return [
    {
      id: `${where}.readInto`,
      operation: '`readInto(slots)`',
      run: () => reader.readInto(slots),
      maxBytes: 0,
      target: { xFloor },
      most: 1.2,
    },
    {
      id: `${where}.after`,
      operation: '`after(t)`',
      run: (i) => {
        kept[i & MASK] = reader.after(t);
      },
      result: () => reader.after(t),
      maxBytes: 0,
      target: { xFloor },
      most: 1.2,
    },
    {
      id: `${where}.now`,
      operation: '`now()`, the object kept',
      run: (i) => {
        kept[i & MASK] = reader.now();
      },
      result: () => reader.now(),
      target: { xFloor: 1.8 },
      most: 1.7,
    },
  ];
}

export async function bounded(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  return readings('bounded', 1.3, clock);
}

export async function learned(): Promise<Row[]> {
  return readings('learned', 1.35, await learnedClock(5));
}

export async function attached(): Promise<Row[]> {
  const [handle] = (await once(startWorker('publisher'), 'message')) as [BoundedClockHandle];
  return readings('attached', 1.35, BoundedClock.attach(handle));
}

export async function attachedLearned(): Promise<Row[]> {
  const publisher = startWorker('publisher', { learned: true });
  const [handle] = (await once(publisher, 'message')) as [BoundedClockHandle];
  return readings('attached-learned', 1.35, BoundedClock.attach(handle));
}

export async function host(): Promise<Row[]> {
  const path = join(mkdtempSync(join(tmpdir(), 'bench-')), 'clock');
  await once(startWorker('publisher', { path }), 'message');
  return readings('host', 1.35, await HostClock.open({ path }));
}
