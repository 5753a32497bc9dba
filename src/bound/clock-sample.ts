/**
 * The one currency. Every time source, whatever its protocol, is reduced to this: two one-sided
 * facts about `theta = true time - monotonic clock`, each at its own instant of *our* monotonic
 * clock.
 *
 *     theta(sentAt)     <= upperNs     the request left after `sentAt` was read, and reached the
 *                                      server no later than the server's receive stamp says
 *     theta(receivedAt) >= lowerNs     the reply left no earlier than the server's transmit stamp
 *                                      says, and arrived before `receivedAt` was read
 *
 * They follow from causality alone. The network need not be symmetric, and a pause, a loss or a
 * queue only weakens them. Each fact must be aged from its own instant, because the clock drifts
 * between the two.
 */
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';

/** What a server announces for the end of the current UTC month (NTP leap indicator 0, 1, 2). */
export type LeapWarning = 'none' | 'insert' | 'delete';

/**
 * What one exchange with a source proves: two one-sided facts about true time, each dated on the
 * local monotonic clock.
 */
export interface ClockSample {
  /**
   * The endpoint that vouches for the sample. Samples with one `sourceId` are one vote. For NTP it
   * is the resolved address and port, so that two names of one server do not count twice.
   */
  readonly sourceId: string;
  /** Read immediately before the request was sent. */
  readonly sentAt: MonotonicNs;
  /** Read immediately after the reply arrived; never before `sentAt`. */
  readonly receivedAt: MonotonicNs;
  /** `true - monotonic` was at most this at `sentAt`, ns, rounded up. */
  readonly upperNs: bigint;
  /** `true - monotonic` was at least this at `receivedAt`, ns, rounded down. */
  readonly lowerNs: bigint;
  /**
   * Round trip less the server's hold time, ns: the width that the path causes. For `explain()`.
   */
  readonly pathDelayNs: bigint;
  /** The server's own error bound, ns. Both facts include it already. For `explain()`. */
  readonly serverErrorNs: bigint;
  /**
   * Whether the server announces that the month ends with a second more (`insert`) or less
   * (`delete`).
   */
  readonly leap: LeapWarning;
}

const INT64_FIELDS = [
  'sentAt',
  'receivedAt',
  'upperNs',
  'lowerNs',
  'pathDelayNs',
  'serverErrorNs',
] as const;
/** The leap warnings, in the order of NTP's leap indicator. */
export const LEAP_WARNINGS: readonly LeapWarning[] = ['none', 'insert', 'delete'];

/**
 * Whether a sample, which may come from anybody's source, has the right types. What it claims is
 * for the engine to judge.
 *
 * @throws ArgumentTypeError naming the field at fault
 */
export function checkSample(sample: ClockSample): void {
  const { sourceId, leap } = checkObject('sample', sample);
  if (typeof sourceId !== 'string') {
    throw new ArgumentTypeError('sample.sourceId', 'a string', sourceId);
  }
  for (const field of INT64_FIELDS) {
    if (typeof sample[field] !== 'bigint') {
      throw new ArgumentTypeError(`sample.${field}`, 'a bigint', sample[field]);
    }
  }
  if (!LEAP_WARNINGS.includes(leap)) {
    throw new ArgumentTypeError('sample.leap', "'none', 'insert' or 'delete'", leap);
  }
}
