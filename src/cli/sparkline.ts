/**
 * Two drawings made of characters: epsilon over time, and intervals on one axis.
 */

const LEVELS = '▁▂▃▄▅▆▇█';
const ABSENT = '·';

/**
 * Positive values as bars between the least and the greatest of them (all low when they are equal),
 * and a dot for each `undefined`. The scale is logarithmic, because the first bound may be a
 * hundred times as wide as later ones. The caller prints the scale: bars alone show shape, not
 * size.
 */
export function sparkline(values: readonly (bigint | undefined)[]): string {
  const ends = extremes(values);
  const log = (value: bigint): number => Math.log(Number(value));
  const bar = (value: bigint): string => {
    if (ends === undefined || ends.least === ends.greatest) return LEVELS[0]!;
    const share = (log(value) - log(ends.least)) / (log(ends.greatest) - log(ends.least));
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))]!;
  };
  return values.map((value) => (value === undefined ? ABSENT : bar(value))).join('');
}

/** The least and the greatest value; `undefined` when there are no values. */
export function extremes(
  values: readonly (bigint | undefined)[],
): { readonly least: bigint; readonly greatest: bigint } | undefined {
  let least: bigint | undefined;
  let greatest: bigint | undefined;
  for (const value of values) {
    if (value === undefined) continue;
    if (least === undefined || value < least) least = value;
    if (greatest === undefined || value > greatest) greatest = value;
  }
  return least === undefined || greatest === undefined ? undefined : { least, greatest };
}

interface Ends {
  readonly earliest: bigint;
  readonly latest: bigint;
}

/** The length of the axis in widths of the bound: four, so that the surroundings are seen too. */
const AXIS_PER_BOUND = 4n;

/**
 * Where `interval` lies relative to `bound`, in `width` characters with the bound's middle at the
 * centre. `━` is the interval, `┊` an edge of the bound that it does not cover. `◀` or `▶` shows
 * that it is off the axis.
 */
export function intervalBar(interval: Ends, bound: Ends, width: number): string {
  const span = (bound.latest - bound.earliest + 1n) * AXIS_PER_BOUND;
  const start = (bound.earliest + bound.latest - span) / 2n;
  const column = (at: bigint): number => Math.floor((Number(at - start) / Number(span)) * width);
  const [first, last] = [column(interval.earliest), column(interval.latest)];
  if (last < 0) return `◀${' '.repeat(width - 1)}`;
  if (first >= width) return `${' '.repeat(width - 1)}▶`;
  const edges = [column(bound.earliest), column(bound.latest)];
  return Array.from({ length: width }, (_, i) => {
    if (i >= first && i <= last) return '━';
    return edges.includes(i) ? '┊' : ' ';
  }).join('');
}
