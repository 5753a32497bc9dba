/**
 * The library on runtimes other than Node: intervals from an NTP server on loopback, timestamps,
 * commit wait, the live page, a clock that survives a crash, and a thread that shares one. Ends
 * with status 0 when all of it works.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dashboard } from '../../dist/dashboard.js';
import { httpTime, timeHandler } from '../../dist/http.js';
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

const dashboard = Dashboard.start({ clock, hlc });
const page = dashboard.handler.fetch(new Request('http://localhost/'));
assert.ok((await page.text()).includes('<title>epsilon-clock</title>'));
const stream = dashboard.handler.fetch(new Request('http://localhost/?events'));
const welcome = await stream.body.pipeThrough(new TextDecoderStream()).getReader().read();
assert.match(welcome.value, /^retry: 2000\nid: .*\nevent: welcome\n/);
dashboard.stop();

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

// Time over HTTP: handler and source, over a server of Node's kind and, where there is one, of the
// runtime's own.
const { node: onRequest, fetch: onFetch } = timeHandler({ clock });
const http = createServer(onRequest);
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
const addresses = [`http://127.0.0.1:${http.address().port}/time`];
const own = globalThis.Bun
  ? globalThis.Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: onFetch })
  : globalThis.Deno?.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, onFetch);
if (own !== undefined) addresses.push(`http://127.0.0.1:${own.port ?? own.addr.port}/time`);
for (const address of addresses) {
  const client = BoundedClock.start({ sources: [httpTime(address)] });
  await client.waitSynced({ timeoutMs: 10_000 });
  for (let i = 0; i < 100; i++) {
    // The interval of the server is in that of its client, give or take what passes in between.
    const before = clock.now();
    const heard = client.now();
    const after = clock.now();
    assert.ok(heard.earliest <= after.latest && before.earliest <= heard.latest);
  }
  assert.match(client.explain().sources[0].restsOn, /the bound that http.* claims/);
  client.stop();
}
http.closeAllConnections();
http.close();
await (own?.stop?.(true) ?? own?.shutdown?.());

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
