/** What a heartbeat and a suspicion cost, with our own pauses left out. */
import { PauseMeter, PhiAccrualDetector } from 'epsilon-clock/failure-detection';
import { systemClock } from 'epsilon-clock/time';
import type { Row } from '../row.ts';
import { kept, MASK } from './kept.ts';

export function detection(): Row[] {
  const clock = systemClock();
  const pauses = PauseMeter.start({ clock });
  const heard = new PhiAccrualDetector({ clock, pauses });
  const judged = heard.fork();
  const phis = new Float64Array(MASK + 1);
  return [
    {
      id: 'detection.heartbeat',
      operation: '`detector.heartbeat()`',
      run: () => heard.heartbeat(),
      maxBytes: 0,
      target: { ns: 100 },
    },
    {
      id: 'detection.phi',
      operation: '`detector.phi()`, model `normal`',
      run: (i) => {
        phis[i & MASK] = judged.phi();
      },
      target: { ns: 150 },
    },
    {
      id: 'detection.longest',
      batch: 100,
      operation: '`pauses.longestNs(60_000)`',
      run: (i) => {
        kept[i & MASK] = pauses.longestNs(60_000);
      },
    },
  ];
}
