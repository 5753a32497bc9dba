import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HybridClock, systemClock } from 'epsilon-clock';
import { hostNodeId } from 'epsilon-clock/node';
import { nodeIdFrom } from 'epsilon-clock/timestamps';
import { expect, test } from 'vitest';

const HOST = nodeIdFrom(hostname());

/** `hostNodeId('orders')` in a thread of its own, on the built package. */
async function inThread(): Promise<string> {
  const dist = new URL('../../dist/node.js', import.meta.url).href;
  const code = `import { hostNodeId } from '${dist}';
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(hostNodeId('orders'));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
}

test('names service, host, process and thread', async () => {
  const own = hostNodeId('orders');
  expect(own.startsWith(`orders.${HOST}.${process.pid}`)).toBe(true);
  expect(new HybridClock({ clock: systemClock(), nodeId: own }).nodeId).toBe(own);
  const [a, b] = await Promise.all([inThread(), inThread()]);
  expect(a).toMatch(/^orders\..*\.\d+\.\d+$/);
  expect(new Set([own, a, b]).size).toBe(3);
});

test('whatever the name of the service, it is a node id', () => {
  const long = hostNodeId('ö/'.repeat(100));
  expect(long.length).toBeLessThanOrEqual(64);
  expect(new HybridClock({ clock: systemClock(), nodeId: long }).nodeId).toBe(long);
});

test.each([[''], [5], [undefined]])('refuses %s', (service) => {
  expect(() => hostNodeId(service as string)).toThrow('service');
});
