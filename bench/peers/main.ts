/**
 * The comparison with other libraries, in one command: `npm run bench:peers` installs them
 * (bench/peers has a package.json of its own), measures, and writes docs/peers.md. With
 * `-- --smoke` it does a little of everything, to see that it runs, and writes nothing.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { buildAll } from '../build.ts';
import { conditionsLine } from '../report.ts';
import { FULL, SMOKE } from '../row.ts';
import { type Measured, run } from '../run.ts';
import { bytesFigure, figure, table } from '../table.ts';
import { OURS } from './adapters.ts';
import { versionOf } from './load.ts';
import { measureQuality, type Quality } from './quality.ts';

const smoke = process.argv.includes('--smoke');
const EXCHANGES = smoke ? 5 : 200;
const KINDS = ['stamp', 'receive', 'to text', 'to bytes', 'sort'] as const;

const log = (what: string): void => {
  process.stderr.write(`${what}\n`);
};

await buildAll();
const dist = new URL('../dist/', import.meta.url);
const rowsModule = new URL('peer-rows.js', dist).href;
const { groups } = (await import(rowsModule)) as { groups: Record<string, unknown> };
const { CASES } = (await import(new URL('torture.js', dist).href)) as {
  CASES: Record<string, unknown>;
};
const libraries = Object.keys(groups).filter((group) => group !== 'this machine');

const quality = await measureQuality(EXCHANGES, log);
const tortured = libraries.map((library) => {
  log(`five cases: ${library}`);
  return [library, ...Object.keys(CASES).map((which) => outcomeOf(library, which))];
});
const { conditions, rows } = await run(
  [{ module: rowsModule, groups: Object.keys(groups) }],
  // Fewer rounds, because each sorting takes a tenth of a second.
  smoke ? SMOKE : { ...FULL, rounds: 10 },
  log,
);

function outcomeOf(library: string, which: string): string {
  const program = new URL('torture.js', dist).pathname;
  const out = execFileSync(process.execPath, [program, library, which], { encoding: 'utf8' });
  return JSON.parse(out) as string;
}

const named = (library: string): string =>
  library === OURS ? `**${OURS}**` : `${library} ${versionOf(library)}`;

/** One kind of work: the time that each library takes, the quickest first. */
function speedTable(kind: string): string {
  const at = rows
    .filter(({ operation, group }) => operation.startsWith(kind) && group !== 'this machine')
    .sort((a, b) => a.xBaseline - b.xBaseline);
  const perCall = kind !== 'sort';
  const time = ({ medianNs }: Measured): string => figure(perCall ? medianNs : medianNs / 1e6);
  return table(
    ['library', perCall ? 'ns' : 'ms', 'B', 'x floor', 'x ours'],
    at.map((row) => [
      named(row.group) +
        (row.operation === kind ? '' : ` (${row.operation.slice(kind.length + 1)})`),
      time(row),
      bytesFigure(row.bytes),
      figure(row.xFloor),
      figure(row.xBaseline),
    ]),
    'lrrrr',
  );
}

function qualityTable(results: readonly Quality[]): string {
  return table(
    ['path', 'library', 'held the truth', 'half-width, ms', 'error of the middle, ms'],
    results.map((q) => [
      q.path,
      named(q.library),
      `${q.holding} of ${q.exchanges}`,
      figure(q.halfWidthMs),
      figure(q.errorMs),
    ]),
    'llrrr',
  );
}

const page = `# Beside other libraries

Written by \`npm run bench:peers\`, which anyone can rerun; do not edit. ${conditionsLine(conditions)}

These libraries have different purposes. Most of them stamp changes in a database that syncs between devices.
There milliseconds are enough, a stamp costs little beside the change, and the author's name is part of it. This
page compares only the uses that they share with ours.

## Speed

Times are medians of windows of some milliseconds. All libraries are visited in turn in one run, each in a process of
its own. Ratios compare the best windows of a round (as in [benchmarks.md](benchmarks.md)). Ours counts nanoseconds,
@consento/hlc counts nanoseconds with a counter, and all others count milliseconds with a counter or random bits. A
library that does not offer an operation is missing from its table. "To text" and "to bytes" include making the stamp.
${KINDS.map((kind) => `\n### ${title(kind)}\n\n${speedTable(kind)}\n`).join('')}
## Five awkward cases

What happens, in each library's own terms and with its default settings, when

1. the wall clock steps back by an hour,
2. 100,000 stamps are taken while it stands still,
3. a message from another node is stamped a year ahead,
4. stamps are sorted by their text,
5. two worker threads take 100,000 stamps each.

${table(
  ['library', ...Object.keys(CASES)],
  tortured.map(([library = '', ...outcomes]) => [named(library), ...outcomes]),
  'llllll',
)}

A failure can be a design decision. A library that refuses to stamp while its clock is far ahead of physical time keeps
a wrong clock from spreading. Ours refuses when it receives, and sends always go on. The limits differ: 500 ms here, five
minutes in @actual-app/crdt, @evolu/common and tinybase; in @consento/hlc there is no limit unless one is set.
@consento/hlc has no node id, so nothing distinguishes the stamps of two threads. @evolu/common requires Node 24.20; its
timestamp module, loaded by itself, runs on this version too. The packages for UUIDs and ULIDs are not logical clocks and
do not receive.

## What an exchange is worth

Client and server run on one machine, so the truth is known. A proxy between them adds the delays. There is one source,
and each library makes ${EXCHANGES} exchanges. The bound of @hapi/sntp is computed from its fields by RFC 5905:
\`d / 2 + rootDelay / 2 + rootDispersion\` around \`t\`. ntp-time-sync gives no bound: its \`precision\` is the deviation
between samples, which is 0 for one sample. So it is allowed the millisecond that it counts in
([more on its offset](ntp-time-sync.md)). All bounds contain the 1 ms that the server claims as its own error. A bound
over a path of unknown symmetry can't be narrower than half the round trip. Ours becomes narrower with more samples and
sources, which this comparison does not show.

${qualityTable(quality)}
`;

function title(kind: (typeof KINDS)[number]): string {
  const titles = {
    stamp: 'A stamp',
    receive: 'A receive',
    'to text': 'A stamp as text',
    'to bytes': 'A stamp as bytes',
    sort: 'Sorting 100,000 stamps, shuffled',
  };
  return titles[kind];
}

if (!smoke) writeFileSync(new URL('../../docs/peers.md', import.meta.url), page);
console.log(page);
