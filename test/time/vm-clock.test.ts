import fc from 'fast-check';
import { expect, it } from 'vitest';
import { VmClockPage } from '../../src/time/vm-clock.ts';

interface Fields {
  readonly magic?: number;
  readonly size?: number;
  readonly version?: number;
  readonly sequence?: number;
  readonly marker?: bigint;
  readonly generation?: bigint;
}

function pageBytes(fields: Fields = {}): Uint8Array {
  const { magic = 0x4b4c_4356, size = 4096, version = 1, sequence = 6 } = fields;
  const { marker = 3n, generation = 5n } = fields;
  const bytes = new Uint8Array(112);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, size, true);
  view.setUint16(8, version, true);
  view.setUint32(12, sequence, true);
  view.setBigUint64(16, marker, true);
  view.setBigUint64(104, generation, true);
  return bytes;
}

/** A page that shows `states` one after the other, and then the last one for good. */
function pageOf(...states: Uint8Array[]): VmClockPage {
  let reads = 0;
  return new VmClockPage((bytes) => {
    const state = states[Math.min(reads++, states.length - 1)]!;
    bytes.set(state);
    return state.length;
  });
}

const markerOf = (fields: Fields): bigint | undefined => pageOf(pageBytes(fields)).marker();

it('is another int64 for another marker or generation, and never 0 for small ones', () => {
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const pair = fc.oneof(fc.tuple(u64, u64), fc.tuple(fc.constantFrom(0n, 1n, 2n, 3n), u64));
  fc.assert(
    fc.property(pair, pair, ([m1, g1], [m2, g2]) => {
      const first = markerOf({ marker: m1, generation: g1 });
      const second = markerOf({ marker: m2, generation: g2 });
      expect(BigInt.asIntN(64, first!)).toBe(first);
      expect(first === second).toBe(m1 === m2 && g1 === g2);
    }),
    { seed: 20_901 },
  );
  expect(markerOf({ marker: 0n, generation: 0n })).not.toBe(0n);
});

it('does not depend on anything else, and reads it little endian', () => {
  expect(markerOf({ sequence: 8 })).toBe(markerOf({ sequence: 6 }));
  expect(markerOf({ marker: 1n })).not.toBe(markerOf({ marker: 2n ** 56n }));
});

it.each<[string, Uint8Array]>([
  ['another magic', pageBytes({ magic: 0x5643_4c4b })],
  ['an unknown version', pageBytes({ version: 2 })],
  ['a write under way', pageBytes({ sequence: 7 })],
  ['an empty page', new Uint8Array(0)],
  ['a page cut before the end of the marker', pageBytes().subarray(0, 23)],
])('%s: no marker', (_, bytes) => {
  expect(pageOf(bytes).marker()).toBeUndefined();
});

it('a page without a generation counter: only the marker counts', () => {
  for (const [length, size] of [
    [112, 104],
    [104, 104],
    [24, 24],
    [24, 4096],
  ] as const) {
    const marker = (marker: bigint, generation: bigint): bigint | undefined =>
      pageOf(pageBytes({ size, marker, generation }).subarray(0, length)).marker();
    expect(marker(3n, 5n)).toBeDefined();
    expect(marker(3n, 5n)).toBe(marker(3n, 6n));
    expect(marker(3n, 5n)).not.toBe(marker(4n, 5n));
  }
});

it('believes two equal copies only', () => {
  const [before, after] = [pageBytes({ sequence: 6 }), pageBytes({ sequence: 8, marker: 4n })];
  // Copies that a writer crossed: half of one state and half of the other.
  const mixed = pageBytes({ sequence: 8 });
  const late = pageBytes({ sequence: 6, marker: 4n });
  for (const first of [before, mixed, late]) {
    expect(pageOf(first, after).marker()).toBe(pageOf(after).marker());
  }
});

it('gives up on a page that never comes to rest', () => {
  let reads = 0;
  const page = new VmClockPage((bytes) => {
    bytes.set(pageBytes({ sequence: 2 * reads++ }));
    return bytes.length;
  });
  expect(page.marker()).toBeUndefined();
  expect(reads).toBe(8);
});

it('a device that cannot be read has no marker', () => {
  const page = new VmClockPage(() => {
    throw new Error('EIO');
  });
  expect(page.marker()).toBeUndefined();
});
