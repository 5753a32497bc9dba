/** Roughtime servers on a clock that the test moves, and replies with one thing wrong. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TimeSource } from 'epsilon-clock';
import type { NtpExchange, NtpTransport } from 'epsilon-clock/ntp';
import {
  encodeMessage,
  encodePacket,
  encodeU32,
  encodeU64,
  parsePacket,
  Tag,
} from '../../../src/sources/roughtime/message.ts';
import { roughtimeSource } from '../../../src/sources/roughtime/roughtime.ts';
import { RoughtimeKeys, readRequest } from '../../../src/sources/roughtime/roughtime-server.ts';
import { hash, leafOf, nodeOf } from '../../../src/sources/roughtime/verify.ts';
import type { HandClock } from '../../kit/hand-clock.ts';

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** How a server reacts to a request. */
export type Reaction = 'honest' | 'silent' | 'greased' | 'no-route';

export interface Asked {
  readonly address: string;
  /** Since the test began, ms. */
  readonly atMs: number;
}

/** One server with all its addresses. Each way takes 1 ms. */
export class RoughtimeNetwork implements NtpTransport {
  readonly keys: RoughtimeKeys = new RoughtimeKeys();
  readonly asked: Asked[] = [];
  readonly requests: Uint8Array[] = [];
  reaction: Reaction = 'honest';
  aheadMs = 0;
  radiusS = 1;
  /** How long the verification takes, ns: it passes right after `receivedAt` was read. */
  verificationNs = 0n;
  cancelled = 0;
  readonly #clock: HandClock;
  readonly #begin: bigint;

  constructor(clock: HandClock) {
    this.#clock = clock;
    this.#begin = clock.monotonic;
  }

  /** The source that asks this server. */
  source(
    host = '10.0.0.9',
    options: { pollIntervalMs?: number; addresses?: string[] } = {},
  ): TimeSource {
    const { addresses = [host], ...rest } = options;
    const publicKey = base64(this.keys.publicKey);
    const resolve = async (): Promise<readonly string[]> => addresses;
    return roughtimeSource(host, { publicKey, ...rest }, { transport: this, resolve });
  }

  get askedMs(): number[] {
    return this.asked.map(({ atMs }) => atMs);
  }

  exchange(exchange: NtpExchange): () => void {
    const clock = this.#clock;
    const sentAt = clock.monotonicNs();
    const atMs = Number(sentAt - this.#begin) / 1e6;
    this.asked.push({ address: exchange.endpoint.address, atMs });
    this.requests.push(exchange.request.slice());
    const { reaction } = this;
    let cancel: () => void;
    let over = false;
    const failAfter = (ms: number, fail: () => void): void => {
      cancel = clock.setTimer(ms, () => {
        over = true;
        fail();
      });
    };
    if (reaction === 'no-route') {
      failAfter(0, () => exchange.onFailure('unreachable', { sent: false, cause: 'ENETUNREACH' }));
    } else {
      failAfter(exchange.timeoutMs, () => exchange.onFailure('timeout'));
    }
    if (reaction === 'honest' || reaction === 'greased') {
      clock.setTimer(1, () => {
        const reply = this.reply(exchange.request);
        if (reaction === 'greased') reply[80]! ^= 1;
        clock.setTimer(1, () => {
          if (over) return;
          const receivedAt = clock.monotonicNs();
          clock.monotonic += this.verificationNs;
          over = exchange.onDatagram(reply, sentAt, receivedAt);
          if (over) cancel();
        });
      });
    }
    return () => {
      if (over) return;
      over = true;
      this.cancelled++;
      cancel();
    };
  }

  /** Its answer now. */
  reply(packet: Uint8Array): Uint8Array {
    const request = readRequest(packet, this.keys.publicKey);
    if (request === undefined) throw new Error('the client sent no proper request');
    const timeNs = this.#clock.wallNs() + BigInt(Math.round(this.aheadMs * 1e6));
    const midpointS = timeNs / 1_000_000_000n;
    return this.keys.answer([request], { midpointS, radiusS: this.radiusS })[0]!;
  }
}

/** What a forged reply has in the place of what is right. */
export interface Forgery {
  readonly version?: number;
  readonly radiusS?: number;
  readonly midpointS?: bigint;
  readonly minS?: bigint;
  readonly maxS?: bigint;
  readonly nonce?: Uint8Array;
  readonly type?: number;
  /** How many hashes the path has. Default 3. */
  readonly hashes?: number;
  /** Bits to change in the index. */
  readonly indexFlip?: number;
  /** Whether SREP is signed by another key. */
  readonly otherSigner?: boolean;
  /** Whether DELE is signed by another key. */
  readonly otherDelegate?: boolean;
  /** Another tag and its value. */
  readonly extra?: readonly [number, Uint8Array];
  readonly without?: number;
}

/** A server that signs whatever the test says. */
export class Forger {
  readonly #longTerm = generateKeyPairSync('ed25519');
  readonly #delegate = generateKeyPairSync('ed25519');
  readonly #other = generateKeyPairSync('ed25519');
  readonly publicKey: Uint8Array = rawKey(this.#longTerm.publicKey);

  /** The reply to `request`, right but for `forgery`. */
  reply(request: Uint8Array, forgery: Forgery = {}): Uint8Array {
    const { hashes = 3, indexFlip = 0, version = 1, radiusS = 1, midpointS = 1000n } = forgery;
    const index = hashes === 0 ? 0 : 5 % 2 ** Math.min(hashes, 31);
    const siblings = Array.from({ length: hashes }, (_, i) => hash(Uint8Array.of(i)));
    let root = leafOf(request);
    siblings.forEach((sibling, depth) => {
      const right = depth < 31 && (index >> depth) % 2 === 1;
      root = right ? nodeOf(sibling, root) : nodeOf(root, sibling);
    });
    const response = encodeMessage([
      [Tag.VER, encodeU32(version)],
      [Tag.RADI, encodeU32(radiusS)],
      [Tag.MIDP, encodeU64(midpointS)],
      [Tag.VERS, encodeU32(1)],
      [Tag.ROOT, root],
    ]);
    const delegation = encodeMessage([
      [Tag.PUBK, rawKey(this.#delegate.publicKey)],
      [Tag.MINT, encodeU64(forgery.minS ?? 0n)],
      [Tag.MAXT, encodeU64(forgery.maxS ?? 2n ** 64n - 1n)],
    ]);
    const delegator = forgery.otherDelegate ? this.#other : this.#longTerm;
    const signer = forgery.otherSigner ? this.#other : this.#delegate;
    const certificate = encodeMessage([
      [Tag.SIG, signed('delegation', delegation, delegator.privateKey)],
      [Tag.DELE, delegation],
    ]);
    const fields: (readonly [number, Uint8Array])[] = [
      [Tag.SIG, signed('response', response, signer.privateKey)],
      [Tag.NONC, forgery.nonce ?? parsePacket(request)!.get(Tag.NONC)!],
      [Tag.TYPE, encodeU32(forgery.type ?? 1)],
      [Tag.PATH, Buffer.concat(siblings)],
      [Tag.SREP, response],
      [Tag.CERT, certificate],
      [Tag.INDX, encodeU32((index ^ indexFlip) >>> 0)],
    ];
    if (forgery.extra !== undefined) fields.push(forgery.extra);
    fields.sort(([a], [b]) => a - b);
    return encodePacket(encodeMessage(fields.filter(([tag]) => tag !== forgery.without)));
  }
}

function signed(kind: 'delegation' | 'response', bytes: Uint8Array, key: KeyObject): Uint8Array {
  return sign(null, Buffer.concat([Buffer.from(`RoughTime v1 ${kind} signature\0`), bytes]), key);
}

function rawKey(key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}
