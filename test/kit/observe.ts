/** A world watched closely: when each reading was wrong or refused, and what the clock said, in seconds. */
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import { type OpenScenarioOptions, openScenario, type Scenario } from '../../src/sim/scenario.ts';

export const MINUTE = 60;
/** A poll interval of 16 s with its 8 % of jitter, a round trip, and a tick. */
export const ONE_POLL_S: number = 16 * 1.08 + 1.1;

export interface Observed {
  /** When the clock said what, in seconds. */
  readonly events: readonly (ClockEvent & { readonly atS: number })[];
  /** Readings without an interval, and wrong ones, in seconds. */
  readonly refusedS: readonly number[];
  readonly violatedS: readonly number[];
  /** How far outside of its interval the truth was at worst, ms. */
  readonly worstMs: number;
  readonly finalStatus: string;
  readonly finalDriftPpm: number;
  /** All readings. */
  readonly readings: number;
}

export interface ObserveOptions extends OpenScenarioOptions {
  /** Default 100. */
  readonly everyMs?: number;
}

/** Reads again and again, and notes when each reading was wrong or refused. */
export async function observe(scenario: Scenario, options: ObserveOptions = {}): Promise<Observed> {
  const { everyMs = 100 } = options;
  const { world, process, clock, run } = openScenario(scenario, options);
  const now = () => world.scheduler.elapsedNs / 1e9;
  const events: (ClockEvent & { atS: number })[] = [];
  clock.onChange((event) => events.push({ ...event, atS: now() }));
  const refusedS: number[] = [];
  const violatedS: number[] = [];
  let worstNs = 0;
  let readings = 0;
  const look = process.bind(() => {
    readings++;
    const before = world.scheduler.trueNs();
    const reading = clock.read();
    if (!('interval' in reading)) refusedS.push(now());
    else {
      const { earliest, latest } = reading.interval;
      const outsideNs = Number(before < earliest ? earliest - before : before - latest);
      if (outsideNs > 0) violatedS.push(now());
      worstNs = Math.max(worstNs, outsideNs);
    }
    world.scheduler.after(everyMs * 1e6, look);
  });
  look();
  await run();
  const { driftPpm } = clock.explain();
  const finalStatus = clock.read().status;
  const worstMs = worstNs / 1e6;
  return { events, refusedS, violatedS, worstMs, readings, finalStatus, finalDriftPpm: driftPpm };
}

/** Whether an instant is in a stretch of time, in seconds. */
export const within =
  (from: number, to: number) =>
  (at: number): boolean =>
    at >= from && at <= to;

export function refutations({ events }: Observed): Observed['events'] {
  return events.filter((event) => event.type === 'refuted');
}
