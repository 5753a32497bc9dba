/** The clocks of this machine. */
import { systemClock } from 'epsilon-clock';
import type { Row } from '../row.ts';
import { kept, MASK, slots } from './kept.ts';

export function clocks(): Row[] {
  const hrtime = process.hrtime.bigint;
  const clock = systemClock();
  const { monotonicNs } = clock;
  return [
    {
      id: 'hrtime',
      operation: '`process.hrtime.bigint()` into a slot',
      run: () => {
        slots[0] = hrtime();
      },
      maxBytes: 0,
    },
    {
      id: 'clock.monotonicNs',
      operation: '`monotonicNs()` into a slot',
      run: () => {
        slots[0] = monotonicNs();
      },
      maxBytes: 0,
    },
    {
      id: 'clock.wallNs',
      operation: '`wallNs()` into a slot',
      run: () => {
        slots[0] = clock.wallNs();
      },
      maxBytes: 0,
    },
    {
      id: 'date.now',
      operation: '`Date.now()`, for comparison',
      run: (i) => {
        kept[i & MASK] = Date.now();
      },
    },
  ];
}
