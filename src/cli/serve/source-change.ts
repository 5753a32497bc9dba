/**
 * From the sources of the old configuration to those of the new one, without losing the bound.
 *
 * A clock has a bound only while more sources vote than may be wrong. New sources have no vote
 * until they answer. If the old ones went at once, there would be no bound for a second or two, in
 * every process of the host. So the old ones stay until enough of the new ones vote, and new ones
 * join step by step, as far as the votes outnumber those that may be wrong.
 *
 * All of them are the operator's sources, but each configuration says only of its own how many may
 * be wrong (A0). So there are steps only where the number that the clock allows for covers both: of
 * the old sources as many as were allowed for, and of the new ones that have joined as many as will
 * be. With one old source that may not be wrong, and three new ones of which one may, no step is
 * both: then all join at once, and the bound is lost for a round trip. Where even that is not
 * covered, as with a `maxFaulty` of the configuration's, the new sources replace the old at once.
 *
 * New sources that never answer do not keep the old ones for ever: after half a minute the
 * configuration is obeyed.
 */
import type { BoundedClock } from '../../bounded-clock/bounded-clock.ts';
import { checkSources } from '../../bounded-clock/options.ts';
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import type { Cancel } from '../../time/clock.ts';

const STEP_MS = 1000;
const MAX_STEPS = 30;

/** A source that is asked now. */
interface Asked {
  readonly source: TimeSource;
  /** Its endpoints, and those that have a vote. */
  readonly endpoints: number;
  readonly voters: number;
}

/** What stays the same during a change. */
interface Change {
  readonly wanted: readonly TimeSource[];
  /** How many may be wrong, if the configuration says it. */
  readonly maxFaulty: number | undefined;
  /** The sources of before. */
  readonly old: readonly TimeSource[];
  /** How many of those may be wrong. */
  readonly oldMayBeWrong: number;
}

const votersAmong = (sources: readonly TimeSource[]): number =>
  sources.filter(({ role }) => role !== 'witness').length;

export function mayBeWrong(endpoints: number, maxFaulty: number | undefined): number {
  return maxFaulty ?? Math.max(0, Math.floor((endpoints - 1) / 2));
}

/** The sources to ask next. They are `wanted` as soon as that keeps the bound, or nothing does. */
export function nextSources(current: readonly Asked[], change: Change): readonly TimeSource[] {
  const { wanted, maxFaulty, old, oldMayBeWrong } = change;
  const sum = (asked: readonly Asked[], key: 'endpoints' | 'voters'): number =>
    asked.reduce((total, each) => total + each[key], 0);
  const asked = current.map(({ source }) => source);
  const kept = current.filter(({ source }) => wanted.includes(source));
  const added = wanted.filter((source) => !asked.includes(source));
  const joined = votersAmong(asked.filter((source) => !old.includes(source)));
  const endpoints = sum(current, 'endpoints');
  const voters = sum(current, 'voters');
  if (voters === 0) return wanted;
  const inTheEnd = sum(kept, 'endpoints') + votersAmong(added);
  if (sum(kept, 'voters') > mayBeWrong(inTheEnd, maxFaulty)) return wanted;
  const newMayBeWrong = mayBeWrong(inTheEnd, maxFaulty);
  const isCovered = (count: number): boolean =>
    mayBeWrong(endpoints + count, maxFaulty) >=
    oldMayBeWrong + Math.min(joined + count, newMayBeWrong);
  for (let length = added.length; length > 0; length--) {
    const next = added.slice(0, length);
    const count = votersAmong(next);
    const bounded = voters > mayBeWrong(endpoints + count, maxFaulty);
    if (bounded && isCovered(count)) return [...asked, ...next];
  }
  // Those that have joined have yet to answer.
  if (voters < endpoints) return asked;
  return isCovered(votersAmong(added)) ? [...asked, ...added] : wanted;
}

/** Changes the sources of a clock, step by step. */
export class SourceChange {
  readonly #clock: BoundedClock;
  readonly #maxFaulty: number | undefined;
  #current: readonly TimeSource[];
  #cancel: Cancel = () => {};

  constructor(clock: BoundedClock, sources: readonly TimeSource[], maxFaulty: number | undefined) {
    this.#clock = clock;
    this.#current = sources;
    this.#maxFaulty = maxFaulty;
  }

  /** The sources that are asked now. */
  get current(): readonly TimeSource[] {
    return this.#current;
  }

  /**
   * Takes the first step at once, and the others on a timer. Another call takes over.
   *
   * @throws as `BoundedClock.replaceSources`; nothing has changed then
   */
  to(wanted: readonly TimeSource[]): void {
    // Beside the old sources some would pass that cannot stand alone, such as a witness.
    checkSources(wanted, this.#maxFaulty);
    this.#cancel();
    const endpoints = this.#asked().reduce((total, each) => total + each.endpoints, 0);
    const maxFaulty = this.#maxFaulty;
    const oldMayBeWrong = mayBeWrong(endpoints, maxFaulty);
    this.#step({ wanted, maxFaulty, old: this.#current, oldMayBeWrong }, MAX_STEPS);
  }

  stop(): void {
    this.#cancel();
  }

  #step(change: Change, stepsLeft: number): void {
    const { wanted } = change;
    const next = stepsLeft > 0 ? nextSources(this.#asked(), change) : wanted;
    this.#clock.replaceSources(next);
    this.#current = next;
    if (next === wanted) return;
    this.#cancel = this.#clock.localClock.setTimer(
      STEP_MS,
      () => this.#step(change, stepsLeft - 1),
      { background: true },
    );
  }

  #asked(): Asked[] {
    const { sources } = this.#clock.explain();
    return this.#current.map((source) => {
      if (source.role === 'witness') return { source, endpoints: 0, voters: 0 };
      const own = sources.filter(({ sourceName }) => sourceName === source.name);
      const voters = own.filter(({ interval }) => interval !== undefined).length;
      return { source, endpoints: own.length, voters };
    });
  }
}
