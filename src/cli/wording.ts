/**
 * The clock's reports, in a few words for people. Stable words of the library (`root-distance`,
 * `too-few-sources`) are shown unchanged, because the documentation and the JSON form use them too.
 */
import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Explanation, SourceExplanation } from '../bounded-clock/explain.ts';
import { formatNs } from './durations.ts';
import { shortName } from './hosts.ts';

/** A change, in words. */
export function describeEvent(event: ClockEvent): string {
  switch (event.type) {
    case 'status':
      return event.reason === undefined ? event.status : `${event.status}: ${event.reason}`;
    case 'refuted':
      return (
        `the observations contradict assumption ${event.assumption}; ` +
        (event.assumption === 'A2' && event.wanderPpmPerSecond !== undefined
          ? `wander bound ${formatPpm(event.wanderPpmPerSecond)}/s`
          : `rate bound ${formatPpm(event.maxDriftPpm)}`)
      );
    case 'widening':
      return event.inMs === undefined
        ? 'the bound is no longer about to become too wide'
        : `without samples the bound will be too wide in ${formatNs(BigInt(Math.round(event.inMs * 1e6)))}`;
    case 'profile':
      return `host clock ${event.hostClock}: ${event.because.join('; ')}`;
    case 'misuse':
      return event.message;
    case 'falseticker': {
      const name = shortName(event.sourceId);
      return event.present ? `${name} is a falseticker` : `${name} is no longer a falseticker`;
    }
  }
}

/** Who adjusts the clock as far as it knows, such as `Host clock: free-running, detected: …`. */
export function describeProfile({ profile }: Explanation): string {
  const { hostClock, detected } = profile;
  if (detected === undefined) return `Host clock: ${hostClock}.`;
  return `Host clock: ${hostClock}, detected: ${detected.because.join('; ')}.`;
}

/**
 * The setting that would narrow a wide interval, as a list of one sentence at most. It comes before
 * everything else, because a reader of a wide interval looks for its cause in the network.
 */
export function widthAdvice({ reading, advice }: Explanation): readonly string[] {
  return reading.interval === undefined ? [] : advice.slice(0, 1);
}

/** The reason for a source's verdict; empty where the verdict needs no reason. */
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

/**
 * The quorum, such as `quorum full: 5 vote, at most 2 wrong`. Without a bound: how many sources
 * vote.
 */
export function describeQuorum({ reading, voters, maxFaulty, sources }: Explanation): string {
  if (reading.quorum === undefined) return `${voters} of ${sources.length} sources vote`;
  const tolerated = maxFaulty === 0 ? 'none may be wrong' : `at most ${maxFaulty} wrong`;
  const vote = voters === 1 ? '1 votes' : `${voters} vote`;
  return `quorum ${reading.quorum}: ${vote}, ${tolerated}`;
}

/** The reasons with which the first advice says who differs from whom, and by how much. */
const DISAGREE: ReadonlySet<string | undefined> = new Set([
  'no-agreement',
  'contradiction',
  'witness',
]);

/** Why there is no bound, in one line: what each source said, and how far those that did differ. */
export function describeFailure(explanation: Explanation): string {
  const { reading, sources, advice } = explanation;
  const reason =
    reading.reason !== undefined ? `${reading.status}: ${reading.reason}` : reading.status;
  const each = sources.map((source) => {
    const said = source.lastReason ?? (source.verdict === 'pending' ? 'not heard yet' : 'answered');
    return `${labelOf(source)} ${said}${source.lastCause === undefined ? '' : `: ${source.lastCause}`}`;
  });
  const differ = DISAGREE.has(reading.reason) && advice[0] !== undefined ? `; ${advice[0]}` : '';
  return `${reason} (${each.join(', ')})${differ}`;
}

/** A source's address, which votes, and its configured name where that differs. */
export function labelOf(source: Pick<SourceExplanation, 'sourceId' | 'sourceName'>): string {
  const [address, name] = [shortName(source.sourceId), shortName(source.sourceName)];
  return address === name ? name : `${name} (${address})`;
}

/**
 * The parts of epsilon, largest first, without the negligible ones:
 * `server error 1.016 ms + drift 80.21 µs`.
 */
export function describeParts(explanation: Explanation): string {
  const { parts, uncertaintyNs } = explanation;
  if (parts === undefined || uncertaintyNs === undefined) return '';
  const named: readonly (readonly [string, bigint])[] = [
    ['path delay', parts.pathDelayNs],
    ['server error', parts.serverErrorNs],
    ['drift', parts.driftNs],
    ['clock grid', parts.gridNs],
    ['wall guard', parts.wallGuardNs],
    ['suspicion', parts.suspicionNs],
    ['agreement', parts.agreementNs],
  ];
  const magnitude = (ns: bigint): bigint => (ns < 0n ? -ns : ns);
  const text = named
    .filter(([, ns]) => magnitude(ns) * PARTS_SHOWN_ABOVE >= uncertaintyNs && ns !== 0n)
    .sort(([, a], [, b]) => (magnitude(a) < magnitude(b) ? 1 : -1))
    .map(([name, ns]) => `${ns < 0n ? '-' : '+'} ${name} ${formatNs(magnitude(ns))}`)
    .join(' ');
  return text.replace(/^\+ /, '');
}

/** A part below 1 / this of epsilon is not shown. */
const PARTS_SHOWN_ABOVE = 100n;

/** A rate in parts per million, rounded to four digits so that conversion errors do not show. */
export function formatPpm(ppm: number): string {
  return `${Number(ppm.toPrecision(4))} ppm`;
}

/** How far the middle of a source's interval is ahead of the bound's middle, ns, rounded down. */
export function offsetNs(source: SourceExplanation, explanation: Explanation): bigint | undefined {
  const { reading } = explanation;
  if (source.interval === undefined || reading.interval === undefined) return undefined;
  const doubled =
    source.interval.earliest +
    source.interval.latest -
    reading.interval.earliest -
    reading.interval.latest;
  return doubled >> 1n;
}
