/** The run as a page: tables for people, the same numbers as JSON for `--against`. */
import type { Curve } from './row.ts';
import type { Measured, Run, Scene } from './run.ts';
import { exponent } from './statistics.ts';
import { bytesFigure, figure, table } from './table.ts';
import { type WaitsMeasured, waitsSection } from './wait-report.ts';

export interface Report extends Run {
  /** What each further source of a bound engine holds. */
  readonly bytesPerSource: number;
  readonly waits: WaitsMeasured;
}

export interface CurvePoints {
  readonly curve: Curve;
  /** What theory says of it. */
  readonly complexity: string;
  readonly points: readonly (readonly [x: number, ns: number])[];
  /** The exponent of the nearest power law. */
  readonly slope: number;
}

const COMPLEXITY: Readonly<Record<Curve, string>> = {
  'sample by sources': 'O(n log n): the edges of n sources are sorted',
  'reading by sources': 'O(1): the bound is the same few slots',
  'reading by threads': 'O(1): readers write nothing that others read',
  'waiter by waiters': 'O(log n): a way through a heap',
  'learning by sources': 'O(n log n); of each source up to 32 dated facts are aged',
};

/** The rows that are lines of the table, not points of a curve. */
export function tableRows({ rows }: Run): Measured[] {
  return rows.filter(({ scale }) => scale === undefined);
}

export function curvesOf({ rows }: Run): CurvePoints[] {
  return (Object.keys(COMPLEXITY) as Curve[]).flatMap((curve) => {
    const points = rows.flatMap(({ scale, medianNs }) =>
      scale?.curve === curve ? [[scale.x, medianNs] as const] : [],
    );
    if (points.length === 0) return [];
    return [{ curve, complexity: COMPLEXITY[curve], points, slope: exponent(points) }];
  });
}

/** `<= 1.25 x`, and whether it is met; empty without a target. */
function targetOf({ target, xFloor, medianNs }: Measured): string {
  if (target === undefined) return '';
  return 'xFloor' in target
    ? `${xFloor <= target.xFloor ? '' : '**missed** '}<= ${target.xFloor} x`
    : `${medianNs <= target.ns ? '' : '**missed** '}<= ${figure(target.ns)} ns`;
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

export function sceneLine(scene: Scene): string {
  const floor =
    scene.floor === 'clock_gettime'
      ? 'C `clock_gettime`, compiled on the spot'
      : 'no C compiler, so the bare `process.hrtime.bigint()`';
  return `Node ${scene.node} on ${scene.cores} cores of ${scene.cpu}, ${scene.date}.
Floor: ${figure(scene.floorNs)} ns (${floor}).`;
}

export function markdownOf(report: Report): string {
  const rows = tableRows(report);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const curves = curvesOf(report);
  return `# Benchmarks

Written by \`npm run bench\`, which anyone can rerun; do not edit. ${sceneLine(report.scene)}

How to read it. **ns** is the median and **p99** the 99th percentile of the mean time per call in windows
of some milliseconds, taken in turn over all rows; no clock is fine enough to time one call. **B** is what a call
allocates: the least of 25 windows. **x floor** and **x baseline** are medians over the rounds of the ratio
of best windows within a round, so they are steadier than the times. The floor is what reading the
monotonic clock costs in C. Each group of rows runs in a process of its own.

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
linear. Each further source of a bound engine holds ${figure(report.bytesPerSource)} bytes.

${waitsSection(report.waits)}`;
}
