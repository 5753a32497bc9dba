/**
 * What authentication costs an exchange. The client stamps a request after sealing it, and a reply
 * before opening it, so none of this is in the width of a sample.
 */
import { randomBytes } from 'node:crypto';
import {
  concat,
  encodeField,
  FieldType,
  KEY_BYTES,
  loadAead,
  NONCE_BYTES,
  openReply,
  sealPacket,
  sealRequest,
  UNIQUE_ID_BYTES,
} from '../../src/sources/nts/protection.ts';
import type { Row } from '../row.ts';
import { kept, MASK } from './kept.ts';

/** The length of chronyd's cookies. */
const COOKIE_BYTES = 100;

export async function nts(): Promise<Row[]> {
  const aead = await loadAead();
  const header = new Uint8Array(48).fill(0x24, 0, 1);
  const [key, uniqueId] = [randomBytes(KEY_BYTES), randomBytes(UNIQUE_ID_BYTES)];
  const [cookie, nonce] = [randomBytes(COOKIE_BYTES), randomBytes(NONCE_BYTES)];
  const reply = sealPacket(
    aead,
    key,
    concat(header, encodeField(FieldType.uniqueId, uniqueId)),
    nonce,
    encodeField(FieldType.cookie, cookie),
  );
  if (typeof openReply(aead, reply, { uniqueId, key }) === 'string') throw new Error('no reply');
  return [
    {
      id: 'nts.seal',
      batch: 1,
      operation: 'seal a request, with one cookie',
      run: (i) => {
        const placeholders = 0;
        kept[i & MASK] = sealRequest(aead, { header, uniqueId, cookie, placeholders, key, nonce });
      },
    },
    {
      id: 'nts.open',
      batch: 1,
      operation: 'open a reply, with one new cookie',
      run: (i) => {
        kept[i & MASK] = openReply(aead, reply, { uniqueId, key });
      },
    },
  ];
}
