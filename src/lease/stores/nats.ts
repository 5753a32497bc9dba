/** Leases in a key-value bucket of NATS JetStream: one key per name, replaced at its revision. */
import { checkMethods } from '../../time/errors.ts';
import type { LeaseStore } from '../lease-store.ts';
import { type Versioned, versionedLeases } from './versioned.ts';

/** What is used of a bucket of `@nats-io/kv`. */
export interface NatsBucket {
  /** The entry; `null` when there is no such key. */
  get(key: string): Promise<NatsEntry | null>;
  /** Rejects when there is a value. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** Rejects when the revision is another one. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
}

/** What is used of an entry. */
export interface NatsEntry {
  /** What is kept. */
  readonly value: Uint8Array;
  /** Changes with each write. */
  readonly revision: number;
}

/** JetStream's code for "the last revision is another one". */
const WRONG_LAST_REVISION = 10_071;

/**
 * Leases in a bucket of NATS JetStream. It assumes that the bucket keeps what it has acknowledged:
 * three replicas or more, file storage, and no time to live on the bucket, which would delete the
 * tokens.
 *
 * With `@nats-io/kv`:
 *
 *     const kv = await new Kvm(connection).create('leases', { replicas: 3 });
 *     const store = natsLeases(kv);
 *
 * @throws ArgumentTypeError when it is not a bucket
 */
export function natsLeases(bucket: NatsBucket): LeaseStore {
  checkMethods('bucket', 'a key-value bucket', bucket, ['get', 'create', 'update']);
  return versionedLeases({
    name: 'nats',
    async read(name) {
      const entry = await bucket.get(keyOf(name));
      return entry === null ? undefined : versioned(entry);
    },
    async replace(name, text, found) {
      const value = new TextEncoder().encode(text);
      try {
        if (found === undefined) await bucket.create(keyOf(name), value);
        else await bucket.update(keyOf(name), value, Number(found.version));
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
  });
}

function versioned({ value, revision }: NatsEntry): Versioned {
  return { text: new TextDecoder().decode(value), version: revision };
}

/** Keys of NATS have few characters. The others are written as their code. */
function keyOf(name: string): string {
  return name.replace(/[^-/_0-9A-Za-z]/gu, (char) => `=${char.codePointAt(0)!.toString(16)}=`);
}

function isConflict(error: unknown): boolean {
  const { api_error: api, code } = (error ?? {}) as {
    api_error?: { err_code?: unknown };
    code?: unknown;
  };
  return api?.err_code === WRONG_LAST_REVISION || code === WRONG_LAST_REVISION;
}
