/**
 * A bounded clock's answers over NTP, without a socket: how an interval is said in the fields of a
 * packet, so that every client can compute an interval from them that holds true time.
 *
 * **What a client computes.** Formulas and roundings differ, but all that are sound come to this:
 * true time at our two stamps T2 and T3 was within E of them, where
 *
 *     E = root delay / 2 + root dispersion + 2^precision
 *
 * The request left before T2 and the reply arrived after T3. So the client knows
 * `true - local <= T2 - t1 + E` at its reading t1, and `true - local >= T3 - t4 - E` at t4.
 *
 * **What is served.** The clock is read when the request has come, and again before the reply
 * leaves: two intervals, of which each holds true time at its own instant. T2 is the middle of the
 * first, T3 that of the second, or T2 where that is later: a reply does not leave before it came.
 * Root delay is 0, and the root dispersion alone covers the farthest end of either interval:
 *
 *     E >= |end - T2| for both ends of the first interval, |end - T3| for both of the second
 *
 * So E holds whatever happened in between. When a sample moves the middle, when the bound is lost
 * and won again, when T3 had to be moved: the ends are facts, and the distance to them is what is
 * served. E is rounded up to the format of the field (15.26 us), after one ns for the stamps, which
 * lose less than that on the wire. The precision adds to it again.
 *
 * The interval grows while the clock hears nothing, and E with it: that is holdover, and clients
 * see it as a root dispersion that grows.
 *
 * **Without a bound** there is no time to serve: leap indicator 3, stratum 0 (16 is sent so, RFC
 * 5905 section 7.3), the kiss code INIT, and stamps that are the client's own, which nobody can
 * take for a time. The same when E exceeds 16 s, beyond which NTP has no use for a time (MAXDISP).
 *
 * **Reference id.** An id of those clocks that this time rests on (bounded-clock/trail.ts).
 */
import { LEAP_WARNINGS } from '../../bound/clock-sample.ts';
import type { BoundedReader } from '../../bounded-clock/bounded-reader.ts';
import { Trail } from '../../bounded-clock/trail.ts';
import type { TimeInterval } from '../../interval/time-interval.ts';
import { asUnixNs, type UnixNs } from '../../time/instant.ts';
import { HEADER_BYTES, type LeapIndicator } from './packet.ts';
import { answerRequest, type NtpServerState } from './server.ts';
import { shortFromNsUp } from './timestamp.ts';

/** Signed log2 seconds. 119 ns: about what a reading of the clock takes. */
const PRECISION = -23;
/** The largest error that is served as a time: MAXDISP of RFC 5905. */
const MAX_ERROR_NS = 16_000_000_000n;
const NO_TIME = asUnixNs(0n);

/** The stamps of an answer, and how far from them true time was at most. */
export interface Claim {
  readonly received: UnixNs;
  readonly transmitted: UnixNs;
  /** Not yet rounded to the format of the packet. */
  readonly errorNs: bigint;
}

/**
 * What can be claimed when true time was in `atReceipt` when the request had come, and in
 * `atSending` when the reply was about to leave.
 */
export function claimFrom(atReceipt: TimeInterval, atSending: TimeInterval): Claim {
  const received = middleOf(atReceipt);
  const middle = middleOf(atSending);
  const transmitted = middle > received ? middle : received;
  const distances = [
    atReceipt.latest - received, // the other end is not farther: the middle is rounded down
    transmitted - atSending.earliest,
    atSending.latest - transmitted,
  ];
  const farthest = distances.reduce((most, each) => (each > most ? each : most));
  return { received, transmitted, errorNs: farthest + 1n };
}

/** Answers requests with the bound of one clock. Never throws, whatever that clock does. */
export class BoundedAnswers {
  readonly #reader: BoundedReader;
  readonly #stratum: number;
  readonly #trail: Trail;

  /** @param random returns 32 random bits */
  constructor(reader: BoundedReader, stratum: number, random: () => number) {
    this.#reader = reader;
    this.#stratum = stratum;
    this.#trail = reader.trail ?? new Trail();
    this.#trail.serve(random);
  }

  /** The interval now; `undefined` without a bound. Call it as soon as the request has come. */
  receive(): TimeInterval | undefined {
    try {
      // This looks at the wall clock as well, so a suspend a moment ago is seen.
      return this.#reader.read().interval;
    } catch {
      return undefined; // fake timers, or a clock of the user's that throws
    }
  }

  /**
   * The answer to `request`; `undefined` when that is not a client's request. `atReceipt` is what
   * `receive` said.
   */
  answer(request: Uint8Array, atReceipt: TimeInterval | undefined): Uint8Array | undefined {
    try {
      const atSending = this.#reader.tryNow();
      if (atReceipt !== undefined && atSending !== undefined) {
        const claim = claimFrom(atReceipt, atSending);
        if (claim.errorNs <= MAX_ERROR_NS) return this.#answerWith(request, claim);
      }
    } catch {
      // As above.
    }
    return refuseRequest(request, 'INIT');
  }

  #answerWith(request: Uint8Array, claim: Claim): Uint8Array | undefined {
    const { received, transmitted, errorNs } = claim;
    return answerRequest(request, received, transmitted, {
      leap: LEAP_WARNINGS.indexOf(this.#reader.leap) as LeapIndicator,
      stratum: this.#stratum,
      precision: PRECISION,
      rootDelay: 0,
      rootDispersion: shortFromNsUp(errorNs),
      referenceId: this.#referenceId(request),
      referenceNs: transmitted,
    });
  }

  /** Another one for another nonce, so that a client hears all of them in a few polls. */
  #referenceId(request: Uint8Array): number {
    const now = this.#reader.localClock.monotonicNs();
    const choice = request.length < HEADER_BYTES ? 0 : request[HEADER_BYTES - 1]!;
    return this.#trail.announce(choice, now);
  }
}

/** The answer without a time: `INIT` without a bound, `RATE` to a client that asks too often. */
export function refuseRequest(
  request: Uint8Array,
  kiss: NonNullable<NtpServerState['kiss']>,
): Uint8Array | undefined {
  return answerRequest(request, NO_TIME, NO_TIME, {
    leap: 3,
    stratum: 0,
    precision: PRECISION,
    rootDelay: 0,
    rootDispersion: shortFromNsUp(MAX_ERROR_NS),
    referenceId: 0,
    referenceNs: NO_TIME,
    kiss,
  });
}

/** Rounded down. */
function middleOf({ earliest, latest }: TimeInterval): UnixNs {
  return asUnixNs((earliest + latest) >> 1n);
}
