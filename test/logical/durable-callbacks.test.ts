import { describe, expect, test } from 'vitest';
import type { Disk, DiskCall } from '../../src/logical/durable-file.ts';
import {
  DurableHybridClock,
  type DurableHybridClockOptions,
} from '../../src/logical/durable-hybrid-clock.ts';
import type { FileLock } from '../../src/logical/durable-lock.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { unhandledRejections } from '../kit/unhandled.ts';
import { CrashDisk } from './crash-disk.ts';

/** Locks and disks of the user that throw, reject, return nonsense, or never answer. */

const boom = (): never => {
  throw new Error('boom');
};
const never = (): Promise<never> => new Promise(() => {});
const freeLock: FileLock = async () => () => {};

/** Opens a clock. If its disk works, performs its calls until the promise has settled. */
async function open(options: Partial<DurableHybridClockOptions>) {
  const clock = new HandClock();
  const disk = new CrashDisk();
  let settled = false;
  const opening = DurableHybridClock.open({
    clock,
    nodeId: 'a',
    path: '/d/hlc',
    windowMs: 100,
    disk,
    lock: freeLock,
    ...options,
  });
  const done = () => {
    settled = true;
  };
  opening.then(done, done);
  for (let turns = 0; !settled && turns < 1000; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!disk.step()) clock.advance(1_000_000n);
  }
  return { clock, disk, settled, opening };
}

describe('a lock that', () => {
  test.each<[string, () => unknown]>([
    ['throws', boom],
    ['rejects', async () => boom()],
  ])('%s makes open fail with that error', async (_, lock) => {
    await expect((await open({ lock: lock as FileLock })).opening).rejects.toThrow('boom');
  });

  test.each<[string, () => unknown]>([
    ['gives nothing', () => undefined],
    ['gives a number', async () => 5],
  ])('%s counts as no lock', async (_, lock) => {
    await expect((await open({ lock: lock as FileLock })).opening).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  test('never answers keeps only open waiting', async () => {
    const { clock, settled } = await open({ lock: never });
    expect(settled).toBe(false);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test.each<[string, () => unknown, string | undefined]>([
    ['throws', boom, 'boom'],
    ['rejects', async () => boom(), 'boom'],
    ['gives nonsense', () => 5, undefined],
    ['never ends', never, undefined],
  ])('whose release %s is closed all the same', async (_, release, message) => {
    const { opening, disk } = await open({ lock: async () => release as () => void });
    const hlc = await opening;
    const unhandled = message === undefined ? undefined : unhandledRejections();
    let closed = false;
    void hlc.close().then(() => {
      closed = true;
    });
    for (let turns = 0; !closed && turns < 100; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      disk.step();
    }
    expect(closed).toBe(true);
    expect(await unhandled).toEqual(message === undefined ? undefined : [new Error(message)]);
    expect(() => hlc.now()).toThrow(expect.objectContaining({ code: 'ERR_DURABLE_CLOCK_CLOSED' }));
  });
});

describe('a disk that', () => {
  const ways: readonly (readonly [string, () => unknown])[] = [
    ['throws', boom],
    ['throws nothing', () => Promise.reject(undefined)],
    ['rejects', async () => boom()],
    ['gives nonsense', async () => 5],
    ['returns no promise', () => undefined],
  ];
  test.each(ways)(
    '%s when it is read makes open fail: ERR_DURABLE_CLOCK_STORAGE',
    async (_, fail) => {
      for (const name of ['realpath', 'readFile'] as const) {
        const working = new CrashDisk();
        const later = (call: DiskCall): unknown => {
          if (call[0] === name) return fail();
          return call[0] === 'realpath' ? Promise.resolve(call[1]) : working.later(call);
        };
        const disk: Disk = { now: (call) => working.now(call), later: later as Disk['later'] };
        await expect((await open({ disk })).opening).rejects.toMatchObject({
          code: 'ERR_DURABLE_CLOCK_STORAGE',
        });
      }
    },
  );

  test.each([...ways.slice(0, 3), ['never answers', never] as const])(
    '%s in the background leaves timestamps to the urgent writes',
    async (_, fail) => {
      const working = new CrashDisk();
      let broken = false;
      const disk: Disk = {
        now: (call) => working.now(call),
        later: (call) => {
          if (broken) return fail() as Promise<unknown>;
          return Promise.resolve(working.now(call));
        },
      };
      const { clock, opening } = await open({ disk });
      const hlc = await opening;
      broken = true;
      let last = hlc.now();
      for (let i = 0; i < 50; i++) {
        clock.advance(20_000_000n);
        await new Promise((resolve) => setImmediate(resolve));
        const next = hlc.now();
        expect(next).toBeGreaterThan(last);
        last = next;
      }
      expect(hlc.stats().urgentWrites).toBeGreaterThan(3);
    },
  );
});
