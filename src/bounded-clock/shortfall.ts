/**
 * What is missing for a bound, in sentences for people: how many sources are heard, how many are
 * needed, and which of them differ by how much.
 */
import type { BoundEngine, Claim } from '../bound/bound-engine.ts';
import type { Endpoint } from './explain.ts';

/**
 * The sentences, most important first. None while there is a bound, or where sources cannot help.
 */
export function shortfall(
  engine: BoundEngine,
  endpoints: ReadonlyMap<string, Endpoint>,
): readonly string[] {
  if (engine.bounded) return [];
  switch (engine.reason) {
    case 'starting':
    case 'step':
    case 'suspend':
    case 'step-or-suspend':
    case 'vm-disruption':
    case 'expired':
      return tooMany(engine) ?? [unheard(engine, endpoints)];
    case 'too-few-sources':
      return tooMany(engine) ?? [tooFew(engine, endpoints), ...unlabelled(endpoints)];
    case 'no-agreement':
    case 'contradiction':
      return [disagreement(engine)];
    case 'witness':
      return [objection(engine)];
    default:
      return [];
  }
}

/** How many sources must vote before there can be a bound: one more than may be wrong. */
export function votersNeeded(engine: BoundEngine): number {
  return engine.maxFaulty + 1;
}

function tooMany(engine: BoundEngine): string[] | undefined {
  const { sources, maxFaulty } = engine;
  if (sources.length > maxFaulty) return undefined;
  return [
    `maxFaulty is ${maxFaulty}, so at least ${votersNeeded(engine)} sources are needed; ` +
      `there ${count(sources.length)}`,
  ];
}

function tooFew(engine: BoundEngine, endpoints: ReadonlyMap<string, Endpoint>): string {
  const { sources, voters, maxFaulty } = engine;
  return (
    `${voters} of ${sources.length} sources can be used; ${votersNeeded(engine)} are needed, ` +
    `since maxFaulty is ${maxFaulty} (${lastOutcomes(engine, endpoints, (known) => !known)})`
  );
}

/** Sources without a vote because nobody has said what they do at the leap second. */
function unlabelled(endpoints: ReadonlyMap<string, Endpoint>): string[] {
  const ids = [...endpoints.values()]
    .filter(({ lastReason }) => lastReason === 'unknown-timescale')
    .map(({ id }) => id);
  if (ids.length === 0) return [];
  return [
    'a leap second is near, and these may smear it: give them the option ' +
      `timescale: 'utc' or 'smear-24h' (${ids.join(', ')})`,
  ];
}

function unheard(engine: BoundEngine, endpoints: ReadonlyMap<string, Endpoint>): string {
  const { sources } = engine;
  const answered = sources.filter((source) => source.answered).length;
  return (
    `${answered} of ${sources.length} sources have answered or failed once since the start or the last ` +
    `disruption; all must, and ${votersNeeded(engine)} must be usable ` +
    `(${lastOutcomes(engine, endpoints, () => true)})`
  );
}

/** The last outcome of each wanted source. */
function lastOutcomes(
  engine: BoundEngine,
  endpoints: ReadonlyMap<string, Endpoint>,
  wanted: (known: boolean) => boolean,
): string {
  return engine.sources
    .filter(({ cone }) => wanted(cone.known))
    .map(({ id }) => endpoints.get(id)?.summary() ?? `${id}: not heard yet`)
    .join(', ');
}

/** Compares each source with the one that most others agree with. */
function disagreement(engine: BoundEngine): string {
  const { claims } = engine;
  const needed = claims.length - engine.maxFaulty;
  const [middle, ...others] = byAgreement(claims);
  const apart = middle ? others.flatMap((claim) => distance(claim, middle)) : [];
  const differ = apart.length > 0 ? apart.join(', ') : 'their intervals have no instant in common';
  return `${needed} of ${claims.length} sources must agree, and they do not: ${differ}`;
}

/** How far the witness is from the sources that it contradicts, at least. */
function objection(engine: BoundEngine): string {
  const { claims, objection: said } = engine;
  const apart = said ? claims.flatMap((claim) => distance(said, claim)) : [];
  const differ = apart.length > 0 ? `: ${apart.join(', ')}` : '';
  return (
    `a witness contradicts what the sources agree on${differ}; either more than ` +
    `${engine.maxFaulty} sources are wrong, or the witness is`
  );
}

function byAgreement(claims: readonly Claim[]): readonly Claim[] {
  const friends = (claim: Claim): number =>
    claims.filter((other) => distance(other, claim).length === 0).length;
  return [...claims].sort((a, b) => friends(b) - friends(a));
}

/** A sentence on how far `claim` is from `from` at least; none when they overlap. */
function distance(claim: Claim, from: Claim): string[] {
  const apart = (ns: number, where: string): string[] => [
    `${claim.sourceId} is at least ${Number((ns / 1e6).toPrecision(4))} ms ${where} ${from.sourceId}`,
  ];
  if (claim.lo > from.hi) return apart(claim.lo - from.hi, 'ahead of');
  if (claim.hi < from.lo) return apart(from.lo - claim.hi, 'behind');
  return [];
}

const count = (sources: number): string => (sources === 1 ? 'is 1' : `are ${sources}`);
