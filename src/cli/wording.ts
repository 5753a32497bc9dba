/**
 * What the clock reports, in a few words for people. Stable words of the library (`root-distance`,
 * `too-few-sources`) are shown as they are: they are what the documentation and the JSON form say.
 */
import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Explanation, SourceExplanation } from '../bounded-clock/explain.ts';
import { formatNs } from './durations.ts';
import { shortName } from './hosts.ts';

/** What has just changed. */
export function describeEvent(event: ClockEvent): string {
  switch (event.type) {
    case 'status':
      return event.reason === undefined ? event.status : `${event.status}: ${event.reason}`;
    case 'refuted':
      return (
        `the observations contradict assumption ${event.assumption}; ` +
        (event.assumption === 'A2' && event.wanderPpmPerSecond !== undefined
          ? `wander bound ${formatPpm(event.wanderPpmPerSecond)}/s`
          : `rate bound ${formatPpm(event.driftPpm)}`)
      );
    case 'widening':
      return event.inMs === undefined
        ? 'the bound is as narrow as wanted again'
        : `without samples the bound will be too wide in ${formatNs(BigInt(Math.round(event.inMs * 1e6)))}`;
    case 'falseticker': {
      const name = shortName(event.sourceId);
      return event.present ? `${name} is a falseticker` : `${name} is no falseticker any more`;
    }
  }
}

/** Why a source's verdict is what it is; empty where the verdict says it all. */
export function describeReason(source: SourceExplanation): string {
  switch (source.verdict) {
    case 'agrees':
      return source.lastReason ?? '';
    case 'falseticker':
      return 'outside bound';
    case 'suspect':
      return 'agreed until now; asking the others';
    case 'undecided':
      return 'no bound to compare with';
    case 'pending':
      return 'not heard yet';
    case 'silent':
    case 'refused':
      return source.lastReason ?? '';
  }
}

/** `quorum full: 5 vote, at most 2 wrong`; without a bound, how many have a vote yet. */
export function describeQuorum({ reading, voters, maxFaulty, sources }: Explanation): string {
  if (!('quorum' in reading)) return `${voters} of ${sources.length} sources vote`;
  const tolerated = maxFaulty === 0 ? 'none may be wrong' : `at most ${maxFaulty} wrong`;
  const vote = voters === 1 ? '1 votes' : `${voters} vote`;
  return `quorum ${reading.quorum}: ${vote}, ${tolerated}`;
}

/** Why nothing agreed, in one line: what each source said. */
export function describeFailure(explanation: Explanation): string {
  const { reading, sources } = explanation;
  const reason = 'reason' in reading ? `${reading.status}: ${reading.reason}` : reading.status;
  const each = sources.map((source) => {
    const said = source.lastReason ?? (source.verdict === 'pending' ? 'not heard yet' : 'answered');
    return `${labelOf(source)} ${said}`;
  });
  return `${reason} (${each.join(', ')})`;
}

/** A source by the address that votes, and by its configured name where that is another. */
export function labelOf(source: Pick<SourceExplanation, 'sourceId' | 'source'>): string {
  const [address, name] = [shortName(source.sourceId), shortName(source.source)];
  return address === name ? name : `${name} (${address})`;
}

/** The parts of epsilon that matter, largest first: `server error 1.016 ms + drift 80.21 µs`. */
export function describeParts(explanation: Explanation): string {
  const { parts, halfWidthNs } = explanation;
  if (parts === undefined || halfWidthNs === undefined) return '';
  const named: readonly (readonly [string, bigint])[] = [
    ['path delay', parts.pathDelayNs],
    ['server error', parts.serverErrorNs],
    ['drift', parts.driftNs],
    ['quantum', parts.quantumNs],
    ['wall guard', parts.wallGuardNs],
    ['suspicion', parts.suspicionNs],
    ['agreement', parts.agreementNs],
  ];
  const magnitude = (ns: bigint): bigint => (ns < 0n ? -ns : ns);
  const text = named
    .filter(([, ns]) => magnitude(ns) * PARTS_SHOWN_ABOVE >= halfWidthNs && ns !== 0n)
    .sort(([, a], [, b]) => (magnitude(a) < magnitude(b) ? 1 : -1))
    .map(([name, ns]) => `${ns < 0n ? '-' : '+'} ${name} ${formatNs(magnitude(ns))}`)
    .join(' ');
  return text.replace(/^\+ /, '');
}

/** A part below this share of epsilon is not worth a reader's time. */
const PARTS_SHOWN_ABOVE = 100n;

/** A rate in parts per million, without the tail of a conversion. */
export function formatPpm(ppm: number): string {
  return `${Number(ppm.toPrecision(4))} ppm`;
}

/** How far the middle of a source's interval is ahead of the bound's, ns, rounded down. */
export function offsetNs(source: SourceExplanation, explanation: Explanation): bigint | undefined {
  const { reading } = explanation;
  if (source.interval === undefined || !('interval' in reading)) return undefined;
  const doubled =
    source.interval.earliest +
    source.interval.latest -
    reading.interval.earliest -
    reading.interval.latest;
  return doubled >> 1n;
}
