/**
 * Writes docs/failure-detection.md and the plots beside it: `npx tsx
 * docs/scripts/failure-detection.ts`. Same seeds, same bytes.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Line, lineChart } from '../../bench/chart.ts';
import { table } from '../../bench/table.ts';
import {
  type Detector,
  expectedArrival,
  fixedTimeout,
  mean,
  measure,
  ours,
  withoutMeter,
} from '../../test/research/detection-quality.ts';
import {
  AKKA_3_S,
  cell,
  DETECTORS,
  fewer,
  NORMAL_3_S,
  PAIRS,
  perHour,
  qualityOf,
  qualityTable,
  SETUP,
} from '../../test/research/detection-tables.ts';
import {
  OBSERVER_PAUSES,
  PEER_PAUSES,
  RECORDING,
  WORLDS,
  type World,
} from '../../test/research/detection-worlds.ts';

const DOCS = fileURLToPath(new URL('..', import.meta.url));
const { recorded, delays } = RECORDING;
const heading = ({ name }: World): string => `${name[0]!.toUpperCase()}${name.slice(1)}`;

const measured = new Map(WORLDS.map((world) => [world, measure(world, DETECTORS, SETUP)]));

// How each rule trades detection time for mistakes, by its own setting.
const CURVES: readonly (readonly [string, (value: number) => Detector, readonly number[]])[] = [
  [
    'fixed timeout',
    (ms) => fixedTimeout(`${ms}`, ms),
    [1250, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 11_000],
  ],
  [
    'Chen, by margin',
    (ms) => expectedArrival(`${ms}`, ms),
    [250, 500, 1000, 1500, 2000, 3000, 4000, 5000, 7000, 10_000],
  ],
  [
    "Akka's, by pause",
    (ms) => withoutMeter(`${ms}`, { model: 'akka', windowSize: 1000, acceptablePauseMs: ms }),
    [0, 500, 1000, 2000, 3000, 4000, 5000, 6000, 9000],
  ],
  [
    'ours, by pause',
    (ms) => ours(`${ms}`, { acceptablePauseMs: ms }),
    [0, 500, 1000, 2000, 3000, 4000, 5000, 6000, 9000],
  ],
];
const LEAST_PER_HOUR = 0.01;

function plot(world: World): string {
  const lines = CURVES.map(([name, make, values]): Line => {
    const result = measure(world, values.map(make), SETUP);
    return {
      name,
      points: result.qualities.map(({ detectionMs, mistakes }) => [
        mean(detectionMs) / 1000,
        Math.max(LEAST_PER_HOUR, perHour(mistakes, result)),
      ]),
    };
  });
  return lineChart(lines, {
    x: { name: 'detection time, s', least: 0 },
    y: { name: 'mistakes/h', least: LEAST_PER_HOUR, logarithmic: true },
  });
}

const PLOTS = [...OBSERVER_PAUSES, ...PEER_PAUSES].map((world) => ({
  world,
  file: `plots/detection-${world.name.replaceAll(/[^a-z]+/gi, '-')}.svg`,
}));
for (const { world, file } of PLOTS) writeFileSync(`${DOCS}${file}`, plot(world));

/** One row per world, one column per setting. */
function grid(settings: readonly string[], rows: ReadonlyMap<string, readonly string[]>): string {
  return table(
    ['world', ...settings],
    [...rows].map(([world, cells]) => [world, ...cells]),
    `l${'r'.repeat(settings.length)}`,
  );
}

/** The detection time and the mistakes of `world` at an accepted pause, in words. */
function atPause(world: string, ms: number): string {
  const [detection, mistakes] = byPause.get(world)![PAUSES_MS.indexOf(ms)]!.split(', ');
  return `${detection}, ${mistakes === '0' ? 'no mistake' : `${mistakes} mistakes per hour`}`;
}

const alone = (world: World, detector: Detector, intervalMs: number): string => {
  const result = measure(world, [detector], { ...SETUP, intervalMs });
  return cell(result, result.qualities[0]!);
};
const PAUSES_MS = [0, 1000, 3000, 10_000];
const byPause = new Map(
  WORLDS.map((world) => [
    world.name,
    PAUSES_MS.map((ms) => alone(world, ours('', { acceptablePauseMs: ms }), SETUP.intervalMs)),
  ]),
);
const THRESHOLDS = [3, 5, 8, 12];
const byThreshold = new Map(
  WORLDS.map((world) => [
    world.name,
    THRESHOLDS.map((threshold) => alone(world, ours('', { threshold }), SETUP.intervalMs)),
  ]),
);
const INTERVALS_MS = [250, 1000, 3000];
const byInterval = new Map(
  WORLDS.map((world) => [
    world.name,
    INTERVALS_MS.map((ms) => alone(world, ours('', { acceptablePauseMs: 3000 }), ms)),
  ]),
);

const against = table(
  ['world', 'ours', 'T_D', 'mistakes/h', 'against', 'T_D', 'mistakes/h', 'fewer'],
  [...OBSERVER_PAUSES, ...PEER_PAUSES].flatMap((world) =>
    PAIRS.flatMap(([own, other]) => fewer(world.name, measured.get(world)!, own, other)),
  ),
  'llrrlrrr',
);

const blockedMs = delays.reduce((sum, [, ms]) => sum + ms, 0);
const blockedShare = `${Math.round((100 * blockedMs) / recorded.lastsMs)} %`;
const loaded = OBSERVER_PAUSES.find(({ name }) => name === 'observer is a loaded service')!;
const detectionAt = (name: string): string =>
  (mean(qualityOf(measured.get(loaded)!, name).detectionMs) / 1000).toFixed(2);

const page = `# Choosing a failure detector by numbers

Written by \`npx tsx docs/scripts/failure-detection.ts\`: do not edit. How to use the detectors is in
[the guide](guides/failure-detection.md). The worlds are in \`test/research/detection-worlds.ts\`, the detectors of others
in \`test/research/detection-quality.ts\`.

## Rule of thumb

| your network and peers | \`acceptablePauseMs\` | a crash is noticed after, and mistakes |
|---|---|---|
| LAN, peers that never pause | 0 | ${atPause('LAN', 0)} |
| cloud | 1000 | ${atPause('cloud', 1000)} |
| internet | 3000 | ${atPause('internet', 3000)} |
| peers that collect garbage for up to 10 s | 3000 | ${atPause('peer collects garbage', 3000)} |
| the same, and a mistake is dear | 10,000 | ${atPause('peer collects garbage', 10_000)} |

- **Give the detector a \`PauseMeter\`.** It costs no detection time while nobody pauses. Where the observer pauses, it
  takes away nearly all mistakes at the same detection time.
- **Leave the model at \`'normal'\` and the threshold at 8.** Between phi 3 and phi 12 detection and mistakes change little. The
  accepted pause is what decides.
- **\`'exponential'\` needs no estimate of pauses**, because it waits for a multiple of the mean gap. At phi 2 it does about what
  \`'normal'\` does with 3 s accepted; at phi 8 it is safe and slow.
- **Send heartbeats about three times in the pause that you accept**, if you accept one, and not more often: a crash is noticed after about the
  accepted pause, one interval and 0.6 s. So four times the heartbeats win less than a second of four and a half.
- **A timeout for calls is not a failure detector.** RFC 6298 is right for calls, which can be tried again. Of the rules on
  this page it makes the most mistakes about peers that pause.

## What is measured

By W. Chen, S. Toueg and M. K. Aguilera, "On the quality of service of failure detectors" (IEEE Transactions on Computers
51(5), 2002):

| | |
|---|---|
| T_D, detection time | from a crash, right after a heartbeat was sent, to the suspicion that lasts; the mean, s |
| mistakes/h | how often a peer that lives is suspected, per hour: the mistake rate |
| T_MR, mistake recurrence time | the mean time from one mistake to the next, s |
| T_M, mistake duration | how long a mistake lasts, s |
| P_A, query accuracy probability | how likely it is that a question at a random moment gets the right answer |

The last column of the tables, "fixed, as fast", has the mistakes per hour of a fixed timeout that is as long as the T_D of
the row, in the same worlds.

Each world is drawn from ${SETUP.seeds.length} seeds. A peer sends a heartbeat each second, unless a table says otherwise. The first 5 min do
not count; then mistakes are counted for half an hour, and the peer crashes. So 0 means none in ${SETUP.seeds.length / 2} hours. At the end of a
pause of the observer the detector is asked first, then the meter's timer fires, and then the heartbeats that waited are
read. This is the worst order for us.

Akka's and Cassandra's rules are our \`PhiAccrualDetector\` without a meter, with their models, windows and thresholds. Akka's
defaults are those of its cluster: phi 8, a window of 1000, a deviation of at least 100 ms, and 3 s accepted. One thing
differs: Akka leaves out a gap that reached the threshold, ours counts it as what just reaches it.

## Where the observer pauses, and where the peer does

At the same detection time, give or take a tenth:

${against}

**The observer pauses:** at most a fifth of the mistakes, wherever the others make any. The price is that silence counts only
while we run. The longer a process is blocked, the later it notices: the loaded service of this table was blocked
${blockedShare} of the time, and with 3 s accepted it noticed a crash after ${detectionAt(NORMAL_3_S)} s, Akka's defaults after
${detectionAt(AKKA_3_S)} s. Neither made a mistake there: pauses that are short beside the accepted pause do no harm to any rule.

**The peer pauses:** we are no better. From outside, a peer that pauses is a peer that has crashed, and no rule can tell until
it is back. A fixed timeout of the same length makes about as many mistakes, because what is learned from past pauses only
moves the timeout. Accept longer pauses, or wait before you act.

${PLOTS.map(({ world, file }) => `![Mistakes against detection time: ${world.name}](${file})`).join('\n\n')}

Mistakes against detection time, when each rule is made slower by its own setting. Points at the bottom, ${LEAST_PER_HOUR} per hour, made no
mistake.

## The worlds one by one

${WORLDS.map((world) => `### ${heading(world)}\n\n${world.what[0]!.toUpperCase()}${world.what.slice(1)}.\n\n${qualityTable(measured.get(world)!)}`).join('\n\n')}

A mistake of 0.00 s ends as soon as the heartbeats are read that waited in the pause. Code that acts on the suspicion has
acted by then.

## The settings one by one

Each cell has T_D and the mistakes per hour, of the model \`'normal'\` with a meter.

The accepted pause, at phi 8:

${grid(
  PAUSES_MS.map((ms) => `${ms / 1000} s`),
  byPause,
)}

The threshold, with no pause accepted:

${grid(
  THRESHOLDS.map((threshold) => `phi ${threshold}`),
  byThreshold,
)}

The interval between heartbeats, at phi 8 with 3 s accepted:

${grid(
  INTERVALS_MS.map((ms) => `${ms / 1000} s`),
  byInterval,
)}

## The recorded delays

\`test/research/loop-delays.json\` has the delays of more than 50 ms of the event loop of an HTTP service under load, written by
\`npx tsx docs/scripts/loop-delays.ts\`, which takes ${recorded.lastsMs / 60_000} min. This one is of Node ${recorded.node} on ${recorded.cores} cores of ${recorded.cpu}, which other programs
used as well, ${recorded.date}: ${recorded.requests.toLocaleString('en-US')} requests. The service builds and keeps lists of orders, and now and then sorts and compresses an
export in one go. It was blocked ${delays.length} times, ${blockedShare} of the time in all, and at most for ${Math.max(...delays.map(([, ms]) => ms))} ms.

## What this does not show

The worlds are drawn by simple laws, and each has one trouble. Yours has several at once. Measure your own pauses
(\`PauseMeter.distribution()\`) and gaps, and change the worlds of the script to them.
`;
writeFileSync(`${DOCS}failure-detection.md`, page);
