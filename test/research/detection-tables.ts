/** The detectors that docs/failure-detection.md compares, and its tables. */
import { figure, table } from '../../bench/table.ts';
import {
  type Detector,
  expectedArrival,
  fixedMistakes,
  fixedTimeout,
  type Measured,
  mean,
  ours,
  type Quality,
  roundTrip,
  type Setup,
  withoutMeter,
} from './detection-quality.ts';

/** Half an hour each. */
export const SETUP: Setup = {
  seeds: Array.from({ length: 24 }, (_, i) => i + 1),
  intervalMs: 1000,
};

const AKKA = { model: 'akka', windowSize: 1000 } as const;

const NORMAL = 'ours: normal, phi 8';
export const NORMAL_5 = 'ours: normal, phi 5';
export const NORMAL_3_S = 'ours: normal, phi 8, 3 s accepted';
export const AKKA_0 = 'Akka: phi 8, no pause accepted';
export const AKKA_3_S = 'Akka: phi 8, 3 s accepted (its defaults)';

export const DETECTORS: readonly Detector[] = [
  fixedTimeout('fixed timeout, 3 s', 3000),
  fixedTimeout('fixed timeout, 10 s', 10_000),
  roundTrip('adaptive: RFC 6298'),
  expectedArrival('adaptive: Chen, margin 0.56 s', 560),
  withoutMeter(AKKA_0, AKKA),
  withoutMeter(AKKA_3_S, { ...AKKA, acceptablePauseMs: 3000 }),
  withoutMeter('Cassandra: exponential, phi 8', { model: 'exponential', windowSize: 1000 }),
  ours(NORMAL_5, { threshold: 5 }),
  ours(NORMAL, {}),
  ours(NORMAL_3_S, { acceptablePauseMs: 3000 }),
  ours('ours: akka, phi 8', { model: 'akka' }),
  ours('ours: exponential, phi 2', { model: 'exponential', threshold: 2 }),
  ours('ours: exponential, phi 8', { model: 'exponential' }),
];

/** Ours, and the detector of others that is about as fast. */
export const PAIRS: readonly (readonly [own: string, other: string])[] = [
  [NORMAL_5, AKKA_0],
  [NORMAL_3_S, AKKA_3_S],
];

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

export const perHour = (mistakes: number, { watchedMs }: Measured): number =>
  mistakes / (watchedMs / 3_600_000);

/** Mistakes per hour with two digits. */
function rate(mistakes: number, measured: Measured): string {
  if (mistakes === 0) return '0';
  const digits = perHour(mistakes, measured).toPrecision(2);
  return digits.includes('e') ? String(Number(digits)) : digits;
}

export function qualityRow(measured: Measured, quality: Quality): string[] {
  const { name, detectionMs, mistakes, wrongMs } = quality;
  return [
    name,
    seconds(mean(detectionMs)),
    rate(mistakes, measured),
    mistakes === 0 ? '-' : figure(measured.watchedMs / 1000 / mistakes),
    mistakes === 0 ? '-' : seconds(wrongMs / mistakes),
    `${(100 * (1 - wrongMs / measured.watchedMs)).toFixed(3)} %`,
    rate(fixedMistakes(measured, quality), measured),
  ];
}

/** One row per detector. */
export function qualityTable(measured: Measured): string {
  return table(
    ['detector', 'T_D', 'mistakes/h', 'T_MR', 'T_M', 'P_A', 'fixed, as fast'],
    measured.qualities.map((quality) => qualityRow(measured, quality)),
    'lrrrrrr',
  );
}

/** The detection time in s, and the mistakes per hour. */
export function cell(measured: Measured, quality: Quality): string {
  return `${seconds(mean(quality.detectionMs))} s, ${rate(quality.mistakes, measured)}`;
}

export function qualityOf({ qualities }: Measured, name: string): Quality {
  const found = qualities.find((quality) => quality.name === name);
  if (found === undefined) throw new Error(`no detector ${name}`);
  return found;
}

/**
 * Rows that compare one of ours with a fixed timeout that detects as soon, and with the detector
 * `other`.
 */
export function fewer(world: string, measured: Measured, own: string, other: string): string[][] {
  const mine = qualityOf(measured, own);
  const theirs = qualityOf(measured, other);
  const fixed = fixedMistakes(measured, mine);
  const row = (name: string, detectionMs: number, mistakes: number): string[] => [
    world,
    own,
    seconds(mean(mine.detectionMs)),
    rate(mine.mistakes, measured),
    name,
    seconds(detectionMs),
    rate(mistakes, measured),
    timesFewer(mine.mistakes, mistakes),
  ];
  return [
    row('fixed timeout, as fast', mean(mine.detectionMs), fixed),
    row(other, mean(theirs.detectionMs), theirs.mistakes),
  ];
}

function timesFewer(mine: number, theirs: number): string {
  if (mine === 0) return theirs === 0 ? '-' : `none against ${theirs}`;
  return figure(theirs / mine);
}
