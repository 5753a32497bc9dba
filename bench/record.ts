/**
 * docs/benchmarks.json: for each processor and version of Node the latest run, and what earlier
 * runs found there. Speeds compare only between runs on the same processor and Node.
 */
import type { Machine } from './machine.ts';
import type { Report } from './report.ts';
import type { Usage } from './usages.ts';
import type { WarmUps } from './warm-ups.ts';

/** A run of the hottest calls. A whole run has them too. */
export interface Hottest {
  readonly machine: Machine;
  readonly usages: readonly Usage[];
  /** By the way to warm up, in loops. Absent in a run from before this was measured. */
  readonly warmUps?: WarmUps;
}

/** What is kept of the hottest calls when a later run takes their place. */
export interface Past {
  readonly date: string;
  readonly node: string;
  /** By row: the most that it cost in any usage, in multiples of `hrtime`. */
  readonly most: Readonly<Record<string, number>>;
}

export interface Entry {
  readonly cpu: string;
  /** `20` for v20.20.2 */
  readonly node: string;
  readonly hottest: Hottest;
  readonly history: readonly Past[];
  /** The latest whole run; absent where there was none. */
  readonly report?: Report;
}

/** `20` of `v20.20.2` */
export const majorOf = (node: string): string => node.replace(/^v(\d+).*/, '$1');

/** The entry of the same processor and the same version of Node. */
export function like(entries: readonly Entry[], machine: Machine): Entry | undefined {
  return entries.find(({ cpu, node }) => cpu === machine.cpu && node === majorOf(machine.node));
}

/** `entries` with this run; the one that it replaces becomes history. */
export function record(
  entries: readonly Entry[],
  hottest: Hottest,
  report: Report | undefined,
): Entry[] {
  const { machine } = hottest;
  const before = like(entries, machine);
  const whole = report ?? before?.report;
  const entry: Entry = {
    cpu: machine.cpu,
    node: majorOf(machine.node),
    hottest,
    history: before === undefined ? [] : [...before.history, pastOf(before.hottest)],
    ...(whole === undefined ? {} : { report: whole }),
  };
  const others = entries.filter((other) => other !== before);
  return [...others, entry].sort(
    (a, b) => a.cpu.localeCompare(b.cpu) || Number(a.node) - Number(b.node),
  );
}

/** The most that the call costs in any usage. */
export const mostOf = ({ hot, benchmark, service }: Usage): number =>
  Math.max(hot, benchmark, service);

function pastOf({ machine: { date, node }, usages }: Hottest): Past {
  const most = usages.map((usage) => [usage.id, Number(mostOf(usage).toPrecision(3))] as const);
  return { date, node, most: Object.fromEntries(most) };
}
