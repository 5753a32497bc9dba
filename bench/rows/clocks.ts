/** The clocks of this machine. */
import { systemClock } from 'epsilon-clock';
import { BASELINE, type Row } from '../row.ts';
import { kept, MASK, slots } from './kept.ts';

const readClock = process.hrtime.bigint;

/** The baseline of all rows. */
export const hrtime: Row = {
  id: BASELINE,
  operation: '`process.hrtime.bigint()` into a slot',
  run: () => {
    slots[0] = readClock();
  },
  maxBytes: 0,
};

export function clocks(): Row[] {
  const clock = systemClock();
  const { monotonicNs } = clock;
  return [
    hrtime,
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
