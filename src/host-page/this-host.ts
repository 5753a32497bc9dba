/**
 * Which machine this is, and which of its clocks this process reads. Readings of the monotonic
 * clock compare between processes only where both are the same.
 *
 * Linux tells both. Containers share them with their host, unless they were given a time namespace
 * of their own; virtual machines, gVisor and Kata containers among them, have a boot id of their
 * own. On other platforms neither is known. There a page of an earlier boot shows by its readings:
 * `wall - monotonic` is another, or they lie in the future.
 *
 * Deno and Bun count their monotonic clock from the start of the process. Two of them that were
 * started within milliseconds have clocks that look like one, and are off by as much.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import type { ClockIdentity } from './page-bytes.ts';

export function thisHost(): ClockIdentity {
  return { bootId: bootId(), timeNamespace: timeNamespace() };
}

/** Whether the monotonic clock is of this process only. */
export function isClockOwn(): boolean {
  return 'deno' in process.versions || 'bun' in process.versions;
}

function bootId(): [bigint, bigint] {
  const text = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'));
  const hex = text.trim().replaceAll('-', '');
  if (!/^[\da-f]{32}$/.test(hex)) return [0n, 0n];
  return [half(hex.slice(0, 16)), half(hex.slice(16))];
}

const half = (hex: string): bigint => BigInt.asIntN(64, BigInt(`0x${hex}`));

/** The inode number of the time namespace, from a link such as `time:[4026531834]`. */
function timeNamespace(): bigint {
  const [, inode] =
    /^time:\[(\d{1,18})\]$/.exec(read(() => readlinkSync('/proc/self/ns/time'))) ?? [];
  return BigInt(inode ?? 0);
}

function read(file: () => string): string {
  try {
    return file();
  } catch {
    return ''; // another platform, or a container without /proc
  }
}
