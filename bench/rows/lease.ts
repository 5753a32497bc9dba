/**
 * A lease: what the check before each act costs, and what getting and renewing one costs beside
 * its store alone.
 */
import { systemClock } from 'epsilon-clock';
import { Lease, memoryLeases } from 'epsilon-clock/lease';
import type { Row } from '../row.ts';
import { boundedClock } from '../worlds.ts';
import { kept, MASK } from './kept.ts';

/** The double that `Date.now()` itself leaves on the heap, in every version of V8. */
const DATE_BYTES = 16;

export async function lease(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const store = memoryLeases({ clock: systemClock() });
  const manual = { store, clock, holder: 'a', ttlMs: 3_600_000, renewal: 'manual' as const };
  const held = await Lease.acquire({ ...manual, name: 'held' });
  const counted = await Lease.acquire({ ...manual, name: 'counted', kind: 'duration' });
  const call = { signal: new AbortController().signal };
  const bare = { name: 'held', token: held.token, expiresAt: held.expiresAt };
  return [
    {
      id: 'lease.check',
      operation: '`lease.check()`, which reads two clocks',
      run: () => held.check(),
      maxBytes: DATE_BYTES,
      target: { xFloor: 2.5 },
    },
    {
      id: 'lease.checkDuration',
      batch: 100,
      operation: '`lease.check()` of the kind `duration`',
      run: () => counted.check(),
    },
    {
      id: 'lease.remaining',
      batch: 100,
      operation: '`lease.remainingNs()`',
      run: (i) => {
        kept[i & MASK] = held.remainingNs();
      },
    },
    {
      id: 'lease.bareUpdate',
      batch: 20,
      turns: true,
      operation: "the store's own compare-and-set, in memory",
      run: (i) => {
        kept[i & MASK] = store.extend(bare, call);
      },
    },
    {
      id: 'lease.renew',
      batch: 20,
      turns: true,
      operation: '`lease.renew()` on it',
      baseline: 'lease.bareUpdate',
      run: (i) => {
        kept[i & MASK] = held.renew();
      },
    },
    {
      id: 'lease.acquire',
      batch: 20,
      turns: true,
      operation: '`Lease.tryAcquire()` on it, of a lease that somebody has',
      baseline: 'lease.bareUpdate',
      run: (i) => {
        kept[i & MASK] = Lease.tryAcquire({ ...manual, name: 'held' });
      },
    },
  ];
}
