/** Numbers and instants for people. */

const UNITS: readonly (readonly [name: string, ns: number])[] = [
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
];
/** Powers of ten, for three, two and one decimals. */
const DECIMALS: readonly (readonly [decimals: number, power: number])[] = [
  [3, 1000],
  [2, 100],
  [1, 10],
];

/**
 * Nanoseconds with four digits and the unit that suits them. A bound is rounded `up`, so that the
 * number shown still holds. `1102501` is `1.103 ms`.
 */
export function duration(ns: number, rounding: 'nearest' | 'up' = 'nearest'): string {
  const sign = ns < 0 ? '−' : '';
  const magnitude = Math.abs(ns);
  const round = rounding === 'up' ? Math.ceil : Math.round;
  if (magnitude < 1000) return `${sign}${round(magnitude)} ns`;
  for (const [name, size] of UNITS) {
    for (const [decimals, power] of DECIMALS) {
      const digits = round((magnitude * power) / size);
      if (digits < 10_000) return `${sign}${(digits / power).toFixed(decimals)} ${name}`;
    }
  }
  return `${sign}${Math.ceil(magnitude / 1e9)} s`;
}

/** How far one thing is from another: `12.00 µs ahead`, `250.1 ms behind`. */
export function offset(ns: number): string {
  return `${duration(Math.abs(ns))} ${ns < 0 ? 'behind' : 'ahead'}`;
}

/** A time that has passed, roughly: `3 s`, `4 min`, `2 h`. */
export function roughly(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** A label of an axis: as few digits as tell the value from its neighbours. */
export function axisLabel(ns: number): string {
  if (ns === 0) return '0';
  const [name, size] = UNITS.findLast(([, each]) => Math.abs(ns) >= each) ?? ['ns', 1];
  return `${ns < 0 ? '−' : ''}${Number((Math.abs(ns) / size).toPrecision(4))} ${name}`;
}

/** Seconds since 1970 of an instant in Unix ns, for drawing: exact to a microsecond. */
export const unixSeconds = (unixNs: string): number => Number(BigInt(unixNs) / 1000n) / 1e6;

/** `2026-11-29 18:41:20.123456789`, UTC. */
export function instant(unixNs: string): string {
  const ns = BigInt(unixNs);
  const second = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${second.replace('T', ' ')}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
}

/** `18:41:20`, UTC. */
export const timeOfDay = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(11, 19);

/**
 * The two ends of an interval, each cut where they begin to differ: the digits before are certain.
 */
export function certainDigits(earliest: string, latest: string): [string, string, string] {
  const [first, last] = [instant(earliest), instant(latest)];
  let same = 0;
  while (same < first.length && first[same] === last[same]) same++;
  return [first.slice(0, same), first.slice(same), last.slice(same)];
}
