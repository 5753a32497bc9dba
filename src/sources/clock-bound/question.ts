/**
 * One question to ClockBound: what the daemon vouches for, and a look at the system clock. Where
 * the bound comes from is up to the caller: a segment of shared memory, or a simulated daemon.
 */
import type { Clock } from '../../time/clock.ts';
import type { MonotonicNs } from '../../time/instant.ts';
import { AskMiss } from '../ask-miss.ts';
import type { ServerFacts } from '../sample-from.ts';
import { factsOfWall, lookAtWall } from '../wall-look.ts';

/**
 * @param boundAt true time minus the system clock was within plus and minus this at a reading of
 *   the monotonic clock, ns; or the reason why that is not known
 * @throws AskMiss
 */
export async function askBound(
  clock: Clock,
  signal: AbortSignal,
  boundAt: (readAt: MonotonicNs) => bigint | string,
): Promise<ServerFacts> {
  const askedAt = clock.monotonicNs();
  const looked = await lookAtWall(clock, signal);
  if (looked === undefined) throw new AskMiss('clock-unreadable');
  const boundNs = boundAt(looked.readAt);
  if (typeof boundNs === 'string') throw new AskMiss(boundNs);
  // The segment says nothing of leap seconds.
  const knowledge = { leastNs: -boundNs, mostNs: boundNs, leap: 'none' as const };
  return factsOfWall(clock, askedAt, looked, knowledge);
}
