/**
 * How other systems turn the same exchanges into an error bound: rules to compare with, in the test
 * kit only. Each rule takes the samples that a bounded clock takes, and answers with an interval on
 * theta (true time minus monotonic time):
 * - RFC 5905 (section 11): per source, the sample of least root distance among the last eight (the
 *   RFC sorts by delay, on a clock that is disciplined meanwhile; this clock is not); then the
 *   majority overlap of `offset ± root distance`; the answer is the combined offset ± the system
 *   peer's root distance and the selection jitter.
 * - RFC 5905, hull: the same filter, but the answer is the hull of the points that n - f of the
 *   sources cover. This is the RFC's rule, changed so far that it is sound. It is the narrowest
 *   sound rule here that keeps no memory of its own.
 * - ClockBound: root delay / 2 + root dispersion of the selected source's last sample, plus age x
 *   drift.
 * - TrueTime: Marzullo's overlap at every synchronisation, each 30 s, and 200 us/s since.
 * - TigerBeetle: per source, the sample of least round trip within a window; the answer is the
 *   *smallest* overlap of a majority at the end of the window, unchanged until the end of the next.
 *   (It is meant to clamp the clocks of a cluster, where an error of a fraction of a ms does no
 *   harm, not to bound an error.)
 *
 * None of these disciplines the clock here, and a free crystal drifts further than the 15 ppm (RFC
 * 5905) or 1 ppm (ClockBound) that these systems assume of a disciplined clock. So the first two
 * get our drift bound: rules are compared, not constants. TrueTime's 200 us/s is its own figure,
 * and is the same as ours.
 */
import type { ClockSample } from '../../src/bound/clock-sample.ts';

export interface ThetaInterval {
  readonly lowerNs: bigint;
  readonly upperNs: bigint;
}

export interface Baseline {
  readonly name: string;
  take(sample: ClockSample): void;
  /** The interval that the rule promises at the monotonic instant `m`; `undefined` without one. */
  intervalAt(m: bigint): ThetaInterval | undefined;
}

export interface BaselineOptions {
  readonly sources: number;
  readonly driftPpm: number;
  readonly pollMs: number;
}

/**
 * A sample as these rules use it: an offset that assumes a symmetric path, a delay, the server's
 * error.
 */
interface Reply {
  readonly at: number;
  readonly offset: number;
  readonly delay: number;
  readonly serverError: number;
}

interface Span {
  readonly lo: number;
  readonly hi: number;
}

/** The best sound rule of these. */
export const SOUND = 'RFC 5905, hull';

const STAGES = 8;
const TRUETIME_DRIFT = 200e-6;
const TRUETIME_POLL_NS = 30e9;
const WINDOW_NS = 20e9;

/** All baselines for the samples of `sources` servers. */
export function baselines(options: BaselineOptions): Baseline[] {
  return [
    new Rule('RFC 5905', options, rfc5905),
    new Rule(SOUND, options, soundHull),
    new Rule('ClockBound', options, clockBound),
    new Rule('TrueTime', options, trueTime()),
    new Rule('TigerBeetle', options, tigerBeetle()),
  ];
}

interface RuleState {
  readonly sources: ReadonlyMap<string, readonly Reply[]>;
  readonly options: BaselineOptions;
  readonly drift: number;
}
/**
 * Returns the rule's span at `now`. Called at every reading, and with `arrived` true at every
 * sample.
 */
type Decide = (state: RuleState, now: number, arrived: boolean) => Span | undefined;

/** The parts that all rules share: the samples, in doubles relative to the first. */
class Rule implements Baseline {
  readonly name: string;
  readonly #state: Omit<RuleState, 'sources'> & { sources: Map<string, Reply[]> };
  readonly #decide: Decide;
  #base: { m: bigint; theta: bigint } | undefined;

  constructor(name: string, options: BaselineOptions, decide: Decide) {
    this.name = name;
    this.#decide = decide;
    this.#state = { sources: new Map(), options, drift: options.driftPpm * 1e-6 };
  }

  take(sample: ClockSample): void {
    this.#base ??= { m: sample.receivedAt, theta: sample.lowerNs };
    const at = Number(sample.receivedAt - this.#base.m);
    const lower = Number(sample.lowerNs - this.#base.theta);
    const upper = Number(sample.upperNs - this.#base.theta);
    const replies = this.#state.sources.get(sample.sourceId) ?? [];
    replies.push({
      at,
      offset: (lower + upper) / 2,
      delay: Number(sample.pathDelayNs),
      serverError: Number(sample.serverErrorNs),
    });
    if (replies.length > STAGES) replies.shift();
    this.#state.sources.set(sample.sourceId, replies);
    this.#decide(this.#state, at, true);
  }

  intervalAt(m: bigint): ThetaInterval | undefined {
    if (this.#base === undefined) return undefined;
    const span = this.#decide(this.#state, Number(m - this.#base.m), false);
    if (span === undefined) return undefined;
    return {
      lowerNs: this.#base.theta + BigInt(Math.floor(span.lo)),
      upperNs: this.#base.theta + BigInt(Math.ceil(span.hi)),
    };
  }
}

function rootDistance(reply: Reply, now: number, drift: number): number {
  return reply.serverError + reply.delay / 2 + drift * (now - reply.at);
}

function around(reply: Reply, radius: number): Span {
  return { lo: reply.offset - radius, hi: reply.offset + radius };
}

/**
 * The span that most spans share, and how many share it (Marzullo 1984). Starts come before ends.
 */
function mostCovered(spans: readonly Span[]): (Span & { count: number }) | undefined {
  const edges = spans.flatMap(({ lo, hi }) => [
    { at: lo, step: 1 },
    { at: hi, step: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || b.step - a.step);
  let count = 0;
  let best: (Span & { count: number }) | undefined;
  for (let i = 0; i < edges.length; i++) {
    count += edges[i]!.step;
    if (edges[i]!.step === 1 && count > (best?.count ?? 0)) {
      best = { lo: edges[i]!.at, hi: edges[i + 1]!.at, count };
    }
  }
  return best;
}

const majority = (options: BaselineOptions): number => Math.floor(options.sources / 2) + 1;

/** The candidates whose interval overlaps the span that a majority shares. */
function survivors(
  replies: readonly Reply[],
  now: number,
  { drift, options }: RuleState,
): Reply[] | undefined {
  const best = mostCovered(replies.map((r) => around(r, rootDistance(r, now, drift))));
  if (best === undefined || best.count < majority(options)) return undefined;
  return replies.filter((r) => {
    const radius = rootDistance(r, now, drift);
    return r.offset - radius <= best.hi && r.offset + radius >= best.lo;
  });
}

const nearest = (replies: readonly Reply[], now: number, drift: number): Reply =>
  replies.reduce((a, b) => (rootDistance(b, now, drift) < rootDistance(a, now, drift) ? b : a));

const rfc5905: Decide = (state, now) => {
  const { drift } = state;
  const filtered = [...state.sources.values()].map((replies) => nearest(replies, now, drift));
  const chosen = survivors(filtered, now, state);
  if (chosen === undefined) return undefined;
  const peer = nearest(chosen, now, drift);
  let weights = 0;
  let offset = 0;
  let squares = 0;
  for (const reply of chosen) {
    const weight = 1 / rootDistance(reply, now, drift);
    weights += weight;
    offset += weight * reply.offset;
    squares += (reply.offset - peer.offset) * (reply.offset - peer.offset);
  }
  const jitter = Math.sqrt(squares / chosen.length);
  const radius = rootDistance(peer, now, drift) + jitter;
  return { lo: offset / weights - radius, hi: offset / weights + radius };
};

/** Each fact ages from its own instant, as it must. The path is not assumed to be symmetric. */
const soundHull: Decide = (state, now) => {
  const { drift, sources, options } = state;
  const quorum = options.sources - Math.floor((options.sources - 1) / 2);
  const chosen = [...sources.values()].map((replies) => nearest(replies, now, drift));
  const spans = chosen.map((reply) => {
    const radius = rootDistance(reply, now, drift);
    // The request left one round trip before the reply came.
    return { lo: reply.offset - radius, hi: reply.offset + radius + drift * reply.delay };
  });
  const missing = options.sources - spans.length;
  const covers = (point: number): boolean =>
    spans.filter(({ lo, hi }) => lo <= point && point <= hi).length >= quorum - missing;
  if (spans.length <= options.sources - quorum) return undefined;
  const points = spans.flatMap(({ lo, hi }) => [lo, hi]).filter(covers);
  if (points.length === 0) return undefined;
  return { lo: Math.min(...points), hi: Math.max(...points) };
};

const clockBound: Decide = (state, now) => {
  const last = [...state.sources.values()].map((replies) => replies.at(-1)!);
  const chosen = survivors(last, now, state);
  if (chosen === undefined) return undefined;
  const selected = nearest(chosen, now, state.drift);
  return around(selected, rootDistance(selected, now, state.drift));
};

function trueTime(): Decide {
  let synced: (Span & { at: number }) | undefined;
  return (state, now, arrived) => {
    if (arrived && (synced === undefined || now - synced.at >= TRUETIME_POLL_NS)) {
      const spans = [...state.sources.values()].map((replies) => {
        const reply = replies.at(-1)!;
        return around(reply, rootDistance(reply, now, TRUETIME_DRIFT));
      });
      const best = mostCovered(spans);
      if (best !== undefined && best.count >= majority(state.options)) {
        synced = { lo: best.lo, hi: best.hi, at: now };
      }
    }
    if (synced === undefined) return undefined;
    const grown = TRUETIME_DRIFT * (now - synced.at);
    return { lo: synced.lo - grown, hi: synced.hi + grown };
  };
}

function tigerBeetle(): Decide {
  let windowBegan = 0;
  let epoch: Span | undefined;
  return (state, now, arrived) => {
    const windowNs = Math.max(WINDOW_NS, 1.25 * state.options.pollMs * 1e6);
    if (arrived && now - windowBegan >= windowNs) {
      const best: Reply[] = [];
      for (const replies of state.sources.values()) {
        const fresh = replies.filter((reply) => reply.at >= windowBegan);
        if (fresh.length > 0) best.push(fresh.reduce((a, b) => (b.delay < a.delay ? b : a)));
      }
      // The tolerance begins at 1 ms and grows until a majority overlaps.
      for (let tolerance = 1e6; tolerance <= 16e6; tolerance *= 2) {
        const spans = best.map((r) => around(r, r.delay / 2 + r.serverError + tolerance));
        const overlap = mostCovered(spans);
        if (overlap !== undefined && overlap.count >= majority(state.options)) {
          epoch = overlap;
          break;
        }
      }
      windowBegan = now;
    }
    return epoch;
  };
}
