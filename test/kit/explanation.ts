import type {
  ClockInterval,
  ClockReading,
  Explanation,
  SourceExplanation,
  UncertaintyParts,
} from 'epsilon-clock';
import { timeInterval } from 'epsilon-clock/interval';

/** 2026-11-21T00:23:07.534418003Z */
export const NOON_NS = 1_795_220_587_534_418_003n;

export function intervalAround(middle: bigint, half: bigint): ClockInterval {
  return timeInterval({ earliest: middle - half, latest: middle + half });
}

export function aSource(port: number, given: Partial<SourceExplanation> = {}): SourceExplanation {
  return {
    sourceId: `ntp://127.0.0.1:${port}`,
    sourceName: `ntp://127.0.0.1:${port}`,
    restsOn: undefined,
    details: [],
    timescale: 'unknown',
    verdict: 'agrees',
    votes: true,
    interval: intervalAround(NOON_NS, 1_200_000n),
    reach: 0b1,
    accepted: 1,
    misses: {},
    lastReason: undefined,
    lastCause: undefined,
    lastDelayNs: 84_211n,
    lastServerErrorNs: 1_015_000n,
    lastHeardAgoNs: 3_000_000_000n,
    contradictions: 0,
    ...given,
  };
}

export function anExplanation(given: Partial<Explanation> = {}): Explanation {
  const reading: ClockReading = {
    status: 'synchronized',
    quorum: 'full',
    interval: intervalAround(NOON_NS, 1_100_000n),
  };
  const parts: UncertaintyParts = {
    pathDelayNs: 42_000n,
    serverErrorNs: 1_015_000n,
    driftNs: 60_000n,
    gridNs: 281n,
    wallGuardNs: 0n,
    suspicionNs: 0n,
    agreementNs: -17_281n,
  };
  return {
    reading,
    uncertaintyNs: 1_100_000n,
    parts,
    advice: [],
    profile: { hostClock: 'disciplined', detected: undefined },
    maxDriftPpm: 200.04,
    basis: 'drift-bound',
    rate: undefined,
    maxFaulty: 2,
    voters: 5,
    votersNeeded: 3,
    refuted: undefined,
    disruptions: { step: 0, suspend: 0, 'step-or-suspend': 0, 'vm-disruption': 0 },
    vmClock: false,
    timeToLimitNs: undefined,
    sources: [1, 2, 3, 4].map((i) => aSource(40_000 + i)),
    witnesses: [],
    toJSON: () => ({}),
    ...given,
  };
}
