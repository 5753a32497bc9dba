/**
 * The server's end: its clock is looked at when a request has arrived, and when the reply leaves.
 *
 * A request arrives before the first look, so true time was at most the look's `latest` then. The
 * reply leaves after the second look, so true time was at least its `earliest` then. Work between
 * the two makes nobody's interval wrong, and with two stamps it makes none wider either.
 *
 * A clock that stands still between input and output, as at the edge, keeps both facts true: its
 * reading is no older than the arrival of the request, and no newer than now.
 */
import { BoundedReader } from '../../bounded-clock/bounded-reader.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { asUnixNs } from '../../time/instant.ts';
import { nsFromMsUp } from '../../time/rounding.ts';
import { MAX_ERROR_MS, type Statement, type Unsynchronized } from './statement.ts';

/** Whose time a server serves, and who vouches for it. */
export interface ServerTime {
  /**
   * A bounded clock, which vouches for itself. Or a plain `Clock`, such as `systemClock()`, for
   * whose wall clock you vouch by `errorMs`.
   */
  readonly clock: BoundedReader | Clock;
  /**
   * With a plain `Clock`, and only then: its wall clock is certainly within this of true time.
   * Where the machine's clock smears leap seconds, this has to cover it: 500 ms. 0 to 1500 ms.
   */
  readonly errorMs?: number | undefined;
}

/**
 * Call it when a request has arrived, and its result when the reply leaves. A bounded clock first
 * looks whether this machine slept.
 */
export type ServerStamps = () => () => Statement | Unsynchronized;

/** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
export function serverStamps({ clock, errorMs }: ServerTime): ServerStamps {
  if (clock instanceof BoundedReader) {
    if (errorMs === undefined) return () => stampsOfBound(clock);
    throw new ArgumentTypeError('errorMs', 'left out: the bounded clock knows it', errorMs);
  }
  if (typeof (clock as Partial<Clock> | undefined)?.wallReadNs !== 'function') {
    throw new ArgumentTypeError('clock', 'a BoundedClock, or a Clock', clock);
  }
  const errorNs = nsFromMsUp(checkNumber('errorMs', errorMs, 0, MAX_ERROR_MS));
  return () => stampsOfWall(clock, errorNs);
}

function stampsOfBound(clock: BoundedReader): () => Statement | Unsynchronized {
  const arrived = clock.read();
  return () => {
    if (arrived.interval === undefined) return { unsynchronized: arrived.reason };
    const leaving = clock.read();
    if (leaving.interval === undefined) return { unsynchronized: leaving.reason };
    const { interval: before } = arrived;
    const { interval: after } = leaving;
    const errorNs =
      before.uncertaintyNs > after.uncertaintyNs ? before.uncertaintyNs : after.uncertaintyNs;
    return {
      // The middles are rounded down and the uncertainties up: both ends stay inside.
      receivedNs: before.midpoint,
      sentNs: after.midpoint,
      errorNs,
      leap: clock.leap,
      basis: 'bound',
    };
  };
}

function stampsOfWall(clock: Clock, errorNs: bigint): () => Statement {
  // A reading of the wall clock means an instant up to a grid step later.
  const receivedNs = asUnixNs(clock.wallReadNs() + clock.wallGridNs);
  return () => {
    const sentNs = clock.wallReadNs();
    return { receivedNs, sentNs, errorNs, leap: 'none', basis: 'operator' };
  };
}
