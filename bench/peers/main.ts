/**
 * The comparison with other libraries, in one command: `npm run bench:peers` installs them (bench/peers has
 * a package.json of its own), measures, and writes docs/peers.md. With `-- --smoke` it does a little of
 * everything, to see that it runs, and writes nothing.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { buildAll } from '../build.ts';
import { sceneLine } from '../report.ts';
import { FULL, SMOKE } from '../row.ts';
import { type Measured, run } from '../run.ts';
import { bytesFigure, figure, table } from '../table.ts';
import { OURS } from './adapters.ts';
import { versionOf } from './load.ts';
import { measureQuality, type Quality } from './quality.ts';

const smoke = process.argv.includes('--smoke');
const EXCHANGES = smoke ? 5 : 200;
const KINDS = ['stamp', 'receive', 'to text', 'to bytes', 'sort'] as const;

const say = (what: string): void => {
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

const quality = await measureQuality(EXCHANGES, say);
const tortured = libraries.map((library) => {
  say(`five cases: ${library}`);
  return [library, ...Object.keys(CASES).map((which) => outcomeOf(library, which))];
});
const { scene, rows } = await run(
  [{ module: rowsModule, groups: Object.keys(groups) }],
  // Sorting takes a tenth of a second each time.
  smoke ? SMOKE : { ...FULL, rounds: 10 },
  say,
);

function outcomeOf(library: string, which: string): string {
  const program = new URL('torture.js', dist).pathname;
  const out = execFileSync(process.execPath, [program, library, which], { encoding: 'utf8' });
  return JSON.parse(out) as string;
}

const named = (library: string): string =>
  library === OURS ? `**${OURS}**` : `${library} ${versionOf(library)}`;

/** One kind of work: who takes how long, the quickest first. */
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

Written by \`npm run bench:peers\`, which anyone can rerun; do not edit. ${sceneLine(scene)}

These libraries were made for different ends: most stamp changes in a database that syncs between devices,
where milliseconds are plenty, a stamp costs nothing beside the change, and the author's name belongs into
it. What is compared here is only the use that they share with ours.

## Speed

Medians of windows of some milliseconds, all libraries in turn in one run, each in a process of its own; ratios are of
best windows within a round (as in [benchmarks.md](benchmarks.md)). Ours counts nanoseconds, @consento/hlc
nanoseconds with a counter, all others milliseconds with a counter or random bits. A missing library does
not offer the operation. "To text" and "to bytes" include making the stamp.
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

Failing is a decision too: a library that refuses to stamp when its clock is far ahead of physical time keeps a wrong
clock from spreading. Ours decides that when it receives, and lets sends go on. Limits differ: 500 ms here,
five minutes in @actual-app/crdt, @evolu/common and tinybase; @consento/hlc has one that is off unless set.
@consento/hlc has no
node id, so what two threads make is told apart by nothing. @evolu/common asks for Node 24.20; its timestamp module, loaded by itself, runs on this version too. The
packages for UUIDs and ULIDs are no logical clocks and do not receive.

## What an exchange is worth

Client and server on one machine, so that the truth is known; delays by a proxy between them; one
source, ${EXCHANGES} exchanges each. The bound of @hapi/sntp is built from its fields as RFC 5905 has it:
\`d / 2 + rootDelay / 2 + rootDispersion\` around \`t\`. ntp-time-sync gives no bound; its \`precision\` is the deviation
between samples, 0 for one, so it is allowed the millisecond that it counts in
([more on its offset](ntp-time-sync.md)). All bounds contain the 1 ms that the server claims as its own error. A bound over
a path of unknown symmetry can't be narrower than half the round trip; what ours adds comes with more samples and sources.

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
