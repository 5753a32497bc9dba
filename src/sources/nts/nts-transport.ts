/**
 * Authenticated exchanges with one server: a transport that puts the requests of NTP under Network
 * Time Security (RFC 8915), and hands on only replies that it has authenticated.
 *
 * So everything above it (when to poll, which address to ask, what a reply proves) is the same code
 * as for plain NTP, and everything below it (sockets and stamps) as well. The request is sealed
 * before the transport below reads `sentAt`, and a reply is opened after it read `receivedAt`. Thus
 * cryptography never makes a stamp late. It only delays what is done with them.
 *
 * **The session.** Before the first request there is a key exchange (`key-exchange.ts`). It yields
 * keys, eight cookies, and the NTP server to ask. Then each request spends a cookie and each reply
 * brings another, for weeks. The session ends in two ways:
 * - No cookie is left: eight requests in a row were not answered.
 * - The server says that it cannot open our cookie (NTSN): it has forgotten its keys. Anybody on
 *   the path can say the same, so it is only *noted*, and the exchange goes on. Only when the
 *   exchange ends without an authenticated reply does the session end.
 *
 * **How often keys are exchanged.** A key exchange costs a server a hundred times what an NTP
 * request costs, and a forger can make each of them useless. So after each attempt the next one
 * waits, until a reply was authenticated:
 *
 * | the attempt                                | pause  | doubling up to           |
 * |--------------------------------------------|--------|--------------------------|
 * | sent nothing: no route, no descriptor      | none   |                          |
 * | did not connect                            | 16 s   | 256 s; 16 s in need      |
 * | connected, whatever came of it             | 1024 s | 2^19 s, about six days   |
 *
 * "In need" means that the clock has no bound: to try again costs a server nothing that was not
 * reached, and the network may be back. During a pause each poll is reported as a miss, with the
 * reason for the pause, and nothing is sent.
 *
 * One event ends a pause: a certificate was refused for its dates, and since then the wall clock
 * was set. So a device that starts in 1970 gets its keys as soon as something has set its clock.
 */
import type { SourceSink } from '../../bounded-clock/time-source.ts';
import { describeCause } from '../cause.ts';
import { canonicalAddress } from '../ntp/address.ts';
import type { NtpResolver } from '../ntp/resolution.ts';
import type {
  FailureDetails,
  NtpEndpoint,
  NtpExchange,
  NtpTransport,
  TransportFailure,
} from '../ntp/transport.ts';
import { Cookies } from './cookies.ts';
import type { Certificates, ExchangeKeys, SessionKeys } from './key-exchange.ts';
import {
  type Aead,
  NONCE_BYTES,
  openReply,
  type ReplyFault,
  sealRequest,
  UNIQUE_ID_BYTES,
} from './protection.ts';
import type { Agreement } from './records.ts';

/** Failures for which the wall clock may be to blame. */
const DATE_FAILURES: ReadonlySet<string> = new Set([
  'certificate-expired',
  'certificate-not-yet-valid',
]);
/** The wall clock was set when it moved by more than this against the monotonic clock. */
const CLOCK_SET_NS = 3_600_000_000_000n;
/** The pause after an attempt that did not connect, and its limits. */
const CONNECT_PAUSE_MS = 16_000;
const MAX_CONNECT_PAUSE_MS = 256_000;
/** The pause after an attempt that connected, and its limit. */
const REACHED_PAUSE_MS = 1_024_000;
const MAX_REACHED_PAUSE_MS = 524_288_000;

export interface NtsTransportSettings {
  readonly sink: SourceSink;
  /** The server of the key exchange. */
  readonly endpoint: NtpEndpoint;
  /** The name or address that its certificate must be for. */
  readonly host: string;
  readonly ca: Certificates | undefined;
  readonly exchangeKeys: ExchangeKeys;
  readonly aead: Promise<Aead>;
  /** Resolves the name of the NTP server, where the key exchange gives one. */
  readonly resolve: NtpResolver;
  /** Carries the sealed requests. */
  readonly transport: NtpTransport;
}

interface Session {
  readonly agreement: Agreement;
  readonly keys: SessionKeys;
  readonly cookies: Cookies;
  /** The NTP server; `undefined` until its name is resolved. */
  endpoint: NtpEndpoint | undefined;
}

/** A session that can be used now. */
interface Ready {
  readonly endpoint: NtpEndpoint;
  readonly keys: SessionKeys;
  readonly cookies: Cookies;
}

interface Refusal {
  readonly failure: TransportFailure;
  readonly details: FailureDetails;
}

type Pause = 'connect' | 'reached';

export class NtsTransport implements NtpTransport {
  readonly #settings: NtsTransportSettings;
  #session: Session | undefined;
  /** The kind of the last pause, and its length; `undefined` since a reply was authenticated. */
  #pause: { readonly kind: Pause; readonly ms: number } | undefined;
  /** No key exchange before this monotonic reading. */
  #notBefore: bigint = 0n;
  /** Wall minus monotonic clock at a refusal for dates; `undefined` without one. */
  #dateOffsetNs: bigint | undefined;
  /** Why there is no session, for the polls during a pause. */
  #refusal: Refusal = { failure: 'out-of-cookies', details: {} };

  constructor(settings: NtsTransportSettings) {
    this.#settings = settings;
  }

  exchange(exchange: NtpExchange): () => void {
    const abort = new AbortController();
    let cancelExchange: (() => void) | undefined;
    const run = async (): Promise<void> => {
      const aead = await this.#settings.aead;
      const session = await this.#ready(abort.signal);
      if (abort.signal.aborted) return;
      if ('failure' in session) exchange.onFailure(session.failure, session.details);
      else cancelExchange = this.#send(aead, session, exchange);
    };
    run().catch((error: unknown) => {
      if (abort.signal.aborted) return;
      exchange.onFailure('local-error', { sent: false, cause: describeCause(error) });
    });
    return () => {
      abort.abort();
      cancelExchange?.();
    };
  }

  /** A session with a cookie and an address to ask, or why there is none. */
  async #ready(signal: AbortSignal): Promise<Ready | Refusal> {
    const session = await this.#sessionWithCookie(signal);
    if ('failure' in session) return session;
    const { agreement, keys, cookies } = session;
    const endpoint = session.endpoint ?? (await this.#ntpServer(agreement));
    if (typeof endpoint === 'string') {
      return { failure: 'unresolved', details: { sent: false, cause: endpoint } };
    }
    session.endpoint = endpoint;
    return { endpoint, keys, cookies };
  }

  async #sessionWithCookie(signal: AbortSignal): Promise<Session | Refusal> {
    if (this.#session?.cookies.count === 0) this.#end({ failure: 'out-of-cookies', details: {} });
    if (this.#session !== undefined) return this.#session;
    const { sink, endpoint, host, ca, exchangeKeys } = this.#settings;
    if (sink.clock.monotonicNs() < this.#notBefore && !this.#clockWasSet()) {
      const { failure, details } = this.#refusal;
      return { failure, details: { ...details, sent: false } };
    }
    const outcome = await exchangeKeys({ endpoint, host, ca, clock: sink.clock, signal });
    if (signal.aborted) return this.#refusal;
    if ('failure' in outcome) {
      const { failure, cause, sent, reached } = outcome;
      if (sent) this.#backOff(reached ? 'reached' : 'connect');
      this.#dateOffsetNs = DATE_FAILURES.has(failure) ? this.#wallOffsetNs() : undefined;
      return this.#end({ failure, details: { cause, sent } });
    }
    this.#backOff('reached');
    const { agreement, keys } = outcome;
    const cookies = new Cookies(agreement.cookies);
    this.#session = { agreement, keys, cookies, endpoint: undefined };
    return this.#session;
  }

  /** The NTP server to ask; a text says why there is none. */
  async #ntpServer({ server, port }: Agreement): Promise<NtpEndpoint | string> {
    const { endpoint, resolve } = this.#settings;
    if (server === undefined) return { address: endpoint.address, port };
    const given = canonicalAddress(server);
    if (given !== undefined) return { address: given, port };
    try {
      // The final dot makes the name complete: no search domain of this machine is appended.
      const answer: unknown = await resolve(server.endsWith('.') ? server : `${server}.`);
      const first: unknown = Array.isArray(answer) ? answer[0] : undefined;
      const address = typeof first === 'string' ? canonicalAddress(first) : undefined;
      return address === undefined ? `${server} has no address` : { address, port };
    } catch (error) {
      return `${server}: ${describeCause(error)}`;
    }
  }

  #send(aead: Aead, session: Ready, exchange: NtpExchange): () => void {
    const { keys, cookies, endpoint } = session;
    const spent = cookies.take();
    if (spent === undefined) throw new Error('a session that is ready has a cookie');
    const uniqueId = randomBytes(UNIQUE_ID_BYTES);
    const request = sealRequest(aead, {
      header: exchange.request,
      uniqueId,
      ...spent,
      key: keys.toServer,
      nonce: randomBytes(NONCE_BYTES),
    });
    let fault: ReplyFault | undefined;
    let authenticated = false;
    return this.#settings.transport.exchange({
      ...exchange,
      endpoint,
      request,
      // What comes from another address would end the exchange, and it is not authenticated.
      anySender: false,
      onDatagram: (datagram, sentAt, receivedAt) => {
        const reply = openReply(aead, datagram, { uniqueId, key: keys.toClient });
        if (typeof reply === 'string') {
          // A note of a NAK outlasts other noise.
          if (fault !== 'nts-nak') fault = reply;
          return false;
        }
        authenticated = true;
        this.#pause = undefined;
        this.#notBefore = 0n;
        for (const cookie of reply.cookies) cookies.add(cookie);
        return exchange.onDatagram(reply.header, sentAt, receivedAt);
      },
      onFailure: (failure, details) => {
        if (fault === 'nts-nak' && !authenticated) this.#end({ failure: fault, details: {} });
        // What was wrong with the datagrams that came tells more than "timeout".
        exchange.onFailure(failure === 'timeout' ? (fault ?? failure) : failure, details);
      },
    });
  }

  /** Ends the session. The next exchange begins with a key exchange, unless there is a pause. */
  #end(refusal: Refusal): Refusal {
    this.#session = undefined;
    this.#refusal = refusal;
    return refusal;
  }

  /** Whether a certificate was refused for its dates, and the wall clock was set since then. */
  #clockWasSet(): boolean {
    if (this.#dateOffsetNs === undefined) return false;
    const movedNs = this.#wallOffsetNs() - this.#dateOffsetNs;
    return movedNs > CLOCK_SET_NS || movedNs < -CLOCK_SET_NS;
  }

  #wallOffsetNs(): bigint {
    const { clock } = this.#settings.sink;
    return clock.wallReadNs() - clock.monotonicNs();
  }

  #backOff(kind: Pause): void {
    const { sink } = this.#settings;
    const [first, most] =
      kind === 'reached'
        ? [REACHED_PAUSE_MS, MAX_REACHED_PAUSE_MS]
        : [CONNECT_PAUSE_MS, sink.bounded === false ? CONNECT_PAUSE_MS : MAX_CONNECT_PAUSE_MS];
    const ms = this.#pause?.kind === kind ? Math.min(this.#pause.ms * 2, most) : first;
    this.#pause = { kind, ms };
    this.#notBefore = sink.clock.monotonicNs() + BigInt(ms) * 1_000_000n;
  }
}

function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}
