/**
 * How a worker process decides that it holds a lease: the library's way, and five ways that are
 * wrong. A holding says at any moment whether it is held.
 */
import { randomUUID } from 'node:crypto';
import Redlock from 'redlock';
import { Lease } from '../../dist/lease.js';

const hrtimeMs = () => Number(process.hrtime.bigint()) / 1e6;
const live = () => ({ signal: new AbortController().signal });

/** The library. */
async function library({ stores, clock, holder, ttlMs }, name, renewal) {
  const store = stores[name];
  // Others may have it for a long time. The worker asks again.
  return Lease.acquire({ store, clock, name, holder, ttlMs, renewal, timeoutMs: 2000 });
}

/** The taker's wall clock sets the end, and the wall clock of each worker is compared with it. */
async function wall({ stores, holder, ttlMs }, name) {
  const now = Date.now();
  const claim = {
    name,
    holder,
    claim: randomUUID(),
    expiresAt: BigInt(now + ttlMs) * 1_000_000n,
    endedBefore: BigInt(now) * 1_000_000n,
  };
  const { taken, record } = await stores[name].take(claim, live());
  if (!taken) throw new Error('somebody else has it');
  return {
    token: record.token,
    held: () => Date.now() < now + ttlMs,
    release: () => stores[name].end(name, record.token, live()),
  };
}

const TAKE_FOR = `
if not redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return 0 end
return redis.call('incr', KEYS[1] .. ':token')`;

/** Redis counts the time. The holder counts from `begin` on. */
const counted =
  (begin) =>
  async ({ redis, ttlMs }, name) => {
    const asked = hrtimeMs();
    const claim = randomUUID();
    const token = BigInt(await redis.eval(TAKE_FOR, 1, name, claim, ttlMs));
    if (token === 0n) throw new Error('somebody else has it');
    const from = begin === 'request' ? asked : hrtimeMs();
    return { token, held: () => hrtimeMs() - from < ttlMs, release: async () => {} };
  };

/** The library, but a release deletes the record. */
async function deletes(worker, name, renewal) {
  const lease = await library(worker, name, renewal);
  return {
    token: lease.token,
    held: () => lease.held(),
    async release() {
      await lease.release();
      await worker.query('delete from epsilon_lease where name = $1 and token = $2', [
        name,
        lease.token,
      ]);
    },
  };
}

/** The package `redlock`, used as its page says. It has no token. */
async function redlock({ redis, ttlMs }, name) {
  const locks = new Redlock([redis], { retryCount: 0 });
  const lock = await locks.acquire([name], ttlMs);
  return { token: 0n, held: () => Date.now() < lock.expiration, release: () => lock.release() };
}

export const rules = {
  library,
  wall,
  'from-request': counted('request'),
  'from-reply': counted('reply'),
  deletes,
  redlock,
};
