/** A record as stores that keep text have it: JSON with decimal strings. */
import { asUnixNs, INT64_MAX } from '../../time/instant.ts';
import { LeaseStoreError } from '../errors.ts';
import type { LeaseRecord } from '../lease-store.ts';

export function formatRecord({ holder, claim, token, expiresAt }: LeaseRecord): string {
  return JSON.stringify({ holder, claim, token: `${token}`, expiresAt: `${expiresAt}` });
}

/** @throws LeaseStoreError when it is not what {@link formatRecord} writes */
export function parseRecord(store: string, text: string): LeaseRecord {
  try {
    const { holder, claim, token, expiresAt } = JSON.parse(text);
    return recordOf(store, { holder, claim, token, expiresAt });
  } catch (error) {
    throw error instanceof LeaseStoreError ? error : new LeaseStoreError(store, 'malformed', error);
  }
}

/** @throws LeaseStoreError unless the texts and the decimal numbers are such */
export function recordOf(
  store: string,
  fields: { holder: unknown; claim: unknown; token: unknown; expiresAt: unknown },
): LeaseRecord {
  const { holder, claim } = fields;
  if (typeof holder !== 'string' || typeof claim !== 'string') {
    throw new LeaseStoreError(store, 'malformed');
  }
  return {
    holder,
    claim,
    token: int64(store, fields.token),
    expiresAt: asUnixNs(int64(store, fields.expiresAt)),
  };
}

/** An int64 that is not negative, as drivers give it: text, a bigint or a small number. */
function int64(store: string, value: unknown): bigint {
  const text = typeof value === 'number' && !Number.isSafeInteger(value) ? '' : `${value}`;
  if (!/^\d{1,19}$/.test(text)) throw new LeaseStoreError(store, 'malformed');
  const number = BigInt(text);
  if (number > INT64_MAX) throw new LeaseStoreError(store, 'malformed');
  return number;
}
