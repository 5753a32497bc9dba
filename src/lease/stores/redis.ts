/**
 * Leases in Redis or Valkey: one hash per name, one Lua script per call, which the server runs
 * atomically. No key expires, so no eviction of volatile keys ends a lease early.
 *
 * Of the kind `duration` the server counts, in us of its wall clock: as it counts the expiry of a
 * key, which it keeps as an instant of that clock too. A wall clock that is set forward ends a
 * lease early, for `PX` as for this.
 *
 * Lua's numbers are doubles. Instants are therefore compared as text of 19 digits, whose order is
 * that of the numbers, and tokens are counted by `HINCRBY`, which is int64. A script that fails
 * half-way is not rolled back, so the token is counted first.
 */
import { checkMethods, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { COUNTED, type DurationStore } from '../duration-store.ts';
import { FencedOutError, LeaseStoreError } from '../errors.ts';
import { checkToken, type DurableFence } from '../fence.ts';
import { checkText, MAX_DRIFT_PPM } from '../lease-options.ts';
import type { LeaseStore } from '../lease-store.ts';
import { recordOf } from './record.ts';

/**
 * Runs a script: `EVAL script keys.length keys... args...`. Of `ioredis` it is
 * `(script, keys, args) => redis.eval(script, keys.length, ...keys, ...args)`, of `redis`
 * `(script, keys, args) => client.eval(script, { keys, arguments: args })`.
 */
export type RedisEval = (script: string, keys: string[], args: string[]) => PromiseLike<unknown>;

/** Options of {@link redisLeases} and {@link redisFence}. */
export interface RedisOptions {
  /** Runs a script on the server. */
  readonly eval: RedisEval;
  /** Before each key. Default `epsilon:lease:`, and `epsilon:fence:` for a fence. */
  readonly prefix?: string | undefined;
  /**
   * For leases of the kind `'duration'`: how much faster than true time the server's wall clock may
   * run, ppm, while nobody sets it. 0 to 100,000, which is the default.
   */
  readonly maxDriftPpm?: number | undefined;
}

const NAMES: Readonly<Record<keyof RedisOptions, true>> = {
  eval: true,
  prefix: true,
  maxDriftPpm: true,
};

const TAKE = `
local r = redis.call('hmget', KEYS[1], 'claim', 'expires')
if r[1] == ARGV[2] then
elseif r[2] and r[2] >= ARGV[4] then
  local o = redis.call('hmget', KEYS[1], 'holder', 'claim', 'token', 'expires')
  return {'0', o[1], o[2], o[3], o[4]}
else
  redis.call('hincrby', KEYS[1], 'token', 1)
  redis.call('hset', KEYS[1], 'holder', ARGV[1], 'claim', ARGV[2], 'expires', ARGV[3])
end
local n = redis.call('hmget', KEYS[1], 'holder', 'claim', 'token', 'expires')
return {'1', n[1], n[2], n[3], n[4]}`;

const EXTEND = `
local r = redis.call('hmget', KEYS[1], 'token', 'expires')
if r[1] ~= ARGV[1] or r[2] == string.rep('0', 19) then return 0 end
if r[2] < ARGV[2] then redis.call('hset', KEYS[1], 'expires', ARGV[2]) end
return 1`;

const END = `
if redis.call('hget', KEYS[1], 'token') == ARGV[1] then
  redis.call('hset', KEYS[1], 'expires', ARGV[2])
end
return 1`;

/** Doubles hold the us of the wall clock exactly, up to the year 2255. */
const TAKE_FOR = `
local t = redis.call('time')
local now = t[1] * 1000000 + t[2]
local r = redis.call('hmget', KEYS[1], 'claim', 'expires', 'ends')
local counted = r[2] == ARGV[4]
local ended = r[2] == string.rep('0', 19) and r[1] ~= ARGV[2]
if not r[2] or ended or (counted and tonumber(r[3]) <= now) then
  redis.call('hincrby', KEYS[1], 'token', 1)
elseif not (counted and r[1] == ARGV[2]) then
  local o = redis.call('hmget', KEYS[1], 'holder', 'claim', 'token')
  return {'0', o[1], o[2], o[3]}
end
redis.call('hset', KEYS[1], 'holder', ARGV[1], 'claim', ARGV[2], 'expires', ARGV[4],
  'ends', string.format('%.0f', now + ARGV[3]))
return {'1', ARGV[1], ARGV[2], redis.call('hget', KEYS[1], 'token')}`;

const EXTEND_FOR = `
local r = redis.call('hmget', KEYS[1], 'token', 'expires')
if r[1] ~= ARGV[1] or r[2] ~= ARGV[3] then return 0 end
local t = redis.call('time')
redis.call('hset', KEYS[1], 'ends', string.format('%.0f', t[1] * 1000000 + t[2] + ARGV[2]))
return 1`;

const ADMIT = `
local r = redis.call('get', KEYS[1])
if r and r > ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1])
return 1`;

/**
 * Leases in Redis or Valkey.
 *
 * It assumes that what was written stays. Redis replicates asynchronously: after a fail-over the
 * last writes may be gone, and with them a lease and its token. Without `appendonly yes` a restart
 * loses all of them. Where that must not happen, use a store that commits.
 *
 * With `ioredis`:
 *
 *     redisLeases({
 *       eval: (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args),
 *     });
 *
 * For leases of the kind `'duration'` it counts by the wall clock of its host. A step forward of
 * that clock ends a lease early, and two may hold it until the fence refuses the first one. The
 * kind in true time knows no such step.
 *
 * @throws ArgumentTypeError, ArgumentRangeError for a bad option
 */
export function redisLeases(options: RedisOptions): LeaseStore {
  const { evaluate, keyOf } = checkRedis(options, 'epsilon:lease:');
  const { maxDriftPpm = MAX_DRIFT_PPM } = options;
  checkNumber('maxDriftPpm', maxDriftPpm, 0, MAX_DRIFT_PPM);
  const name = 'redis';
  const end: LeaseStore['end'] = async (lease, token) => {
    await evaluate(END, [keyOf(lease)], [`${token}`, digits(0n)]);
  };
  const durations: DurationStore = {
    maxDriftPpm,
    gridMs: 1,
    async take({ name: lease, holder, claim, ttlMs }) {
      const args = [holder, claim, micros(ttlMs), digits(COUNTED)];
      const answer: unknown = await evaluate(TAKE_FOR, [keyOf(lease)], args);
      if (!Array.isArray(answer)) throw new LeaseStoreError(name, 'malformed');
      const [taken, by, its, token] = answer.map(String);
      const record = recordOf(name, { holder: by, claim: its, token, expiresAt: COUNTED });
      return { ...record, taken: taken === '1', ttlMs };
    },
    async extend({ name: lease, token, ttlMs }) {
      const args = [`${token}`, micros(ttlMs), digits(COUNTED)];
      return String(await evaluate(EXTEND_FOR, [keyOf(lease)], args)) === '1' ? ttlMs : undefined;
    },
    end,
  };
  return {
    name,
    durations,
    async take({ name: lease, holder, claim, expiresAt, endedBefore }) {
      const args = [holder, claim, digits(expiresAt), digits(endedBefore)];
      const answer: unknown = await evaluate(TAKE, [keyOf(lease)], args);
      if (!Array.isArray(answer)) throw new LeaseStoreError(name, 'malformed');
      const [taken, by, its, token, expires] = answer.map(String);
      const record = recordOf(name, { holder: by, claim: its, token, expiresAt: expires });
      return { taken: taken === '1', record };
    },
    async extend({ name: lease, token, expiresAt }) {
      const answer = await evaluate(EXTEND, [keyOf(lease)], [`${token}`, digits(expiresAt)]);
      return String(answer) === '1';
    },
    end,
  };
}

/**
 * A fence in Redis or Valkey, for what is kept there: put the same comparison into the script of
 * the write, or admit right before it.
 *
 *     await redisFence({ eval: evaluate }, 'invoices').admit(lease.token);
 */
export function redisFence(options: RedisOptions, name: string): DurableFence {
  const { evaluate, keyOf } = checkRedis(options, 'epsilon:fence:');
  checkText('name', name);
  return {
    async admit(token) {
      const answer = await evaluate(ADMIT, [keyOf(name)], [digits(checkToken('token', token))]);
      if (String(answer) !== '1') throw new FencedOutError(token, undefined);
    },
  };
}

function checkRedis(options: RedisOptions, prefix: string) {
  checkOptionNames(options, NAMES);
  checkMethods('options', '{ eval }', options, ['eval']);
  const { eval: evaluate } = options;
  return { evaluate, keyOf: (name: string) => `${options.prefix ?? prefix}${name}` };
}

/** Whole us, rounded up: the store never gives less than was asked for. */
function micros(ms: number): string {
  return `${Math.ceil(ms * 1000)}`;
}

/** 19 digits, so that the order of texts is the order of numbers. */
function digits(value: bigint): string {
  return String(value).padStart(19, '0');
}
