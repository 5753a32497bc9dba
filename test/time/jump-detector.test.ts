import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JumpDetector } from '../../src/time/jump-detector.ts';
import { HandClock } from '../kit/hand-clock.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;

/** Grids as on Linux. */
function newClock(boot = true): HandClock {
  return new HandClock({ boot, monotonicGridNs: 1n, wallGridNs: MS, bootGridNs: 10n * MS });
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
  it('sees nothing in ordinary life', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n * SECOND }), (elapsed) => {
        clock.advance(elapsed);
        expect(detector.check()).toBeUndefined();
      }),
      { seed: 20_106 },
    );
  });

  it('takes a stopped process for no jump: all clocks ran on', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(30n * SECOND);
    expect(detector.check()).toBeUndefined();
  });

  it('lets a wall clock that is slewed alone by up to 1000 ppm pass', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    for (const sign of [1n, -1n]) {
      clock.advance(60n * SECOND);
      clock.wallOffset += sign * 60n * MS;
      expect(detector.check()).toBeUndefined();
    }
  });

  it.each([1n, -1n])('draws the line at 3 ms + 1000 ppm (direction %s)', (sign) => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * SECOND);
    clock.wallOffset += sign * 5n * MS;
    expect(detector.check()).toBeUndefined();
    clock.advance(2n * SECOND);
    clock.wallOffset += sign * (5n * MS + 1n);
    expect(detector.check()).toBeDefined();
  });

  it('tells by the wall clock alone whether to look, which is not yet a look', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * SECOND);
    clock.wallOffset += 5n * MS;
    expect(detector.mayHaveJumped()).toBe(false);
    clock.wallOffset += 1n;
    expect(detector.mayHaveJumped()).toBe(true);
    expect(detector.check()).toMatchObject({ elapsedNs: 2n * SECOND });
    expect(detector.mayHaveJumped()).toBe(false);
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * MS);
    clock.wallOffset -= 700n * MS;
    expect(detector.mayHaveJumped()).toBe(false); // unreadable: no sign of a move
  });

  it('asks for a proper look when the last is long ago', () => {
    const clock = exactClock(boot);
    const detector = new JumpDetector(clock);
    clock.advance(2n * SECOND);
    expect(detector.mayHaveJumped()).toBe(false);
    clock.advance(1n);
    expect(detector.mayHaveJumped()).toBe(true);
    expect(detector.check()).toBeUndefined();
    expect(detector.mayHaveJumped()).toBe(false);
  });

  it('keeps its earlier look when the clocks cannot be read, and judges later', () => {
    const clock = newClock(boot);
    const detector = new JumpDetector(clock);
    clock.wallOffset -= 700n * MS;
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * MS);
    expect(detector.check()).toBeUndefined();
    clock.onRead = () => {};
    expect(detector.check()?.kind).toBe(boot ? 'step' : 'step-or-suspend');
    expect(detector.check()).toBeUndefined(); // reported once
  });

  it('begins at the first look that succeeds', () => {
    const clock = newClock();
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * MS);
    const detector = new JumpDetector(clock);
    clock.onRead = () => {};
    clock.wallOffset += SECOND;
    expect(detector.check()).toBeUndefined();
    clock.wallOffset += SECOND;
    expect(detector.check()).toBeDefined();
  });
});

describe('on a machine with a clock that counts suspend', () => {
  it.each([-3600n * SECOND, -300n * MS, -6n * MS, 50n * MS, 300n * MS, 3600n * SECOND])(
    'a wall clock set by %s ns is a step',
    (stepNs) => {
      const clock = newClock();
      const detector = new JumpDetector(clock);
      clock.advance(SECOND);
      clock.wallOffset += stepNs;
      const jump = detector.check();
      expect(jump).toMatchObject({ kind: 'step' });
      near(jump?.kind === 'step' ? jump.stepNs : undefined, stepNs, 2n * MS);
      near(jump?.elapsedNs, SECOND, MS);
    },
  );

  it.each([60n * MS, 5n * SECOND, 36_000n * SECOND])('sleeping %s ns is a suspend', (slept) => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.advance(SECOND);
    clock.suspend(slept);
    const jump = detector.check();
    expect(jump).toMatchObject({ kind: 'suspend', stepNs: 0n });
    near(jump?.kind === 'suspend' ? jump.suspendNs : undefined, slept, 20n * MS);
  });

  // Five minutes of slewing at 1000 ppm could move the wall clock as far; the boot clock nobody can.
  it('sees a short suspend within a long pause', () => {
    const clock = exactClock(true);
    const detector = new JumpDetector(clock);
    clock.suspend(100n * MS);
    clock.advance(300n * SECOND);
    expect(detector.check()).toMatchObject({ kind: 'suspend' });
  });

  it('sees a suspend that the wall clock slept through as well', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.bootOffset! += 5n * SECOND;
    const jump = detector.check();
    expect(jump).toMatchObject({ kind: 'suspend' });
    if (jump?.kind !== 'suspend') return;
    near(jump.suspendNs, 5n * SECOND, 20n * MS);
    expect(jump.stepNs).toBe(-jump.suspendNs); // the wall clock now lags by the time slept
  });

  it.each([-2n * SECOND, 2n * SECOND])('reports a step of %s ns besides a suspend', (stepNs) => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.suspend(5n * SECOND);
    clock.wallOffset += stepNs;
    const jump = detector.check();
    expect(jump).toMatchObject({ kind: 'suspend' });
    if (jump?.kind !== 'suspend') return;
    near(jump.suspendNs, 5n * SECOND, 20n * MS);
    near(jump.stepNs, stepNs, 22n * MS);
  });

  it('does not pretend to know what a jump is that fits into the boot clock grid', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    clock.suspend(9n * MS);
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
  });

  it('is not misled by a pre-emption around the boot clock', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    let pauses = 2;
    clock.onRead = (which) => which === 'boot' && pauses-- > 0 && clock.advance(SECOND);
    expect(detector.check()).toBeUndefined();
    expect(pauses).toBeLessThan(0);
  });

  it('leaves the kind open across a look without boot time', () => {
    const clock = newClock();
    const { bootOffset } = clock;
    clock.bootOffset = undefined;
    const detector = new JumpDetector(clock);
    clock.bootOffset = bootOffset;
    clock.wallOffset += SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step-or-suspend' });
    clock.wallOffset += SECOND;
    expect(detector.check()).toMatchObject({ kind: 'step' });
  });
});

it('says step-or-suspend where nothing tells them apart', () => {
  const clock = newClock(false);
  const detector = new JumpDetector(clock);
  clock.advance(SECOND);
  clock.suspend(5n * SECOND);
  const jump = detector.check();
  expect(jump).toMatchObject({ kind: 'step-or-suspend' });
  near(jump?.kind === 'step-or-suspend' ? jump.changeNs : undefined, 5n * SECOND, 2n * MS);
});

it('widens its threshold with the grids of a coarse clock', () => {
  const clock = newClock(false);
  clock.monotonicGridNs = 2n * MS;
  const detector = new JumpDetector(clock);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 50n * MS }), (elapsed) => {
      clock.advance(elapsed);
      expect(detector.check()).toBeUndefined();
    }),
    { seed: 20_107, numRuns: 1000 },
  );
  clock.wallOffset += 9n * MS;
  expect(detector.check()).toBeDefined();
});

describe('tick', () => {
  it('calls a late tick a pause when no clock jumped', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined(); // no tick before it
    clock.advance(SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
    clock.advance(3n * SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toEqual({
      kind: 'pause',
      pauseNs: 2n * SECOND,
      elapsedNs: 3n * SECOND,
    });
    clock.advance(SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
  });

  it('draws the line at pauseMs, and checks in between do not hide a pause', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock, { pauseMs: 200 });
    detector.tick({ expectedMs: 1000 });
    clock.advance(1200n * MS);
    expect(detector.tick({ expectedMs: 1000 })).toBeUndefined();
    clock.advance(1200n * MS);
    expect(detector.check()).toBeUndefined();
    clock.advance(1n);
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'pause' });
  });

  it('reports the jump when both happened', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    detector.tick({ expectedMs: 1000 });
    clock.advance(10n * SECOND);
    clock.wallOffset -= SECOND;
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'step' });
  });

  it('tells a pause even when the wall clock cannot be read', () => {
    const clock = newClock();
    const detector = new JumpDetector(clock);
    detector.tick({ expectedMs: 1000 });
    clock.onRead = (which) => which === 'wall' && clock.advance(2n * MS);
    clock.advance(4n * SECOND);
    expect(detector.tick({ expectedMs: 1000 })).toMatchObject({ kind: 'pause' });
  });

  it('refuses an interval that is no number', () => {
    const detector = new JumpDetector(newClock());
    expect(() => detector.tick({ expectedMs: Number.NaN })).toThrow(/^expectedMs must be/);
  });
});
