/**
 * AES-SIV-CMAC (RFC 5297) over `node:crypto`, written from the RFC: the oracle for the library that
 * `nts` uses. Keys of 32 bytes.
 */
import { createCipheriv } from 'node:crypto';
import type { Aead } from '../../src/sources/nts/protection.ts';

const ZERO = Buffer.alloc(16);

const block = (key: Uint8Array, input: Uint8Array): Buffer =>
  createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(input);

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!));
}

/** Doubling in GF(2^128). */
function double(a: Uint8Array): Buffer {
  const shifted = BigInt(`0x${Buffer.from(a).toString('hex')}`) << 1n;
  const reduced = BigInt.asUintN(128, shifted) ^ (shifted >> 128n ? 0x87n : 0n);
  return Buffer.from(reduced.toString(16).padStart(32, '0'), 'hex');
}

/** RFC 4493. */
function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const whole = message.length > 0 && message.length % 16 === 0;
  const subkey = whole ? double(block(key, ZERO)) : double(double(block(key, ZERO)));
  const padded = whole ? Buffer.from(message) : pad(message);
  padded.set(xor(padded.subarray(-16), subkey), padded.length - 16);
  const cipher = createCipheriv('aes-128-cbc', key, ZERO).setAutoPadding(false);
  return cipher.update(padded).subarray(-16);
}

function pad(message: Uint8Array): Buffer {
  const padded = Buffer.alloc((Math.floor(message.length / 16) + 1) * 16);
  padded.set(message);
  padded[message.length] = 0x80;
  return padded;
}

function s2v(key: Uint8Array, associated: readonly Uint8Array[], plaintext: Uint8Array): Buffer {
  let d = cmac(key, ZERO);
  for (const each of associated) d = xor(double(d), cmac(key, each));
  if (plaintext.length < 16) return cmac(key, xor(double(d), pad(plaintext)));
  const last = Buffer.from(plaintext);
  last.set(xor(last.subarray(-16), d), last.length - 16);
  return cmac(key, last);
}

function ctr(key: Uint8Array, v: Uint8Array, text: Uint8Array): Buffer {
  const counter = Buffer.from(v);
  counter[8]! &= 0x7f;
  counter[12]! &= 0x7f;
  return createCipheriv('aes-128-ctr', key, counter).update(text);
}

export const oracle: Aead = {
  seal: (key, associated, plaintext) => {
    const v = s2v(key.subarray(0, 16), associated, plaintext);
    return Buffer.concat([v, ctr(key.subarray(16), v, plaintext)]);
  },
  open: (key, associated, ciphertext) => {
    const v = ciphertext.subarray(0, 16);
    const plaintext = ctr(key.subarray(16), v, ciphertext.subarray(16));
    return s2v(key.subarray(0, 16), associated, plaintext).equals(v) ? plaintext : undefined;
  },
};
