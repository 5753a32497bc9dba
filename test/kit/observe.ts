/**
 * A world observed closely: when each reading was wrong or refused, and the clock's events, in
 * seconds.
 */
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import { type OpenScenarioOptions, openScenario, type Scenario } from '../../src/sim/scenario.ts';

export const MINUTE_S = 60;
/** A poll interval of 16 s with its 8 % of jitter, a round trip, and a tick, s. */
export const ONE_POLL_S: number = 16 * 1.08 + 1.1;

export interface Observed {
  /** The clock's events, each with its time, s. */
  readonly events: readonly (ClockEvent & { readonly atS: number })[];
  /** The times of the readings without an interval, s. */
  readonly refusedS: readonly number[];
  /** The times of the wrong readings, s. */
  readonly violatedS: readonly number[];
  /** How far outside of its interval the truth was at worst, ms. */
  readonly worstMs: number;
  /** The widths of the intervals, each with its time, s. */
  readonly widths: readonly { readonly atS: number; readonly ms: number }[];
  readonly finalStatus: string;
  readonly finalDriftPpm: number;
  /** The number of readings. */
  readonly readings: number;
}

export interface ObserveOptions extends OpenScenarioOptions {
  /** The time between two readings, ms. Default 100. */
  readonly everyMs?: number;
}

/** Reads the clock repeatedly, and notes when each reading was wrong or refused. */
export async function observe(scenario: Scenario, options: ObserveOptions = {}): Promise<Observed> {
  const { everyMs = 100 } = options;
  const { world, process, clock, run } = openScenario(scenario, options);
  const now = () => world.scheduler.elapsedNs / 1e9;
  const events: (ClockEvent & { atS: number })[] = [];
  clock.onChange((event) => events.push({ ...event, atS: now() }));
  const refusedS: number[] = [];
  const violatedS: number[] = [];
  const widths: { atS: number; ms: number }[] = [];
  let worstNs = 0;
  let readings = 0;
  const takeReading = process.bind(() => {
    readings++;
    const before = world.scheduler.trueNs();
    const reading = clock.read();
    if (reading.interval === undefined) refusedS.push(now());
    else {
      const { earliest, latest } = reading.interval;
      widths.push({ atS: now(), ms: Number(latest - earliest) / 1e6 });
      const outsideNs = Number(before < earliest ? earliest - before : before - latest);
      if (outsideNs > 0) violatedS.push(now());
      worstNs = Math.max(worstNs, outsideNs);
    }
    world.scheduler.after(everyMs * 1e6, takeReading);
  });
  takeReading();
  await run();
  const { maxDriftPpm } = clock.explain();
  const finalStatus = clock.read().status;
  const worstMs = worstNs / 1e6;
  return {
    events,
    refusedS,
    violatedS,
    worstMs,
    widths,
    readings,
    finalStatus,
    finalDriftPpm: maxDriftPpm,
  };
}

/** Whether an instant is in a stretch of time, both in seconds. */
export const within =
  (from: number, to: number) =>
  (at: number): boolean =>
    at >= from && at <= to;

export function refutations({ events }: Observed): Observed['events'] {
  return events.filter((event) => event.type === 'refuted');
}
