/**
 * Metrics as data, and their text: the format that Prometheus reads
 * (https://prometheus.io/docs/instrumenting/exposition_formats) and OpenMetrics 1.0.
 *
 * The two differ in little. OpenMetrics names a counter without `_total`, tells the unit, and ends
 * with `# EOF`.
 */

/** The value of one series of a family. */
export interface Point {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Counts of values, by upper limit. */
export interface Distribution {
  /** The upper limits, ascending, without infinity. */
  readonly limits: readonly number[];
  /** How many values were at most each limit, and at last how many there were. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What is measured under one name. */
export type Family = {
  /** Ends with its unit: `epsilon_clock_uncertainty_seconds`. Without `_total`. */
  readonly name: string;
  readonly help: string;
} & (
  | { readonly type: 'gauge' | 'counter'; readonly points: readonly Point[] }
  | { readonly type: 'histogram'; readonly distribution: Distribution }
);

const UTF8 = new TextDecoder();

/** Families without a value are left out. */
export function textOf(families: readonly Family[], format: 'prometheus' | 'openmetrics'): string {
  const open = format === 'openmetrics';
  const lines: string[] = [];
  for (const family of families) {
    if (family.type !== 'histogram' && family.points.length === 0) continue;
    const { name, type, help } = family;
    const total = type === 'counter' ? `${name}_total` : name;
    const head = open ? name : total;
    lines.push(`# HELP ${head} ${escaped(help)}`, `# TYPE ${head} ${type}`);
    const unit = /_(seconds|ratio)$/.exec(name)?.[1];
    if (open && unit !== undefined) lines.push(`# UNIT ${head} ${unit}`);
    if (family.type === 'histogram') lines.push(...histogramLines(name, family.distribution));
    else for (const { labels, value } of family.points) lines.push(line(total, labels, value));
  }
  if (open) lines.push('# EOF');
  return lines.map((each) => `${each}\n`).join('');
}

function histogramLines(name: string, { limits, counts, sum }: Distribution): string[] {
  const all = counts.at(-1)!;
  return [
    ...limits.map((limit, i) => line(`${name}_bucket`, { le: floatText(limit) }, counts[i]!)),
    line(`${name}_bucket`, { le: '+Inf' }, all),
    line(`${name}_sum`, {}, sum),
    line(`${name}_count`, {}, all),
  ];
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${quoted(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs}}` : ''} ${value}`;
}

/** OpenMetrics wants a limit to be a float: `1.0`. */
function floatText(limit: number): string {
  const text = String(limit);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Names of hosts come from outside. Half a surrogate pair, which has no UTF-8, is replaced. */
function quoted(text: string): string {
  return escaped(UTF8.decode(new TextEncoder().encode(text))).replaceAll('"', '\\"');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
