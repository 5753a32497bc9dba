/** Commit wait: what registering a wait costs. */
import { beginCommit, HybridClock, type UnixNs, waitUntilAfter } from 'epsilon-clock';
import { unixNs } from 'epsilon-clock/time';
import type { Row } from '../row.ts';
import { boundedClock } from '../worlds.ts';
import { kept, MASK } from './kept.ts';

/** The waits are released between the windows, so some thousands are pending at a time. */
export async function waits(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const hlc = new HybridClock({ clock, nodeId: 'a' });
  let t: UnixNs = unixNs(0n);
  const passed = clock.now().earliest;
  return [
    {
      id: 'wait.register',
      batch: 100,
      turns: true,
      operation: '`waitUntilAfter(clock, t)`, a promise that waits',
      run: (i) => {
        if (i === 0) t = unixNs(clock.now().latest + 2_000_000n);
        kept[i & MASK] = waitUntilAfter(clock, t);
      },
      target: { ns: 500 },
      baseline: 'wait.setTimeout',
    },
    {
      id: 'wait.setTimeout',
      batch: 100,
      turns: true,
      operation: 'a promise and its `setTimeout`, for comparison',
      run: (i) => {
        kept[i & MASK] = new Promise((resolve) => setTimeout(resolve, 4));
      },
    },
    {
      id: 'wait.passed',
      batch: 100,
      operation: '`waitUntilAfter(clock, t)`, nothing to wait for',
      run: (i) => {
        kept[i & MASK] = waitUntilAfter(clock, passed);
      },
    },
    {
      id: 'commit.begin',
      batch: 100,
      operation: '`beginCommit({ clock, hlc })`, the wall clock checked',
      run: (i) => {
        kept[i & MASK] = beginCommit({ clock, hlc });
      },
    },
  ];
}
