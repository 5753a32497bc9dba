/**
 * One scenario, several methods on the same samples: the library's bounded clock and the rules of
 * other systems. The same oracle judges them, at instants drawn in the same way. Renders the rows
 * of docs/simulator-results.md.
 */

import type { TimeInterval } from '../../src/interval/time-interval.ts';
import { Oracle, type OracleSummary } from '../../src/sim/oracle.ts';
import { openScenario } from '../../src/sim/scenario.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import type { CatalogEntry } from '../kit/scenario-catalog.ts';
import { type Baseline, baselines, SOUND } from './baselines.ts';
import { Narrowest } from './narrowest.ts';

export interface Race {
  readonly name: string;
  /**
   * The bounded clock: half-widths at the same instants as those of the others, all else from the
   * more frequent readings of the scenario.
   */
  readonly ours: OracleSummary;
  /** The wrong readings of the bounded clock, one per line. */
  readonly report: string;
  readonly others: readonly { readonly name: string; readonly summary: OracleSummary }[];
  /** The narrowest possible interval while there was one of ours, where the entry asks for it. */
  readonly narrowest: OracleSummary | undefined;
}

/** One method's interval at one instant, relative to the truth, for plots. */
export interface Point {
  readonly method: string;
  readonly elapsedNs: number;
  /** Earliest and latest minus true time, ns; `undefined` when the method made no promise. */
  readonly edges: readonly [number, number] | undefined;
}

export const OURS = 'epsilon-clock';

export async function race(
  entry: CatalogEntry,
  onPoint: (point: Point) => void = () => {},
): Promise<Race> {
  const { scenario } = entry;
  const sources = scenario.servers.length;
  const rules = baselines({ sources, driftPpm: 200, pollMs: scenario.pollMs ?? 16_000 });
  const narrowest = entry.limit && new Narrowest(sources);
  const methods: readonly Baseline[] = narrowest ? [...rules, narrowest] : rules;
  const { world, process, clock, run } = openScenario(scenario, {
    onSample: (sample) => {
      for (const method of methods) method.take(sample);
    },
  });
  const { scheduler } = world;
  const oracle = () => new Oracle(scheduler, entry.name);
  const ofRules = rules.map(oracle);
  const ofLimit = oracle();
  const ofOurs = oracle();
  const random = world.random.fork('race');
  const point = (method: string, interval: { earliest: bigint; latest: bigint } | undefined) => {
    const truth = scheduler.trueNs();
    const edges = interval && ([interval.earliest, interval.latest] as const);
    onPoint({
      method,
      elapsedNs: scheduler.elapsedNs,
      edges: edges && [Number(edges[0] - truth), Number(edges[1] - truth)],
    });
  };
  const intervalOf = (method: Baseline): TimeInterval | undefined => {
    const m = process.clock.monotonicNs();
    const theta = method.intervalAt(m);
    return (
      theta && {
        earliest: asUnixNs(m + theta.lowerNs),
        latest: asUnixNs(m + theta.upperNs + process.clock.monotonicGridNs),
      }
    );
  };
  const takeReading = process.bind(() => {
    rules.forEach((method, i) => {
      point(
        method.name,
        ofRules[i]!.judge(method.name, () => intervalOf(method)),
      );
    });
    const ours = ofOurs.judge(OURS, () => clock.read().interval);
    point(OURS, ours);
    if (narrowest && ours) ofLimit.judge(narrowest.name, () => intervalOf(narrowest));
    again();
  });
  const again = (): void => {
    const everyMs = scenario.readEveryMs ?? 5000;
    scheduler.after(random.exponential(everyMs * 1e6), takeReading);
  };
  again();
  await run();
  clock.stop();
  const { meanNs, p50Ns, p99Ns } = ofOurs.summary();
  return {
    name: entry.name,
    ours: { ...world.oracle.summary(), meanNs, p50Ns, p99Ns },
    report: [world.oracle.report(), ofOurs.report()].join(''),
    others: rules.map(({ name }, i) => ({ name, summary: ofRules[i]!.summary() })),
    narrowest: narrowest && ofLimit.summary(),
  };
}

/** Milliseconds with three digits, as the tables print them. */
export function ms(ns: number): string {
  if (Number.isNaN(ns)) return '–';
  const value = ns / 1e6;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function percent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** A row of the first table: the results of the bounded clock. */
export function ownRow({ name, ours }: Race): string {
  const first = ours.firstBoundNs === undefined ? '–' : ms(ours.firstBoundNs);
  const widths = [ours.meanNs, ours.p50Ns, ours.p99Ns].map(ms).join(' | ');
  return `| ${name} | ${percent(ours.availability)} | ${ours.violations} | ${widths} | ${first} |`;
}

/** How many times wider than ours the best other sound rule is, on average. */
export function gain({ ours, others }: Race): number {
  return others.find(({ name }) => name === SOUND)!.summary.meanNs / ours.meanNs;
}

/** How many times wider than necessary ours is at most, on average. */
export function excess({ ours, narrowest }: Race): number | undefined {
  return narrowest && ours.meanNs / narrowest.meanNs;
}

/**
 * A row of the second table: mean half-width of every method, its share of wrong readings, and the
 * gain.
 */
export function raceRow(race: Race): string {
  const { name, ours, others } = race;
  const cells = [ours, ...others.map(({ summary }) => summary)].map((summary) => {
    const wrong = summary.violations / summary.readings;
    return wrong === 0 ? ms(summary.meanNs) : `${ms(summary.meanNs)} (**${percent(wrong)}** wrong)`;
  });
  return `| ${name} | ${cells.join(' | ')} | ${gain(race).toFixed(2)} |`;
}

/**
 * A row of the third table, where there is a limit: our interval, the narrowest possible one, and
 * the best possible gain.
 */
export function limitRow(race: Race): string | undefined {
  const { name, ours, narrowest } = race;
  const over = excess(race);
  if (!narrowest || over === undefined) return undefined;
  const cells = [over, gain(race), gain(race) * over].map((ratio) => ratio.toFixed(2));
  return `| ${name} | ${ms(ours.meanNs)} | ${ms(narrowest.meanNs)} | ${cells.join(' | ')} |`;
}
