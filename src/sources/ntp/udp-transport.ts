/**
 * NTP exchanges over UDP on Node.
 *
 * A fresh socket per exchange gives each one a source port of its own, chosen by the kernel (RFC 9109),
 * so a forger off the path must guess the port as well as the nonce. It is connected, so the kernel drops
 * what does not come from the server's address and port, and reports an unreachable port at once. It is
 * unreferenced: an exchange does not keep a process alive.
 *
 * The order of lines is the guarantee: everything slow (creating, binding, connecting) comes before
 * `sentAt` is read, and `send` on a connected socket enters the kernel in the same call; `receivedAt` is
 * the first statement of the handler. A pause anywhere only widens the sample.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { MonotonicNs } from '../../time/instant.ts';
import {
  MAX_IGNORED_DATAGRAMS,
  type NtpExchange,
  type NtpTransport,
  type TransportFailure,
} from './transport.ts';

export interface UdpTransportOptions {
  /** Whether an exchange under way keeps the process alive. Default `false`. */
  readonly keepAlive?: boolean;
}

/** A transport over UDP sockets. It holds nothing between exchanges. */
export function udpTransport(options: UdpTransportOptions = {}): NtpTransport {
  const background = options.keepAlive !== true;
  return { exchange: (exchange) => exchangeOverUdp(exchange, background) };
}

function exchangeOverUdp(exchange: NtpExchange, background: boolean): () => void {
  const { clock, endpoint, request } = exchange;
  const socket: Socket = createSocket(endpoint.address.includes(':') ? 'udp6' : 'udp4');
  if (background) socket.unref();
  let over = false;
  let ignored = 0;
  let sentAt: MonotonicNs | undefined;

  const close = (): void => {
    over = true;
    cancelTimer();
    socket.close();
  };
  const fail = (failure: TransportFailure): void => {
    if (over) return;
    close();
    exchange.onFailure(failure);
  };
  const cancelTimer = clock.setTimer(exchange.timeoutMs, () => fail('timeout'), { background });

  socket.on('message', (datagram) => {
    const receivedAt = clock.monotonicNs();
    if (over || sentAt === undefined) return;
    if (exchange.onDatagram(datagram, sentAt, receivedAt)) {
      // The callback may have cancelled us.
      if (!over) close();
    } else if (++ignored >= MAX_IGNORED_DATAGRAMS) fail('flood');
  });
  // After `connect`, a refused port (ICMP) arrives here; so does a host without a route, or without IPv6.
  socket.on('error', () => fail('unreachable'));
  socket.on('connect', () => {
    if (over) return;
    sentAt = clock.monotonicNs();
    socket.send(request, (error) => {
      if (error) fail('unreachable');
    });
  });
  socket.connect(endpoint.port, endpoint.address);
  return () => {
    if (!over) close();
  };
}
