/**
 * The NTP client's transport on a simulated network, so that the real polling, codec and accept
 * rules run unchanged. As over UDP, each exchange has a port of its own. The stamp before sending
 * is read last before the send, and the stamp on arrival first in the handler, which may run late.
 * In a process that is pre-empted, time passes between each of these.
 */

import {
  MAX_IGNORED_DATAGRAMS,
  type NtpExchange,
  type NtpTransport,
  type TransportFailure,
} from '../sources/ntp/transport.ts';
import { checkObject } from '../time/errors.ts';
import type { MonotonicNs } from '../time/instant.ts';
import { checkNetwork, checkText } from './checks.ts';
import type { SimAddress, SimNetwork } from './sim-network.ts';
import type { SimProcess } from './sim-process.ts';

/** Options of {@link simTransport}. */
export interface SimTransportOptions {
  /**
   * Whether to ignore datagrams that somebody on the way changed, as authentication (NTS) does. No
   * cryptography is simulated: the network knows what was changed. Default `false`.
   */
  readonly authenticated?: boolean | undefined;
}

/**
 * A transport for exchanges of `process` over `network`. The process's name is its host.
 *
 * @throws ArgumentTypeError when `network` is not a SimNetwork, or `process` has no name
 */
export function simTransport(
  network: SimNetwork,
  process: SimProcess,
  options: SimTransportOptions = {},
): NtpTransport {
  checkNetwork(network);
  checkText('process.name', process?.name);
  const { authenticated = false } = checkObject('options', options);
  return { exchange: (exchange) => runExchange(exchange, network, process, authenticated) };
}

function runExchange(
  exchange: NtpExchange,
  network: SimNetwork,
  process: SimProcess,
  authenticated: boolean,
): () => void {
  const { clock, endpoint, request } = exchange;
  const local = { host: process.name, port: network.freePort(process.name) };
  let over = false;
  let ignored = 0;
  let sentAt: MonotonicNs;

  const close = (): void => {
    over = true;
    cancelTimer();
    detach();
  };
  const fail = (failure: TransportFailure): void => {
    if (over) return;
    close();
    exchange.onFailure(failure);
  };
  const onDatagram = (datagram: Uint8Array, _from: SimAddress, forged: boolean): void => {
    const receivedAt = clock.monotonicNs();
    if (over) return;
    if (!(authenticated && forged) && exchange.onDatagram(datagram, sentAt, receivedAt)) {
      if (!over) close();
    } else if (++ignored >= MAX_IGNORED_DATAGRAMS) fail('flood');
  };
  const cancelTimer = clock.setTimer(exchange.timeoutMs, () => fail('timeout'));
  const detach = network.attach(local, process.bind(onDatagram));
  sentAt = clock.monotonicNs();
  network.send(local, { host: endpoint.address, port: endpoint.port }, request);
  return () => {
    if (!over) close();
  };
}
