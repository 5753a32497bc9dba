/**
 * Chains A -> B -> C -> A over real frameworks, many at once, with clocks that disagree by 800 ms.
 * Vector clocks say what happened before what.
 */
import { describe, expect, test } from 'vitest';
import { PropagationCounts } from '../../../src/propagation/counts.ts';
import { type Call, handle, judge, runChains, threeServices, type Vector } from './causality.ts';
import { type Caller, HOSTS, type Options, type Serve } from './hosts.ts';

const CHAINS = 40;
/** Per chain: a -> b, b -> c, c -> a. */
const HOPS = 3;

async function run(serve: Serve, call: (options: Options) => Caller, more: Partial<Options>) {
  const counts = new PropagationCounts();
  const services = threeServices();
  const addresses: Record<string, string> = {};
  const ends: (() => Promise<unknown>)[] = [];
  const calls: Call[] = [];
  for (const service of services) {
    const options = { hlc: service.hlc, trust: true, counts, ...more };
    const caller = call(options);
    const ask: Call = async (to, vector, hops) =>
      (await caller.ask(addresses[to]!, { vector, hops })) as Vector;
    const host = await serve(options, async (body) => {
      const { vector, hops } = body as { vector: Vector; hops: number };
      return handle(service, ask, vector, hops);
    });
    addresses[service.name] = host.address;
    calls.push(ask);
    ends.push(caller.stop, host.stop);
  }
  await runChains(services, calls, CHAINS);
  for (const end of ends) await end();
  return { counts, ...judge(services) };
}

describe.each(HOSTS)('%s', (name, serve, call) => {
  test('cause is stamped before effect, in every pair of events', async () => {
    const { pairs, violations, counts } = await run(serve, call, {});
    expect(violations).toBe(0);
    expect(pairs).toBeGreaterThan(20_000);
    // Each hop is a request and a reply. A reply of gRPC has a stamp at its beginning and its end.
    const messages = CHAINS * HOPS * (name === 'gRPC' ? 3 : 2);
    expect(counts).toEqual({ ...new PropagationCounts(), sent: messages, received: messages });
  });

  test('by a header of another name', async () => {
    const { violations, counts } = await run(serve, call, { header: 'x-stamp' });
    expect([violations, counts.absent, counts.received]).toEqual([0, 0, counts.sent]);
  });

  test('the oracle sees what goes wrong without trust', async () => {
    const { violations, counts } = await run(serve, call, { trust: false });
    expect(violations).toBeGreaterThan(1000);
    expect([counts.received, counts.untrusted]).toEqual([0, counts.sent]);
  });
});
