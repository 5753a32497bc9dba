/**
 * What a span and a log record of OpenTelemetry say about their time. Instants are text, because a
 * number has no room for the nanoseconds of a Unix time.
 */
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import type { ClockReading } from '../bounded-clock/reading.ts';
import type { TimeInterval } from '../interval/time-interval.ts';
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { formatTimestamp } from '../logical/timestamp-text.ts';
import { checkOptionNames } from '../time/options.ts';
import { divCeil, divFloor } from '../time/rounding.ts';
import { BRACKET_LIMIT_NS } from '../time/wall-offset.ts';
import { reasonOf } from './line-stamp.ts';

/** Where the attributes of spans and log records come from. */
export interface HlcProcessorOptions {
  /** Gives `epsilon.hlc` and `epsilon.node`. */
  readonly hlc: HybridClock;
  /** Gives the others. Without it, those two are alone. */
  readonly clock?: BoundedReader | undefined;
}

const OPTIONS: Readonly<Record<keyof HlcProcessorOptions, true>> = { hlc: true, clock: true };

/** @throws ArgumentTypeError naming the option at fault */
export function checkProcessorOptions(options: HlcProcessorOptions): HlcProcessorOptions {
  const { hlc, clock } = checkOptionNames(options, OPTIONS);
  checkHybridClock(hlc);
  if (clock !== undefined) checkReader(clock);
  return { hlc, clock };
}

/** How far the wall clock of the host is ahead of true time: the correction of a span. */
export const WALL_AHEAD = 'epsilon.wall_ahead_us';

/**
 * The attributes of this instant. Never throws: a clock that fails leaves out what it would have
 * given, and `epsilon.unstamped` says why the timestamp is missing.
 */
export function attributesNow({
  hlc,
  clock,
}: HlcProcessorOptions): Readonly<Record<string, string | number>> {
  return { ...timestampNow(hlc), ...(clock === undefined ? {} : intervalNow(clock)) };
}

function timestampNow(hlc: HybridClock): Record<string, string> {
  try {
    return { 'epsilon.hlc': formatTimestamp(hlc.now()), 'epsilon.node': hlc.nodeId };
  } catch (error) {
    return { 'epsilon.unstamped': reasonOf(error) };
  }
}

function intervalNow(clock: BoundedReader): Record<string, string | number> {
  try {
    const { reading, wallAheadUs } = readTogether(clock);
    const { status, interval } = reading;
    if (interval === undefined) return { 'epsilon.status': status };
    return {
      'epsilon.status': status,
      'epsilon.earliest': formatTimestamp(interval.earliest),
      'epsilon.latest': formatTimestamp(interval.latest),
      'epsilon.uncertainty_us': Number(divCeil(interval.uncertaintyNs, 1000n)),
      ...(wallAheadUs === undefined ? {} : { [WALL_AHEAD]: wallAheadUs }),
    };
  } catch {
    return {}; // fake timers, or a bound before 1970
  }
}

/** What one instant is on a bounded clock, compared with the wall clock of the host. */
export interface Together {
  readonly reading: ClockReading;
  /**
   * Wall clock minus true time, whole us. True time is the clock's best estimate within the
   * interval. `undefined` without a bound, and when the two could not be read within 1 ms.
   */
  readonly wallAheadUs: number | undefined;
}

/** Under a load that spoils five attempts in a row, a sixth is not likelier to succeed. */
const ATTEMPTS = 5;

/**
 * Reads both clocks within 1 ms. It reads again when the process was stopped in between, because
 * that would look like a wall clock that is wrong.
 *
 * The best estimate is what the sources say, and not the middle of the interval. Where the wall
 * clock is wrong and a daemon may be about to slew it, the interval reaches as far as the wall
 * clock does, and its middle is half as wrong.
 *
 * @throws what `clock.read()` throws
 */
export function readTogether(clock: BoundedReader): Together {
  const { localClock } = clock;
  for (let attempt = 1; ; attempt++) {
    const before = localClock.monotonicNs();
    const reading = clock.read();
    const { interval } = reading;
    if (interval === undefined) return { reading, wallAheadUs: undefined };
    const estimate = clamped(clock.physicalNs(), interval);
    const ahead = localClock.wallReadNs() - estimate;
    if (localClock.monotonicNs() - before <= BRACKET_LIMIT_NS) {
      return { reading, wallAheadUs: Number(divFloor(ahead, 1000n)) };
    }
    if (attempt === ATTEMPTS) return { reading, wallAheadUs: undefined };
  }
}

function clamped(instant: bigint, { earliest, latest }: TimeInterval): bigint {
  return instant < earliest ? earliest : instant > latest ? latest : instant;
}
