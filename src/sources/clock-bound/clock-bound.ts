/**
 * ClockBound's daemon on this machine as a source: the bound that it keeps in shared memory.
 *
 * The segment is a file. It is read by two positioned reads and not mapped. Before the daemon
 * writes it makes the generation odd, and afterwards even again. So if the first read is torn, the
 * daemon had begun to write before that read ended, and the second read sees an odd generation or
 * what the daemon has written meanwhile. Two reads that are equal, with an even generation, saw one
 * state of the segment.
 *
 *     true - system clock  is within  +-(bound + age * drift)
 *
 * The bound of ClockBound contains what the time daemon has yet to correct, so it holds while that
 * is worked off, and when the clock is stepped there.
 */
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import type { Timescale } from '../../bound/timescale.ts';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { AskMiss } from '../ask-miss.ts';
import { describeCause } from '../cause.ts';
import { pollingSource } from '../polling-source.ts';
import type { ServerFacts } from '../sample-from.ts';
import { askBound } from './question.ts';
import { MAX_SEGMENT_BYTES, readSegment } from './segment.ts';
import { hasOwnMonotonicClock } from './time-namespace.ts';

/** Options of {@link clockBound}. */
export interface ClockBoundOptions {
  /**
   * The segment. Default: `/var/run/clockbound/shm0`, and where that is missing
   * `/var/run/clockbound/shm1`.
   */
  readonly path?: string | undefined;
  /** Interval between questions, 1 ms to 1 h. Default 1 s, as often as the daemon writes. */
  readonly pollIntervalMs?: number | undefined;
  /**
   * What the servers that the daemon follows do at a leap second; on Amazon's machines it is
   * `'smear-24h'`. Default `'unknown'`: it has no vote on the days around a leap second.
   */
  readonly timescale?: Timescale | undefined;
}

const NAMES: Readonly<Record<keyof ClockBoundOptions, true>> = {
  path: true,
  pollIntervalMs: true,
  timescale: true,
};
const DEFAULT_PATHS = ['/var/run/clockbound/shm0', '/var/run/clockbound/shm1'];
/** The daemon writes for a microsecond, once a second. */
const ATTEMPTS = 16;

/**
 * AWS ClockBound on this machine as a source of time. It is one vote, and it vouches for what the
 * daemon claims.
 *
 * Misses, besides those of `pollingSource`: `missing` (no segment: the daemon does not run),
 * `unreadable`, `not-ready`, `unsynchronized`, `disrupted`, `expired`, `other-clock`, `version`,
 * `malformed`, `root-distance`, `clock-unreadable`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const clock = BoundedClock.start({ sources: [clockBound()] });
 * // await clock.waitSynced();
 * clock.stop();
 */
export function clockBound(options: ClockBoundOptions = {}): TimeSource {
  const { path, pollIntervalMs = 1000, timescale } = checkOptionNames(options, NAMES);
  if (path !== undefined && typeof path !== 'string') {
    throw new ArgumentTypeError('path', 'a string', path);
  }
  if (path !== undefined && !/^\/[^\0]{1,200}$/.test(path)) {
    throw new ArgumentRangeError('path', 'an absolute path of at most 200 characters', path);
  }
  const paths = path === undefined ? DEFAULT_PATHS : [path];
  return pollingSource({
    name: `clockbound://${paths[0]}`,
    ask: ({ signal, clock }) => ask(paths, clock, signal),
    pollIntervalMs,
    timescale,
    restsOn: "the claim of ClockBound's daemon: its bound, and what that grows by",
  });
}

async function ask(
  paths: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<ServerFacts> {
  if (hasOwnMonotonicClock()) throw new AskMiss('other-clock', 'of another time namespace');
  const segment = segmentOf(paths);
  return askBound(clock, signal, (readAt) => readSegment(segment, readAt));
}

/**
 * The first of the segments that exists. Read synchronously: it is memory, and takes microseconds.
 * `O_NONBLOCK`, because opening a pipe would wait for its writer.
 */
export function segmentOf(paths: readonly string[]): Uint8Array {
  const path = paths.find(existsSync);
  if (path === undefined) throw new AskMiss('missing', paths.join(', '));
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readStable(file);
  } catch (error) {
    throw error instanceof AskMiss ? error : new AskMiss('unreadable', describeCause(error));
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The segment as it was between two reads that are equal. */
export function readStable(file: number): Uint8Array {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = read(file);
    if (first.equals(read(file))) return first;
  }
  throw new AskMiss('not-ready', 'it is written again and again');
}

function read(file: number): Buffer {
  const bytes = Buffer.alloc(MAX_SEGMENT_BYTES);
  return bytes.subarray(0, readSync(file, bytes, 0, MAX_SEGMENT_BYTES, 0));
}
