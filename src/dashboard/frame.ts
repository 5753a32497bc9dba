/** The clock at one instant, in the form that the page gets. */
import type { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import type { SourceExplanation, WitnessExplanation } from '../bounded-clock/explain.ts';
import type { HybridClock } from '../logical/hybrid-clock.ts';
import type { WaitHistogram } from '../metrics/wait-histogram.ts';
import type { Frame, SourceFrame, WaitsFrame } from './wire.ts';

/** Sources and witnesses beyond this many are counted and not listed. */
const MAX_LISTED = 64;
/** Names come from outside and may be long. */
const MAX_TEXT = 200;

/** What the dashboard was given to show. */
export interface Shown {
  readonly clock: BoundedClock;
  readonly hlc: HybridClock | undefined;
  readonly waits: WaitHistogram | undefined;
}

/** @throws FakeTimersError as `BoundedClock.explain` */
export function frameOf(
  { clock, hlc, waits }: Shown,
  elapsedMs: number,
): Omit<Frame, 'happenings'> {
  const explanation = clock.explain();
  const { reading, parts, uncertaintyNs, refuted } = explanation;
  const { interval } = reading;
  const at = interval?.midpoint ?? clock.localClock.wallNs();
  const source = (each: SourceExplanation | WitnessExplanation): SourceFrame => sourceOf(each, at);
  return {
    row: {
      elapsedMs,
      uncertaintyNs: amount(uncertaintyNs) ?? null,
      wallNs: amount(wallAheadNs(clock)) ?? null,
      pathDelayNs: amount(parts?.pathDelayNs) ?? null,
      serverErrorNs: amount(parts?.serverErrorNs) ?? null,
      driftNs: amount(parts?.driftNs) ?? null,
      gridNs: amount(parts?.gridNs) ?? null,
      wallGuardNs: amount(parts?.wallGuardNs) ?? null,
      suspicionNs: amount(parts?.suspicionNs) ?? null,
      agreementNs: amount(parts?.agreementNs) ?? null,
      leadNs: amount(leadOf(hlc)) ?? null,
    },
    at: String(at),
    status: reading.status,
    reason: reading.reason,
    quorum: reading.quorum,
    earliest: interval && String(interval.earliest),
    latest: interval && String(interval.latest),
    advice: explanation.advice.map(clipped),
    refuted: refuted && { assumption: refuted.assumption, agoNs: Number(refuted.agoNs) },
    voters: explanation.voters,
    votersNeeded: explanation.votersNeeded,
    maxFaulty: explanation.maxFaulty,
    maxDriftPpm: explanation.maxDriftPpm,
    sources: explanation.sources.slice(0, MAX_LISTED).map(source),
    witnesses: explanation.witnesses.slice(0, MAX_LISTED).map(source),
    unlisted: beyond(explanation.sources) + beyond(explanation.witnesses),
    waits: waits && waitsOf(waits),
  };
}

function sourceOf(source: SourceExplanation | WitnessExplanation, at: bigint): SourceFrame {
  const { interval, accepted, misses } = source;
  return {
    id: clipped(source.sourceId),
    name: clipped(source.sourceName),
    restsOn: source.restsOn && clipped(source.restsOn),
    verdict: source.verdict,
    votes: 'votes' in source && source.votes,
    lowerNs: interval && Number(interval.earliest - at),
    upperNs: interval && Number(interval.latest - at),
    delayNs: amount(source.lastDelayNs),
    serverErrorNs: amount(source.lastServerErrorNs),
    heardAgoNs: amount(source.lastHeardAgoNs),
    reach: source.reach,
    polls: Object.values(misses).reduce((sum, count) => sum + count, accepted),
    lastReason: source.lastReason && clipped(source.lastReason),
    lastCause: source.lastCause && clipped(source.lastCause),
  };
}

/**
 * How far the wall clock is ahead of the middle of the interval. The wall clock is read between two
 * readings of the interval, so what passes meanwhile cancels out.
 */
function wallAheadNs(clock: BoundedClock): bigint | undefined {
  const before = clock.tryNow();
  const wall = clock.localClock.wallNs();
  const after = clock.tryNow();
  if (before === undefined || after === undefined) return undefined;
  return wall - (before.midpoint + after.midpoint) / 2n;
}

/** `undefined` while the physical clock does not know the time. */
function leadOf(hlc: HybridClock | undefined): bigint | undefined {
  try {
    return hlc?.leadNs();
  } catch {
    return undefined;
  }
}

function waitsOf({ distribution: { limits, counts }, failures }: WaitHistogram): WaitsFrame {
  return { limits, counts, failures: failures.reduce((sum, { value }) => sum + value, 0) };
}

const amount = (ns: bigint | undefined): number | undefined =>
  ns === undefined ? undefined : Number(ns);
const beyond = (list: readonly unknown[]): number => Math.max(0, list.length - MAX_LISTED);
const clipped = (text: string): string =>
  text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
