/**
 * Leases of the kind `duration` in etcd, on etcd's own leases, which its leader counts by its
 * monotonic clock. After a change of the leader they last longer, never shorter.
 *
 * Beside the record, which stays for ever and has the token, there is a key of *presence*, bound to
 * an etcd lease, whose id is its value. While it is there, somebody has the lease. etcd deletes it
 * when the time is over. Both are written in one transaction.
 */
import { asUnixNs } from '../../time/instant.ts';
import { COUNTED, type DurationStore } from '../duration-store.ts';
import { LeaseStoreError } from '../errors.ts';
import type { LeaseRecord } from '../lease-store.ts';
import { decode, type EtcdAsk, encode } from './etcd-json.ts';
import { formatRecord, parseRecord } from './record.ts';

/** The record and the presence of one name, read at one instant. */
interface State {
  readonly record: LeaseRecord | undefined;
  /** The revision of the record; '0' without one. */
  readonly version: string;
  /** The id of the etcd lease, while somebody has it. */
  readonly leaseId: string | undefined;
}

/** Others may change the record between two requests, but hardly this often. */
const ATTEMPTS = 5;
const STORE = 'etcd';

export function etcdDurations(gateway: {
  readonly ask: EtcdAsk;
  readonly prefix: string;
  readonly maxDriftPpm: number;
}): DurationStore {
  const { ask, prefix, maxDriftPpm } = gateway;
  const keyOf = (name: string): string => encode(prefix + name);
  // No name has a NUL, so this is the key of no other name.
  const presenceOf = (name: string): string => encode(`${prefix}${name}\0held`);

  async function read(name: string, signal: AbortSignal): Promise<State> {
    const keys = [keyOf(name), presenceOf(name)];
    const success = keys.map((key) => ({ request_range: { key } }));
    const { responses } = await ask('/v3/kv/txn', { success }, signal);
    if (responses?.length !== keys.length) throw new LeaseStoreError(STORE, 'malformed');
    const [record, presence] = keys.map((_, i) => responses[i]?.response_range?.kvs?.[0]);
    return {
      record: record && parseRecord(STORE, decode(record.value ?? '')),
      version: record?.mod_revision ?? '0',
      leaseId: presence && decode(presence.value ?? ''),
    };
  }

  /** For how long the etcd lease lasts from now on, ms; `undefined` when it is gone. */
  async function keepAlive(id: string, signal: AbortSignal): Promise<number | undefined> {
    const { result } = await ask('/v3/lease/keepalive', { ID: id }, signal);
    return result?.TTL === undefined ? undefined : msFromTtl(result.TTL);
  }

  /** Ends an etcd lease on which nothing rests any more. If that fails, it ends by itself. */
  async function revoke(id: string, signal: AbortSignal): Promise<void> {
    await ask('/v3/lease/revoke', { ID: id }, signal).catch(() => {});
  }

  return {
    maxDriftPpm,
    gridMs: 1,
    async take({ name, holder, claim, ttlMs }, { signal }) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const { record, version, leaseId } = await read(name, signal);
        if (record !== undefined && leaseId !== undefined) {
          if (record.claim !== claim) return { ...record, taken: false, ttlMs: 0 };
          const leftMs = await keepAlive(leaseId, signal);
          if (leftMs !== undefined) return { ...record, taken: true, ttlMs: leftMs };
          continue;
        }
        const isFree =
          record === undefined ||
          (record.expiresAt === 0n && record.claim !== claim) ||
          record.expiresAt === COUNTED;
        if (!isFree) return { ...record, taken: false, ttlMs: 0 };
        // A TTL is whole seconds, and a short one is raised: the reply says what was granted.
        const wanted = { TTL: `${Math.ceil(ttlMs / 1000)}` };
        const { ID: id, TTL: ttl } = await ask('/v3/lease/grant', wanted, signal);
        if (id === undefined || ttl === undefined) throw new LeaseStoreError(STORE, 'malformed');
        const token = (record?.token ?? 0n) + 1n;
        const next: LeaseRecord = { holder, claim, token, expiresAt: COUNTED };
        const key = keyOf(name);
        const presence = presenceOf(name);
        const taken = await ask(
          '/v3/kv/txn',
          {
            compare: [
              { key, target: 'MOD', mod_revision: version },
              { key: presence, target: 'CREATE', create_revision: '0' },
            ],
            success: [
              { request_put: { key, value: encode(formatRecord(next)) } },
              { request_put: { key: presence, value: encode(id), lease: id } },
            ],
          },
          signal,
        );
        if (taken.succeeded === true) return { ...next, taken: true, ttlMs: msFromTtl(ttl) };
        await revoke(id, signal); // somebody else was first
      }
      throw new LeaseStoreError(STORE, 'failed', new Error('the record kept changing'));
    },
    async extend({ name, token }, { signal }) {
      const { record, leaseId } = await read(name, signal);
      if (record?.token !== token || leaseId === undefined) return undefined;
      return keepAlive(leaseId, signal);
    },
    async end(name, token, { signal }) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const { record, version, leaseId } = await read(name, signal);
        if (record?.token !== token || record.expiresAt !== COUNTED) return;
        const key = keyOf(name);
        const value = encode(formatRecord({ ...record, expiresAt: asUnixNs(0n) }));
        const compare = [{ key, target: 'MOD', mod_revision: version }];
        const success = [
          { request_put: { key, value } },
          { request_delete_range: { key: presenceOf(name) } },
        ];
        if ((await ask('/v3/kv/txn', { compare, success }, signal)).succeeded === true) {
          if (leaseId !== undefined) await revoke(leaseId, signal);
          return;
        }
      }
      throw new LeaseStoreError(STORE, 'failed', new Error('the record kept changing'));
    },
  };
}

/** A TTL in whole seconds, as text, in ms. */
function msFromTtl(ttl: string): number {
  if (!/^\d{1,10}$/.test(ttl)) throw new LeaseStoreError(STORE, 'malformed');
  return Number(ttl) * 1000;
}
