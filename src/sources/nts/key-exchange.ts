/**
 * One NTS key exchange over TLS 1.3 on Node (RFC 8915 section 4): who the server is, which keys
 * the session has, and the cookies to begin with.
 *
 * The server is checked as a browser checks it: the certificate must be valid now, lead to a
 * trusted root, and name the host that the user configured. Nothing switches this off. A private
 * root is trusted with `ca`.
 *
 * Three things are checked here because Node does not:
 * - A server that knows nothing of NTS may accept the connection and ignore the protocol that we
 *   ask for (ALPN). Node then reports `false` and goes on.
 * - What comes is bounded by `records.ts`, and the whole exchange by
 *   {@link KEY_EXCHANGE_TIMEOUT_MS}: a server may send without end, or never.
 * - `rejectUnauthorized` is said explicitly, because the environment variable
 *   `NODE_TLS_REJECT_UNAUTHORIZED` would otherwise switch verification off.
 *
 * The socket does not keep the process alive.
 */
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Clock } from '../../time/clock.ts';
import { describeCause } from '../cause.ts';
import type { NtpEndpoint, TransportFailure } from '../ntp/transport.ts';
import { failureOf, NEVER_SENT } from '../ntp/udp-transport.ts';
import { KEY_BYTES } from './protection.ts';
import {
  AES_SIV_CMAC_256,
  type Agreement,
  encodeRequest,
  judgeResponse,
  type MessageFault,
  RecordReader,
} from './records.ts';

/** A certificate, or several, in PEM. */
export type Certificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** How long a key exchange may take, connecting included. */
export const KEY_EXCHANGE_TIMEOUT_MS = 5000;
export const ALPN = 'ntske/1';
const EXPORTER = 'EXPORTER-network-time-security';

/** The keys of one session. */
export interface SessionKeys {
  /** Client to server. */
  readonly toServer: Uint8Array;
  /** Server to client. */
  readonly toClient: Uint8Array;
}

/** Why there are no keys. */
export type KeyExchangeFailure =
  | TransportFailure
  | MessageFault
  /** No complete answer came in time. */
  | 'key-exchange-timeout'
  /** The server ended the connection before its answer was complete. */
  | 'key-exchange-closed'
  /** The certificate is past its date. */
  | 'certificate-expired'
  /** The certificate's first day has not come, or the wall clock of this machine is wrong. */
  | 'certificate-not-yet-valid'
  /** The certificate is for another name. */
  | 'certificate-name'
  /** The certificate does not lead to a trusted root. */
  | 'certificate-untrusted'
  /** There is no TLS 1.3 session for another reason. */
  | 'tls'
  /** The server speaks TLS but not `ntske/1`. */
  | 'alpn';

export interface KeyExchangeRequest {
  /** The TCP port of the server. */
  readonly endpoint: NtpEndpoint;
  /** The name or address that the certificate must be for. */
  readonly host: string;
  /** Trusted roots, instead of those of Node. */
  readonly ca: Certificates | undefined;
  readonly clock: Clock;
  /** Gives up. The outcome then does not matter. */
  readonly signal: AbortSignal;
}

export type KeyExchangeOutcome =
  | { readonly agreement: Agreement; readonly keys: SessionKeys }
  | {
      readonly failure: KeyExchangeFailure;
      readonly cause?: string | undefined;
      /** Whether the server accepted the connection, so that the attempt cost it something. */
      readonly reached: boolean;
      /** `false` when certainly nothing left this machine. */
      readonly sent: boolean;
    };

/** Does one key exchange. Never rejects. */
export type ExchangeKeys = (request: KeyExchangeRequest) => Promise<KeyExchangeOutcome>;

export const exchangeKeys: ExchangeKeys = (request) =>
  new Promise((resolve) => {
    const { endpoint, host, ca, clock, signal } = request;
    const reader = new RecordReader();
    let socket: TLSSocket | undefined;
    let reached = false;
    let over = false;
    const finish = (outcome: KeyExchangeOutcome): void => {
      if (over) return;
      over = true;
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      socket?.destroy();
      resolve(outcome);
    };
    const fail = (failure: KeyExchangeFailure, cause?: string, sent = true): void =>
      finish({ failure, cause, reached, sent });
    const failSystem = (error: unknown): void => {
      const cause = describeCause(error);
      const failure = reached ? tlsFailureOf(cause) : connectFailureOf(cause);
      fail(failure, cause, reached || !NEVER_SENT.has(cause));
    };
    const onAbort = (): void => fail('local-error', 'given up');
    const cancelTimer = clock.setTimer(
      KEY_EXCHANGE_TIMEOUT_MS,
      () => fail('key-exchange-timeout'),
      { background: true },
    );
    signal.addEventListener('abort', onAbort);

    const onSecure = (secured: TLSSocket): void => {
      if (!secured.authorized) fail('certificate-untrusted', String(secured.authorizationError));
      else if (secured.alpnProtocol !== ALPN) fail('alpn', String(secured.alpnProtocol));
      else secured.write(encodeRequest());
    };
    const onData = (secured: TLSSocket, piece: Uint8Array): void => {
      if (over) return;
      const records = reader.push(piece);
      if (records === undefined) return;
      const agreement = typeof records === 'string' ? records : judgeResponse(records);
      if (typeof agreement === 'string') fail(agreement);
      else finish({ agreement, keys: exportKeys(secured) });
    };
    /** Node reports what a listener throws to nobody but the process. */
    const guarded = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        fail('local-error', describeCause(error));
      }
    };
    try {
      const secured = connect(connection(endpoint, host, ca));
      socket = secured;
      secured.unref();
      secured.on('connect', () => {
        reached = true;
      });
      secured.on('secureConnect', () => guarded(() => onSecure(secured)));
      secured.on('data', (piece: Uint8Array) => guarded(() => onData(secured, piece)));
      secured.on('error', failSystem);
      secured.on('close', () => fail('key-exchange-closed'));
    } catch (error) {
      fail('local-error', describeCause(error), false);
    }
  });

function connection(
  { address, port }: NtpEndpoint,
  host: string,
  ca: Certificates | undefined,
): ConnectionOptions {
  // A name with a final dot is the same name, but no certificate is written that way.
  const name = host.replace(/\.$/, '');
  return {
    host: address,
    port,
    ALPNProtocols: [ALPN],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    // An address is never sent as a name. Node then checks the certificate for the address.
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca: [ca].flat().map(asBuffer) }),
  };
}

function asBuffer(certificate: string | Uint8Array): string | Buffer {
  return typeof certificate === 'string' ? certificate : Buffer.from(certificate);
}

/** The keys of the session on `socket`; the same on both sides. */
export function exportKeys(socket: TLSSocket): SessionKeys {
  const key = (direction: 0 | 1): Uint8Array => {
    const context = Buffer.from([0, 0, 0, AES_SIV_CMAC_256, direction]);
    return Uint8Array.from(socket.exportKeyingMaterial(KEY_BYTES, EXPORTER, context));
  };
  return { toServer: key(0), toClient: key(1) };
}

/** A connection was refused by the network, by the other side, or by this machine. */
function connectFailureOf(code: string): KeyExchangeFailure {
  return code === 'ECONNRESET' || code === 'ETIMEDOUT' ? 'unreachable' : failureOf(code);
}

function tlsFailureOf(code: string): KeyExchangeFailure {
  const known = TLS_FAILURES.get(code);
  if (known !== undefined) return known;
  // OpenSSL's codes for a chain that cannot be verified. Codes of other kinds begin with ERR_.
  return /^(?!ERR_).*(CERT|ISSUER|SIGNATURE|CRL|_CA)/.test(code) ? 'certificate-untrusted' : 'tls';
}

const TLS_FAILURES: ReadonlyMap<string, KeyExchangeFailure> = new Map([
  ['CERT_HAS_EXPIRED', 'certificate-expired'],
  ['CERT_NOT_YET_VALID', 'certificate-not-yet-valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-name'],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'alpn'],
  ['ECONNRESET', 'key-exchange-closed'],
] as const);
