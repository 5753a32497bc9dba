/**
 * The library on runtimes other than Node: intervals from an NTP server on loopback, timestamps,
 * commit wait, a clock that survives a crash, and a thread that shares one. Ends with status 0 when
 * all of it works.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BoundedClock,
  HybridClock,
  parseStamp,
  runCommit,
  systemClock,
  waitUntilAfter,
} from '../../dist/index.js';
import { timeInterval } from '../../dist/interval.js';
import { DurableHybridClock, NtpServer, ntp } from '../../dist/node.js';
import { SharedHybridClock } from '../../dist/threads.js';
import { instantFromUnixNs, unixNsFromInstant } from '../../dist/time.js';

const server = await NtpServer.start({ clock: systemClock() });
const clock = BoundedClock.start({ sources: [ntp(server.address, { port: server.port })] });
await clock.waitSynced({ timeoutMs: 10_000 });
const { earliest, latest } = clock.now();
const now = BigInt(Date.now()) * 1_000_000n;
assert.ok(earliest - 1_000_000_000n < now && now < latest + 1_000_000_000n);
assert.equal(clock.read().status, 'synchronized');
assert.equal(clock.explain().sources[0]?.verdict, 'agrees');
assert.equal(timeInterval({ earliest, latest }).widthNs, latest - earliest);

const hlc = new HybridClock({ clock, nodeId: 'a' });
const first = hlc.now();
assert.ok(hlc.receive(first + 1_000_000n) > first + 1_000_000n);
assert.equal(parseStamp(hlc.stamp()).nodeId, 'a');

const timestamp = clock.now().latest;
await waitUntilAfter(clock, timestamp);
assert.ok(clock.after(timestamp));
const steps = { prepare: async () => {}, makeVisible: async () => 'visible' };
assert.equal((await runCommit({ clock, hlc }, steps)).result, 'visible');

const shared = new SharedHybridClock({ clock: systemClock(), nodeId: 'a' });
const other = SharedHybridClock.attach(shared.share(), { clock: systemClock() });
assert.ok(other.now() < shared.now());

const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
try {
  const options = { clock: systemClock(), nodeId: 'a', path: join(folder, 'ceiling') };
  const durable = await DurableHybridClock.open(options);
  const last = durable.now();
  await durable.close();
  const again = await DurableHybridClock.open(options);
  assert.ok(again.now() > last);
  await again.close();
} finally {
  rmSync(folder, { recursive: true });
}

const hasTemporal = typeof Temporal !== 'undefined';
if (hasTemporal) {
  for (const ns of [0n, 1n, 2n ** 53n + 1n, 1_795_227_787_534_418_003n, 2n ** 63n - 1n]) {
    const instant = Temporal.Instant.from(instantFromUnixNs(ns));
    assert.ok(instant instanceof Temporal.Instant);
    assert.equal(instant.epochNanoseconds, ns);
    assert.equal(unixNsFromInstant(instant), ns);
  }
}
clock.stop();
await server.stop();

const { Bun, Deno, process } = globalThis;
const name = Bun
  ? `Bun ${Bun.version}`
  : Deno
    ? `Deno ${Deno.version.deno}`
    : `Node ${process.version}`;
console.log(`${name}: works, ${hasTemporal ? 'with' : 'without'} Temporal`);
