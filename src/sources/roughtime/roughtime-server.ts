/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A Roughtime server on a loopback UDP socket, for demonstrations and tests. Its time is that of
 * the clock it is given, and it can be told to lie.
 *
 * Requests that arrive in one turn of the event loop are signed together: their hashes are the
 * leaves of one tree, and one signature covers its root. It binds to loopback addresses only,
 * because a server that lies on purpose must not be on a network.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Socket } from 'node:dgram';
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { canonicalAddress, isLoopback } from '../ntp/address.ts';
import { listenOn } from '../ntp/udp-socket.ts';
import {
  encodeMessage,
  encodePacket,
  encodeU32,
  encodeU64,
  HEADER_BYTES,
  parsePacket,
  Tag,
  u32,
} from './message.ts';
import {
  DELEGATION_CONTEXT,
  HASH_BYTES,
  leafOf,
  NONCE_BYTES,
  nodeOf,
  REQUEST_BYTES,
  RESPONSE_CONTEXT,
  serverIdOf,
  VERSIONS,
} from './verify.ts';

/** How a server behaves. Each absent field is as an honest server has it. */
export interface RoughtimeServerBehaviour {
  /** Its time is off by this much, ms; positive is ahead. Default 0. */
  readonly offsetMs?: number | undefined;
  /** The radius that it signs, 1 to 86,400 s. Default 1. */
  readonly radiusS?: number | undefined;
  /** When true, it does not answer. Default `false`. */
  readonly silent?: boolean | undefined;
  /** When true, it signs nothing but sends wrong signatures, as grease. Default `false`. */
  readonly grease?: boolean | undefined;
}

/** Options of {@link RoughtimeServer}. */
export interface RoughtimeServerOptions {
  /** The loopback address to bind to. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** The port to bind to. Default 0: any free port. */
  readonly port?: number | undefined;
  /** The clock whose `wallNs` it serves. */
  readonly clock: Clock;
  /** How the server behaves. Default `{}`: honest. */
  readonly behaviour?: RoughtimeServerBehaviour | undefined;
}

const NAMES: Readonly<Record<keyof RoughtimeServerOptions, true>> = {
  host: true,
  port: true,
  clock: true,
  behaviour: true,
};
const BEHAVIOUR: Readonly<Record<keyof RoughtimeServerBehaviour, true>> = {
  offsetMs: true,
  radiusS: true,
  silent: true,
  grease: true,
};
/** The most requests that one signature covers. */
export const MAX_BATCH = 64;
/** The certificate is valid for all times, because tests choose the time. */
const FIRST_SECOND = 0n;
const LAST_SECOND = 2n ** 64n - 1n;

/** A server's keys: the long-term one, which clients know, and the one that signs replies. */
export class RoughtimeKeys {
  /** The 32 bytes of the long-term key. */
  readonly publicKey: Uint8Array;
  readonly #certificate: Uint8Array;
  readonly #signing: KeyObject;

  constructor(validity: { readonly firstS?: bigint; readonly lastS?: bigint } = {}) {
    const { firstS = FIRST_SECOND, lastS = LAST_SECOND } = validity;
    const longTerm = generateKeyPairSync('ed25519');
    const delegated = generateKeyPairSync('ed25519');
    this.publicKey = rawKey(longTerm.publicKey);
    this.#signing = delegated.privateKey;
    const delegation = encodeMessage([
      [Tag.PUBK, rawKey(delegated.publicKey)],
      [Tag.MINT, encodeU64(firstS)],
      [Tag.MAXT, encodeU64(lastS)],
    ]);
    this.#certificate = encodeMessage([
      [Tag.SIG, signed(DELEGATION_CONTEXT, delegation, longTerm.privateKey)],
      [Tag.DELE, delegation],
    ]);
  }

  /** The replies to `requests`, all covered by one signature over this time. */
  answer(
    requests: readonly ServerRequest[],
    time: { readonly midpointS: bigint; readonly radiusS: number },
  ): Uint8Array[] {
    const [first] = requests;
    if (first === undefined) return [];
    const levels = treeOver(requests.map(({ packet }) => leafOf(packet)));
    const response = encodeMessage([
      [Tag.VER, encodeU32(first.version)],
      [Tag.RADI, encodeU32(time.radiusS)],
      [Tag.MIDP, encodeU64(time.midpointS)],
      [Tag.VERS, encodeU32(...VERSIONS)],
      [Tag.ROOT, levels.at(-1)![0]!],
    ]);
    const signature = signed(RESPONSE_CONTEXT, response, this.#signing);
    return requests.map(({ nonce }, index) =>
      encodePacket(
        encodeMessage([
          [Tag.SIG, signature],
          [Tag.NONC, nonce],
          [Tag.TYPE, encodeU32(1)],
          [Tag.PATH, pathOf(levels, index)],
          [Tag.SREP, response],
          [Tag.CERT, this.#certificate],
          [Tag.INDX, encodeU32(index)],
        ]),
      ),
    );
  }
}

/** A request that a server may answer. */
export interface ServerRequest {
  readonly packet: Uint8Array;
  readonly nonce: Uint8Array;
  /** The version to answer in. */
  readonly version: number;
}

/** The request in a datagram; `undefined` when the server with this key must not answer it. */
export function readRequest(packet: Uint8Array, publicKey: Uint8Array): ServerRequest | undefined {
  // Less would let a forged sender address direct more bytes at somebody than were sent.
  if (packet.length < HEADER_BYTES + REQUEST_BYTES) return undefined;
  const message = parsePacket(packet);
  const nonce = message?.get(Tag.NONC);
  const type = message?.get(Tag.TYPE);
  const offered = message?.get(Tag.VER);
  const server = message?.get(Tag.SRV);
  if (nonce?.length !== NONCE_BYTES || type?.length !== 4 || u32(type, 0) !== 0) return undefined;
  if (server && Buffer.compare(server, serverIdOf(publicKey)) !== 0) return undefined;
  for (let at = 0; offered && at < offered.length; at += 4) {
    const version = u32(offered, at);
    if (VERSIONS.includes(version)) return { packet, nonce, version };
  }
  return undefined;
}

/** The levels of the tree over `leaves`, from the leaves to the root. */
function treeOver(leaves: readonly Uint8Array[]): Uint8Array[][] {
  const levels: Uint8Array[][] = [[...leaves]];
  for (let level = levels[0]!; level.length > 1; ) {
    // A level with an odd number of nodes is filled up, so that every leaf has the same depth.
    if (level.length % 2 === 1) level.push(new Uint8Array(HASH_BYTES));
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) above.push(nodeOf(level[i]!, level[i + 1]!));
    levels.push(above);
    level = above;
  }
  return levels;
}

/** The siblings on the way from a leaf to the root. */
function pathOf(levels: readonly (readonly Uint8Array[])[], index: number): Uint8Array {
  return Buffer.concat(levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1]!));
}

function signed(context: Uint8Array, bytes: Uint8Array, key: KeyObject): Uint8Array {
  return sign(null, Buffer.concat([context, bytes]), key);
}

/** The 32 bytes at the end of the encoding. */
function rawKey(key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}

/**
 * A Roughtime server on loopback. It runs until it is stopped, and keeps the process alive until
 * then. It has new keys each time.
 *
 * @example
 * const server = await RoughtimeServer.start({ clock: systemClock() });
 * const { address, port, publicKey } = server;
 * const witness = roughtime(address, { port, publicKey });
 * await server.stop();
 */
export class RoughtimeServer implements AsyncDisposable {
  /** The IP address that it listens on. */
  readonly address: string;
  /** The UDP port that it listens on. */
  readonly port: number;
  readonly #keys = new RoughtimeKeys();
  readonly #socket: Socket;
  readonly #clock: Clock;
  #behaviour: RoughtimeServerBehaviour;
  #waiting: { readonly request: ServerRequest; reply(bytes: Uint8Array): void }[] = [];
  #received = 0;
  #answered = 0;
  #stopped = false;

  private constructor(socket: Socket, clock: Clock, behaviour: RoughtimeServerBehaviour) {
    if (!(socket instanceof Socket)) {
      throw new ArgumentTypeError('socket', 'made by RoughtimeServer.start()', socket);
    }
    this.#socket = socket;
    this.#clock = clock;
    this.#behaviour = behaviour;
    ({ address: this.address, port: this.port } = socket.address());
    socket.on('message', (packet, from) => {
      this.#received++;
      const request = readRequest(packet, this.#keys.publicKey);
      if (request !== undefined) this.#onRequest(request, from.port, from.address);
    });
    // An answer to a client that has gone comes back as an ICMP error, which concerns no one.
    socket.on('error', () => {});
  }

  /**
   * Starts a server on a free port of 127.0.0.1, or where the options say.
   *
   * @throws ArgumentTypeError, ArgumentRangeError on bad options, a host that is not loopback among
   *   them; rejects with the system's error when the address cannot be bound
   */
  static async start(options: RoughtimeServerOptions): Promise<RoughtimeServer> {
    const {
      host = '127.0.0.1',
      port = 0,
      clock,
      behaviour = {},
    } = checkOptionNames(options, NAMES);
    const address = canonicalAddress(host);
    if (address === undefined || !isLoopback(address)) {
      throw new ArgumentRangeError('host', 'a loopback address', host);
    }
    if (!Number.isInteger(checkNumber('port', port, 0, 65_535))) {
      throw new ArgumentRangeError('port', 'a whole number', port);
    }
    if (typeof (clock as Partial<Clock> | undefined)?.wallNs !== 'function') {
      throw new ArgumentTypeError('clock', 'a Clock', clock);
    }
    checkBehaviour(behaviour);
    const socket = await listenOn(address, port);
    return new RoughtimeServer(socket, clock, behaviour);
  }

  /** Its long-term key in base64, for the option `publicKey` of {@link roughtime}. */
  get publicKey(): string {
    return Buffer.from(this.#keys.publicKey).toString('base64');
  }

  /** How many datagrams came. */
  get received(): number {
    return this.#received;
  }

  /** How many answers went out. */
  get answered(): number {
    return this.#answered;
  }

  /** How it behaves now. */
  get behaviour(): RoughtimeServerBehaviour {
    return this.#behaviour;
  }

  /** Replaces the whole behaviour from the next batch on; `{}` makes the server honest. */
  behave(behaviour: RoughtimeServerBehaviour): void {
    checkBehaviour(behaviour);
    this.#behaviour = behaviour;
  }

  /** Ends the server; requests that wait for their batch are dropped. May be called again. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#waiting = [];
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #onRequest(request: ServerRequest, port: number, address: string): void {
    const reply = (bytes: Uint8Array): void => {
      try {
        this.#socket.send(bytes, port, address, () => {});
        this.#answered++;
      } catch {
        // `send` throws for port 0, and a raw packet can come from there.
      }
    };
    this.#waiting.push({ request, reply });
    if (this.#waiting.length === 1) setImmediate(() => this.#answerWaiting());
    else if (this.#waiting.length === MAX_BATCH) this.#answerWaiting();
  }

  #answerWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const { offsetMs = 0, radiusS = 1, silent = false, grease = false } = this.#behaviour;
    if (silent || this.#stopped) return;
    // Rounded down to whole seconds: true time is at most a second later, which the radius covers.
    const timeMs = Math.floor(Number(this.#clock.wallNs() / 1_000_000n) + offsetMs);
    const time = { midpointS: BigInt(Math.floor(timeMs / 1000)), radiusS };
    // One batch per version, because a batch has one signed response.
    for (const version of VERSIONS) {
      const batch = waiting.filter(({ request }) => request.version === version);
      const replies = this.#keys.answer(
        batch.map(({ request }) => request),
        time,
      );
      replies.forEach((bytes, i) => {
        if (grease) bytes[GREASED_BYTE]! ^= 1;
        batch[i]!.reply(bytes);
      });
    }
  }
}

/** Within the signature, which is the first value behind the header, seven offsets and tags. */
const GREASED_BYTE = HEADER_BYTES + 8 * 7;

function checkBehaviour(behaviour: RoughtimeServerBehaviour): void {
  checkOptionNames(behaviour, BEHAVIOUR, 'behaviour');
  const { offsetMs = 0, radiusS = 1 } = behaviour;
  checkNumber('behaviour.offsetMs', offsetMs, -1e12, 1e12);
  if (!Number.isInteger(checkNumber('behaviour.radiusS', radiusS, 1, 86_400))) {
    throw new ArgumentRangeError('behaviour.radiusS', 'a whole number', radiusS);
  }
}
