/**
 * A process in a virtual machine that is moved to another host during a commit wait. Prints what it
 * saw as one line of JSON; see test/peers/vm-clock.test.ts, which makes `/dev/vmclock0` a file.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { BoundedClock, systemClock, waitUntilAfter } from '../../dist/index.js';
import { NtpServer, ntp } from '../../dist/node.js';

const DEVICE = '/dev/vmclock0';

const page = Buffer.alloc(4096);
page.writeUInt32LE(0x4b4c_4356, 0);
page.writeUInt32LE(page.length, 4);
page.writeUInt16LE(1, 8);
const file = openSync(DEVICE, 'w');
const write = () => writeSync(file, page, 0, page.length, 0);
write();

const server = await NtpServer.start({ clock: systemClock() });
const clock = BoundedClock.start({ sources: [ntp('127.0.0.1', { port: server.port })] });
await clock.waitSynced();
const before = { vmClock: clock.explain().vmClock, status: clock.read().status };

const wait = waitUntilAfter(clock, clock.now().latest + 8_000_000_000n).catch((error) => error);
page.writeUInt32LE(2, 12); // the sequence count
page.writeBigUInt64LE(1n, 16); // the disruption marker
write();
const { code, status, reason } = await wait;
await clock.waitSynced();
const { disruptions } = clock.explain();
console.log(JSON.stringify({ before, code, status, reason, disruptions }));
clock.stop();
await server.stop();
closeSync(file);
