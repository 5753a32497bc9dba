/**
 * The published page as bytes in a file.
 *
 * The problem. Other processes read the file while it is written, and neither the kernel nor Node
 * makes a positioned write atomic for a positioned read: a reader may get the beginning of one page
 * and the end of another. The writer may also be killed or stopped at any line.
 *
 * The layout. All of the file are int64 values in the byte order of the machine: a header that
 * never changes, and two copies of the page. A copy has its version at both ends and a checksum
 * before the second one. The writer fills the copy that is the older one, by one write. So at each
 * moment the other copy is whole, and a reader takes the newer of the whole ones.
 *
 * | int64  |                                                                        |
 * |-------:|------------------------------------------------------------------------|
 * |   0..3 | magic, layout of this file, layout of the page, slots of the page      |
 * |        | then twice:                                                            |
 * |      0 | version: the copy is number `version & 1`                              |
 * |   1, 2 | boot id of the machine                                                 |
 * |      3 | time namespace                                                         |
 * |   4, 5 | the writer's process id, and a number of its own that it drew          |
 * |      6 | what stands: another number once something is found against a bound    |
 * |   7... | the page's slots (bounded-clock/page/page.ts)                          |
 * |     -2 | CRC-32 of what is before                                               |
 * |     -1 | version                                                                |
 *
 * The checksum is there for torn copies, one of which passes by chance in 2^32, and only where the
 * versions are equal too. It does not keep anybody from lying: who may write the file is trusted
 * (trust.ts). Still no bytes may break a reader, so what is used as an index is checked.
 *
 * Pure, but for the checksum, which is zlib's.
 */
import { crc32 } from 'node:zlib';
import { NO_BOUND_REASONS } from '../bound/bound.ts';
import { LEAP_WARNINGS } from '../bound/clock-sample.ts';
import {
  BOUNDED,
  DISRUPTED,
  END_REASON,
  LEAP,
  MAX_SEGMENTS,
  PAGE_LAYOUT,
  PAGE_SLOTS,
  REASON,
  SEGMENT_COUNT,
  STATE,
} from '../bounded-clock/page/page.ts';

/** Reads as itself only in the byte order of the machine that wrote it: `EPSCLOCK`. */
const MAGIC = 0x4550_5343_4c4f_434bn;
const FILE_LAYOUT = 2n;
const HEADER: readonly bigint[] = [MAGIC, FILE_LAYOUT, PAGE_LAYOUT, BigInt(PAGE_SLOTS)];
const HEADER_BYTES: number = HEADER.length * 8;

const VERSION = 0;
const BOOT_ID = 1;
const TIME_NAMESPACE = 3;
const WRITER_PID = 4;
const WRITER_ID = 5;
const STANDING = 6;
const PAGE = 7;
const CHECKSUM: number = PAGE + PAGE_SLOTS;
const LAST_VERSION: number = CHECKSUM + 1;
const COPY_SLOTS: number = LAST_VERSION + 1;
const COPY_BYTES: number = COPY_SLOTS * 8;

export const FILE_BYTES: number = HEADER_BYTES + 2 * COPY_BYTES;

/** A version never gets this far: at a million a second it takes 146,000 years. */
const MAX_VERSION = 2n ** 62n;

/** Which machine, and which of its clocks, a page is about. */
export interface ClockIdentity {
  /** The boot id; two zeros where the platform has none. */
  readonly bootId: readonly [bigint, bigint];
  /** 0 where the platform has no time namespaces. */
  readonly timeNamespace: bigint;
}

export interface Writer extends ClockIdentity {
  readonly pid: number;
  /** Drawn by each publisher for itself, so that two of them are never taken for one. */
  readonly id: bigint;
}

export interface Publication {
  readonly version: bigint;
  readonly writer: Writer;
  /** Earlier bounds with this number stand, also those of other writers. */
  readonly standing: bigint;
  /** The page's slots. */
  readonly slots: BigInt64Array;
}

/** The header as bytes. */
export function headerBytes(): Uint8Array {
  return new Uint8Array(BigInt64Array.from(HEADER).buffer);
}

/** A copy that is filled again and again, and where in the file it belongs. */
export class CopyBytes {
  readonly bytes: Uint8Array;
  readonly #slots = new BigInt64Array(COPY_SLOTS);
  readonly #summed: Uint8Array;

  constructor({ bootId, timeNamespace, pid, id }: Writer) {
    this.bytes = new Uint8Array(this.#slots.buffer);
    this.#summed = this.bytes.subarray(0, CHECKSUM * 8);
    this.#slots.set([...bootId, timeNamespace, BigInt(pid), id], BOOT_ID);
  }

  /** Fills it. Returns the offset in the file. */
  fill(version: bigint, page: BigInt64Array, standing: bigint): number {
    const slots = this.#slots;
    slots[VERSION] = version;
    slots[STANDING] = standing;
    slots.set(page, PAGE);
    slots[CHECKSUM] = BigInt(crc32(this.#summed));
    slots[LAST_VERSION] = version;
    return HEADER_BYTES + Number(version & 1n) * COPY_BYTES;
  }
}

/** Whether a file that begins with `start`, of 8 bytes, is a page of any version. */
export function startsAsPage(start: Uint8Array): boolean {
  return headerBytes()
    .subarray(0, 8)
    .every((byte, i) => start[i] === byte);
}

/** The newest whole copy in a file. */
export function newestCopy(file: Uint8Array): Publication | 'layout' | 'torn' {
  if (file.byteLength < HEADER_BYTES) return file.byteLength === 0 ? 'torn' : 'layout';
  // Copied, because `file` may begin at any address.
  const values = new BigInt64Array(FILE_BYTES / 8);
  new Uint8Array(values.buffer).set(file.subarray(0, FILE_BYTES));
  if (HEADER.some((value, i) => values[i] !== value)) return 'layout';
  if (file.byteLength < FILE_BYTES) return 'torn';
  const copies = [0, 1].map((i) => wholeCopy(values, file, i));
  const [even, odd] = copies;
  if (even === undefined || odd === undefined) return even ?? odd ?? 'torn';
  return even.version > odd.version ? even : odd;
}

function wholeCopy(
  values: BigInt64Array,
  file: Uint8Array,
  index: number,
): Publication | undefined {
  const offset = HEADER_BYTES + index * COPY_BYTES;
  const copy = values.subarray(offset / 8, offset / 8 + COPY_SLOTS);
  const version = copy[VERSION]!;
  if (version !== copy[LAST_VERSION] || version < 1n || version >= MAX_VERSION) return undefined;
  if (Number(version & 1n) !== index) return undefined;
  const sum = crc32(file.subarray(offset, offset + CHECKSUM * 8));
  if (copy[CHECKSUM] !== BigInt(sum)) return undefined;
  const slots = copy.slice(PAGE, CHECKSUM);
  if (!isPage(slots)) return undefined;
  const writer: Writer = {
    bootId: [copy[BOOT_ID]!, copy[BOOT_ID + 1]!],
    timeNamespace: copy[TIME_NAMESPACE]!,
    pid: Number(copy[WRITER_PID]),
    id: copy[WRITER_ID]!,
  };
  return { version, writer, standing: copy[STANDING]!, slots };
}

/** Whether what a reader uses as an index is one. */
function isPage(slots: BigInt64Array): boolean {
  const below = (slot: number, end: number): boolean =>
    slots[slot]! >= 0n && slots[slot]! < BigInt(end);
  return (
    below(STATE, Number(DISRUPTED) + 1) &&
    below(REASON, NO_BOUND_REASONS.length) &&
    below(END_REASON, NO_BOUND_REASONS.length) &&
    below(LEAP, LEAP_WARNINGS.length) &&
    below(SEGMENT_COUNT, MAX_SEGMENTS + 1) &&
    (slots[STATE] !== BOUNDED || slots[SEGMENT_COUNT]! > 0n)
  );
}
