/** The configured sources of a bounded clock, and the endpoints that they speak for at present. */
import type { BoundEngine } from '../bound/bound-engine.ts';
import { Endpoint } from './explain.ts';
import type { RunningSource, SourceSink, TimeSource } from './time-source.ts';

/** Whether the source is a witness, which has no vote. */
export const isWitness = ({ role }: TimeSource): boolean => role === 'witness';

/** A source counts as fresh for this many of its poll intervals. */
const FRESH_POLLS = 3;

interface Configured {
  readonly source: TimeSource;
  running: RunningSource | undefined;
  /** The endpoints that the source speaks for. */
  ids: readonly string[];
}

/**
 * Makes the sink of one source, which calls `speakFor` with the endpoints that the source speaks
 * for from then on.
 */
type SinkMaker = (speakFor: (ids: readonly string[]) => void, source: TimeSource) => SourceSink;

const notYetStarted = (source: TimeSource): Configured => ({
  source,
  running: undefined,
  ids: [source.name],
});

export class SourceSet {
  #configured: readonly Configured[];
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #witnesses = new Map<string, Endpoint>();

  constructor(sources: readonly TimeSource[]) {
    this.#configured = sources.map(notYetStarted);
    this.#updateEndpoints();
  }

  /** The endpoints that vote, by `sourceId`, in the order of configuration. */
  get endpoints(): ReadonlyMap<string, Endpoint> {
    return this.#endpoints;
  }

  /** The endpoints that do not vote, likewise. */
  get witnesses(): ReadonlyMap<string, Endpoint> {
    return this.#witnesses;
  }

  /**
   * Starts every source.
   *
   * @throws what a source throws; those that were started before are still running then
   */
  start(sinkWith: SinkMaker): void {
    for (const configured of this.#configured) this.#startOne(configured, sinkWith);
  }

  /**
   * Has exactly `sources` from now on. Those that it has already go on undisturbed, the others are
   * started, and what is no longer listed is stopped.
   *
   * A new source that differs from an old one in how it asks, not in what its answers mean, goes on
   * with the facts of the old one.
   *
   * @param dropped called while only the sources are left whose facts stay, so that a new source
   *   does not inherit those of another kind for the same endpoint
   * @throws what a source throws; everything is as it was then
   */
  replace(sources: readonly TimeSource[], sinkWith: SinkMaker, dropped: () => void): void {
    const before = this.#configured;
    const kept = before.filter(({ source }) => sources.includes(source));
    const after = sources.map(
      (source) => kept.find((each) => each.source === source) ?? notYetStarted(source),
    );
    const added = after.filter((each) => !kept.includes(each));
    try {
      for (const configured of added) this.#startOne(configured, sinkWith);
    } catch (error) {
      for (const { running } of added) running?.stop();
      throw error;
    }
    for (const { source, running } of before) if (!sources.includes(source)) running?.stop();
    this.#configured = before.filter(({ source }) => sources.some((next) => isHeir(next, source)));
    this.#updateEndpoints();
    dropped();
    this.#configured = after;
    this.#updateEndpoints();
  }

  #startOne(configured: Configured, sinkWith: SinkMaker): void {
    const speakFor = (ids: readonly string[]): void => {
      configured.ids = ids;
      this.#updateEndpoints();
    };
    configured.running = configured.source.start(sinkWith(speakFor, configured.source));
  }

  /**
   * Asks every source. What one of them throws becomes an unhandled rejection, and the rest are
   * asked.
   */
  ask(question: (running: RunningSource) => void): void {
    for (const { running } of this.#configured) {
      if (running === undefined) continue;
      try {
        question(running);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }

  /**
   * The monotonic reading up to which an agreeing source counts as fresh; `undefined` if none
   * agrees.
   */
  freshUntil(engine: BoundEngine): bigint | undefined {
    let until = Number.NEGATIVE_INFINITY;
    for (const { running, ids } of this.#configured) {
      const freshNs = Math.ceil((running?.pollIntervalMs ?? 0) * FRESH_POLLS * 1e6);
      for (const id of ids) {
        const source = engine.source(id);
        if (source?.agrees) until = Math.max(until, source.lastHeard.ns + freshNs);
      }
    }
    return until === Number.NEGATIVE_INFINITY ? undefined : engine.toMonotonic(until);
  }

  #updateEndpoints(): void {
    update(
      this.#endpoints,
      this.#configured.filter(({ source }) => !isWitness(source)),
    );
    update(
      this.#witnesses,
      this.#configured.filter(({ source }) => isWitness(source)),
    );
  }
}

/** Whether what `before` said holds for `next` too: the same server, and the same meaning. */
const isHeir = (next: TimeSource, before: TimeSource): boolean =>
  next.name === before.name &&
  isWitness(next) === isWitness(before) &&
  next.timescale === before.timescale;

/** Brings `endpoints` up to date with what the sources speak for. */
function update(endpoints: Map<string, Endpoint>, configured: readonly Configured[]): void {
  const ids = new Set<string>();
  for (const { source, ids: spokenFor } of configured) {
    for (const id of spokenFor) {
      ids.add(id);
      if (!endpoints.has(id)) endpoints.set(id, new Endpoint(id, source));
    }
  }
  for (const id of endpoints.keys()) if (!ids.has(id)) endpoints.delete(id);
}
