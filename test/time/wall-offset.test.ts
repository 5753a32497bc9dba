import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWallOffset, WallOffset } from '../../src/time/wall-offset.ts';
import { HandClock } from '../kit/hand-clock.ts';

const NS_PER_MS = 1_000_000n;

const newClock = (): HandClock =>
  new HandClock({ wall: 1_795_227_787_534_418_003n, monotonicGridNs: 1n, wallGridNs: NS_PER_MS });

describe('readWallOffset', () => {
  it('accounts for both grids', () => {
    const clock = new HandClock({
      monotonic: 1_000_050n, // it reads 1_000_000
      monotonicGridNs: 100n,
      wall: 7_999_999n, // it reads 7_000_000
      wallGridNs: NS_PER_MS,
    });
    expect(readWallOffset(clock)).toEqual({
      lowerNs: 7_000_000n - 1_000_000n - 100n,
      upperNs: 7_000_000n + NS_PER_MS - 1_000_000n,
      readAt: 1_000_000n,
    });
  });

  it('holds the true difference, whatever the grids and however long the reads take', () => {
    const ns = fc.bigInt({ min: 0n, max: 400_000n });
    const grid = fc.constantFrom(1n, 280n, 40_000n, 1_000_000n);
    fc.assert(
      fc.property(ns, ns, ns, ns, grid, grid, (a, b, beforeRead, afterRead, wallGrid, monoGrid) => {
        const clock = new HandClock({ monotonicGridNs: monoGrid, wallGridNs: wallGrid });
        clock.advance(a);
        clock.wallOffset += b;
        let reads = 0;
        clock.onRead = () => clock.advance([0n, beforeRead, afterRead][reads++ % 3]!);
        const bounds = readWallOffset(clock);
        if (bounds === undefined) return; // a coarse grid can make a narrow bracket seem wide
        const truth = clock.wallOffset;
        expect(bounds.lowerNs <= truth && truth <= bounds.upperNs).toBe(true);
        expect(bounds.upperNs - bounds.lowerNs <= NS_PER_MS + wallGrid + monoGrid).toBe(true);
      }),
      { seed: 20_105 },
    );
  });

  it('reads again when it was pre-empted in the bracket', () => {
    const clock = newClock();
    let pauses = 4;
    clock.onRead = (which) => {
      if (which === 'wall' && pauses-- > 0) clock.advance(NS_PER_MS + 1n);
    };
    expect(readWallOffset(clock)).toBeDefined();
    expect(pauses).toBe(-1);
  });

  it('takes a bracket of exactly 1 ms', () => {
    const clock = newClock();
    clock.onRead = (which) => which === 'wall' && clock.advance(NS_PER_MS);
    expect(readWallOffset(clock)).toBeDefined();
  });

  it('gives up after five', () => {
    const clock = newClock();
    let reads = 0;
    clock.onRead = (which) => {
      if (which !== 'wall') return;
      reads++;
      clock.advance(NS_PER_MS + 1n);
    };
    expect(readWallOffset(clock)).toBeUndefined();
    expect(reads).toBe(5);
  });
});

describe('WallOffset', () => {
  const read = (lowerNs: bigint, upperNs: bigint) => {
    const readAt = newClock().monotonicNs();
    return { lowerNs, upperNs, readAt };
  };

  it('keeps the intersection of all reads, even a single point', () => {
    const offset = new WallOffset();
    expect(offset.bounds).toBeUndefined();
    expect(offset.observe(read(0n, 10n))).toBe(true);
    expect(offset.observe(read(4n, 14n))).toBe(true);
    expect(offset.bounds).toEqual({ lowerNs: 4n, upperNs: 10n });
    expect(offset.observe(read(10n, 20n))).toBe(true);
    expect(offset.bounds).toEqual({ lowerNs: 10n, upperNs: 10n });
  });

  it('starts over from the newest read when the intersection is empty', () => {
    const offset = new WallOffset();
    offset.observe(read(0n, 10n));
    expect(offset.observe(read(11n, 21n))).toBe(false);
    expect(offset.bounds).toEqual({ lowerNs: 11n, upperNs: 21n });
    expect(offset.observe(read(12n, 22n))).toBe(true);
  });

  it('narrows a millisecond to microseconds without waiting, and never loses the truth', () => {
    const clock = newClock();
    const truth = clock.wallOffset;
    const offset = new WallOffset();
    for (let i = 0; i < 600; i++) {
      clock.advance(100_137_911n);
      expect(offset.observe(readWallOffset(clock)!)).toBe(true);
      const { lowerNs, upperNs } = offset.bounds!;
      expect(lowerNs <= truth && truth <= upperNs).toBe(true);
    }
    expect(offset.bounds!.upperNs - offset.bounds!.lowerNs < 10_000n).toBe(true);
  });
});
