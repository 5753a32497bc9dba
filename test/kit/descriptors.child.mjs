/**
 * A bounded clock in a process that runs out of file descriptors for some seconds. Prints what its
 * listeners and its readings saw, as one line of JSON; see test/peers/descriptors.test.ts.
 */
import { closeSync, openSync } from 'node:fs';
import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BoundedClock } from '../../dist/index.js';
import { ntp } from '../../dist/node.js';

const HOLD_MS = 4000;
const AFTER_MS = 3000;

const clock = BoundedClock.start({
  sources: [ntp('127.0.0.1', { port: Number(process.argv[2]), pollIntervalMs: 250 })],
});
await clock.waitSynced();
const events = [];
clock.onChange((event) => events.push(event));
const statuses = new Set();
const look = setInterval(() => statuses.add(clock.read().status), 50);

const held = [];
let code;
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch (error) {
  code = error.code;
}
// Without a descriptor the runtime can't open /proc/uptime, and gives whole seconds.
const coarse = Number.isInteger(uptime()) && Number.isInteger(uptime());
await sleep(HOLD_MS);
for (const file of held) closeSync(file);
const fine = ![uptime(), uptime(), uptime()].every(Number.isInteger);
await sleep(AFTER_MS);

clearInterval(look);
const { misses } = clock.explain().sources[0];
console.log(JSON.stringify({ code, coarse, fine, events, statuses: [...statuses], misses }));
clock.stop();
