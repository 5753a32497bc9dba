// What a process sees of who adjusts its machine's clock: `explain().profile` as JSON.
import { BoundedClock } from '../../dist/index.js';
import { ntp } from '../../dist/node.js';

const clock = BoundedClock.start({
  sources: [ntp('127.0.0.1', { port: 9 })],
  hostClock: 'detect',
});
console.log(JSON.stringify(clock.explain().profile));
clock.stop();
