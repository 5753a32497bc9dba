import { describe, expect, it } from 'vitest';
import { CeilingFile, encodeCeiling } from '../../src/logical/durable-file.ts';
import {
  DurableHybridClock,
  type DurableHybridClockOptions,
} from '../../src/logical/durable-hybrid-clock.ts';
import { DurableClockInUseError } from '../../src/logical/durable-lock.ts';
import { asUnixNs, INT64_MAX } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { CrashDisk } from './crash-disk.ts';

const START = 1_795_227_787_000_000_000n;
const MS = 1_000_000n;
const path = '/d/hlc';
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** One machine: its clock, its disk, and a lock that tells whether it is taken. */
class Machine {
  readonly clock = new HandClock({ wall: START });
  readonly disk = new CrashDisk();
  locked = false;

  open(options: Partial<DurableHybridClockOptions> = {}): Promise<DurableHybridClock> {
    return this.run(
      DurableHybridClock.open({
        clock: this.clock,
        nodeId: 'a',
        path,
        windowMs: 100,
        disk: this.disk,
        lock: async (name) => {
          if (this.locked) throw new DurableClockInUseError(name);
          this.locked = true;
          return () => {
            this.locked = false;
          };
        },
        ...options,
      }),
    );
  }

  /** Performs disk calls, and advances time when there are none, until `promise` settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    for (;;) {
      await turn();
      if (settled) return promise;
      if (!this.disk.step()) this.clock.advance(MS);
    }
  }

  /** Performs all pending disk calls. No time passes. */
  async idle(): Promise<void> {
    do await turn();
    while (this.disk.step());
  }

  /** Milliseconds of physical time since the test began. */
  elapsedMs(): number {
    return Number(this.clock.wallNs() - START) / 1e6;
  }

  kill(): void {
    this.disk.kill();
    this.clock.kill();
    this.locked = false;
  }
}

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('reservation', () => {
  it('the first start reserves a window before any timestamp', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    expect(hlc.stats()).toEqual({
      backgroundWrites: 1,
      urgentWrites: 0,
      failedWrites: 0,
      failure: undefined,
      ceilingNs: START + 100n * MS,
    });
    expect(hlc.startedAheadNs).toBe(0n);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(START + 100n * MS));
  });

  it('while the event loop turns, no caller waits for the disk', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    for (let ms = 0; ms < 1000; ms++) {
      const calls = machine.disk.log.length;
      hlc.now();
      expect(machine.disk.log.length).toBe(calls);
      machine.clock.advance(MS);
      await machine.idle();
    }
    // The first write, and one per half window.
    expect(hlc.stats()).toMatchObject({ backgroundWrites: 21, urgentWrites: 0 });
  });

  it('writes nothing while physical time, moved back, is behind the clock', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    hlc.now();
    machine.clock.wallOffset -= 3_600_000n * MS;
    for (let ms = 0; ms < 1000; ms++) {
      hlc.now();
      machine.clock.advance(MS);
      await machine.idle();
    }
    expect(hlc.peek()).toBe(START + 1000n);
    expect(hlc.stats()).toMatchObject({ backgroundWrites: 1, urgentWrites: 0 });
  });

  // Each row reaches the ceiling, which is 100 ms ahead, in a different way.
  it.each([
    ['a blocked event loop', (m: Machine) => (m.clock.wallOffset += 150n * MS), 'now'],
    [
      'a wall clock stepping forward',
      (m: Machine) => (m.clock.wallOffset += 3_600_000n * MS),
      'now',
    ],
    ['a remote far ahead, within the limit', () => {}, 'receive'],
    ['a floor far ahead', () => {}, 'nowAtLeast'],
  ])('%s costs one synchronous write, which is counted', async (_, happens, method) => {
    const machine = new Machine();
    const hlc = await machine.open();
    happens(machine);
    const floor = machine.clock.wallNs() + 400n * MS;
    const timestamp =
      method === 'now'
        ? hlc.now()
        : method === 'receive'
          ? hlc.receive(floor)
          : hlc.nowAtLeast(floor);
    expect(hlc.stats().urgentWrites).toBe(1);
    expect(hlc.stats().ceilingNs).toBe(timestamp + 100n * MS);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(timestamp + 100n * MS));
    hlc.now();
    expect(hlc.stats().urgentWrites).toBe(1);
  });

  it('the last timestamp under the ceiling needs no write, the next one does', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    const { ceilingNs } = hlc.stats();
    expect(hlc.nowAtLeast(ceilingNs)).toBe(ceilingNs);
    expect(hlc.stats().urgentWrites).toBe(0);
    expect(hlc.now()).toBe(ceilingNs + 1n);
    expect(hlc.stats().urgentWrites).toBe(1);
  });

  it('a refused remote reserves nothing', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    expect(thrown(() => hlc.receive(START + 501n * MS))).toMatchObject({
      code: 'ERR_TIMESTAMP_AHEAD',
    });
    expect(hlc.stats().urgentWrites).toBe(0);
  });

  it('throws at the end of int64', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    expect(hlc.nowAtLeast(INT64_MAX - 1n)).toBe(INT64_MAX - 1n);
    expect(hlc.stats().ceilingNs).toBe(INT64_MAX);
    expect(hlc.now()).toBe(INT64_MAX);
    expect(thrown(() => hlc.now())).toMatchObject({ code: 'ERR_TIMESTAMP_EXHAUSTED' });
    expect(hlc.peek()).toBe(INT64_MAX);
  });
});

describe('a disk that fails', () => {
  it('goes unnoticed when the next try in the background succeeds', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    machine.disk.failNext('fsync', 'EIO', 2);
    for (let ms = 0; ms < 200; ms++) {
      machine.clock.advance(MS);
      await machine.idle();
      if (ms === 60) expect(hlc.stats().failure).toMatchObject({ systemCode: 'EIO' });
      hlc.now();
    }
    expect(hlc.stats()).toMatchObject({ urgentWrites: 0, failedWrites: 2, failure: undefined });
  });

  it('throws once the reservation is used up, changes nothing, and recovers', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    machine.disk.failNext('writeFile', 'ENOSPC', 1_000);
    const last = hlc.now();
    machine.clock.wallOffset += 101n * MS;
    const error = { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: 'ENOSPC', path };
    const target = new BigInt64Array([7n]);
    const view = new DataView(new ArrayBuffer(8));
    for (const event of [
      () => hlc.now(),
      () => hlc.tick(),
      () => hlc.stamp(),
      () => hlc.nowAtLeast(START),
      () => hlc.receive(START),
      () => hlc.receiveAll([START]),
      () => hlc.nowInto(target, 0),
      () => hlc.writeTo(view, 0),
    ]) {
      expect(thrown(event)).toMatchObject(error);
      expect(hlc.peek()).toBe(last);
    }
    expect(target[0]).toBe(7n);
    expect(view.getBigUint64(0)).toBe(0n);
    expect(hlc.stats()).toMatchObject({ failedWrites: 8, ceilingNs: START + 100n * MS });
    machine.disk.heal();
    expect(hlc.now()).toBe(START + 101n * MS);
    expect(hlc.stats().failure).toBeUndefined();
  });

  it('makes open fail with the error of the disk, and the lock is released', async () => {
    for (const call of ['open', 'writeFile', 'fsync', 'close', 'rename'] as const) {
      const machine = new Machine();
      machine.disk.failNext(call, 'EROFS');
      const error = { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: 'EROFS', path };
      await expect(machine.open()).rejects.toMatchObject(error);
      expect(machine.locked).toBe(false);
      await machine.open();
    }
  });

  it('an unreadable file is not taken for a first start', async () => {
    for (const code of ['EIO', 'EACCES', 'EISDIR']) {
      const machine = new Machine();
      machine.disk.put(path, encodeCeiling(START));
      machine.disk.failNext('readFile', code);
      const error = { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: code };
      await expect(machine.open()).rejects.toMatchObject(error);
      expect(machine.locked).toBe(false);
      expect(machine.disk.content(path)).toEqual(encodeCeiling(START));
    }
  });

  it('a damaged file is refused and left as it is', async () => {
    const machine = new Machine();
    const torn = encodeCeiling(START).slice(0, 40);
    machine.disk.put(path, torn);
    const error = { code: 'ERR_DURABLE_CLOCK_FILE', reason: 'length', path };
    await expect(machine.open()).rejects.toMatchObject(error);
    expect(machine.disk.content(path)).toEqual(torn);
    expect(machine.locked).toBe(false);
  });
});

describe('a restart', () => {
  it('waits until physical time is past the ceiling', async () => {
    const machine = new Machine();
    const last = (await machine.open()).now();
    machine.kill();
    machine.clock.wallOffset -= 30n * MS;
    const hlc = await machine.open(); // the ceiling is 130 ms ahead, more than a window
    expect(machine.elapsedMs()).toBeGreaterThanOrEqual(70);
    expect(machine.elapsedMs()).toBeLessThan(75);
    expect(hlc.startedAheadNs).toBeGreaterThan(25n * MS);
    expect(hlc.now()).toBeGreaterThan(last);
    machine.kill();

    machine.clock.wallOffset += 120n * MS;
    const before = machine.clock.wallNs();
    const next = await machine.open();
    expect(next.startedAheadNs).toBe(0n);
    expect(next.leadNs()).toBe(0n);
    expect(machine.clock.wallNs()).toBeGreaterThan(before);
    expect(next.now()).toBe(machine.clock.wallNs());
  });

  it('starts ahead when one window of waiting is not enough, and says by how much', async () => {
    const machine = new Machine();
    const { ceilingNs } = (await machine.open()).stats();
    machine.kill();
    machine.clock.wallOffset -= 10_000n * MS;
    const stepped = machine.clock.monotonicNs();
    const hlc = await machine.open();
    expect(machine.clock.monotonicNs() - stepped).toBe(100n * MS);
    expect(hlc.startedAheadNs).toBe(ceilingNs - machine.clock.wallNs());
    expect(hlc.leadNs()).toBe(hlc.startedAheadNs);
    expect(hlc.now()).toBe(ceilingNs + 1n);
  });

  it('starts above `startAfter` too, whichever is greater', async () => {
    const machine = new Machine();
    const hlc = await machine.open({ startAfter: START + 7_000n * MS });
    expect(hlc.now()).toBe(START + 7_000n * MS + 1n);
    expect(hlc.stats()).toMatchObject({ urgentWrites: 0 });
  });

  it('with an unsynchronised bounded clock starts above the ceiling without a wait', async () => {
    const machine = new Machine();
    const { ceilingNs } = (await machine.open()).stats();
    machine.kill();
    let synchronized = false;
    const bounded = {
      physicalNs: () => {
        if (synchronized) return machine.clock.wallNs();
        throw Object.assign(new Error(), { code: 'ERR_CLOCK_UNSYNCHRONIZED' });
      },
    };
    const before = machine.clock.monotonicNs();
    const hlc = await machine.open({ clock: bounded, timers: machine.clock });
    expect(machine.clock.monotonicNs()).toBe(before);
    expect(() => hlc.now()).toThrow();
    synchronized = true;
    expect(hlc.now()).toBe(ceilingNs + 1n);
  });
});

describe('a ceiling that is forgotten', () => {
  const YEAR = 365n * 86_400_000n * MS;

  /** A machine whose clock was three years ahead for a while, and is right again. */
  async function onceAhead(): Promise<{ machine: Machine; ceilingNs: bigint }> {
    const machine = new Machine();
    machine.clock.wallOffset += 3n * YEAR;
    const hlc = await machine.open();
    hlc.now();
    const { ceilingNs } = hlc.stats();
    machine.kill();
    machine.clock.wallOffset -= 3n * YEAR;
    return { machine, ceilingNs };
  }

  it('lets the clock start from physical time, and the file holds the new ceiling', async () => {
    const { machine, ceilingNs } = await onceAhead();
    const ahead = await machine.open();
    expect(ahead.startedAheadNs).toBeGreaterThan(2n * YEAR);
    await machine.run(ahead.close()); // this clock handed out no timestamp
    const again = await machine.open({ forgetCeiling: ceilingNs });
    expect(again.startedAheadNs).toBe(0n);
    expect(again.now()).toBe(machine.clock.wallNs());
    expect(again.stats().ceilingNs).toBe(machine.clock.wallNs() + 100n * MS);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(again.stats().ceilingNs));
  });

  it('is forgotten once: every other ceiling is kept', async () => {
    const { machine, ceilingNs } = await onceAhead();
    for (const other of [ceilingNs - 1n, ceilingNs + 1n, 0n]) {
      const kept = await machine.open({ forgetCeiling: other });
      expect(kept.startedAheadNs).toBeGreaterThan(2n * YEAR);
      await machine.run(kept.close());
    }
    const first = await machine.open({ forgetCeiling: ceilingNs });
    const last = first.nowAtLeast(machine.clock.wallNs() + 10_000n * MS);
    machine.kill();
    const second = await machine.open({ forgetCeiling: ceilingNs });
    expect(second.now()).toBeGreaterThan(last);
  });

  it('still starts above `startAfter`', async () => {
    const { machine, ceilingNs } = await onceAhead();
    const after = machine.clock.wallNs() + 7_000n * MS;
    const hlc = await machine.open({ forgetCeiling: ceilingNs, startAfter: after });
    expect(hlc.now()).toBe(after + 1n);
  });

  it('stays when the new one could not be written', async () => {
    const { machine, ceilingNs } = await onceAhead();
    machine.disk.failNext('fsync', 'EIO');
    const error = { code: 'ERR_DURABLE_CLOCK_STORAGE' };
    await expect(machine.open({ forgetCeiling: ceilingNs })).rejects.toMatchObject(error);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(ceilingNs));
  });
});

describe('close', () => {
  it('lets the next start begin at once, right after the last timestamp', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    const last = hlc.nowAtLeast(START + 50n * MS);
    await machine.run(hlc.close());
    expect(machine.disk.content(path)).toEqual(encodeCeiling(last));
    expect(machine.locked).toBe(false);
    expect(machine.clock.pending()).toEqual({ foreground: 0, background: 0 });
    machine.clock.wallOffset += 51n * MS;
    const before = machine.clock.monotonicNs();
    const next = await machine.open();
    expect(machine.clock.monotonicNs()).toBe(before);
    expect(next.peek()).toBe(last);
  });

  it('refuses every timestamp from then on, also while close is pending', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    const last = hlc.now();
    const closing = hlc.close();
    const error = { code: 'ERR_DURABLE_CLOCK_CLOSED', path };
    for (let i = 0; i < 20; i++) {
      expect(thrown(() => hlc.now())).toMatchObject(error);
      machine.disk.step();
      await turn();
    }
    await closing;
    expect(thrown(() => hlc.receive(START + 5n * MS))).toMatchObject(error);
    expect(hlc.peek()).toBe(last);
    expect(hlc.close()).toBe(closing);
  });

  it('waits for the pending write before it lowers the ceiling and unlocks', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    const last = hlc.now();
    machine.clock.advance(50n * MS); // the renewal begins
    await turn();
    machine.disk.step();
    machine.disk.log.length = 0;
    await machine.run(hlc.close());
    await machine.idle();
    const rest = ['writeFile', 'fsync', 'close', 'rename', 'open', 'fsync', 'close'];
    expect(machine.disk.log).toEqual([...rest, 'open', ...rest]);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(last));
  });

  it('does not reject when the last write fails; the ceiling stays', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    const { ceilingNs } = hlc.stats();
    machine.disk.failNext('open', 'EIO');
    await machine.run(hlc.close());
    expect(machine.locked).toBe(false);
    const file = CeilingFile.read(path, machine.disk);
    expect((await machine.run(file)).ceilingNs).toBe(ceilingNs);
  });

  it('releases the lock also when physical time can’t be read any more', async () => {
    const machine = new Machine();
    let dead = false;
    const dying = {
      wallNs: () => {
        if (dead) throw new Error('no clock');
        return machine.clock.wallNs();
      },
    };
    const hlc = await machine.open({ clock: dying, timers: machine.clock });
    const last = hlc.now();
    dead = true;
    machine.clock.advance(50n * MS); // a renewal, whose errors no caller could catch
    await machine.idle();
    expect(() => hlc.now()).toThrow('no clock');
    await machine.run(hlc.close());
    expect(machine.locked).toBe(false);
    expect(machine.disk.content(path)).toEqual(encodeCeiling(last));
  });

  it('comes with `await using`', async () => {
    const machine = new Machine();
    const hlc = await machine.open();
    await machine.run(hlc[Symbol.asyncDispose]());
    expect(machine.locked).toBe(false);
  });
});

describe('options', () => {
  it.each([
    [{ path: '' }, 'ERR_INVALID_ARG_TYPE'],
    [{ path: 7 as never }, 'ERR_INVALID_ARG_TYPE'],
    [{ windowMs: 9 }, 'ERR_OUT_OF_RANGE'],
    [{ windowMs: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    [{ nodeId: 'no spaces' }, 'ERR_OUT_OF_RANGE'],
    [{ clock: undefined as never }, 'ERR_INVALID_ARG_TYPE'],
    [{ startAfter: -1n }, 'ERR_OUT_OF_RANGE'],
    [{ forgetCeiling: 5 as never }, 'ERR_INVALID_ARG_TYPE'],
    [{ forgetCeiling: -1n }, 'ERR_OUT_OF_RANGE'],
  ])('%o is refused before a file is touched', async (options, code) => {
    const machine = new Machine();
    await expect(machine.open(options)).rejects.toMatchObject({ code });
    expect(machine.disk.log).toEqual([]);
    expect(machine.locked).toBe(false);
  });

  it('a second clock on the file is refused', async () => {
    const machine = new Machine();
    await machine.open();
    await expect(machine.open()).rejects.toMatchObject({ code: 'ERR_DURABLE_CLOCK_IN_USE' });
    expect(machine.locked).toBe(true);
  });

  it('uses the system’s timers with a clock that has none', async () => {
    const machine = new Machine();
    const hlc = await machine.open({ clock: { wallNs: () => asUnixNs(START) } });
    expect(hlc.now()).toBe(START);
    await machine.run(hlc.close());
  });
});
