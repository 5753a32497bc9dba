/**
 * One NTP exchange, without a socket: the request, and what its reply proves.
 *
 * **What a reply proves.** Our request left after the monotonic reading t1, and the server received
 * it no later than its stamp T2 says, give or take its error E. The reply left no earlier than T3
 * says, and came before the reading t4:
 *
 *     true - monotonic <= T2 - t1 + E          at t1
 *     true - monotonic >= T3 - t4 - grid - E   at t4
 *     E = rootDelay / 2 + rootDispersion + 2^precision, with a unit for each truncated short format
 *
 * `grid`, because the reading t4 was floored to the grid of our clock. So was t1, on the safe side.
 *
 * Both lines follow from causality alone. The usual halving of the round trip, which assumes a
 * symmetric path, appears nowhere. All arithmetic is on exact integers, and every rounding is
 * outward: T2 up, T3 down, E up. No "minimum path delay" is subtracted, because an attacker on the
 * path can delay one direction.
 *
 * **Who can answer.** Off the path, no one can answer for the server: the transmit timestamp of the
 * request is 64 random bits (the *nonce*), and a reply must return them as its origin. A datagram
 * without them is *ignored* (another exchange's, a forgery, noise) and the exchange goes on. A
 * datagram with them is the answer. It ends the exchange, whether it is accepted or not. The rest
 * of the request is zero (data minimisation, draft-ietf-ntp-data-minimization): it tells neither
 * our time nor what software we are.
 *
 * The rules are those of RFC 5905 section 9.2 (and its appendix A.5.1), with three departures:
 * - The root distance is limited to 1.5 s instead of 16 s, unless the user says otherwise.
 * - Precision must be 1 s or finer: a bound of 2^127 s is useless and would leave int64.
 * - A reply is refused when the hold time that its server states is longer than the whole round
 *   trip.
 *
 * RFC 1305 allowed a *negative* root delay. Read as unsigned, it is over the limit and so refused.
 */
import { type ClockSample, LEAP_WARNINGS } from '../../bound/clock-sample.ts';
import type { MonotonicNs, UnixNs } from '../../time/instant.ts';
import { divCeil } from '../../time/rounding.ts';
import { sampleOf } from '../sample-from.ts';
import { encodePacket, type NtpPacket, parsePacket, referenceIdOf } from './packet.ts';
import { nsFromPrecisionUp, nsFromShortUp, unixNsFromTimestamp } from './timestamp.ts';

/** Why a datagram is not the answer to our request. The exchange goes on. */
export type IgnoredReason =
  /** It is not an NTP packet. */
  | 'malformed'
  /** It is not a server's reply. */
  | 'mode'
  /** It does not return our nonce. */
  | 'origin';

/** Why the answer proves nothing. The exchange is over. */
export type RefusedReason =
  /** Its version is neither 3 nor 4. */
  | 'version'
  /** The server says that its clock is not synchronised (leap indicator 3). */
  | 'unsynchronized'
  /** Stratum 0 without a known kiss code, or stratum 16 and above. */
  | 'stratum'
  /** The server's time rests on that of our own clock (bounded-clock/trail.ts). */
  | 'loop'
  /** It has no transmit timestamp. */
  | 'transmit-zero'
  /** The server's precision is coarser than a second. */
  | 'precision'
  /** Root delay / 2 + root dispersion above the limit, by default 1.5 s. */
  | 'root-distance'
  /** By the server's own clock, the reply left before the request came. */
  | 'server-order'
  /** Our monotonic clock went back. */
  | 'local-order'
  /** By the server's own clock, it held the request for longer than the whole round trip took. */
  | 'hold-time'
  /** It came after the timeout. */
  | 'late';

/** A kiss-o'-death that is obeyed. RATE: slow down; DENY and RSTR: go away. */
export type KissCode = 'RATE' | 'DENY' | 'RSTR';

/** What a datagram means for the exchange under way. */
export type Verdict =
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'refused'; readonly reason: RefusedReason; readonly packet: NtpPacket }
  | { readonly kind: 'kiss'; readonly code: KissCode; readonly packet: NtpPacket }
  | { readonly kind: 'sample'; readonly sample: ClockSample; readonly packet: NtpPacket };

/** The facts that the client knows of an exchange when a datagram has come. */
export interface ExchangeRecord {
  /** The `sourceId` of the sample. */
  readonly sourceId: string;
  /** The request's 64 random bits. */
  readonly nonce: bigint;
  /** Read immediately before the request was sent. */
  readonly sentAt: MonotonicNs;
  /** Read immediately after the datagram came. */
  readonly receivedAt: MonotonicNs;
  /** A monotonic reading `m` means an instant in `[m, m + monotonicGridNs]`. */
  readonly monotonicGridNs: bigint;
  /** A reply that took longer is refused. */
  readonly timeoutNs: bigint;
  /** An instant within 68 years of now: it decides the era of the server's timestamps. */
  readonly pivot: UnixNs;
  /** A server whose root delay / 2 + root dispersion exceeds this is refused. Default 1.5 s. */
  readonly maxRootDistanceMs?: number | undefined;
}

/**
 * Servers on the internet stay far below this. It is small enough to notice a server that has lost
 * its own sources.
 */
export const MAX_ROOT_DISTANCE_MS = 1500;
/** The units of (root delay + 2 x root dispersion), each 2^-16 s, in one ms of root distance. */
const HALVES_PER_MS = (2 * 65_536) / 1000;
const KISS_CODES: ReadonlyMap<number, KissCode> = new Map(
  (['RATE', 'DENY', 'RSTR'] as const).map((code) => [referenceIdOf(code), code]),
);

/** The 48 bytes of a request: version 4, mode 3, the 64 random bits of `nonce`, and zeros. */
export function encodeRequest(nonce: bigint): Uint8Array {
  return encodePacket({
    leap: 0,
    version: 4,
    mode: 3,
    stratum: 0,
    poll: 0,
    precision: 0,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0,
    referenceTime: 0n,
    originTime: 0n,
    receiveTime: 0n,
    transmitTime: nonce,
  });
}

/** What `datagram` means for the exchange `record`. Never throws, whatever the bytes. */
export function judgeReply(datagram: Uint8Array, record: ExchangeRecord): Verdict {
  const packet = parsePacket(datagram);
  if (typeof packet === 'string') return { kind: 'ignored', reason: 'malformed' };
  if (packet.mode !== 4) return { kind: 'ignored', reason: 'mode' };
  if (packet.originTime !== record.nonce) return { kind: 'ignored', reason: 'origin' };

  const code = packet.stratum === 0 ? KISS_CODES.get(packet.referenceId) : undefined;
  if (code !== undefined) return { kind: 'kiss', code, packet };
  const unfit = headerFault(packet, record);
  if (unfit !== undefined) return { kind: 'refused', reason: unfit, packet };
  const timing = timingOf(packet, record);
  const untimely = timingFault(timing, record);
  if (untimely !== undefined) return { kind: 'refused', reason: untimely, packet };
  return { kind: 'sample', sample: provenBy(packet, timing, record), packet };
}

function headerFault(packet: NtpPacket, record: ExchangeRecord): RefusedReason | undefined {
  const { maxRootDistanceMs = MAX_ROOT_DISTANCE_MS } = record;
  if (packet.version !== 3 && packet.version !== 4) return 'version';
  if (packet.leap === 3) return 'unsynchronized';
  if (packet.stratum < 1 || packet.stratum > 15) return 'stratum';
  if (packet.transmitTime === 0n) return 'transmit-zero';
  if (packet.precision > 0) return 'precision';
  const rootDistanceHalves = packet.rootDelay + 2 * packet.rootDispersion;
  if (rootDistanceHalves > maxRootDistanceMs * HALVES_PER_MS) return 'root-distance';
  return undefined;
}

interface Timing {
  /** T2, rounded up. */
  readonly serverReceive: UnixNs;
  /** T3, rounded down. */
  readonly serverTransmit: UnixNs;
  readonly precisionNs: bigint;
  readonly roundTripNs: bigint;
  readonly holdNs: bigint;
}

function timingOf(packet: NtpPacket, { pivot, sentAt, receivedAt }: ExchangeRecord): Timing {
  const serverReceive = unixNsFromTimestamp(packet.receiveTime, pivot, 'up');
  const serverTransmit = unixNsFromTimestamp(packet.transmitTime, pivot, 'down');
  return {
    serverReceive,
    serverTransmit,
    precisionNs: nsFromPrecisionUp(packet.precision),
    roundTripNs: receivedAt - sentAt,
    holdNs: serverTransmit - serverReceive,
  };
}

function timingFault(timing: Timing, record: ExchangeRecord): RefusedReason | undefined {
  const { roundTripNs, holdNs, precisionNs } = timing;
  if (roundTripNs < 0n) return 'local-order';
  if (roundTripNs > record.timeoutNs) return 'late';
  // Rounding both stamps outward may have taken 2 ns off the hold time.
  if (holdNs + 2n < -precisionNs) return 'server-order';
  // Both readings were floored, so the round trip may have taken up to one grid step more.
  if (holdNs > roundTripNs + record.monotonicGridNs) return 'hold-time';
  return undefined;
}

function provenBy(packet: NtpPacket, timing: Timing, record: ExchangeRecord): ClockSample {
  const { serverReceive, serverTransmit, precisionNs } = timing;
  const { sourceId, sentAt, receivedAt, monotonicGridNs } = record;
  const serverErrorNs =
    divCeil(nsFromShortUp(packet.rootDelay), 2n) +
    nsFromShortUp(packet.rootDispersion) +
    precisionNs;
  return sampleOf({
    sourceId,
    sentAt,
    receivedAt,
    serverReceivedAt: serverReceive,
    serverSentAt: serverTransmit,
    serverErrorNs,
    localGridNs: monotonicGridNs,
    leap: LEAP_WARNINGS[packet.leap],
  });
}
