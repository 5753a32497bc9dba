/**
 * One scenario, several methods on the same samples: the library's bounded clock and the rules of
 * other systems. The same oracle judges them, at instants drawn in the same way. Renders the rows
 * of docs/simulator-results.md.
 */
import { Oracle, type OracleSummary } from '../../src/sim/oracle.ts';
import { openScenario } from '../../src/sim/scenario.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import type { CatalogEntry } from '../kit/scenario-catalog.ts';
import { baselines, SOUND } from './baselines.ts';
import { Narrowest } from './narrowest.ts';

export interface Race {
  readonly name: string;
  readonly ours: OracleSummary;
  /** The wrong readings of the bounded clock, one per line. */
  readonly report: string;
  readonly others: readonly { readonly name: string; readonly summary: OracleSummary }[];
  /** The narrowest possible interval, where the entry asks for it. */
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
  const methods = entry.limit ? [...rules, new Narrowest(sources)] : rules;
  const { world, process, clock, run } = openScenario(scenario, {
    onSample: (sample) => {
      for (const method of methods) method.take(sample);
    },
  });
  const { scheduler } = world;
  const oracles = methods.map(() => new Oracle(scheduler, entry.name));
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
  const takeReading = process.bind(() => {
    methods.forEach((method, i) => {
      const interval = oracles[i]!.judge(method.name, () => {
        const m = process.clock.monotonicNs();
        const theta = method.intervalAt(m);
        return (
          theta && {
            earliest: asUnixNs(m + theta.lowerNs),
            latest: asUnixNs(m + theta.upperNs + process.clock.monotonicGridNs),
          }
        );
      });
      point(method.name, interval);
    });
    const reading = clock.read();
    point(OURS, reading.interval !== undefined ? reading.interval : undefined);
    again();
  });
  const again = (): void => {
    const everyMs = scenario.readEveryMs ?? 5000;
    scheduler.after(random.exponential(everyMs * 1e6), takeReading);
  };
  again();
  await run();
  clock.stop();
  const summaries = methods.map(({ name }, i) => ({ name, summary: oracles[i]!.summary() }));
  return {
    name: entry.name,
    ours: world.oracle.summary(),
    report: world.oracle.report(),
    others: summaries.slice(0, rules.length),
    narrowest: summaries[rules.length]?.summary,
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
