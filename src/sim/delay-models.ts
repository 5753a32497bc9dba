/**
 * How long a packet takes in one direction: functions of chance and of the time of sending. A link has one
 * per direction, so asymmetry is the normal case and no test passes because both ways happened to be
 * alike.
 *
 * The figures are those usually measured: 100 to 300 us across a LAN, 0.5 to 2 ms inside a cloud region,
 * 10 to 80 ms across the internet, each with exponential queueing and a heavy tail. Wrappers add
 * what networks do over time: congestion bursts, route changes, schedules.
 */
import type { Random } from './random.ts';

/** One-way delay in ns of a packet sent at `elapsedNs`. Draws only from `random`. */
export type DelayModel = (random: Random, elapsedNs: number) => number;

const US = 1e3;
const MS = 1e6;

/** Always `ms`. */
export function constantDelay(ms: number): DelayModel {
  return () => ms * MS;
}

/** Evenly from `minMs` to `maxMs`. */
export function uniformDelay(minMs: number, maxMs: number): DelayModel {
  return (random) => random.between(minMs * MS, maxMs * MS);
}

export interface QueueingDelay {
  /** The least that the path takes: propagation. */
  readonly baseMs: number;
  /** Mean of the exponential queueing delay on top. */
  readonly jitterMs: number;
  /** This share of packets... */
  readonly tailShare: number;
  /** ...takes at least this much more, with a Pareto tail of index 1.5, cut at 2 s. */
  readonly tailMs: number;
}

/** Propagation, queueing, and now and then a packet that takes far longer. */
export function queueingDelay(shape: QueueingDelay): DelayModel {
  return (random) => {
    const tail = random.chance(shape.tailShare) ? random.pareto(shape.tailMs, 1.5) : 0;
    return (shape.baseMs + random.exponential(shape.jitterMs) + Math.min(tail, 2000)) * MS;
  };
}

/** Switches of one building: 100 to 300 us each way, drawn per link. */
export function lanDelay(random: Random): DelayModel {
  const baseMs = random.between(0.1, 0.3);
  return queueingDelay({ baseMs, jitterMs: 0.02, tailShare: 0.002, tailMs: 1 });
}

/** One cloud region: 0.5 to 2 ms each way, drawn per link. */
export function cloudDelay(random: Random): DelayModel {
  const baseMs = random.between(0.5, 2);
  return queueingDelay({ baseMs, jitterMs: 0.15, tailShare: 0.005, tailMs: 5 });
}

/** The open internet: 10 to 80 ms each way, drawn per link and direction. */
export function internetDelay(random: Random): DelayModel {
  const baseMs = random.between(10, 80);
  return queueingDelay({ baseMs, jitterMs: 2, tailShare: 0.02, tailMs: 20 });
}

/** At `atMs` after the beginning of the world the route changes, and the delay with it. */
export function routeChange(before: DelayModel, after: DelayModel, atMs: number): DelayModel {
  return (random, elapsedNs) => (elapsedNs < atMs * MS ? before : after)(random, elapsedNs);
}

export interface CongestionOptions {
  /** Mean time between bursts. */
  readonly everyMs: number;
  /** Mean length of a burst. */
  readonly lastsMs: number;
  /** Mean extra delay of a packet sent during a burst. */
  readonly extraMs: number;
}

/** Queues fill now and then: bursts at random times, in which every packet waits longer. */
export function congested(model: DelayModel, options: CongestionOptions): DelayModel {
  let burstBegins = -1;
  let burstEnds = -1;
  return (random, elapsedNs) => {
    while (burstEnds <= elapsedNs) {
      burstBegins = Math.max(burstEnds, 0) + random.exponential(options.everyMs * MS);
      burstEnds = burstBegins + random.exponential(options.lastsMs * MS) + 1;
    }
    const extra = elapsedNs >= burstBegins ? random.exponential(options.extraMs * MS) : 0;
    return model(random, elapsedNs) + extra;
  };
}

/** The least a packet ever takes, whatever a model says: light across a room. */
export const LEAST_DELAY_NS: number = 1 * US;
