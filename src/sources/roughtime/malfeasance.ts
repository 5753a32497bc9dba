/**
 * The chain of exchanges that proves a lie to others (RFC 10049 section 8.2, 8.4).
 *
 * A signature alone proves what a server said, but not when. So each request's nonce is the hash of
 * an earlier reply and of random bytes: the later reply, which contains the nonce, was then
 * certainly signed after the earlier one. Two replies of one chain convict if the earlier one says
 * it was at least `MIDP_i - RADI_i` when the later one says it was at most `MIDP_j + RADI_j`, which
 * is less.
 *
 * The clock links the exchanges of all its witnesses and finds such pairs
 * (bounded-clock/evidence.ts). This file has the parts that know the wire: how a nonce is made of a
 * reply, and how an exchange is written down.
 */
import { randomBytes } from 'node:crypto';
import type { SignedExchange, SignedStatement } from '../../bounded-clock/evidence.ts';
import { hash, NONCE_BYTES } from './verify.ts';

const RAND_BYTES = 32;

/** A nonce, and what proves that it was made after the previous reply. */
export interface ChainedNonce {
  readonly nonce: Uint8Array;
  /** What the nonce is the hash of, besides the previous reply. Absent without one. */
  readonly rand: Uint8Array | undefined;
  readonly previous: SignedStatement | undefined;
}

/** A nonce that commits to the reply in `previous`; a random one if there is no such reply. */
export function chainedNonce(previous: SignedStatement | undefined): ChainedNonce {
  if (previous === undefined) {
    return { nonce: randomBytes(NONCE_BYTES), rand: undefined, previous };
  }
  const rand = randomBytes(RAND_BYTES);
  const reply = Buffer.from(previous.exchange.response, 'base64');
  return { nonce: hash(reply, rand), rand, previous };
}

/** An exchange as the standard's report has it. */
export function signedExchange(facts: {
  readonly rand: Uint8Array | undefined;
  readonly publicKey: Uint8Array;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}): SignedExchange {
  const { rand, publicKey, request, response } = facts;
  return {
    ...(rand && { rand: base64(rand) }),
    publicKey: base64(publicKey),
    request: base64(request),
    response: base64(response),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
