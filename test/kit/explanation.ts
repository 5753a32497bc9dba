import {
  ClockInterval,
  type ClockReading,
  type EpsilonParts,
  type Explanation,
  type SourceExplanation,
  unixNs,
} from 'epsilon-clock';

/** 2026-11-21T00:23:07.534418003Z */
export const NOON = 1_795_220_587_534_418_003n;

export function intervalAround(middle: bigint, half: bigint): ClockInterval {
  return new ClockInterval(unixNs(middle - half), unixNs(middle + half));
}

export function aSource(port: number, given: Partial<SourceExplanation> = {}): SourceExplanation {
  return {
    sourceId: `ntp://127.0.0.1:${port}`,
    source: `ntp://127.0.0.1:${port}`,
    verdict: 'agrees',
    votes: true,
    interval: intervalAround(NOON, 1_200_000n),
    reach: 0b1,
    accepted: 1,
    misses: {},
    lastReason: undefined,
    lastDelayNs: 84_211n,
    lastServerErrorNs: 1_015_000n,
    contradictions: 0,
    ...given,
  };
}

export function anExplanation(given: Partial<Explanation> = {}): Explanation {
  const reading: ClockReading = {
    status: 'synchronized',
    quorum: 'full',
    interval: intervalAround(NOON, 1_100_000n),
  };
  const parts: EpsilonParts = {
    pathDelayNs: 42_000n,
    serverErrorNs: 1_015_000n,
    driftNs: 60_000n,
    quantumNs: 281n,
    wallGuardNs: 0n,
    suspicionNs: 0n,
    agreementNs: -17_281n,
  };
  return {
    reading,
    halfWidthNs: 1_100_000n,
    parts,
    advice: [],
    driftPpm: 200.04,
    layer: 1,
    rate: undefined,
    maxFaulty: 2,
    voters: 5,
    refuted: undefined,
    sources: [1, 2, 3, 4].map((i) => aSource(40_000 + i)),
    toJSON: () => ({}),
    ...given,
  };
}
