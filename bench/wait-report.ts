/** The section on commit waits: what was measured, and how it is told. */
import type { Line } from './chart.ts';
import { figure, table } from './table.ts';

/** One wait at a time. */
export interface Lateness {
  readonly name: string;
  readonly waits: number;
  /** How many ended before their timestamp had passed. */
  readonly early: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of one processor, while waiting. */
  readonly cpuShare: number;
  /** Quantiles, evenly spaced. */
  readonly distributionUs: readonly number[];
}

/** Many waits at a time; medians over the bursts. */
export interface Burst {
  readonly name: string;
  readonly waits: number;
  readonly early: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** In nine of ten bursts it is not more. */
  readonly usualP99Us: number;
  /** Registering, waiting and releasing, per wait. */
  readonly cpuUs: number;
}

/** Medians, ms. */
export interface Latency {
  /** Half the width of the interval. */
  readonly epsilonMs: number;
  readonly prepareMs: number;
  /** The wait runs beside `prepare`. */
  readonly overlappedMs: number;
  /** The wait follows `prepare`. */
  readonly inTurnMs: number;
  readonly overlappedByPrepare: number;
}

export interface WaitsMeasured {
  readonly alone: readonly Lateness[];
  readonly bursts: readonly Burst[];
  readonly latency: readonly Latency[];
}

/** What each figure should be at most. Reported, never enforced. */
const ALONE_TARGETS: Readonly<
  Record<string, { p50Us?: number; p99Us: number; cpuShare?: number }>
> = {
  economy: { p99Us: 1200, cpuShare: 0.06 },
  precise: { p50Us: 10, p99Us: 150 },
};
/** The names of the burst that no wait can beat, and of the one that ours is to beat. */
export const FLOOR = 'no wait: a loop that only looks';
export const EACH = 'a `setTimeout` for each';

/** How far apart the timestamps of a burst are: 800,000 a second. */
export const APART_US = 1.25;

/** The bursts: how it is waited, and how many bursts, as a share of the usual number. */
export const PLAN: readonly (Pick<Burst, 'name'> & { readonly share: number })[] = [
  { name: 'precise', share: 1 },
  { name: 'economy', share: 1 },
  { name: EACH, share: 0.5 },
  { name: FLOOR, share: 0.5 },
];

/** Each in a process of its own, since what one leaves on the heap makes the next one late. */
export const PARTS: readonly string[] = ['alone', ...PLAN.map((_, i) => `burst ${i}`), 'latency'];

export function together(parts: readonly Partial<WaitsMeasured>[]): WaitsMeasured {
  return {
    alone: parts.flatMap(({ alone = [] }) => alone),
    bursts: parts.flatMap(({ bursts = [] }) => bursts),
    latency: parts.flatMap(({ latency = [] }) => latency),
  };
}

const BURST_TARGETS: Readonly<Record<string, { p99Us: number; cpuUs: number }>> = {
  precise: { p99Us: 300, cpuUs: 2 },
};

/** The figure, and what it should have been when it is more. */
function judged(value: number, limit: number | undefined, show = figure): string {
  if (limit === undefined || value <= limit) return show(value);
  return `${show(value)} (**missed** ${show(limit)})`;
}

const percent = (share: number): string => `${figure(share * 100)} %`;

export function waitsSection({ alone, bursts, latency }: WaitsMeasured): string {
  const p99Us = (name: string): number =>
    bursts.find((burst) => burst.name === name)?.p99Us ?? Number.NaN;
  const near = latency.find(({ epsilonMs }) => epsilonMs === 1);
  return `## How late a wait is

One wait of 1 ms after the other, on an idle event loop, measured after some thousands that were not. Late is how far \`earliest\` is beyond the timestamp when the
caller runs again; **early** counts those that ran before it had passed. CPU is a share of one processor.

${table(
  ['wait', 'waits', 'early', 'p50 us late', 'p99 us late', 'CPU'],
  alone.map((row) => [
    row.name,
    row.waits.toLocaleString('en-US'),
    row.early.toLocaleString('en-US'),
    judged(row.p50Us, ALONE_TARGETS[row.name]?.p50Us),
    judged(row.p99Us, ALONE_TARGETS[row.name]?.p99Us),
    judged(row.cpuShare, ALONE_TARGETS[row.name]?.cpuShare, percent),
  ]),
  'lrrrrr',
)}

![Distribution of the lateness](commit-wait-lateness.svg)

Bursts of 10,000 waits at a time, their timestamps ${APART_US} us apart: medians over the bursts of the percentiles within one, and the p99
that nine bursts of ten do not exceed: now and then a collection of young garbage copies what 10,000 waiters hold, or the machine pauses
for longer, and whoever is due meanwhile is late. The processes run with a young generation of 64 MB, as a server does that
minds its latency (\`--max-semi-space-size=64\`). CPU is all that the process used from the first registration to the last
release, per wait: never less than they are apart where the loop does not sleep. One row is no wait at all: what a loop that only looks is
late by is the machine's doing, and its p99 that of the pauses which no program here escapes.

${table(
  ['waits in bursts', 'waits', 'early', 'p50 us late', 'p99 us late', 'p99, 9 of 10', 'CPU us'],
  bursts.map((row) => [
    row.name,
    row.waits.toLocaleString('en-US'),
    row.early.toLocaleString('en-US'),
    judged(row.p50Us, undefined),
    judged(row.p99Us, BURST_TARGETS[row.name]?.p99Us),
    judged(row.usualP99Us, undefined),
    judged(row.cpuUs, BURST_TARGETS[row.name]?.cpuUs),
  ]),
  'lrrrrrr',
)}

The p99 of a timer for each wait is ${figure(p99Us(EACH) / p99Us('precise'))} times that of ours.

![Commit latency against epsilon](commit-wait-latency.svg)
${near ? `\nWith epsilon 1 ms and a \`prepare\` of ${figure(near.prepareMs)} ms a commit takes ${figure(near.overlappedByPrepare)} times as long as \`prepare\`.\n` : ''}`;
}

/** What is wrong whatever the machine: a wait of ours that ended early. */
export function earlyFaults({ alone, bursts }: WaitsMeasured): string[] {
  return [...alone, ...bursts]
    .filter(({ name, early }) => early > 0 && name in ALONE_TARGETS)
    .map(({ name, early, waits }) => `${name}: ${early} of ${waits} waits ended early`);
}

/** Where the chart begins: to be early or on time is drawn as this late. */
export const LEAST_LATE_US = 1;

/** The share of waits that were at most so late. */
export function latenessLines({ alone }: WaitsMeasured): Line[] {
  return alone.map(({ name, distributionUs }) => ({
    name,
    points: distributionUs.map((us, i) => [
      Math.max(us, LEAST_LATE_US),
      (100 * (i + 0.5)) / distributionUs.length,
    ]),
  }));
}

export function latencyLines({ latency }: WaitsMeasured): Line[] {
  return [
    { name: 'prepare, then wait', points: latency.map((l) => [l.epsilonMs, l.inTurnMs]) },
    { name: 'wait beside prepare', points: latency.map((l) => [l.epsilonMs, l.overlappedMs]) },
    { name: 'prepare alone', points: latency.map((l) => [l.epsilonMs, l.prepareMs]) },
  ];
}
