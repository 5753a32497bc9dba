/**
 * How long a packet takes in one direction: functions of a random stream and of the time of
 * sending. A link has one per direction, so asymmetry is the normal case, and no test passes only
 * because both directions are alike.
 *
 * The figures are those usually measured: 100 to 300 us across a LAN, 0.5 to 2 ms inside a cloud
 * region, 10 to 80 ms across the internet, each with exponential queueing and a heavy tail.
 * Wrappers add what changes over time: congestion bursts, route changes, schedules.
 */
import { checkNumber, checkObject } from '../time/errors.ts';
import { checkFunction, checkRandom } from './checks.ts';
import type { Random } from './random.ts';

/**
 * Returns the one-way delay, ns, of a packet sent at `elapsedNs` (ns since the beginning of the
 * world). It must draw only from `random`, so that a seed determines the world.
 */
export type DelayModel = (random: Random, elapsedNs: number) => number;

const NS_PER_US = 1e3;
/** The largest delay that an option accepts: eleven days. */
const MAX_MS = 1e9;
const NS_PER_MS = 1e6;

/**
 * A delay that is always `ms`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `ms` is not a number from 0 to 1e9
 */
export function constantDelay(ms: number): DelayModel {
  checkNumber('ms', ms, 0, MAX_MS);
  return () => ms * NS_PER_MS;
}

/**
 * Delays spread evenly from `minMs` to `maxMs`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when the two are not numbers with
 *   `0 <= minMs <= maxMs <= 1e9`
 */
export function uniformDelay(minMs: number, maxMs: number): DelayModel {
  checkNumber('maxMs', maxMs, checkNumber('minMs', minMs, 0, MAX_MS), MAX_MS);
  return (random) => random.between(minMs * NS_PER_MS, maxMs * NS_PER_MS);
}

/** The shape of a {@link queueingDelay}. */
export interface QueueingDelay {
  /** The least delay, ms: propagation. */
  readonly baseMs: number;
  /** The mean of the exponential queueing delay on top, ms. */
  readonly jitterMs: number;
  /** The share of packets that take far longer, 0 to 1. */
  readonly tailShare: number;
  /** The least extra delay of those packets, ms. It has a Pareto tail of index 1.5, cut at 2 s. */
  readonly tailMs: number;
}

/**
 * A delay of propagation and queueing. A share of the packets takes far longer.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when a field of `shape` is not a number in its
 *   range
 */
export function queueingDelay(shape: QueueingDelay): DelayModel {
  const { baseMs, jitterMs, tailShare, tailMs } = checkObject('shape', shape);
  checkNumber('baseMs', baseMs, 0, MAX_MS);
  checkNumber('jitterMs', jitterMs, 0, MAX_MS);
  checkNumber('tailShare', tailShare, 0, 1);
  checkNumber('tailMs', tailMs, 0, MAX_MS);
  return (random) => {
    const tail = random.chance(shape.tailShare) ? random.pareto(shape.tailMs, 1.5) : 0;
    return (shape.baseMs + random.exponential(shape.jitterMs) + Math.min(tail, 2000)) * NS_PER_MS;
  };
}

/**
 * Delays between switches of one building: 100 to 300 us each way, drawn per link.
 *
 * @throws ArgumentTypeError when `random` is not a Random
 */
export function lanDelay(random: Random): DelayModel {
  checkRandom(random);
  const baseMs = random.between(0.1, 0.3);
  return queueingDelay({ baseMs, jitterMs: 0.02, tailShare: 0.002, tailMs: 1 });
}

/**
 * Delays inside one cloud region: 0.5 to 2 ms each way, drawn per link.
 *
 * @throws ArgumentTypeError when `random` is not a Random
 */
export function cloudDelay(random: Random): DelayModel {
  checkRandom(random);
  const baseMs = random.between(0.5, 2);
  return queueingDelay({ baseMs, jitterMs: 0.15, tailShare: 0.005, tailMs: 5 });
}

/**
 * Delays across the open internet: 10 to 80 ms each way, drawn per link and direction.
 *
 * @throws ArgumentTypeError when `random` is not a Random
 */
export function internetDelay(random: Random): DelayModel {
  checkRandom(random);
  const baseMs = random.between(10, 80);
  return queueingDelay({ baseMs, jitterMs: 2, tailShare: 0.02, tailMs: 20 });
}

/**
 * The delay `before` until `atMs` after the beginning of the world, then `after`: the route
 * changes.
 *
 * @throws ArgumentTypeError when a model is not a function
 * @throws ArgumentRangeError when `atMs` is negative
 */
export function routeChange(before: DelayModel, after: DelayModel, atMs: number): DelayModel {
  checkFunction('before', before);
  checkFunction('after', after);
  checkNumber('atMs', atMs, 0, Number.POSITIVE_INFINITY);
  return (random, elapsedNs) => (elapsedNs < atMs * NS_PER_MS ? before : after)(random, elapsedNs);
}

/** The bursts of {@link congested}. */
export interface CongestionOptions {
  /** The mean time between bursts, ms. */
  readonly everyMs: number;
  /** The mean length of a burst, ms. */
  readonly lastsMs: number;
  /** The mean extra delay of a packet sent during a burst, ms. */
  readonly extraMs: number;
}

/**
 * `model` with bursts of congestion at random times, in which every packet waits longer.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `model` is not a function, or an option is not
 *   a number in its range
 */
export function congested(model: DelayModel, options: CongestionOptions): DelayModel {
  checkFunction('model', model);
  const { everyMs, lastsMs, extraMs } = checkObject('options', options);
  checkNumber('everyMs', everyMs, 1e-6, MAX_MS);
  checkNumber('lastsMs', lastsMs, 0, MAX_MS);
  checkNumber('extraMs', extraMs, 0, MAX_MS);
  let burstBegins = -1;
  let burstEnds = -1;
  return (random, elapsedNs) => {
    while (burstEnds <= elapsedNs) {
      burstBegins = Math.max(burstEnds, 0) + random.exponential(everyMs * NS_PER_MS);
      burstEnds = burstBegins + random.exponential(lastsMs * NS_PER_MS) + 1;
    }
    const extra = elapsedNs >= burstBegins ? random.exponential(extraMs * NS_PER_MS) : 0;
    return model(random, elapsedNs) + extra;
  };
}

/** The least that a packet ever takes, even when a model returns less: light across a room. */
export const MIN_DELAY_NS: number = 1 * NS_PER_US;
