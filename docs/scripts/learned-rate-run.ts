/**
 * Runs a drifting host for ten minutes (test/kit/drifting-host.ts; needs chrony and faketime) and
 * writes docs/learned-rate-run.md with the picture beside it: `npm run build && npx tsx
 * docs/scripts/learned-rate-run.ts`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type ClockName,
  DRIFT_PPM,
  type Reading,
  runDriftingHost,
} from '../../test/kit/drifting-host.ts';

const DOCS = fileURLToPath(new URL('..', import.meta.url));
const MINUTES = 10;
const POLL_S = 16;
const DISTANCES_MS = [2, 5, 9, 14, 20];
const COLORS = { 'layer 1': '#c05621', 'layer 2': '#2b6cb0' } as const;

const WIDTH = 800;
const HEIGHT = 300;
const LEFT = 60;
const BOTTOM = 30;

const readings: Reading[] = [];
const { refuted, rate } = await runDriftingHost({
  forMs: MINUTES * 60_000,
  pollIntervalMs: POLL_S * 1000,
  distancesMs: DISTANCES_MS,
  onReading: (reading) => readings.push(reading),
});

const of = (clock: ClockName): Reading[] => readings.filter((reading) => reading.clock === clock);
const width = ({ uncertaintyNs }: Reading): number => uncertaintyNs ?? Number.NaN;
const highest = 1.05 * Math.max(...of('layer 1').map(width), ...of('layer 2').map(width));
const x = (ms: number): string =>
  (LEFT + (ms / (MINUTES * 60_000)) * (WIDTH - LEFT - 10)).toFixed(1);
const y = (ns: number): string => (20 + (1 - ns / highest) * (HEIGHT - 20 - BOTTOM)).toFixed(1);

const lines = (['layer 1', 'layer 2'] as const).flatMap((clock, i) => {
  const points = of(clock).map((reading) => `${x(reading.elapsedMs)},${y(width(reading))}`);
  return [
    `<polyline points="${points.join(' ')}" fill="none" stroke="${COLORS[clock]}"/>`,
    `<text x="${WIDTH - 160}" y="${16 + 15 * i}" fill="${COLORS[clock]}">${clock === 'layer 1' ? 'rate bound alone' : 'rate learned'}</text>`,
  ];
});
const ticks = [0, 5, 10, 15, 20, 25, 30]
  .filter((ms) => ms * 1e6 < highest)
  .map((ms) => `<text x="${LEFT - 6}" y="${y(ms * 1e6)}" text-anchor="end">${ms} ms</text>`);
writeFileSync(
  `${DOCS}plots/learned-rate-run.svg`,
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="13" font-weight="bold">half the width of the interval, a host that drifts by ${DRIFT_PPM} ppm</text>`,
    ...lines,
    ...ticks,
    `<text x="${LEFT}" y="${HEIGHT - 8}">0 min</text>`,
    `<text x="${WIDTH - 10}" y="${HEIGHT - 8}" text-anchor="end">${MINUTES} min</text>`,
    '</svg>\n',
  ].join('\n'),
);

const settled = (clock: ClockName): number => {
  const late = of(clock).filter(({ elapsedMs }) => elapsedMs > 120_000);
  return late.reduce((sum, reading) => sum + width(reading), 0) / late.length / 1e6;
};
const wrong = (clock: ClockName): number =>
  of(clock).filter((reading) => reading.excludedNs > 0).length;
const row = (clock: ClockName, what: string): string =>
  `| ${what} | ${of(clock).length} | ${wrong(clock)} | ${refuted[clock].length} | ${settled(clock).toFixed(2)} |`;
writeFileSync(
  `${DOCS}learned-rate-run.md`,
  `# A real run

Written by \`npx tsx docs/scripts/learned-rate-run.ts\`, from one run: do not edit. Five chronyd on loopback behind a UDP
proxy, ${DISTANCES_MS.join(', ')} ms away one way with up to 3 ms more for each datagram, polled every ${POLL_S} s for ${MINUTES} minutes
by a process whose whole clock, monotonic and wall alike, runs ${DRIFT_PPM} ppm fast (libfaketime). The truth is the clock of the
process that asks for the readings. It brackets each reading with two of its own. All clocks are \`free-running\`.

The \`false\` row is a control: a clock whose drift bound is violated, and that has no sources. It must show wrong readings, or
the test is blind.

| clock | readings | wrong | refutations | mean half-width after two minutes, ms |
|---|---|---|---|---|
${row('layer 2', 'rate learned (defaults)')}
${row('layer 1', 'rate bound of 500 ppm alone')}
${row('false', 'false: 1 ppm, no source')}

In the end the rate was known to be within [${rate!.lowerPpm.toFixed(1)}, ${rate!.upperPpm.toFixed(1)}] ppm. What is left of the
width is the path to the servers: half of the round trip, to either side.

![half-width over time](plots/learned-rate-run.svg)
`,
);
console.log(
  wrong('layer 2'),
  wrong('layer 1'),
  wrong('false'),
  settled('layer 2'),
  settled('layer 1'),
);
