/**
 * Leases over anything that keeps a value per key and replaces it only if its version is still the
 * one that was read: etcd, the key-value buckets of NATS.
 */
import { asUnixNs } from '../../time/instant.ts';
import { LeaseStoreError } from '../errors.ts';
import type { LeaseClaim, LeaseRecord, LeaseStore, StoreCallOptions } from '../lease-store.ts';
import { formatRecord, parseRecord } from './record.ts';

/** A value and its version. Without a version there is no value yet. */
export interface Versioned {
  readonly text: string;
  readonly version: string | number;
}

/** Reads and replaces values. */
export interface VersionedStore {
  readonly name: string;
  read(key: string, options: StoreCallOptions): Promise<Versioned | undefined>;
  /**
   * Replaces the value if its version is still that of `found`. With `undefined` for `found`, it
   * writes the first value of the key, if nobody else has. Answers whether it did.
   */
  replace(
    key: string,
    text: string,
    found: Versioned | undefined,
    options: StoreCallOptions,
  ): Promise<boolean>;
}

/** Others may change the record between two requests, but hardly this often. */
const ATTEMPTS = 5;

export function versionedLeases(store: VersionedStore): LeaseStore {
  /**
   * Replaces the record by what `change` makes of it, as one step; `undefined` leaves it. Returns
   * the record that is there then.
   */
  async function update(
    key: string,
    options: StoreCallOptions,
    change: (record: LeaseRecord | undefined) => LeaseRecord | undefined,
  ): Promise<LeaseRecord | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await store.read(key, options);
      const record = found && parseRecord(store.name, found.text);
      const next = change(record);
      if (next === undefined) return record;
      if (await store.replace(key, formatRecord(next), found, options)) return next;
    }
    throw new LeaseStoreError(store.name, 'failed', new Error('the record kept changing'));
  }

  return {
    name: store.name,
    async take(claim, options) {
      const record = await update(claim.name, options, (found) => successor(found, claim));
      if (record === undefined) throw new LeaseStoreError(store.name, 'malformed');
      return { taken: record.claim === claim.claim, record };
    },
    async extend({ name, token, expiresAt }, options) {
      const isOurs = (record: LeaseRecord | undefined): record is LeaseRecord =>
        record?.token === token && record.expiresAt !== 0n;
      const record = await update(name, options, (found) =>
        isOurs(found) && found.expiresAt < expiresAt ? { ...found, expiresAt } : undefined,
      );
      return isOurs(record);
    },
    async end(name, token, options) {
      await update(name, options, (found) =>
        found?.token === token ? { ...found, expiresAt: asUnixNs(0n) } : undefined,
      );
    },
  };
}

/** What a claim makes of the record that is there: the next one; `undefined` to leave it. */
function successor(
  found: LeaseRecord | undefined,
  { holder, claim, expiresAt, endedBefore }: LeaseClaim,
): LeaseRecord | undefined {
  if (found === undefined) return { holder, claim, token: 1n, expiresAt };
  if (found.claim === claim || found.expiresAt >= endedBefore) return undefined;
  return { holder, claim, token: found.token + 1n, expiresAt };
}
