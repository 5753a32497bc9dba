/**
 * The benchmarks, in one command.
 *
 *     npm run bench                                      prints, and writes docs/benchmarks.{md,json} and charts
 *     npm run bench -- --smoke                           does everything run, and allocate nothing it must not?
 *     npm run bench -- --against docs/benchmarks.json    has anything become slower than it was?
 *
 * Builds first, so what is measured is what is published.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAll } from './build.ts';
import { barChart, lineChart, logLogChart } from './chart.ts';
import { compare, slowerAgain } from './compare.ts';
import { curvesOf, markdownOf, type Report, tableRows } from './report.ts';
import { FULL, SMOKE } from './row.ts';
import { type Cast, faultsOf, LARGE_YOUNG, run } from './run.ts';
import {
  earlyFaults,
  LEAST_LATE_US,
  latencyLines,
  latenessLines,
  PARTS,
  together,
} from './wait-report.ts';

const { values: options } = parseArgs({
  options: { smoke: { type: 'boolean' }, against: { type: 'string' } },
});
const say = (what: string): void => {
  process.stderr.write(`${what}\n`);
};

/** The groups of a module that was built, in its order. */
async function cast(module: string): Promise<Cast> {
  const url = new URL(`dist/${module}.js`, import.meta.url).href;
  const { groups } = (await import(url)) as { groups: Record<string, unknown> };
  return { module: url, groups: Object.keys(groups) };
}

/** What a program of ours, built, prints as JSON. */
function said<T>(flags: readonly string[], name: string, ...args: readonly string[]): T {
  const program = new URL(`dist/${name}.js`, import.meta.url).pathname;
  const out = execFileSync(process.execPath, [...flags, program, ...args], { encoding: 'utf8' });
  return JSON.parse(out) as T;
}

const before: Report | undefined =
  options.against === undefined ? undefined : JSON.parse(readFileSync(options.against, 'utf8'));
await buildAll();
const effort = options.smoke ? SMOKE : FULL;
const smoke = options.smoke ? ['--smoke'] : [];
const casts = [await cast('rows'), await cast('scaling')];
const measured = await run(casts, effort, say);
say('waits');
const report: Report = {
  ...measured,
  ...said<{ bytesPerSource: number }>(['--expose-gc'], 'memory'),
  waits: together(PARTS.map((part) => said(LARGE_YOUNG, 'waits', part, ...smoke))),
};
console.log(options.smoke ? `${report.rows.length} rows ran` : markdownOf(report));

const faults = [...faultsOf(report.rows), ...earlyFaults(report.waits)];
if (before) {
  let slower = compare(before, report);
  if (slower.length > 0) {
    say('once more, what came out slower');
    const groups = new Set(slower.map(({ group }) => group));
    const some = casts.map(({ module, groups: all }) => ({
      module,
      groups: all.filter((group) => groups.has(group)),
    }));
    slower = slowerAgain(slower, before, await run(some, effort, say));
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
