/**
 * The benchmarks, in one command.
 *
 *     npm run bench
 *         Measures, prints, and writes docs/benchmarks.md and .json, the charts, and the numbers of
 *         README.md.
 *     npm run bench -- --hottest
 *         Only the hottest calls, for the table of versions of Node: run it with each of them.
 *     npm run bench -- --smoke
 *         Does every row run, and does no row allocate more than its limit?
 *     npm run bench -- --against docs/benchmarks.json
 *         Has any row become slower than in the run there on this processor and version of Node?
 *
 * It builds first, so it measures what is published.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAll } from './build.ts';
import { barChart, lineChart, logLogChart } from './chart.ts';
import { compare, slowerAgain } from './compare.ts';
import { curvesOf } from './curves.ts';
import { thisMachine } from './machine.ts';
import type { OrderMeasured } from './order.ts';
import { type Entry, type Hottest, like, record } from './record.ts';
import { hottestTable, markdownOf, type Report, tableRows, withNumbers } from './report.ts';
import { FULL, SMOKE } from './row.ts';
import { faultsOf, LARGE_YOUNG, type Module, run } from './run.ts';
import type { ServicesMeasured } from './services.ts';
import type { Usage } from './usages.ts';
import {
  earlyFaults,
  LEAST_LATE_US,
  latencyLines,
  latenessLines,
  merge,
  PARTS,
} from './wait-report.ts';
import type { Costs, WarmUps } from './warm-ups.ts';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean' },
    hottest: { type: 'boolean' },
    against: { type: 'string' },
  },
});
const log = (what: string): void => {
  process.stderr.write(`${what}\n`);
};

/** Loads a built module, and lists its groups in their order. */
async function load(module: string): Promise<Module> {
  const url = new URL(`dist/${module}.js`, import.meta.url).href;
  const { groups } = (await import(url)) as { groups: Record<string, unknown> };
  return { module: url, groups: Object.keys(groups) };
}

/** Runs one of our built programs, and returns the JSON that it prints. */
function outputOf<T>(flags: readonly string[], name: string, ...args: readonly string[]): T {
  const program = new URL(`dist/${name}.js`, import.meta.url).pathname;
  const out = execFileSync(process.execPath, [...flags, program, ...args], { encoding: 'utf8' });
  return JSON.parse(out) as T;
}

const docs = new URL('../docs/', import.meta.url);
const readEntries = (file: URL | string): Entry[] => JSON.parse(readFileSync(file, 'utf8'));

/** The run to compare this one with. */
function earlierRun(file: string): Report {
  const report = like(readEntries(file), thisMachine())?.report;
  if (report !== undefined) return report;
  const { cpu, node } = thisMachine();
  throw new Error(`${file} has no whole run on ${cpu} with Node ${node}: nothing to compare with`);
}

/** Enough to tell: the other groups run the same code on other clocks. */
const WARMED_UP = [
  'Bounded clock, in the thread that publishes',
  'Hybrid clock on the system clock',
];

/** The hottest calls of each group, one process after the other. */
function hottestOf({ groups }: Module, effort: readonly string[]): Hottest {
  const usages = groups.flatMap((group) => {
    log(`usages: ${group}`);
    return outputOf<Usage[]>([], 'usages', group, ...effort);
  });
  const warmUps: Record<string, Costs> = {};
  for (const group of WARMED_UP) {
    log(`warm-ups: ${group}`);
    const costs = outputOf<WarmUps>([], 'warm-ups', group, ...effort);
    for (const [way, each] of Object.entries(costs)) warmUps[way] = { ...warmUps[way], ...each };
  }
  return { machine: thisMachine(), usages, warmUps };
}

/** Writes docs/benchmarks.json, and the page of the whole run on this processor. */
function write(hottest: Hottest, report?: Report): void {
  const file = new URL('benchmarks.json', docs);
  const entries = record(readEntries(file), hottest, report);
  writeFileSync(file, `${JSON.stringify(entries, null, 2)}\n`);
  const here = entries.filter(({ cpu }) => cpu === hottest.machine.cpu);
  const whole = report ?? here.find((entry) => entry.report !== undefined)?.report;
  if (whole !== undefined) writeFileSync(new URL('benchmarks.md', docs), markdownOf(whole, here));
  if (report !== undefined) {
    const readme = new URL('../README.md', docs);
    writeFileSync(readme, withNumbers(readFileSync(readme, 'utf8'), report));
  }
}

const before = options.against === undefined ? undefined : earlierRun(options.against);
await buildAll();
const effort = options.smoke ? SMOKE : FULL;
const smoke = options.smoke ? ['--smoke'] : [];
const rows = await load('rows');
const hottest = hottestOf(rows, smoke);
if (options.hottest) {
  console.log(hottestTable(hottest.usages));
  write(hottest);
  process.exit();
}
const modules = [rows, await load('scaling')];
const measured = await run(modules, effort, log);
log('order');
const order = outputOf<OrderMeasured>([], 'order', ...smoke);
log('services');
const services = outputOf<ServicesMeasured>([], 'services', ...smoke);
log('waits');
const report: Report = {
  ...measured,
  ...outputOf<Pick<Report, 'bytesPerSource' | 'bytesPerPeer' | 'pauseMeterShare'>>(
    ['--expose-gc'],
    'memory',
  ),
  order,
  services,
  waits: merge(PARTS.map((part) => outputOf(LARGE_YOUNG, 'waits', part, ...smoke))),
};
const all = record([], hottest, report);
console.log(options.smoke ? `${report.rows.length} rows ran` : markdownOf(report, all));

const faults = [...faultsOf(report.rows), ...earlyFaults(report.waits)];
if (before) {
  let slower = compare(before, report);
  if (slower.length > 0) {
    log('measuring the slower rows again');
    const groups = new Set(slower.map(({ group }) => group));
    const some = modules.map(({ module, groups: all }) => ({
      module,
      groups: all.filter((group) => groups.has(group)),
    }));
    slower = slowerAgain(slower, before, await run(some, effort, log));
  }
  faults.push(...slower.map(({ fault }) => fault));
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else if (!options.smoke && !before) {
  write(hottest, report);
  writeFileSync(new URL('benchmarks.svg', docs), barChart(tableRows(report)));
  writeFileSync(new URL('scaling.svg', docs), logLogChart(curvesOf(report)));
  writeFileSync(
    new URL('commit-wait-lateness.svg', docs),
    lineChart(latenessLines(report.waits), {
      x: { name: 'late by at most, us', least: LEAST_LATE_US, logarithmic: true },
      y: { name: 'of all waits, %', least: 0 },
    }),
  );
  writeFileSync(
    new URL('commit-wait-latency.svg', docs),
    lineChart(latencyLines(report.waits), {
      x: { name: 'epsilon, ms', least: 0 },
      y: { name: 'commit, ms', least: 0 },
    }),
  );
}
