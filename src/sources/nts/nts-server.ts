/// <reference lib="esnext.disposable" preserve="true" />
/**
 * An NTS server (RFC 8915): a key exchange over TLS, and the embedded NTP server, whose requests
 * and replies pass through a guard that opens and seals them. Like that one, it serves a bound, or
 * for demonstrations and tests, on loopback alone, the wall clock of a plain clock.
 *
 * Nothing that a client does costs it more than a known amount: a key exchange is 16 KiB and 5 s at
 * most, there are at most {@link MAX_CONNECTIONS} at a time, and a request is answered with at most
 * eight cookies.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { BoundedReader } from '../../bounded-clock/bounded-reader.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentTypeError } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import type { NtpServerBehaviour } from '../ntp/behaviour.ts';
import { NtpServer, type NtpServerOptions } from '../ntp/udp-server.ts';
import { ALPN, exportKeys, KEY_EXCHANGE_TIMEOUT_MS } from './key-exchange.ts';
import { loadAead } from './protection.ts';
import { acceptsRequest, encodeResponse, MAX_COOKIES, RecordReader } from './records.ts';
import { ServerGuard } from './server-guard.ts';

/** The most key exchanges at one time. */
const MAX_CONNECTIONS = 64;

/** Options of {@link NtsServer}. */
export interface NtsServerOptions extends NtpServerOptions {
  /** The TCP port of the key exchange. Default 0: any free port. */
  readonly port?: number | undefined;
  /** The UDP port of the NTP server. Default 0: any free port. */
  readonly ntpPort?: number | undefined;
  /** The private key, in PEM. */
  readonly key: string | Uint8Array;
  /** The certificate, in PEM, followed by those between it and the root. */
  readonly cert: string | Uint8Array;
}

const NAMES: Readonly<Record<keyof NtsServerOptions, true>> = {
  host: true,
  port: true,
  ntpPort: true,
  clock: true,
  stratum: true,
  rateLimit: true,
  behaviour: true,
  key: true,
  cert: true,
};

/**
 * An NTS server. It runs until it is stopped, and keeps the process alive until then.
 *
 * @example
 * const server = await NtsServer.start({ clock: systemClock(), key, cert });
 * const source = nts('localhost', { port: server.port, ca: cert });
 * await server.stop();
 */
export class NtsServer implements AsyncDisposable {
  /** The IP address that it listens on. */
  readonly address: string;
  /** The TCP port of the key exchange. */
  readonly port: number;
  /** The UDP port of the NTP server. */
  readonly ntpPort: number;
  #keyExchanges = 0;
  readonly #ntp: NtpServer;
  readonly #tls: Server;
  readonly #guard: ServerGuard;
  readonly #clock: Clock;
  readonly #connections = new Set<TLSSocket>();

  private constructor(ntp: NtpServer, tls: Server, guard: ServerGuard, clock: Clock) {
    if (!(ntp instanceof NtpServer)) {
      throw new ArgumentTypeError('ntp', 'made by NtsServer.start()', ntp);
    }
    this.#ntp = ntp;
    this.#tls = tls;
    this.#guard = guard;
    this.#clock = clock;
    this.address = ntp.address;
    this.ntpPort = ntp.port;
    this.port = (tls.address() as AddressInfo).port;
    tls.on('secureConnection', (socket) => this.#onConnection(socket));
    // A client that gave up, or that is not one. It concerns no one else.
    tls.on('tlsClientError', () => {});
    tls.on('error', () => {});
  }

  /**
   * Starts a server on free ports of 127.0.0.1, or where the options say.
   *
   * @throws ArgumentTypeError, ArgumentRangeError on bad options, a host that is not loopback among
   *   them; rejects with the system's error when an address cannot be bound, and with OpenSSL's
   *   when key and certificate are not such
   */
  static async start(options: NtsServerOptions): Promise<NtsServer> {
    const { port = 0, ntpPort, key, cert, ...others } = checkOptionNames(options, NAMES);
    checkPem('key', key);
    checkPem('cert', cert);
    const tls = createServer({
      key: Buffer.from(key),
      cert: Buffer.from(cert),
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN],
      handshakeTimeout: KEY_EXCHANGE_TIMEOUT_MS,
    });
    tls.maxConnections = MAX_CONNECTIONS;
    const guard = new ServerGuard(await loadAead(), randomBytes);
    const ntp = await NtpServer.start({ ...others, port: ntpPort }, (each) => guard.open(each));
    try {
      tls.listen(port, ntp.address);
      await once(tls, 'listening');
    } catch (error) {
      await ntp.stop();
      throw error;
    }
    const { clock } = others;
    const localClock = clock instanceof BoundedReader ? clock.localClock : clock;
    return new NtsServer(ntp, tls, guard, localClock);
  }

  /** How many key exchanges it completed. */
  get keyExchanges(): number {
    return this.#keyExchanges;
  }

  /** How many datagrams came. */
  get received(): number {
    return this.#ntp.received;
  }

  /** How many answers went out, those that refuse a request among them. */
  get answered(): number {
    return this.#ntp.answered;
  }

  /** How many requests were dropped, as {@link NtpServer.dropped} counts them. */
  get dropped(): number {
    return this.#ntp.dropped;
  }

  /** How many requests it could not open, and answered with NTSN. */
  get refused(): number {
    return this.#guard.refused;
  }

  /** How many requests came with a cookie that had been used before: 0 for a correct client. */
  get repeatedCookies(): number {
    return this.#guard.repeatedCookies;
  }

  /** How its NTP server behaves now. */
  get behaviour(): NtpServerBehaviour {
    return this.#ntp.behaviour;
  }

  /**
   * Replaces the whole behaviour from the next request on; `{}` makes the server honest.
   *
   * @throws as {@link NtpServer.behave}
   */
  behave(behaviour: NtpServerBehaviour): void {
    this.#ntp.behave(behaviour);
  }

  /** Forgets the key of its cookies: each client must exchange keys again. */
  rotateKeys(): void {
    this.#guard.rotateKeys();
  }

  /** Ends the server. May be called again. */
  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    const closed = this.#tls.listening ? once(this.#tls, 'close') : undefined;
    this.#tls.close();
    await Promise.all([closed, this.#ntp.stop()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #onConnection(socket: TLSSocket): void {
    const reader = new RecordReader();
    this.#connections.add(socket);
    const cancelTimer = this.#clock.setTimer(KEY_EXCHANGE_TIMEOUT_MS, () => socket.destroy());
    socket.on('close', () => {
      cancelTimer();
      this.#connections.delete(socket);
    });
    socket.on('error', () => {});
    socket.on('data', (piece: Uint8Array) => {
      const records = reader.push(piece);
      if (records === undefined) return;
      socket.removeAllListeners('data');
      if (typeof records === 'string' || !acceptsRequest(records) || socket.alpnProtocol !== ALPN) {
        socket.destroy();
        return;
      }
      const keys = exportKeys(socket);
      const cookies = Array.from({ length: MAX_COOKIES }, () => this.#guard.mint(keys));
      this.#keyExchanges++;
      socket.end(encodeResponse(this.ntpPort, cookies));
    });
  }
}

function checkPem(name: string, value: unknown): void {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new ArgumentTypeError(name, 'PEM: text or bytes', value);
  }
}
