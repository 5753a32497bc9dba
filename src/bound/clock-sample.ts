/**
 * The one currency. Every time source, whatever protocol it speaks, is reduced to this: two one-sided
 * facts about `theta = true time - monotonic clock`, each at its own instant of *our* monotonic clock.
 *
 *     theta(sentAt)     <= upperNs      the request left after `sentAt` was read, and reached the server
 *                                       no later than its own receive stamp says
 *     theta(receivedAt) >= lowerNs      the reply left no earlier than its stamp says, and came before
 *                                       `receivedAt` was read
 *
 * They follow from causality alone: no symmetry of the network is assumed, and a pause, a loss or a
 * queue anywhere only weakens them. The two facts must be aged from their own instants, never both from
 * one: in between the clocks drift.
 */
import type { MonotonicNs } from '../time/instant.ts';

/** What a server announces for the end of the current UTC month (NTP leap indicator 0, 1, 2). */
export type LeapWarning = 'none' | 'insert' | 'delete';

export interface ClockSample {
  /**
   * Who vouches for it: two samples with one `sourceId` are one vote. For NTP the resolved address and
   * port, so that two names of one server do not count twice.
   */
  readonly sourceId: string;
  /** Read immediately before the request was sent. */
  readonly sentAt: MonotonicNs;
  /** Read immediately after the reply arrived; never before `sentAt`. */
  readonly receivedAt: MonotonicNs;
  /** `true - monotonic` was at most this at `sentAt`, in ns, rounded up. */
  readonly upperNs: bigint;
  /** `true - monotonic` was at least this at `receivedAt`, in ns, rounded down. */
  readonly lowerNs: bigint;
  /** Round trip less the server's hold time, in ns: what the path is to blame for. For `explain()`. */
  readonly pathDelayNs: bigint;
  /** The server's own error bound, in ns, already inside both facts. For `explain()`. */
  readonly serverErrorNs: bigint;
  readonly leap: LeapWarning;
}
