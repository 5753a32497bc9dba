/**
 * The benchmarks, in one command.
 *
 *     npm run bench
 *         Measures, prints, and writes docs/benchmarks.md, docs/benchmarks.json and the charts.
 *     npm run bench -- --smoke
 *         Does every row run, and does no row allocate more than its limit?
 *     npm run bench -- --against docs/benchmarks.json
 *         Has any row become slower than in that run?
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
import type { OrderMeasured } from './order.ts';
import { markdownOf, type Report, tableRows } from './report.ts';
import { FULL, SMOKE } from './row.ts';
import { faultsOf, LARGE_YOUNG, type Module, run } from './run.ts';
import type { ServicesMeasured } from './services.ts';
import {
  earlyFaults,
  LEAST_LATE_US,
  latencyLines,
  latenessLines,
  merge,
  PARTS,
} from './wait-report.ts';

const { values: options } = parseArgs({
  options: { smoke: { type: 'boolean' }, against: { type: 'string' } },
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

const before: Report | undefined =
  options.against === undefined ? undefined : JSON.parse(readFileSync(options.against, 'utf8'));
await buildAll();
const effort = options.smoke ? SMOKE : FULL;
const smoke = options.smoke ? ['--smoke'] : [];
const modules = [await load('rows'), await load('scaling')];
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
console.log(options.smoke ? `${report.rows.length} rows ran` : markdownOf(report));

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
  const docs = new URL('../docs/', import.meta.url);
  writeFileSync(new URL('benchmarks.md', docs), markdownOf(report));
  writeFileSync(new URL('benchmarks.json', docs), `${JSON.stringify(report, null, 2)}\n`);
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
