import { crc32 } from 'node:zlib';
import { FILE_BYTES } from '../../src/host-page/page-bytes.ts';

const HEADER = 4;
const COPY = (FILE_BYTES / 8 - HEADER) / 2;

/** A page's file with int64 value `at` of both copies changed, and their checksums with it. */
export function forged(file: Uint8Array, at: number, value: bigint): Uint8Array {
  const bytes = Uint8Array.from(file);
  const values = new BigInt64Array(bytes.buffer);
  for (const copy of [HEADER, HEADER + COPY]) {
    values[copy + at] = value;
    values[copy + COPY - 2] = BigInt(crc32(bytes.subarray(copy * 8, (copy + COPY - 2) * 8)));
  }
  return bytes;
}
