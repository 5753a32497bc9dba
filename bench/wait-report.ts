/** The section on commit waits: the figures, and the text around them. */
import type { Line } from './chart.ts';
import { figure, table } from './table.ts';

/** The lateness of waits that follow each other, one at a time. */
export interface Lateness {
  readonly name: string;
  readonly waits: number;
  /** How many ended before their timestamp had passed. */
  readonly early: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time while waiting, as a share of one processor. */
  readonly cpuShare: number;
  /** Evenly spaced quantiles of the lateness, us. */
  readonly distributionUs: readonly number[];
}

/** Many waits at a time. Medians over the bursts. */
export interface Burst {
  readonly name: string;
  readonly waits: number;
  readonly early: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** The p99 that nine of ten bursts do not exceed, us. */
  readonly usualP99Us: number;
  /** Processor time of registering, waiting and releasing, per wait, us. */
  readonly cpuUs: number;
}

/** The latency of commits: medians, ms. */
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

/** Committers in a closed loop: each begins its next commit when its last one is settled. */
export interface Turning {
  readonly name: string;
  readonly committers: number;
  readonly commitsPerSecond: number;
  /** The longest time between two turns of the event loop, ms. */
  readonly longestMs: number;
  /** The longest such time within half a second, ms: the median over all half seconds. */
  readonly usualMs: number;
  /**
   * The longest pause of the garbage collector meanwhile, ms. It may or may not lie within
   * `longestMs`.
   */
  readonly longestCollectionMs: number;
}

export interface WaitsMeasured {
  readonly alone: readonly Lateness[];
  readonly bursts: readonly Burst[];
  readonly latency: readonly Latency[];
  readonly turning: readonly Turning[];
}

/** The most that each figure should be. The report marks a miss; nothing enforces it. */
const ALONE_TARGETS: Readonly<
  Record<string, { p50Us?: number; p99Us: number; cpuShare?: number }>
> = {
  economy: { p99Us: 1200, cpuShare: 0.06 },
  precise: { p50Us: 10, p99Us: 150 },
};
/** The name of the burst that no wait can beat. */
export const FLOOR = 'no wait: a loop that only polls';
/** The name of the burst that our waits must beat. */
export const EACH = 'a `setTimeout` for each';

/** How far apart the timestamps of a burst are, us: 800,000 timestamps a second. */
export const APART_US = 1.25;

/** The bursts: the kind of wait, and how many bursts, as a share of the usual number. */
export const PLAN: readonly (Pick<Burst, 'name'> & { readonly share: number })[] = [
  { name: 'precise', share: 1 },
  { name: 'economy', share: 1 },
  { name: EACH, share: 0.5 },
  { name: FLOOR, share: 0.5 },
];

/** Each part has a process of its own, because garbage of one part would make the next one late. */
export const PARTS: readonly string[] = [
  'alone',
  ...PLAN.map((_, i) => `burst ${i}`),
  'latency',
  'loops',
];

/** The closed loops: the kind of wait, and how many committers. */
export const LOOPS: readonly Pick<Turning, 'name' | 'committers'>[] = [
  'economy',
  'precise',
  EACH,
].flatMap((name) => [100, 1000, 5000].map((committers) => ({ name, committers })));
/** How long a closed loop may keep the event loop from turning, without collections, ms. */
const TURN_TARGET_MS = 5;

export function merge(parts: readonly Partial<WaitsMeasured>[]): WaitsMeasured {
  return {
    alone: parts.flatMap(({ alone = [] }) => alone),
    bursts: parts.flatMap(({ bursts = [] }) => bursts),
    latency: parts.flatMap(({ latency = [] }) => latency),
    turning: parts.flatMap(({ turning = [] }) => turning),
  };
}

const BURST_TARGETS: Readonly<Record<string, { p99Us: number; cpuUs: number }>> = {
  precise: { p99Us: 300, cpuUs: 2 },
};

/** The figure, and the limit if the figure exceeds it. */
function judged(value: number, limit: number | undefined, show = figure): string {
  if (limit === undefined || value <= limit) return show(value);
  return `${show(value)} (**missed** ${show(limit)})`;
}

const percent = (share: number): string => `${figure(share * 100)} %`;

export function waitsSection({ alone, bursts, latency, turning }: WaitsMeasured): string {
  const p99Us = (name: string): number =>
    bursts.find((burst) => burst.name === name)?.p99Us ?? Number.NaN;
  const near = latency.find(({ epsilonMs }) => epsilonMs === 1);
  return `## How late a wait is

Waits of 1 ms, one after the other, on an idle event loop. Some thousands of waits run first and are not measured.
Late is how far \`earliest\` is beyond the timestamp when the caller runs again. **early** counts the callers that ran
before the timestamp had passed. CPU is a share of one processor.

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

Bursts of 10,000 waits at a time, whose timestamps are ${APART_US} us apart. The percentiles are those within one burst; the table
shows their medians over the bursts, and the p99 that nine bursts of ten do not exceed. Now and then a collection of young garbage
copies the data of 10,000 waits, or the machine pauses for longer, and the waits that are due meanwhile are late. The processes run
with a young generation of 64 MB (\`--max-semi-space-size=64\`), as a server does that needs low latency. CPU is the processor time
of the process from the first registration to the last release, per wait. Where the loop does not sleep, it is at least the
${APART_US} us between two timestamps. One row has no wait at all: a loop that only polls the clock. The machine alone makes it late,
so its p99 shows the pauses that no program on this machine escapes.

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

Committers in a closed loop: each begins its next commit when its last one is settled, so with thousands of them some wait
is always due. The table shows for how long the event loop does not turn: the longest time of all, and the median over half
seconds of the longest time in each. A collection of young garbage copies the data of all committers, and no program here
escapes it. Its longest pause is in the last column. The target for the median is ${TURN_TARGET_MS} ms plus that pause.

${table(
  ['closed loop', 'committers', 'commits a second', 'longest ms', 'usual ms', 'collection ms'],
  turning.map((row) => [
    row.name,
    row.committers.toLocaleString('en-US'),
    figure(row.commitsPerSecond),
    judged(row.longestMs, undefined),
    judged(row.usualMs, row.name === EACH ? undefined : TURN_TARGET_MS + row.longestCollectionMs),
    judged(row.longestCollectionMs, undefined),
  ]),
  'lrrrrr',
)}

![Commit latency against epsilon](commit-wait-latency.svg)
${near ? `\nWith epsilon 1 ms and a \`prepare\` of ${figure(near.prepareMs)} ms a commit takes ${figure(near.overlappedByPrepare)} times as long as \`prepare\`.\n` : ''}`;
}

/** Faults on any machine: our waits that ended early. */
export function earlyFaults({ alone, bursts }: WaitsMeasured): string[] {
  return [...alone, ...bursts]
    .filter(({ name, early }) => early > 0 && name in ALONE_TARGETS)
    .map(({ name, early, waits }) => `${name}: ${early} of ${waits} waits ended early`);
}

/** Where the chart begins, us. An early wait or one on time is drawn as this late. */
export const LEAST_LATE_US = 1;

/** The share of waits, %, that were at most `us` late, for each `us`. */
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
