/**
 * One NTP exchange, without a socket: the request, and what its reply proves.
 *
 * **What a reply proves.** Our request left after the monotonic reading t1, and the server received it
 * no later than its stamp T2 says, give or take its error E; its reply left no earlier than T3 says, and
 * came before the reading t4:
 *
 *     true - monotonic <= T2 - t1 + E          at t1
 *     true - monotonic >= T3 - t4 - grid - E   at t4
 *     E = rootDelay / 2 + rootDispersion + 2^precision, with a quantum for each truncated short format
 *
 * `grid`, because the reading t4 was floored to the grid of our clock. So was t1, on the safe side.
 *
 * By causality alone; the usual halving of the round trip, which assumes a symmetric path, appears
 * nowhere. All arithmetic is on exact integers, and every rounding is outward: T2 up, T3 down, E up.
 * No "minimum path delay" is subtracted: whoever holds the path can delay one direction.
 *
 * **Who may say so.** Off the path, nobody can answer for the server: the transmit timestamp of the
 * request is 64 random bits that a reply must return as its origin. A datagram without them is *ignored*
 * (someone else's, a forgery, noise) and the exchange goes on; with them, it is the answer, and ends the
 * exchange whether it is accepted or not. The rest of the request is zero (data minimisation,
 * draft-ietf-ntp-data-minimization): it tells neither our time nor what software we are.
 *
 * Rules from RFC 5905 section 9.2 (and its appendix A.5.1), with three departures: the root distance is
 * limited to 1.5 s instead of 16 s; precision must be 1 s or finer, since a bound of 2^127 s is no bound
 * and would leave int64; and a reply slower than its server's hold time can explain is refused. RFC 1305
 * allowed a *negative* root delay; read as unsigned, it is over the limit and so refused.
 */
import type { ClockSample, LeapWarning } from '../../bound/clock-sample.ts';
import type { MonotonicNs, UnixNs } from '../../time/instant.ts';
import { divCeil } from '../../time/rounding.ts';
import { encodePacket, type NtpPacket, parsePacket, referenceIdOf } from './packet.ts';
import { nsFromPrecisionUp, nsFromShortUp, unixNsFromTimestamp } from './timestamp.ts';

/** Why a datagram is not the answer to our request; the exchange goes on. */
export type IgnoredReason =
  /** No NTP packet. */
  | 'malformed'
  /** Not a server's reply. */
  | 'mode'
  /** It does not return our nonce. */
  | 'origin';

/** Why the answer proves nothing; the exchange is over. */
export type RefusedReason =
  /** Neither version 3 nor 4. */
  | 'version'
  /** The server says that its clock is not synchronised (leap indicator 3). */
  | 'unsynchronized'
  /** Stratum 0 without a kiss code we know, or 16 and above. */
  | 'stratum'
  /** No transmit timestamp. */
  | 'transmit-zero'
  /** The server's precision is coarser than a second. */
  | 'precision'
  /** Root delay / 2 + root dispersion above 1.5 s. */
  | 'root-distance'
  /** It left, by the server's own clock, before our request came. */
  | 'server-order'
  /** Our monotonic clock went back. */
  | 'local-order'
  /** The server held it for longer than the whole round trip took. */
  | 'hold-time'
  /** It came after the timeout. */
  | 'late';

/** A kiss-o'-death that is obeyed: slow down, or go away. */
export type KissCode = 'RATE' | 'DENY' | 'RSTR';

/** What a datagram means for the exchange under way. */
export type Verdict =
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'refused'; readonly reason: RefusedReason; readonly packet: NtpPacket }
  | { readonly kind: 'kiss'; readonly code: KissCode; readonly packet: NtpPacket }
  | { readonly kind: 'sample'; readonly sample: ClockSample; readonly packet: NtpPacket };

/** What this side knows of an exchange when a datagram has come. */
export interface ExchangeRecord {
  /** Becomes the sample's. */
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
  /** About now, within 68 years: it decides the era of the server's timestamps. */
  readonly pivot: UnixNs;
}

/** Root delay / 2 + root dispersion above this is refused; in halves of a short-format unit: 1.5 s. */
const MAX_ROOT_DISTANCE_HALVES = 3 * 65_536;
const KISS_CODES: ReadonlyMap<number, KissCode> = new Map(
  (['RATE', 'DENY', 'RSTR'] as const).map((code) => [referenceIdOf(code), code]),
);
const LEAP_WARNINGS: readonly LeapWarning[] = ['none', 'insert', 'delete'];

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

/** What `datagram` means for the exchange `record`. Total: never throws, whatever the bytes. */
export function judgeReply(datagram: Uint8Array, record: ExchangeRecord): Verdict {
  const packet = parsePacket(datagram);
  if (typeof packet === 'string') return { kind: 'ignored', reason: 'malformed' };
  if (packet.mode !== 4) return { kind: 'ignored', reason: 'mode' };
  if (packet.originTime !== record.nonce) return { kind: 'ignored', reason: 'origin' };

  const code = packet.stratum === 0 ? KISS_CODES.get(packet.referenceId) : undefined;
  if (code !== undefined) return { kind: 'kiss', code, packet };
  const unfit = headerFault(packet);
  if (unfit !== undefined) return { kind: 'refused', reason: unfit, packet };
  const timing = timingOf(packet, record);
  const untimely = timingFault(timing, record);
  if (untimely !== undefined) return { kind: 'refused', reason: untimely, packet };
  return { kind: 'sample', sample: sampleOf(packet, timing, record), packet };
}

function headerFault(packet: NtpPacket): RefusedReason | undefined {
  if (packet.version !== 3 && packet.version !== 4) return 'version';
  if (packet.leap === 3) return 'unsynchronized';
  if (packet.stratum < 1 || packet.stratum > 15) return 'stratum';
  if (packet.transmitTime === 0n) return 'transmit-zero';
  if (packet.precision > 0) return 'precision';
  const rootDistanceHalves = packet.rootDelay + 2 * packet.rootDispersion;
  if (rootDistanceHalves > MAX_ROOT_DISTANCE_HALVES) return 'root-distance';
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

function sampleOf(packet: NtpPacket, timing: Timing, record: ExchangeRecord): ClockSample {
  const { serverReceive, serverTransmit, precisionNs, roundTripNs, holdNs } = timing;
  const { sourceId, sentAt, receivedAt, monotonicGridNs } = record;
  const serverErrorNs =
    divCeil(nsFromShortUp(packet.rootDelay), 2n) +
    nsFromShortUp(packet.rootDispersion) +
    precisionNs;
  const pathDelayNs = roundTripNs - holdNs;
  return {
    sourceId,
    sentAt,
    receivedAt,
    upperNs: serverReceive - sentAt + serverErrorNs,
    lowerNs: serverTransmit - receivedAt - monotonicGridNs - serverErrorNs,
    pathDelayNs: pathDelayNs > 0n ? pathDelayNs : 0n,
    serverErrorNs,
    leap: LEAP_WARNINGS[packet.leap]!,
  };
}
