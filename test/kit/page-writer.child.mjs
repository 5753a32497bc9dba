/** Publishes one page after the other, without a pause; see test/peers/host-clock.test.ts. */
import { setImmediate as turn } from 'node:timers/promises';
import { HostClockPublisher } from '../../dist/node.js';
import { TestClock } from '../../dist/testing.js';

const clock = new TestClock();
await HostClockPublisher.start({ clock, path: process.argv[2] });
process.send('writing');
for (let i = 1; ; i = (i % 1000) + 1) {
  clock.setUncertainty(i);
  if (i % 100 === 0) await turn();
}
