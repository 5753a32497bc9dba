import { expect, test } from 'vitest';
import { Random } from '../../src/sim/random.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { SimProcess, type SimProcessOptions } from '../../src/sim/sim-process.ts';

const NS_PER_MS = 1_000_000;

function world(options: SimProcessOptions = {}) {
  const scheduler = new Scheduler();
  return { scheduler, process: new SimProcess('p', scheduler, new Random(1), options) };
}

test('a paused process runs nothing until the pause ends, then everything in order', () => {
  const { scheduler, process } = world();
  const seen: [string, number][] = [];
  const note = (name: string) => () => seen.push([name, scheduler.elapsedNs / NS_PER_MS]);
  process.start(({ clock }) => {
    clock.setTimer(10, note('timer 10'));
    clock.setTimer(30, note('timer 30'));
    clock.setTimer(200, note('timer 200'));
  });
  scheduler.at(20 * NS_PER_MS, process.bind(note('message')));
  scheduler.at(5 * NS_PER_MS, () => process.pause(100));
  scheduler.run(1000 * NS_PER_MS);
  expect(seen).toEqual([
    ['timer 10', 105],
    ['message', 105],
    ['timer 30', 105],
    ['timer 200', 200],
  ]);
});

test('during a suspend the wall clock goes on and the monotonic clock does not', () => {
  const { scheduler, process } = world({ clock: { wallGridNs: 1 } });
  const { clock } = process;
  const monotonic = clock.monotonicNs();
  process.suspend(500);
  scheduler.run(600 * NS_PER_MS);
  expect(clock.monotonicNs() - monotonic).toBe(100_000_000n);
  expect(clock.wallReadNs()).toBe(scheduler.trueNs());
});

test('a freeze is invisible from inside: no clock shows it', () => {
  const { scheduler, process } = world({ clock: { wallGridNs: 1 } });
  const { clock } = process;
  const before = [clock.monotonicNs(), clock.wallReadNs(), clock.bootNs()!] as const;
  process.freeze(500);
  scheduler.run(500 * NS_PER_MS);
  expect([clock.monotonicNs(), clock.wallReadNs(), clock.bootNs()]).toEqual(before);
});

test('a crash ends timers, turns and pending promises; a restart finds what was synced', async () => {
  const { scheduler, process } = world();
  const seen: string[] = [];
  const text = (name: string) => new TextDecoder().decode(process.storage.read(name));
  const bytes = (value: string) => new TextEncoder().encode(value);
  process.start(async ({ clock, incarnation, storage }) => {
    seen.push(`start ${incarnation}: ${text('synced')}|${text('unsynced')}`);
    storage.write('synced', bytes(`by ${incarnation}`));
    storage.sync();
    storage.write('unsynced', bytes('lost'));
    clock.setTimer(50, () => seen.push(`timer of ${incarnation}`));
    await new Promise<void>((done) => clock.setTimer(60, done));
    seen.push(`woke ${incarnation}`);
  });
  scheduler.at(20 * NS_PER_MS, () => {
    process.crash();
    process.restart(5);
  });
  await scheduler.runAsync(500 * NS_PER_MS);
  expect(seen).toEqual(['start 0: |', 'start 1: by 0|', 'timer of 1', 'woke 1']);
  expect(process.running).toBe(true);
});

test('preemption strikes between a clock read and the next line, and delays what is addressed to it', () => {
  const { scheduler, process } = world({ preemption: { probability: 0.5, maxMs: 20 } });
  const gaps: number[] = [];
  let overlapping = 0;
  let busyUntil = 0;
  const step = process.bind(() => {
    if (scheduler.elapsedNs < busyUntil) overlapping++;
    const first = process.clock.monotonicNs();
    const second = process.clock.monotonicNs();
    gaps.push(Number(second - first));
    busyUntil = scheduler.elapsedNs;
  });
  for (let i = 0; i < 2000; i++) scheduler.at(i * NS_PER_MS, step);
  scheduler.run(3600e9);
  expect(gaps).toHaveLength(2000);
  expect(overlapping).toBe(0); // one callback at a time
  const paused = gaps.filter((gap) => gap > 0);
  expect(paused.length / gaps.length).toBeCloseTo(0.5, 1);
  expect(Math.max(...gaps)).toBeGreaterThan(10 * NS_PER_MS);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(20 * NS_PER_MS + 1);
});

test('storage returns copies, and a delete survives a crash only when synced', () => {
  const { process } = world();
  const { storage } = process;
  const value = Uint8Array.of(1);
  storage.write('k', value);
  value[0] = 2;
  expect(storage.read('k')).toEqual(Uint8Array.of(1));
  storage.read('k')![0] = 3;
  expect(storage.read('k')).toEqual(Uint8Array.of(1));
  storage.sync();
  storage.delete('k');
  expect(storage.read('k')).toBeUndefined();
  process.crash();
  expect(storage.read('k')).toEqual(Uint8Array.of(1));
});
