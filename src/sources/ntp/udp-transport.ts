/**
 * NTP exchanges over UDP on Node.
 *
 * Each exchange has a fresh socket, so each has a source port of its own, chosen by the kernel (RFC
 * 9109). A forger off the path must then guess the port as well as the nonce. The socket is
 * connected, so the kernel drops datagrams from any other address or port, and reports an
 * unreachable port at once. It is unreferenced: an exchange does not keep a process alive.
 *
 * With `anySender` the socket is not connected and hears everyone. A datagram from another address
 * is never accepted. If it holds our nonce, the server answered from another of its addresses (or
 * someone on the path did), and the failure says so.
 *
 * Node's sockets fail in three ways: by an event, by the callback of `send`, and by throwing from
 * any call. All three end in `failSystem`.
 *
 * The order of lines is the guarantee. Everything slow (creating, binding, connecting) comes before
 * `sentAt` is read, and `send` on a connected socket enters the kernel in the same call.
 * `receivedAt` is read in the first statement of the handler. A pause anywhere only makes the
 * sample wider.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { checkObject } from '../../time/errors.ts';
import type { MonotonicNs } from '../../time/instant.ts';
import { describeCause } from '../cause.ts';
import { canonicalAddress } from './address.ts';
import { HEADER_BYTES } from './packet.ts';
import {
  type FailureDetails,
  MAX_IGNORED_DATAGRAMS,
  type NtpEndpoint,
  type NtpExchange,
  type NtpTransport,
  type TransportFailure,
} from './transport.ts';
import { udpSocket } from './udp-socket.ts';

/** Options of {@link udpTransport}. */
export interface UdpTransportOptions {
  /** Whether an exchange under way keeps the process alive. Default `false`. */
  readonly keepAlive?: boolean | undefined;
}

/** A transport over UDP sockets. It holds nothing between exchanges. */
export function udpTransport(options: UdpTransportOptions = {}): NtpTransport {
  const background = checkObject('options', options).keepAlive !== true;
  return { exchange: (exchange) => exchangeOverUdp(exchange, background) };
}

function exchangeOverUdp(exchange: NtpExchange, background: boolean): () => void {
  const { clock, endpoint, request, anySender = false } = exchange;
  const { address, port } = endpoint;
  let socket: Socket | undefined;
  let over = false;
  let ignored = 0;
  let sentAt: MonotonicNs | undefined;

  const close = (): void => {
    over = true;
    cancelTimer();
    try {
      socket?.close();
    } catch {
      // The socket never opened, or it closed itself.
    }
  };
  const fail = (failure: TransportFailure, details?: FailureDetails): void => {
    if (over) return;
    close();
    exchange.onFailure(failure, details);
  };
  const failSystem = (error: unknown): void => {
    const cause = describeCause(error);
    // Once a request was sent, an error usually reports what the network said to it.
    const sent = sentAt !== undefined && !NEVER_SENT.has(cause);
    fail(failureOf(cause), { sent, cause });
  };
  const cancelTimer = clock.setTimer(exchange.timeoutMs, () => fail('timeout'), { background });

  const onMessage = (datagram: Uint8Array, from: RemoteInfo, receivedAt: MonotonicNs): void => {
    if (over || sentAt === undefined) return;
    const elsewhere = anySender && !isFrom(from, endpoint);
    if (elsewhere && answers(datagram, request)) {
      fail('other-sender', { cause: `${from.address} port ${from.port}` });
    } else if (!elsewhere && exchange.onDatagram(datagram, sentAt, receivedAt)) {
      // The callback may have cancelled this exchange.
      if (!over) close();
    } else if (++ignored >= MAX_IGNORED_DATAGRAMS) fail('flood');
  };
  const send = (): void => {
    if (over) return;
    const done = (error: Error | null): void => {
      if (error) failSystem(error);
    };
    sentAt = clock.monotonicNs();
    try {
      if (anySender) socket?.send(request, port, address, done);
      else socket?.send(request, done);
    } catch (error) {
      failSystem(error);
    }
  };
  const open = (): void => {
    socket = udpSocket(address);
    if (background) socket.unref();
    socket.on('message', (datagram, from) => onMessage(datagram, from, clock.monotonicNs()));
    socket.on('error', failSystem);
    socket.on(anySender ? 'listening' : 'connect', send);
    if (anySender) socket.bind();
    else socket.connect(port, address);
  };
  try {
    open();
  } catch (error) {
    // Not at once: no outcome may come before `exchange` has returned.
    const cancelTurn = clock.nextTurn(() => failSystem(error));
    return () => {
      cancelTurn();
      if (!over) close();
    };
  }
  return () => {
    if (!over) close();
  };
}

/** The failure that one of the system's codes means. */
export function failureOf(code: string): TransportFailure {
  return FAILURES.get(code) ?? 'local-error';
}

const FAILURES: ReadonlyMap<string, TransportFailure> = new Map([
  ['ECONNREFUSED', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['ENETDOWN', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EAFNOSUPPORT', 'unreachable'],
  ['EMFILE', 'out-of-descriptors'],
  ['ENFILE', 'out-of-descriptors'],
] as const);

/** Codes that say that no interface took the datagram, so nothing was sent. */
export const NEVER_SENT: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EMFILE',
  'ENFILE',
]);

/**
 * Whether `datagram` returns the 64 random bits of `request`, which nobody can know who has not
 * seen the request.
 */
function answers(datagram: Uint8Array, request: Uint8Array): boolean {
  if (datagram.length < HEADER_BYTES) return false;
  for (let i = 0; i < 8; i++) if (datagram[24 + i] !== request[40 + i]) return false;
  return true;
}

function isFrom(from: RemoteInfo, { address, port }: NtpEndpoint): boolean {
  // The zone of a link-local address may be spelled differently; the addresses themselves are
  // canonical.
  const bare = (text: string): string | undefined => canonicalAddress(text)?.replace(/%.*/, '');
  return from.port === port && bare(from.address) === bare(address);
}
