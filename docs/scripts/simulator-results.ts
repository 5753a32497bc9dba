/**
 * Writes docs/simulator-results.md and the plots beside it: `npx tsx
 * docs/scripts/simulator-results.ts`. Same seeds, same bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalog } from '../../test/kit/scenario-catalog.ts';
import { limitRow, OURS, ownRow, type Point, race, raceRow } from '../../test/research/race.ts';

const DOCS = fileURLToPath(new URL('..', import.meta.url));

/** What is drawn: a scenario, the method, and a window of it in minutes. */
const PLOTS = [
  { file: 'lan-16s', scenario: 'LAN, 16 s polls', method: OURS, from: 20, to: 40 },
  { file: 'cloud-64s', scenario: 'cloud, 64 s polls', method: OURS, from: 20, to: 40 },
  { file: 'suspend', scenario: 'suspend for 1 min every 10 min', method: OURS, from: 20, to: 40 },
  {
    file: 'down',
    scenario: 'all sources down for 50 min',
    method: OURS,
    from: 20,
    to: 100,
  },
  {
    file: 'route-change',
    scenario: 'route change, 30 ms longer one way',
    method: OURS,
    from: 50,
    to: 70,
  },
  {
    file: 'colluding-tigerbeetle',
    scenario: '2 liars of 5, colluding, 1 ms',
    method: 'TigerBeetle',
    from: 20,
    to: 30,
  },
  {
    file: 'colluding-ours',
    scenario: '2 liars of 5, colluding, 1 ms',
    method: OURS,
    from: 20,
    to: 30,
  },
];

const WIDTH = 800;
const HEIGHT = 260;
const LEFT = 60;
const BOTTOM = 30;

/** The interval over time, relative to true time: the line in the middle is the truth. */
function svg(title: string, points: readonly Point[], fromS: number, toS: number): string {
  const edges = points.flatMap(({ edges }) => edges ?? []);
  const reach = 1.1 * Math.max(...edges.map(Math.abs));
  const x = (ns: number) => LEFT + ((ns / 1e9 - fromS) / (toS - fromS)) * (WIDTH - LEFT - 10);
  const y = (ns: number) => 20 + ((reach - ns) / (2 * reach)) * (HEIGHT - 20 - BOTTOM);
  const at = (px: number, py: number) => `${px.toFixed(1)},${py.toFixed(1)}`;
  // One band per uninterrupted stretch: no interval, no ink.
  const bands: Point[][] = [];
  let open: Point[] | undefined;
  for (const point of points) {
    if (point.edges === undefined) open = undefined;
    else if (open === undefined) {
      open = [point];
      bands.push(open);
    } else open.push(point);
  }
  const shapes = bands.map((band) => {
    const top = band.map((p) => at(x(p.elapsedNs), y(p.edges![1])));
    const bottom = band.map((p) => at(x(p.elapsedNs), y(p.edges![0]))).reverse();
    return `<polygon points="${[...top, ...bottom].join(' ')}" fill="#4c8bf5" fill-opacity="0.35" stroke="#1a5fd0" stroke-width="0.7"/>`;
  });
  const wrong = points
    .filter(({ edges }) => edges !== undefined && (edges[0] > 0 || edges[1] < 0))
    .map(
      (p) =>
        `<circle cx="${x(p.elapsedNs).toFixed(1)}" cy="${y(0).toFixed(1)}" r="2" fill="#d00"/>`,
    );
  const label = (ns: number) => `${(ns / 1e6).toPrecision(2)} ms`;
  const ticks = [-0.8, 0, 0.8].map(
    (share) =>
      `<text x="${LEFT - 6}" y="${(y(share * reach) + 4).toFixed(1)}" text-anchor="end">${share === 0 ? 'truth' : label(share * reach)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="13" font-weight="bold">${title}</text>`,
    ...shapes,
    `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${y(0).toFixed(1)}" y2="${y(0).toFixed(1)}" stroke="#222"/>`,
    ...wrong,
    ...ticks,
    `<text x="${LEFT}" y="${HEIGHT - 8}">${fromS / 60} min</text>`,
    `<text x="${WIDTH - 10}" y="${HEIGHT - 8}" text-anchor="end">${toS / 60} min</text>`,
    '</svg>\n',
  ].join('\n');
}

mkdirSync(`${DOCS}plots`, { recursive: true });
const own: string[] = [];
const compared: string[] = [];
const limits: (string | never[])[] = [];
for (const entry of catalog) {
  const wanted = PLOTS.filter(({ scenario }) => scenario === entry.name);
  const points: Point[] = [];
  const result = await race(entry, wanted.length > 0 ? (point) => points.push(point) : undefined);
  own.push(ownRow(result));
  compared.push(raceRow(result));
  limits.push(limitRow(result) ?? []);
  for (const { file, method, from, to } of wanted) {
    const shown = points.filter(
      (p) => p.method === method && p.elapsedNs >= from * 60e9 && p.elapsedNs <= to * 60e9,
    );
    writeFileSync(
      `${DOCS}plots/${file}.svg`,
      svg(`${entry.name}: interval of ${method}, relative to true time`, shown, from * 60, to * 60),
    );
  }
  console.log(own.at(-1));
}

const page = `# What the simulator says

Written by \`npx tsx docs/scripts/simulator-results.ts\`: do not edit. The scenarios are those of
\`test/kit/scenario-catalog.ts\`. All of them keep the assumptions of
[the guarantees](guarantees/README.md). Unless a row says otherwise:

- the seed is 1, there are 5 sources, and polls are 16 s apart;
- the crystal is 80 ppm off, and wanders;
- the host is \`free-running\` with default settings: the drift bound is 500 ppm, and the rate is learned
  ([bound.md](bound.md)). On a \`disciplined\` host the drift bound is 200 ppm, and the wall guard is on;
- the servers are of stratum 2. Each update leaves a server with an error of at most 0.5 ms, which grows by 15 ppm until
  the next update, a minute later. Its true error is anywhere within.

Half-widths and times are in milliseconds.

A server of "stratum 1" has an error of 0.05 ms, and is updated every 16 s. Servers with a clock of their own state less:
chronyd on a pulse per second [0.012 to 0.018 ms, every 16 s](https://ag6qr.net/timeserverstatus), a public server in
Sweden [0.031 ms](https://github.com/beta-tester/RPi-GPS-PPS-StratumOne/issues/20), one of Facebook's
[0.015 ms](https://github.com/aaronriekenberg/go-find-ntp-servers), Amazon's inside its cloud
[0.098 ms with the path](https://gist.github.com/sarfarazahmad89/50108915eb1a666a98e8eca8d3be6868). These rows came last.
In the other rows the servers' own error turned out to be most of the width. So these rows show what a learned rate is
worth where it counts.

A reading is *wrong* when true time at the instant of the reading is outside its interval. Availability is the share of
readings that had an interval, from the first instant of the world on. "First" is the time to the first reading that had
one.

| scenario | availability | wrong | mean | p50 | p99 | first |
|---|---|---|---|---|---|---|
${own.join('\n')}

## The same traces by the rules of others

The table has the mean half-width, and the share of wrong readings where there were any. The rules are in
\`test/research/baselines.ts\`, which also says what was assumed. RFC 5905 and ClockBound are given a drift bound
of 200 ppm, because 15 and 1 ppm do not cover a free crystal. TrueTime's 200 us/s is its own.

A narrower interval that is sometimes wrong is no better than a guess. A rule that is never wrong *here* may be wrong
elsewhere: RFC 5905, ClockBound, TrueTime and TigerBeetle follow the majority's overlap, which liars can move off the truth.
"RFC 5905, hull" is the RFC's filter with a vote that liars cannot move. It is the best sound rule among the others. The
last column says how many times as wide as ours it is.

| scenario | epsilon-clock | RFC 5905 | RFC 5905, hull | ClockBound | TrueTime | TigerBeetle | hull / ours |
|---|---|---|---|---|---|---|---|
${compared.join('\n')}

## What no sound rule can beat

A rule may be wide because it is clumsy, or because the samples do not say more.
\`test/research/narrowest.ts\` tells the two apart. It covers exactly what *could* be true: every theta that some
history of the rate, of those that A2 allows, leads to through all the samples, whichever \`f\` sources lie. A rule that is
narrower on the same samples is wrong in some world that looks the same.

It is a lower limit and not a rule. It knows that liars never take turns, it forgets nothing, and where it rounds, it rounds
inward. "Excess" is our mean half-width divided by that of the limit. The last column is how many times as wide as the
*limit* the best other sound rule is. No sound rule can gain more than that over it.

| scenario | epsilon-clock | narrowest possible | excess | hull / ours | hull / narrowest |
|---|---|---|---|---|---|
${limits.flat().join('\n')}

## Pictures

The line in the middle is true time. The band is the interval around it. A red dot is a wrong reading.

${PLOTS.map(({ file, scenario, method }) => `![${scenario}, ${method}](plots/${file}.svg)`).join('\n\n')}
`;
writeFileSync(`${DOCS}simulator-results.md`, page);
