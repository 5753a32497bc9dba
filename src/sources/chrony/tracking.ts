/**
 * The tracking report of chronyd: what it believes of the system clock, and how wrong that may be.
 * Pure: bytes in, facts or a refusal out.
 *
 * chronyd keeps a time of its own, the system clock plus a *correction* that it works off slowly:
 *
 *     true time = system clock + correction, give or take root delay / 2 + root dispersion
 *
 * The error is chronyd's own claim, as an NTP server makes it to its clients. It grows from the
 * last update on, by chronyd's estimate of the crystal and by `maxclockerror`, 1 ppm unless
 * configured. Ordinary crystals do more than that when the room gets warmer. So the age of the
 * update counts once more here, at the 15 ppm that RFC 5905 (section 11.2, PHI) takes for a
 * disciplined clock.
 *
 * A report is refused when it is no bound, however it looks. Each rule has a reason of its own,
 * which `explain()` counts. Without a source chronyd reports zeros or placeholders, and in its
 * local mode it vouches for itself.
 */
import type { LeapWarning } from '../../bound/clock-sample.ts';
import { chronyFloat, hasReply, viewOf } from './command.ts';

/** The number of the command. */
export const TRACKING = 33;
const TRACKING_REPLY = 5;
const REPLY_BYTES = 104;

/** The reference id of the local mode: 127.127.1.1. */
const LOCAL_REFERENCE = 0x7f7f0101;
const NO_FAMILY = 0;
/** In the upper half of the seconds: there is no reference time. */
const NO_TIME = 0x7fff_ffff;
const LEAPS: readonly (LeapWarning | undefined)[] = ['none', 'insert', 'delete'];
/** As for NTP servers: a claim that is wider says that something is wrong. */
const MAX_ROOT_DISTANCE_NS = 1_500_000_000n;
/** An update older than this many update intervals says that the sources are lost. */
const MAX_AGE_INTERVALS = 8;
/** The least age that counts as lost, because intervals are short while chronyd starts. */
const MIN_STALE_NS = 64_000_000_000n;
/** An update can't be in the future; the system clock is read after the report was made. */
const MAX_FUTURE_NS = 1_000_000_000n;
/** RFC 5905 section 11.2, in parts per million. */
const PHI_PPM = 15n;
/**
 * A larger correction is stepped and not worked off. More is a broken report, or a broken clock.
 */
const MAX_CORRECTION_S = 1e9;

/** What a report says. */
export interface Tracking {
  /** True time minus the system clock, by chronyd's estimate, when it made the report, ns. */
  readonly correctionNs: bigint;
  /** True time was within this of the corrected clock, ns, rounded up. */
  readonly errorNs: bigint;
  readonly leap: LeapWarning;
  /** Identifies the update: it changes whenever chronyd has learned something. */
  readonly referenceNs: bigint;
  readonly stratum: number;
  readonly referenceId: number;
}

/** Why a report is no bound. */
export type TrackingRefusal =
  /** chronyd refused to answer: `cmdallow`, `opencommands`. */
  | 'not-allowed'
  /** A field has an impossible value. */
  | 'malformed'
  /** It has no source that it trusts (leap indicator 3, or no update yet). */
  | 'unsynchronized'
  /** It vouches for itself (`local`). */
  | 'local'
  /** Stratum 0, or 16 and above. */
  | 'stratum'
  /** Its last update is too long ago: more than eight intervals, and more than 64 s. */
  | 'stale'
  /** Root delay / 2 + root dispersion above 1.5 s. */
  | 'root-distance';

/**
 * What the reply says, or why that is no bound.
 *
 * @param reply one for which `answersCommand` holds
 * @param wallNs the system clock within a second of the reply: it tells how old the update is
 */
export function readTracking(reply: Uint8Array, wallNs: bigint): Tracking | TrackingRefusal {
  const view = viewOf(reply);
  if (view.getUint16(8) !== 0) return 'not-allowed';
  if (!hasReply(reply, TRACKING_REPLY, REPLY_BYTES)) return 'malformed';
  const referenceId = view.getUint32(28);
  const stratum = view.getUint16(52);
  const leap = view.getUint16(54);
  const referenceHigh = view.getUint32(56);
  const correction = chronyFloat(view.getUint32(68));
  const rootDelay = chronyFloat(view.getUint32(92));
  const rootDispersion = chronyFloat(view.getUint32(96));
  const interval = chronyFloat(view.getUint32(100));
  if (leap > 3 || rootDelay < 0 || rootDispersion < 0 || interval < 0) return 'malformed';
  if (Math.abs(correction) > MAX_CORRECTION_S) return 'malformed';
  if (leap === 3 || referenceHigh === NO_TIME) return 'unsynchronized';
  if (referenceId === LOCAL_REFERENCE || view.getUint16(48) === NO_FAMILY) return 'local';
  if (stratum < 1 || stratum > 15) return 'stratum';
  const claimNs = nsUp(rootDelay / 2 + rootDispersion);
  if (claimNs > MAX_ROOT_DISTANCE_NS) return 'root-distance';
  const correctionNs = BigInt(Math.round(correction * 1e9));
  const referenceNs =
    ((BigInt(referenceHigh) << 32n) | BigInt(view.getUint32(60))) * 1_000_000_000n +
    BigInt(view.getUint32(64));
  const sinceNs = wallNs + correctionNs - referenceNs;
  if (sinceNs < -MAX_FUTURE_NS) return 'malformed';
  const ageNs = sinceNs < 0n ? 0n : sinceNs;
  const staleNs = nsUp(interval) * BigInt(MAX_AGE_INTERVALS);
  if (ageNs > (staleNs > MIN_STALE_NS ? staleNs : MIN_STALE_NS)) return 'stale';
  return {
    correctionNs,
    errorNs: claimNs + (ageNs * PHI_PPM) / 1_000_000n + 1n + floatErrorNs(correction),
    leap: LEAPS[leap]!,
    referenceNs,
    stratum,
    referenceId,
  };
}

/** What a number may have lost because chronyd writes 24 bits of it: one part in 2^23. */
const FLOAT_PARTS = 0x80_0000;

/** What chronyd may have rounded off a number, ns, rounded up. */
function floatErrorNs(seconds: number): bigint {
  return nsUp(Math.abs(seconds) / FLOAT_PARTS);
}

/** Seconds to ns, rounded up, with what chronyd may have rounded off. */
function nsUp(seconds: number): bigint {
  return BigInt(Math.ceil((seconds + seconds / FLOAT_PARTS) * 1e9));
}
