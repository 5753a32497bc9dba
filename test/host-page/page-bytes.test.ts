import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_BOUND_REASONS } from '../../src/bound/bound.ts';
import {
  END_REASON,
  LEAP,
  PAGE_SLOTS,
  REASON,
  SEGMENT_COUNT,
  STATE,
} from '../../src/bounded-clock/page/page.ts';
import {
  CopyBytes,
  FILE_BYTES,
  headerBytes,
  newestCopy,
  type Publication,
} from '../../src/host-page/page-bytes.ts';
import { forged } from './forged-page.ts';

const WRITER = { bootId: [-5n, 7n], timeNamespace: 4_026_531_834n, pid: 4711, id: -9n } as const;

/** A page of which every slot tells which page it is. */
function page(n: bigint): BigInt64Array {
  const slots = new BigInt64Array(PAGE_SLOTS).fill(n);
  for (const slot of [STATE, REASON, END_REASON, LEAP, SEGMENT_COUNT]) slots[slot] = 1n;
  return slots;
}

const standing = (n: bigint): bigint => -7n * n;

/** The file after versions 1 to `last`, and the write that would make the next one. */
function fileAfter(last: bigint): { file: Uint8Array; next: Uint8Array; at: number } {
  const file = new Uint8Array(FILE_BYTES);
  file.set(headerBytes());
  const copy = new CopyBytes(WRITER);
  for (let version = 1n; version <= last; version++) {
    const at = copy.fill(version, page(version), standing(version));
    file.set(copy.bytes, at);
  }
  const at = copy.fill(last + 1n, page(last + 1n), standing(last + 1n));
  return { file, next: copy.bytes, at };
}

const versionOf = (found: Publication | string): bigint | string =>
  typeof found === 'string' ? found : found.version;

test('what was written is read, with who wrote it', () => {
  for (const last of [1n, 2n, 3n, 1000n]) {
    expect(newestCopy(fileAfter(last).file)).toEqual({
      version: last,
      writer: WRITER,
      standing: standing(last),
      slots: page(last),
    });
  }
});

test('a write that is cut off anywhere, from either end, yields the old page or the new one', () => {
  const { file, next, at } = fileAfter(6n);
  const ends = new Set<bigint | string>();
  for (let cut = 0; cut <= next.length; cut++) {
    for (const [from, to] of [
      [0, cut],
      [cut, next.length],
    ] as const) {
      const torn = Uint8Array.from(file);
      torn.set(next.subarray(from, to), at + from);
      const found = newestCopy(torn) as Publication;
      expect(found.slots).toEqual(page(found.version));
      ends.add(found.version);
    }
  }
  expect(ends).toEqual(new Set([6n, 7n]));
});

test('a reader who mixes two writes of one copy takes neither', () => {
  // It reads the copy of version 5 while 7 is written: both versions of the ends may be 7.
  const older = fileAfter(5n);
  const newer = fileAfter(7n);
  for (let i = 8; i < newer.next.length - 8; i++) {
    const mixed = Uint8Array.from(newer.file);
    const at = older.file.length - newer.next.length + i; // the copy of odd versions
    mixed[at] = older.file[at]!;
    const found = newestCopy(mixed) as Publication;
    expect(found.slots).toEqual(page(found.version));
  }
});

test('no byte of another value is taken for the same page', () => {
  const { file } = fileAfter(2n);
  const start = 32;
  for (let i = start; i < file.length; i++) {
    const changed = Uint8Array.from(file);
    changed[i]! ^= 1 << (i % 8);
    expect(versionOf(newestCopy(changed))).toBe(i < start + (file.length - start) / 2 ? 1n : 2n);
  }
});

test('a header of another kind is another layout; less than a file is torn, or nothing', () => {
  const { file } = fileAfter(2n);
  for (let i = 0; i < 32; i++) {
    const changed = Uint8Array.from(file);
    changed[i]! ^= 1;
    expect(newestCopy(changed)).toBe('layout');
  }
  expect(newestCopy(file.subarray(0, 0))).toBe('torn');
  expect(newestCopy(file.subarray(0, 31))).toBe('layout');
  expect(newestCopy(file.subarray(0, FILE_BYTES - 1))).toBe('torn');
  expect(newestCopy(new Uint8Array(FILE_BYTES))).toBe('layout');
});

test('what would be an index of nothing is no page, whatever its checksum says', () => {
  const { file } = fileAfter(2n);
  const slots = { STATE, REASON, END_REASON, LEAP, SEGMENT_COUNT };
  for (const slot of Object.values(slots)) {
    for (const bad of [-1n, 99n, 2n ** 62n]) {
      expect(newestCopy(forged(file, 7 + slot, bad))).toBe('torn');
    }
  }
  expect(newestCopy(forged(file, 7 + SEGMENT_COUNT, 0n))).toBe('torn');
  const last = BigInt(NO_BOUND_REASONS.length);
  expect(versionOf(newestCopy(forged(file, 7 + REASON, last - 1n)))).toBe(2n);
  expect(newestCopy(forged(file, 7 + REASON, last))).toBe('torn');
});

test('no bytes throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: FILE_BYTES + 16 }), fc.boolean(), (bytes, real) => {
      if (real) bytes.set(headerBytes().subarray(0, bytes.length));
      expect(['layout', 'torn']).toContain(newestCopy(bytes));
    }),
    { numRuns: 2000 },
  );
});
