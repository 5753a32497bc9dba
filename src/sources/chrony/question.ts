/**
 * One question to chronyd: report, look at the system clock, report again. How the reports come is
 * up to the caller: over UDP from a real chronyd, or from a simulated one. chrony.ts says why a
 * sample made so is true.
 */
import type { Clock } from '../../time/clock.ts';
import type { MonotonicNs } from '../../time/instant.ts';
import { AskMiss } from '../ask-miss.ts';
import type { ServerFacts } from '../sample-from.ts';
import { factsOfWall, lookAtWall, type WallKnowledge } from '../wall-look.ts';
import type { Tracking } from './tracking.ts';

/** An update may come between two reports; hardly in each of three pairs. */
const ATTEMPTS = 3;

/**
 * @param askedAt when the question began
 * @throws AskMiss, or what `report` throws
 */
export async function askTracking(
  clock: Clock,
  signal: AbortSignal,
  report: () => Promise<Tracking>,
  askedAt: MonotonicNs = clock.monotonicNs(),
): Promise<ServerFacts> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await report();
    const looked = await lookAtWall(clock, signal);
    const after = await report();
    if (looked === undefined) throw new AskMiss('clock-unreadable');
    if (before.referenceNs === after.referenceNs) {
      return factsOfWall(clock, askedAt, looked, known(before, after));
    }
  }
  throw new AskMiss('updated');
}

/** What two reports of one update say of the system clock at any instant between them. */
function known(before: Tracking, after: Tracking): WallKnowledge {
  const [least, most] =
    before.correctionNs < after.correctionNs ? [before, after] : [after, before];
  const errorNs = before.errorNs > after.errorNs ? before.errorNs : after.errorNs;
  return {
    leastNs: least.correctionNs - errorNs,
    mostNs: most.correctionNs + errorNs,
    leap: before.leap === after.leap ? before.leap : 'none',
  };
}
