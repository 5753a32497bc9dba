/**
 * The narrowest interval that any sound rule could give on the same samples: how much is left to
 * gain.
 *
 * The problem. A rule may be wide because it is clumsy, or because the samples do not say more.
 * Only the set of all that *could* be true tells the two apart: every theta to which some history
 * of the local rate leads that A2 allows, through all the samples. A rule that leaves out any part
 * of this set is wrong in that world.
 *
 * The idea (set-membership estimation, Schweppe 1968). The state is (theta, base rate b). The
 * possible states are a convex polygon: time shears and grows it, and a sample cuts a half-plane
 * off. A2's span keeps b in a band [c, c + A], so there is a polygon for each of some bands. At
 * most f sources lie, so there is one for each set of n - f sources. The answer covers all
 * polygons.
 *
 * It is a lower limit, so every step is rounded *inward*: the reach of a step is a parallelogram
 * inside the true shape, bands lie some ppm apart, polygons with too many corners lose those that
 * matter least, and a request counts as sent when its reply came. It also knows more than A0 says:
 * that the same f sources lie for ever. Hence no sound rule is narrower, and the best possible rule
 * is somewhat wider.
 *
 * Units: us and s, so ppm for rates.
 */
import type { ClockSample } from '../../src/bound/clock-sample.ts';
import type { Baseline, ThetaInterval } from './baselines.ts';

/** The default A2 of a free-running host: jitter, wander and span of the rate. */
const JITTER_PPM = 1;
const WANDER_PPM_PER_S = 0.1;
const SPAN_PPM = 25;
/** A1 of a free-running host, ppm. */
const R = 500;

const BAND_STEP_PPM = 2.5;
const MAX_CORNERS = 24;
/** Longer steps are made of steps of this length. */
const MAX_STEP_S = 8;

interface Corner {
  /** us, relative to the first sample's theta */
  readonly theta: number;
  /** ppm */
  readonly b: number;
}

/** Convex, counter-clockwise; empty when no state is possible. */
type Polygon = readonly Corner[];

export class Narrowest implements Baseline {
  readonly name = 'narrowest possible';
  readonly #sources: number;
  readonly #states = new Map<string, Possible[]>();
  #all: Possible[] = [];
  /** The samples until the last source has spoken; `undefined` from then on. */
  #early: ClockSample[] | undefined = [];
  #base: { readonly m: bigint; readonly theta: bigint } | undefined;

  constructor(sources: number) {
    this.#sources = sources;
  }

  take(sample: ClockSample): void {
    this.#base ??= { m: sample.receivedAt, theta: sample.lowerNs };
    if (!this.#states.has(sample.sourceId)) this.#states.set(sample.sourceId, []);
    this.#early?.push(sample);
    if (this.#states.size < this.#sources) return;
    if (this.#early) this.#begin();
    for (const each of this.#early ?? [sample]) this.#learn(each);
    this.#early = undefined;
    this.#dropImpossible();
  }

  #learn(sample: ClockSample): void {
    const base = this.#base!;
    const at = Number(sample.receivedAt - base.m) / 1e9;
    const lower = Number(sample.lowerNs - base.theta) / 1e3;
    const sinceSentS = Number(sample.receivedAt - sample.sentAt) / 1e9;
    // The upper fact is of the instant of sending. Theta fell by no more than this since then.
    const upper = Number(sample.upperNs - base.theta) / 1e3 - R * sinceSentS;
    for (const possible of this.#states.get(sample.sourceId)!) possible.learn(at, lower, upper);
  }

  intervalAt(m: bigint): ThetaInterval | undefined {
    if (this.#base === undefined || this.#states.size < this.#sources) return undefined;
    const at = Number(m - this.#base.m) / 1e9;
    const spans = this.#all
      .map((possible) => possible.spanAt(at))
      .filter((span) => span !== undefined);
    if (spans.length === 0) return undefined;
    const lo = Math.min(...spans.map(([lo]) => lo));
    const hi = Math.max(...spans.map(([, hi]) => hi));
    return {
      lowerNs: this.#base.theta + BigInt(Math.ceil(lo * 1e3)),
      upperNs: this.#base.theta + BigInt(Math.floor(hi * 1e3)),
    };
  }

  #dropImpossible(): void {
    const left = this.#all.filter(({ impossible }) => !impossible);
    if (left.length === this.#all.length) return;
    this.#all = left;
    for (const [id, states] of this.#states) {
      this.#states.set(
        id,
        states.filter(({ impossible }) => !impossible),
      );
    }
  }

  /** The sets of n - f sources are known once the last source has spoken. */
  #begin(): void {
    const honest = this.#sources - Math.floor((this.#sources - 1) / 2);
    for (const trusted of choices([...this.#states.keys()], honest)) {
      // The jitter comes on top, and A1 holds for both together.
      for (let c = JITTER_PPM - R; c + SPAN_PPM <= R - JITTER_PPM; c += BAND_STEP_PPM) {
        const possible = new Possible(c, c + SPAN_PPM);
        this.#all.push(possible);
        for (const id of trusted) this.#states.get(id)!.push(possible);
      }
    }
  }
}

/** All ways to choose `count` of `items`. */
function choices<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, i) =>
    choices(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]),
  );
}

/** The states that are possible if these sources are right and b stays in this band. */
class Possible {
  readonly #least: number;
  readonly #most: number;
  #polygon: Polygon | undefined;
  #at = 0;

  constructor(least: number, most: number) {
    this.#least = least;
    this.#most = most;
  }

  get impossible(): boolean {
    return this.#polygon?.length === 0;
  }

  learn(at: number, lower: number, upper: number): void {
    const before = this.#polygon ?? [
      { theta: lower, b: this.#least },
      { theta: upper, b: this.#least },
      { theta: upper, b: this.#most },
      { theta: lower, b: this.#most },
    ];
    const dt = this.#polygon === undefined ? 0 : at - this.#at;
    const steps = Math.ceil(dt / MAX_STEP_S);
    let now = before;
    for (let step = 0; step < steps; step++) now = this.#inBand(evolved(now, dt / steps));
    this.#at = at;
    now = cut(now, ({ theta }) => theta - lower);
    now = cut(now, ({ theta }) => upper - theta);
    this.#polygon = withoutSmallCorners(now);
  }

  #inBand(polygon: Polygon): Polygon {
    const above = cut(polygon, ({ b }) => b - this.#least);
    return withoutSmallCorners(cut(above, ({ b }) => this.#most - b));
  }

  spanAt(at: number): readonly [number, number] | undefined {
    if (this.#polygon === undefined || this.#polygon.length === 0) return undefined;
    const dt = at - this.#at;
    const upper = this.#polygon.map(({ theta, b }) => theta + fastest(this.#most, b, dt));
    const lower = this.#polygon.map(({ theta, b }) => theta - fastest(-this.#least, -b, dt));
    return [Math.min(...lower), Math.max(...upper)];
  }
}

/**
 * How far theta rises in `dt` if the base rate rises from `b` as fast as it may, up to `most`, and
 * then stays there.
 */
function fastest(most: number, b: number, dt: number): number {
  const rising = Math.min(dt, (most - b) / WANDER_PPM_PER_S);
  const turn = WANDER_PPM_PER_S * rising;
  return (b + JITTER_PPM) * dt + turn * (dt - rising / 2);
}

/** The polygon after `dt`: sheared by the rate, and grown by what jitter and wander can do. */
function evolved(polygon: Polygon, dt: number): Polygon {
  const turn = WANDER_PPM_PER_S * dt;
  const bend = (WANDER_PPM_PER_S * dt * dt) / 2;
  const shake = JITTER_PPM * dt;
  // The base rate may fall all the time, or rise all the time. What it does in between adds a
  // quarter of `bend`, and might leave the band on the way.
  const reach = [
    { theta: -bend - shake, b: -turn },
    { theta: -bend + shake, b: -turn },
    { theta: bend + shake, b: turn },
    { theta: bend - shake, b: turn },
  ];
  return sum(
    polygon.map(({ theta, b }) => ({ theta: theta + b * dt, b })),
    reach,
  );
}

const cross = (o: Corner, p: Corner, q: Corner): number =>
  (p.theta - o.theta) * (q.b - o.b) - (p.b - o.b) * (q.theta - o.theta);

/** The polygon from its lowest corner on; of several, the leftmost. */
function fromLowest(polygon: Polygon): Polygon {
  let lowest = 0;
  polygon.forEach((p, i) => {
    const best = polygon[lowest]!;
    if (p.b < best.b || (p.b === best.b && p.theta < best.theta)) lowest = i;
  });
  return [...polygon.slice(lowest), ...polygon.slice(0, lowest)];
}

/**
 * All sums of a point of one and a point of the other (Minkowski): their edges, merged by
 * direction.
 */
function sum(one: Polygon, other: Polygon): Polygon {
  if (one.length === 0) return [];
  const p = fromLowest(one);
  const q = fromLowest(other);
  const corners: Corner[] = [];
  let i = 0;
  let j = 0;
  while (i < p.length || j < q.length) {
    const [p0, p1] = [p[i % p.length]!, p[(i + 1) % p.length]!];
    const [q0, q1] = [q[j % q.length]!, q[(j + 1) % q.length]!];
    corners.push({ theta: p0.theta + q0.theta, b: p0.b + q0.b });
    const turn = (p1.theta - p0.theta) * (q1.b - q0.b) - (p1.b - p0.b) * (q1.theta - q0.theta);
    const ofP = j >= q.length || (i < p.length && turn >= 0);
    const ofQ = i >= p.length || (j < q.length && turn <= 0);
    if (ofP) i++;
    if (ofQ) j++;
  }
  return corners;
}

/** The part where `side` is not negative (Sutherland and Hodgman 1974). */
function cut(polygon: Polygon, side: (corner: Corner) => number): Polygon {
  const kept: Corner[] = [];
  polygon.forEach((corner, i) => {
    const before = polygon.at(i - 1)!;
    const there = side(before);
    const here = side(corner);
    if (there < 0 !== here < 0) {
      const share = there / (there - here);
      kept.push({
        theta: before.theta + share * (corner.theta - before.theta),
        b: before.b + share * (corner.b - before.b),
      });
    }
    if (here >= 0) kept.push(corner);
  });
  return kept;
}

/** The polygon without the corners that matter least. What remains lies inside it. */
function withoutSmallCorners(polygon: Polygon): Polygon {
  const kept = [...polygon];
  while (kept.length > MAX_CORNERS) {
    let least = 0;
    let area = Number.POSITIVE_INFINITY;
    kept.forEach((corner, i) => {
      const lost = Math.abs(cross(kept.at(i - 1)!, corner, kept[(i + 1) % kept.length]!));
      if (lost < area) [least, area] = [i, lost];
    });
    kept.splice(least, 1);
  }
  return kept;
}
