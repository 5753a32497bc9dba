import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JumpDetector } from '../../src/time/jump-detector.ts';
import { HandClock } from '../kit/hand-clock.ts';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1000n * NS_PER_MS;

/** A clock with the grids of Linux. */
function newClock(boot = true): HandClock {
  return new HandClock({
    boot,
    monotonicGridNs: 1n,
    wallGridNs: NS_PER_MS,
    bootGridNs: 10n * NS_PER_MS,
  });
}

/** A clock without grids, so that thresholds can be tested to the nanosecond. */
function exactClock(boot: boolean): HandClock {
  const clock = newClock(boot);
  clock.wallGridNs = 1n;
  return clock;
}

const near = (value: bigint | undefined, target: bigint, within: bigint): void => {
  const distance = value! < target ? target - value! : value! - target;
  expect(distance <= within, `${value} is within ${within} of ${target}`).toBe(true);
};

describe.each([true, false])('with a clock that counts suspend: %s', (boot) => {
  it('reports nothing in normal operation', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n * NS_PER_SECOND }), (elapsed) => {
        clock.advance(elapsed);
        expect(detector.check()).toBeUndefined();
      }),
      { seed: 20_106 },
    );
  });

  it('reports no jump for a stopped process: all clocks ran on', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(30n * NS_PER_SECOND);
    expect(detector.check()).toBeUndefined();
  });

  it('lets a wall clock that is slewed alone by up to 1000 ppm pass', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    for (const sign of [1n, -1n]) {
      clock.advance(60n * NS_PER_SECOND);
      clock.wallOffset += sign * 60n * NS_PER_MS;
      expect(detector.check()).toBeUndefined();
    }
  });

  it.each([1n, -1n])('draws the line at 3 ms + 1000 ppm (direction %s)', (sign) => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * NS_PER_SECOND);
    clock.wallOffset += sign * 5n * NS_PER_MS;
    expect(detector.check()).toBeUndefined();
    clock.advance(2n * NS_PER_SECOND);
    clock.wallOffset += sign * (5n * NS_PER_MS + 1n);
    expect(detector.check()).toBeDefined();
  });

  it('mayHaveJumped uses the wall clock alone, and does not count as a check', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * NS_PER_SECOND);
    clock.wallOffset += 5n * NS_PER_MS;
    expect(detector.mayHaveJumped()).toBe(false);
    clock.wallOffset += 1n;
    expect(detector.mayHaveJumped()).toBe(true);
    expect(detector.check()).toMatchObject({ elapsedNs: 2n * NS_PER_SECOND });
    expect(detector.mayHaveJumped()).toBe(false);
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    clock.wallOffset -= 700n * NS_PER_MS;
    expect(detector.mayHaveJumped()).toBe(false); // not readable: no sign of a jump
  });

  it('asks for a full check when the last one is long ago', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * NS_PER_SECOND);
    expect(detector.mayHaveJumped()).toBe(false);
    clock.advance(1n);
    expect(detector.mayHaveJumped()).toBe(true);
    expect(detector.check()).toBeUndefined();
    expect(detector.mayHaveJumped()).toBe(false);
  });

  it('keeps its earlier snapshot when the clocks cannot be read, and compares later', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    clock.wallOffset -= 700n * NS_PER_MS;
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    expect(detector.check()).toBeUndefined();
    clock.onRead = () => {};
    expect(detector.check()?.kind).toBe(boot ? 'step' : 'step-or-suspend');
    expect(detector.check()).toBeUndefined(); // reported once
  });

  it('begins at the first check that succeeds', () => {
    const clock = newClock();
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    const detector = new JumpDetector(clock);
    clock.onRead = () => {};
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toBeUndefined();
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toBeDefined();
  });
});

describe('on a machine with a clock that counts suspend', () => {
  it.each([
    -3600n * NS_PER_SECOND,
    -300n * NS_PER_MS,
    -6n * NS_PER_MS,
    50n * NS_PER_MS,
    300n * NS_PER_MS,
    3600n * NS_PER_SECOND,
  ])('a wall clock set by %s ns is a step', (stepNs) => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.advance(NS_PER_SECOND);
    clock.wallOffset += stepNs;
    const jump = detector.check();
    expect(jump).toMatchObject({ kind: 'step' });
    near(jump?.kind === 'step' ? jump.stepNs : undefined, stepNs, 2n * NS_PER_MS);
    near(jump?.elapsedNs, NS_PER_SECOND, NS_PER_MS);
  });

  it.each([60n * NS_PER_MS, 5n * NS_PER_SECOND, 36_000n * NS_PER_SECOND])(
    'sleeping %s ns is a suspend',
    (slept) => {
      const clock = newClock();
      const detector = new JumpDetector(clock);
      clock.advance(NS_PER_SECOND);
      clock.suspend(slept);
      const jump = detector.check();
      expect(jump).toMatchObject({ kind: 'suspend', stepNs: 0n });
      near(jump?.kind === 'suspend' ? jump.suspendNs : undefined, slept, 20n * NS_PER_MS);
    },
  );

  it('says how long one was on a machine that has slept for days before', () => {
    const clock = newClock();
    clock.bootOffset = 3n * 86_400n * NS_PER_SECOND;
    const detector = new JumpDetector(clock);
    clock.advance(NS_PER_SECOND);
    expect(detector.check()).toBeUndefined();
    clock.suspend(5n * NS_PER_SECOND);
    const jump = detector.check();
    near(
      jump?.kind === 'suspend' ? jump.suspendNs : undefined,
      5n * NS_PER_SECOND,
      20n * NS_PER_MS,
    );
  });

  // Five minutes of slewing at 1000 ppm could move the wall clock as far, but never the boot clock.
  it('sees a short suspend within a long pause', () => {
    const clock = exactClock(true);
    const detector = new JumpDetector(clock);
    clock.suspend(100n * NS_PER_MS);
    clock.advance(300n * NS_PER_SECOND);
    expect(detector.check()).toMatchObject({ kind: 'suspend' });
  });

  it('reports no suspend when only the boot clock moves', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    for (const move of [459n * NS_PER_MS, 5n * NS_PER_SECOND, -5n * NS_PER_SECOND]) {
      clock.bootOffset! += move;
      expect(detector.check()).toBeUndefined();
    }
  });

  it.each([-2n * NS_PER_SECOND, 2n * NS_PER_SECOND])(
    'reports a step of %s ns besides a suspend',
    (stepNs) => {
      const clock = newClock();
      const detector = new JumpDetector(clock);
      clock.suspend(5n * NS_PER_SECOND);
      clock.wallOffset += stepNs;
      const jump = detector.check();
      expect(jump).toMatchObject({ kind: 'suspend' });
      if (jump?.kind !== 'suspend') return;
      near(jump.suspendNs, 5n * NS_PER_SECOND, 20n * NS_PER_MS);
      near(jump.stepNs, stepNs, 22n * NS_PER_MS);
    },
  );

  it('leaves the kind of a jump open that fits into the boot clock grid', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.suspend(9n * NS_PER_MS);
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
  });

  it('is not misled by a pre-emption around the boot clock', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    let pauses = 2;
    clock.onRead = (which) => which === 'boot' && pauses-- > 0 && clock.advance(NS_PER_SECOND);
    expect(detector.check()).toBeUndefined();
    expect(pauses).toBeLessThan(0);
  });

  it('compares boot times across checks without one', () => {
    const clock = exactClock(true);
    const detector = new JumpDetector(clock);
    const { bootOffset } = clock;
    // Too short to stand out from five minutes of slewing; the check after it has no boot time.
    clock.suspend(100n * NS_PER_MS);
    clock.advance(300n * NS_PER_SECOND);
    clock.bootOffset = undefined;
    expect(detector.check()).toBeUndefined();
    clock.bootOffset = bootOffset! + 100n * NS_PER_MS;
    clock.advance(NS_PER_SECOND);
    expect(detector.check()).toMatchObject({ kind: 'suspend', stepNs: 0n });
    expect(detector.check()).toBeUndefined();
  });

  it('reports a suspend once, with or without a boot time at that check', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    const { bootOffset } = clock;
    clock.suspend(5n * NS_PER_SECOND);
    clock.bootOffset = undefined;
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
    clock.bootOffset = bootOffset! + 5n * NS_PER_SECOND;
    expect(detector.check()).toBeUndefined();
    clock.suspend(5n * NS_PER_SECOND);
    expect(detector.check()).toMatchObject({ kind: 'suspend' });
  });

  it('compares a step with the last check, however long ago the last boot time was', () => {
    const clock = exactClock(true);
    const detector = new JumpDetector(clock);
    const { bootOffset } = clock;
    clock.bootOffset = undefined;
    clock.advance(3600n * NS_PER_SECOND);
    expect(detector.check()).toBeUndefined();
    clock.bootOffset = bootOffset;
    clock.wallOffset -= NS_PER_SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step' });
  });

  it('leaves the kind open across a check without boot time', () => {
    const clock = newClock();
    const { bootOffset } = clock;
    clock.bootOffset = undefined;
    const detector = new JumpDetector(clock);
    clock.bootOffset = bootOffset;
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step' });
  });
});

/**
 * With clocks that are read exactly: two reads may differ by 3 ms, and two grids of the coarsest
 * boot clock are 20 ms.
 */
describe('to the nanosecond', () => {
  const MS = NS_PER_MS;
  const READS = 3n * MS;
  const READS_AND_GRIDS = 23n * MS;

  it.each([
    // How long the machine slept, how far the wall clock was set besides, and what that is.
    [0n, READS, undefined],
    [0n, -READS, undefined],
    [0n, READS + 1n, { kind: 'step-or-suspend', changeNs: READS + 1n }],
    [0n, -READS - 1n, { kind: 'step', stepNs: -READS - 1n }],
    [0n, READS_AND_GRIDS, { kind: 'step-or-suspend', changeNs: READS_AND_GRIDS }],
    [0n, READS_AND_GRIDS + 1n, { kind: 'step', stepNs: READS_AND_GRIDS + 1n }],
    [READS_AND_GRIDS, 0n, { kind: 'step-or-suspend', changeNs: READS_AND_GRIDS }],
    [READS_AND_GRIDS + 1n, 0n, { kind: 'suspend', suspendNs: READS_AND_GRIDS + 1n, stepNs: 0n }],
    [50n * MS, READS_AND_GRIDS, { kind: 'suspend', suspendNs: 50n * MS, stepNs: 0n }],
    [50n * MS, -READS_AND_GRIDS, { kind: 'suspend', suspendNs: 50n * MS, stepNs: 0n }],
    [
      50n * MS,
      READS_AND_GRIDS + 1n,
      { kind: 'suspend', suspendNs: 50n * MS, stepNs: READS_AND_GRIDS + 1n },
    ],
    [
      50n * MS,
      -READS_AND_GRIDS - 1n,
      { kind: 'suspend', suspendNs: 50n * MS, stepNs: -READS_AND_GRIDS - 1n },
    ],
    // The wall clock was set back by almost as much: it shows nothing.
    [50n * MS, READS - 50n * MS, undefined],
    [
      50n * MS,
      READS + 1n - 50n * MS,
      { kind: 'suspend', suspendNs: 50n * MS, stepNs: READS + 1n - 50n * MS },
    ],
  ])('%i ns of sleep and a step of %i ns: %o', (slept, step, jump) => {
    const clock = new HandClock();
    const detector = new JumpDetector(clock);
    clock.suspend(slept);
    clock.wallOffset += step;
    const seen = detector.check();
    expect(seen && { ...seen, toJSON: undefined }).toEqual(jump && { ...jump, elapsedNs: 0n });
    expect(detector.check()).toBeUndefined();
  });

  it('a thousandth of the time since the last check, and since the last boot time, is slewing', () => {
    const clock = new HandClock();
    const detector = new JumpDetector(clock);
    clock.advance(NS_PER_SECOND);
    clock.wallOffset += READS + MS;
    expect(detector.check()).toBeUndefined();
    clock.advance(NS_PER_SECOND);
    clock.suspend(50n * MS);
    clock.wallOffset += READS_AND_GRIDS + MS;
    expect(detector.check()).toMatchObject({ suspendNs: 50n * MS, stepNs: 0n });
    clock.advance(NS_PER_SECOND);
    clock.suspend(50n * MS);
    clock.wallOffset -= READS_AND_GRIDS + MS + 1n;
    expect(detector.check()).toMatchObject({ stepNs: -READS_AND_GRIDS - MS - 1n });
  });

  it('the centres of coarse reads are compared without rounding', () => {
    // An odd grid: each centre lies half a nanosecond between whole ones.
    const clock = new HandClock({ wallGridNs: 1n, monotonicGridNs: 0n });
    const detector = new JumpDetector(clock);
    clock.wallOffset += READS;
    expect(detector.check()).toBeUndefined();
    clock.wallOffset += READS + 1n;
    expect(detector.check()).toBeDefined();
  });
});

it('says step-or-suspend where nothing tells them apart', () => {
  const clock = newClock(false);
  const detector = new JumpDetector(clock);
  clock.advance(NS_PER_SECOND);
  clock.suspend(5n * NS_PER_SECOND);
  const jump = detector.check();
  expect(jump).toMatchObject({ kind: 'step-or-suspend' });
  near(
    jump?.kind === 'step-or-suspend' ? jump.changeNs : undefined,
    5n * NS_PER_SECOND,
    2n * NS_PER_MS,
  );
});

it('sees no jump on a wall clock that ticks 64 times a second', () => {
  const clock = newClock();
  clock.wallGridNs = 15_625_000n;
  const detector = new JumpDetector(clock);
  for (let i = 1n; i <= 100n; i++) {
    clock.advance(i * 7_777_777n);
    expect(detector.check(), `check ${i}`).toBeUndefined();
  }
});

it('adds both grids and a bracket up to its threshold', () => {
  const clock = newClock(false);
  clock.wallGridNs = 4n * NS_PER_MS;
  clock.monotonicGridNs = 3n * NS_PER_MS;
  const detector = new JumpDetector(clock);
  // The step is 8 ms; the wall clock shows multiples of 4 ms.
  clock.wallOffset += 8n * NS_PER_MS;
  expect(detector.check()).toBeUndefined();
  clock.wallOffset += 12n * NS_PER_MS;
  expect(detector.check()).toBeDefined();
});

it.each([{}, { monotonicNs: () => 0n }, { wallReadNs: () => 0n }])('takes no %o', (clock) => {
  expect(() => new JumpDetector(clock as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
});

it('works on a platform without a boot clock and without markers', () => {
  const absent = { bootNs: undefined, disruptionMarker: undefined };
  const clock = Object.assign(newClock(), absent) as unknown as HandClock;
  const detector = new JumpDetector(clock);
  expect(detector.check()).toBeUndefined();
  expect(detector.mayHaveJumped()).toBe(false);
  clock.wallOffset += NS_PER_SECOND;
  expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
});

it('asks for a full check when there was none yet', () => {
  const clock = newClock();
  clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
  const detector = new JumpDetector(clock);
  clock.onRead = () => {};
  expect(detector.mayHaveJumped()).toBe(true);
  expect(detector.check()).toBeUndefined();
  expect(detector.mayHaveJumped()).toBe(false);
});

it('widens its threshold with the grids of a coarse clock', () => {
  const clock = newClock(false);
  clock.monotonicGridNs = 2n * NS_PER_MS;
  const detector = new JumpDetector(clock);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 50n * NS_PER_MS }), (elapsed) => {
      clock.advance(elapsed);
      expect(detector.check()).toBeUndefined();
    }),
    { seed: 20_107, numRuns: 1000 },
  );
  clock.wallOffset += 9n * NS_PER_MS;
  expect(detector.check()).toBeDefined();
});

describe('tick', () => {
  it('calls a late tick a pause when no clock jumped', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    // There was no tick before this one.
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
    clock.advance(NS_PER_SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
    clock.advance(3n * NS_PER_SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toEqual({
      kind: 'pause',
      pauseNs: 2n * NS_PER_SECOND,
      elapsedNs: 3n * NS_PER_SECOND,
    });
    clock.advance(NS_PER_SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
  });

  it('draws the line at pauseMs, and checks in between do not hide a pause', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock, { pauseMs: 200 });
    detector.tick({ expectedMs: 1000 });
    clock.advance(1200n * NS_PER_MS);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
    clock.advance(1200n * NS_PER_MS);
    expect(detector.check()).toBeUndefined();
    clock.advance(1n);
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'pause' });
  });

  it('reports the jump when both happened', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    detector.tick({ expectedMs: 1000 });
    clock.advance(10n * NS_PER_SECOND);
    clock.wallOffset -= NS_PER_SECOND;
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'step' });
  });

  it('tells a pause even when the wall clock cannot be read', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    detector.tick({ expectedMs: 1000 });
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    clock.advance(4n * NS_PER_SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'pause' });
  });

  it('refuses an interval that is not a number', () => {
    const detector = new JumpDetector(newClock());
    expect(() => detector.tick({ expectedMs: Number.NaN })).toThrow(/^expectedMs must be/);
  });
});

describe('a virtual machine with a marker', () => {
  it('reports each change of it once, whatever the clocks show', () => {
    const clock = newClock();
    clock.marker = 1n;
    const detector = new JumpDetector(clock);
    expect([detector.check(), detector.mayHaveJumped()]).toEqual([undefined, false]);
    clock.advance(NS_PER_SECOND);
    clock.marker = 2n;
    expect(detector.mayHaveJumped()).toBe(true);
    expect(detector.check()).toMatchObject({ kind: 'vm-disruption', elapsedNs: NS_PER_SECOND });
    expect([detector.check(), detector.mayHaveJumped()]).toEqual([undefined, false]);
    clock.marker = 3n;
    clock.suspend(NS_PER_SECOND);
    expect(detector.check()?.kind).toBe('vm-disruption');
    expect([detector.check(), detector.marker]).toEqual([undefined, 3n]);
  });

  it('reports it also while the other clocks cannot be read together', () => {
    const clock = newClock();
    clock.marker = 1n;
    const detector = new JumpDetector(clock);
    clock.marker = 2n;
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    expect(detector.check()?.kind).toBe('vm-disruption');
    expect(detector.check()).toBeUndefined();
  });

  it('goes on after one during which nothing could be read, with the first boot time it gets', () => {
    const clock = newClock();
    clock.marker = 1n;
    const detector = new JumpDetector(clock);
    clock.marker = 2n;
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * NS_PER_MS);
    expect(detector.check()).toMatchObject({ kind: 'vm-disruption' });
    clock.onRead = () => {};
    clock.bootOffset = undefined;
    expect(detector.check()).toBeUndefined();
    clock.bootOffset = 0n;
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
    clock.wallOffset += NS_PER_SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step' });
  });

  it('compares with the last marker that could be read', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.marker = 1n; // it can be read from now on: nothing to compare with
    expect(detector.check()).toBeUndefined();
    clock.marker = undefined;
    expect([detector.check(), detector.mayHaveJumped()]).toEqual([undefined, false]);
    clock.marker = 1n;
    expect(detector.check()).toBeUndefined();
    clock.marker = undefined;
    detector.check();
    clock.marker = 2n;
    expect(detector.check()?.kind).toBe('vm-disruption');
  });
});
