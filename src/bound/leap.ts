/**
 * When a leap second happens. The NTP leap indicator announces one for the last minute of the current
 * day or month (RFC 5905 section 7.3 has both wordings); leap seconds are only ever inserted at the end
 * of a UTC month (ITU-R TF.460), so that is when time may be ambiguous.
 */
import { asUnixNs, type UnixNs } from '../time/instant.ts';

/** The first instant of the UTC month after the one that `instant` is in. */
export function leapFollowing(instant: UnixNs): UnixNs {
  const date = new Date(Number(instant / 1_000_000n));
  return asUnixNs(BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)) * 1_000_000n);
}
