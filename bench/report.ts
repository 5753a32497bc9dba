/** The run as a page: tables for people, the same numbers as JSON for `--against`. */
import { curvesOf } from './curves.ts';
import type { OrderMeasured } from './order.ts';
import { type Entry, majorOf, mostOf } from './record.ts';
import type { Conditions, Measured, Run } from './run.ts';
import type { ServicesMeasured } from './services.ts';
import { bytesFigure, figure, table } from './table.ts';
import type { Usage } from './usages.ts';
import { type WaitsMeasured, waitsSection } from './wait-report.ts';
import type { WarmUps } from './warm-ups.ts';

export interface Report extends Run {
  /** What each further source of a bound engine holds. */
  readonly bytesPerSource: number;
  /** What each further peer of a phi detector holds. */
  readonly bytesPerPeer: number;
  /** The share of one processor that a pause meter takes in an idle process. */
  readonly pauseMeterShare: number;
  readonly order: OrderMeasured;
  readonly services: ServicesMeasured;
  readonly waits: WaitsMeasured;
}

/** The rows that are lines of a table. The others are points of a curve. */
export function tableRows({ rows }: Run): Measured[] {
  return rows.filter(({ scale }) => scale === undefined);
}

/** The target, such as `<= 1.25 x`, marked if it was missed; empty without a target. */
function targetOf({ target, xFloor, xBaseline, medianNs }: Measured): string {
  if (target === undefined) return '';
  const limit = (value: number, most: number, unit: string): string =>
    `${value <= most ? '' : '**missed** '}<= ${unit}`;
  if ('xFloor' in target) return limit(xFloor, target.xFloor, `${target.xFloor} x`);
  if ('ns' in target) return limit(medianNs, target.ns, `${figure(target.ns)} ns`);
  return limit(xBaseline, target.xBaseline, `${target.xBaseline} x baseline`);
}

export function groupTable(rows: readonly Measured[]): string {
  return table(
    ['operation', 'ns', 'p99 ns', 'B', 'x floor', 'target', 'x baseline', 'baseline'],
    rows.map((row) => [
      row.operation,
      figure(row.medianNs),
      figure(row.p99Ns),
      bytesFigure(row.bytes),
      figure(row.xFloor),
      targetOf(row),
      figure(row.xBaseline),
      row.id === row.baseline ? '' : row.baseline,
    ]),
    'lrrrrlrl',
  );
}

export function conditionsLine(conditions: Conditions): string {
  const floor =
    conditions.floor === 'clock_gettime'
      ? 'C `clock_gettime`, compiled on the spot'
      : 'no C compiler, so the bare `process.hrtime.bigint()`';
  return `Node ${conditions.node} on ${conditions.cores} cores of ${conditions.cpu}, ${conditions.date}.
Floor: ${figure(conditions.floorNs)} ns (${floor}).`;
}

const times = (value: number): string => value.toFixed(2);

/** What the hottest calls cost in each usage; a miss of the promise is marked. */
export function hottestTable(usages: readonly Usage[]): string {
  return table(
    ['operation', 'in a hot loop', 'by the package', 'in a service', 'at most'],
    usages.map((usage) => [
      `${usage.id}: ${usage.operation}`,
      times(usage.hot),
      times(usage.benchmark),
      times(usage.service),
      `${mostOf(usage) <= usage.most ? '' : '**missed** '}<= ${usage.most}`,
    ]),
    'lrrrl',
  );
}

/** The most that each of the hottest calls costs, by version of Node. */
export function versionsTable(entries: readonly Entry[]): string {
  const ids = [...new Set(entries.flatMap(({ hottest }) => hottest.usages.map(({ id }) => id)))];
  const cell = ({ hottest: { usages } }: Entry, id: string): string => {
    const usage = usages.find((each) => each.id === id);
    return usage === undefined ? '' : times(mostOf(usage));
  };
  return table(
    ['most of any usage', ...entries.map(({ hottest }) => hottest.machine.node)],
    ids.map((id) => [id, ...entries.map((entry) => cell(entry, id))]),
    `l${'r'.repeat(entries.length)}`,
  );
}

/** What the hottest calls cost in a loop, by the way in which they were warmed up. */
export function warmUpsTable(warmUps: WarmUps): string {
  const ways = Object.entries(warmUps);
  const ids = Object.keys(ways[0]?.[1] ?? {});
  return table(
    ['warmed up by', ...ids],
    ways.map(([way, costs]) => [way, ...ids.map((id) => times(costs[id] ?? Number.NaN))]),
    `l${'r'.repeat(ids.length)}`,
  );
}

/** The rows of README.md, and what they are called there. */
const IN_README: Readonly<Record<string, string>> = {
  hrtime: '`process.hrtime.bigint()` into a slot, for comparison',
  'bounded.readInto': '`clock.readInto(slots)`',
  'bounded.now': '`clock.now()`',
  'hlc.tick': '`hlc.tick()`',
  'hlc.now': '`hlc.now()`',
  'hlc.receive': '`hlc.receive(bigint)`',
  'wait.register': '`waitUntilAfter(clock, t)`',
};

/** `readme` with the figures of this run in its section "Numbers". */
export function withNumbers(readme: string, { conditions, rows }: Report): string {
  const lines = Object.entries(IN_README).map(([id, operation]) => {
    const row = rows.find((each) => each.id === id);
    if (row === undefined) throw new Error(`README.md shows ${id}, which was not measured`);
    return [operation, figure(row.medianNs), bytesFigure(row.bytes)];
  });
  const { node, cores, cpu } = conditions;
  const where = `Node ${majorOf(node)} on ${cores} cores of ${cpu}`;
  const section = /(?<=\n## Numbers\n\n)Node [^\n]* \(\[all of them.*?(?=\n\nIn \[sim)/s;
  if (!section.test(readme)) throw new Error('README.md has no section of numbers');
  return readme.replace(
    section,
    () => `${where} ([all of them, and how they were taken](docs/benchmarks.md)):

${table(['operation', 'ns', 'bytes allocated'], lines, 'lrr')}`,
  );
}

/** @param here the entries of the same processor */
export function markdownOf(report: Report, here: readonly Entry[]): string {
  const rows = tableRows(report);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const curves = curvesOf(report);
  return `# Benchmarks

Written by \`npm run bench\`, which anyone can rerun; do not edit. ${conditionsLine(report.conditions)}

How to read it. A window is a loop of calls that lasts some milliseconds, because no clock is fine enough to
time one call. All rows are visited in turn, in several rounds. **ns** is the median and **p99** the 99th
percentile of the mean time per call in a window. **B** is how many bytes a call allocates: the least of 25
windows. **x floor** and **x baseline** compare the best windows of a round, and are medians over the rounds, so
they are steadier than the times. The floor is the cost of reading the monotonic clock in C. Each group of rows
runs in a process of its own.

## The hottest calls, by how they are called

In multiples of \`process.hrtime.bigint()\` into a slot that is called in the same way. *In a hot loop*: nothing but
such calls. *By the package*: short loops, as the \`benchmark\` package runs them; so are all tables below. *In a
service*: one call after some work with objects and text, from ten places in the program, its result put into a
new object; the work alone is subtracted. What is promised is the worst of the three.

${here.map(({ hottest }) => `Node ${hottest.machine.node}, ${hottest.machine.date}:\n\n${hottestTable(hottest.usages)}`).join('\n\n')}

${versionsTable(here)}

And however a call was warmed up, in a process of its own for each way, in a loop:

${here
  .filter(({ hottest }) => hottest.warmUps !== undefined)
  .map(({ hottest }) => `Node ${hottest.machine.node}:\n\n${warmUpsTable(hottest.warmUps!)}`)
  .join('\n\n')}

![Bar chart: times the floor](benchmarks.svg)
${groups
  .map((group) => `\n## ${group}\n\n${groupTable(rows.filter((row) => row.group === group))}\n`)
  .join('')}
## What grows with what

![Cost against sources and threads, both axes logarithmic](scaling.svg)

${table(
  ['ns of a', 'at', 'in theory', 'slope'],
  curves.map(({ curve, complexity, points, slope }) => [
    curve,
    points.map(([x, ns]) => `${x}: ${figure(ns)}`).join(', '),
    complexity,
    slope.toFixed(2),
  ]),
  'lllr',
)}

The slope is the exponent of the nearest power law, a straight line in the chart: 0 is constant, 1 is
linear. Each further source of a bound engine holds ${figure(report.bytesPerSource)} bytes,
each further peer of a phi detector ${figure(report.bytesPerPeer)}. A pause meter takes ${figure(100 * report.pauseMeterShare)} % of a processor.

## Logs in order

${orderSection(report.order)}

## A service with timestamps, and without

${servicesSection(report.services)}

${waitsSection(report.waits)}`;
}

/** The targets are 4 times the processor time of `sort`, and 100 MB. */
function orderSection({
  lines,
  bytes,
  orderCpuS,
  sortCpuS,
  orderPeakBytes,
}: OrderMeasured): string {
  const ratio = orderCpuS / sortCpuS;
  const peakMb = orderPeakBytes / 1e6;
  return `\`epsilon-clock order --json\` merges 4 files of pino's lines, ${figure(lines)} lines and ${figure(bytes / 1e6)} MB in all, in
${orderCpuS.toFixed(1)} s of processor time, and holds ${figure(peakMb)} MB at most. \`LC_ALL=C sort -m\` on the same files by the same key
takes ${sortCpuS.toFixed(1)} s, without stamps to find, intervals, groups and watermarks: ${ratio.toFixed(1)} times
(${ratio <= 4 ? '' : '**missed** '}<= 4 x; memory ${peakMb <= 100 ? '' : '**missed** '}<= 100 MB).`;
}

/** The target is 97 % of the throughput. */
function servicesSection({ bare, hooks, plugin, share, shareOfHooks }: ServicesMeasured): string {
  return `Fastify with \`hlcPlugin\` answers ${figure(plugin)} requests a second, and without ${figure(bare)}: ${(100 * share).toFixed(1)} %
(${share >= 0.97 ? '' : '**missed** '}>= 97 %). With hooks of Fastify that only set a constant header it answers ${figure(hooks)}: the plugin
reaches ${(100 * shareOfHooks).toFixed(1)} % of that. The handler returns \`{ hello: 'world' }\`, by autocannon with 32 connections on the same machine.`;
}
