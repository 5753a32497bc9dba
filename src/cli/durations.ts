/**
 * Durations as people write them (`5s`) and as people read them (`1.103 ms`).
 *
 * A written duration always has a unit: a bare `5` means seconds to one reader and milliseconds to
 * another. A printed duration has four significant digits: enough to see a bound grow, few enough
 * to fit a column.
 */

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * The milliseconds in a text such as `250ms`, `5s`, `1.5m`, `2h`; `undefined` for any other text,
 * and for zero.
 *
 * `1.5m` is 90000.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * MS_PER_UNIT[match[2]!]!;
  return ms > 0 && Number.isFinite(ms) ? ms : undefined;
}

const UNITS: readonly { readonly name: string; readonly ns: bigint }[] = [
  { name: 'µs', ns: 1000n },
  { name: 'ms', ns: 1_000_000n },
  { name: 's', ns: 1_000_000_000n },
];

/**
 * Nanoseconds with four significant digits and the unit that suits them. A bound is rounded `up`,
 * so that the printed value still holds. A measurement is rounded to the nearest (halves away from
 * zero). From 1000 s on, values are rounded up to the next second.
 *
 * 1,102,501 ns are `1.103 ms`.
 */
export function formatNs(ns: bigint, rounding: 'nearest' | 'up' = 'nearest'): string {
  const sign = ns < 0n ? '-' : '';
  const magnitude = ns < 0n ? -ns : ns;
  if (magnitude < 1000n) return `${sign}${magnitude} ns`;
  for (const unit of UNITS) {
    for (const decimals of [3, 2, 1]) {
      const dividend = magnitude * 10n ** BigInt(decimals);
      const slack = rounding === 'nearest' ? unit.ns / 2n : ns < 0n ? 0n : unit.ns - 1n;
      const digits = (dividend + slack) / unit.ns;
      // Rounding may have made a fifth digit. Then fewer decimals, or the next unit, are right.
      if (digits < 10_000n) return `${sign}${withPoint(digits, decimals)} ${unit.name}`;
    }
  }
  return `${sign}${magnitude / 1_000_000_000n + 1n} s`;
}

/** As {@link formatNs}, with the sign always shown: how far one thing is ahead (+) of another. */
export function formatOffset(ns: bigint): string {
  return ns < 0n ? formatNs(ns) : `+${formatNs(ns)}`;
}

/** Time since the start, for people: `12 s`, `3 m 04 s`, `2 h 05 m`. Rounded down. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

function withPoint(digits: bigint, decimals: number): string {
  const text = String(digits).padStart(decimals + 1, '0');
  return `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}
