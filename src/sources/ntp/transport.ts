/**
 * The seam between the NTP client and the network: one request out, datagrams in, until one is accepted.
 *
 * What a transport must do is small but decides soundness: read the monotonic clock immediately before
 * the request leaves and as the first thing when a datagram has come. A later `sentAt` or an earlier
 * `receivedAt` would make a bound false; the other way round it is merely wide.
 */
import type { Clock } from '../../time/clock.ts';
import type { MonotonicNs } from '../../time/instant.ts';

/** Where a server is: a canonical IP address (never a name) and a UDP port. */
export interface NtpEndpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * Why no datagram was accepted: none came in time, the network said that the server cannot be reached,
 * or so many wrong ones came that listening on would be work without end.
 */
export type TransportFailure = 'timeout' | 'unreachable' | 'flood';

export interface NtpExchange {
  readonly endpoint: NtpEndpoint;
  readonly request: Uint8Array;
  /** Reads both stamps and runs the timeout. */
  readonly clock: Clock;
  readonly timeoutMs: number;
  /**
   * A datagram has come from the endpoint. `true` accepts it and ends the exchange; `false` means that
   * it was not the answer: go on listening. The bytes are only valid during the call.
   */
  onDatagram(datagram: Uint8Array, sentAt: MonotonicNs, receivedAt: MonotonicNs): boolean;
  /** The exchange ended without an accepted datagram. */
  onFailure(failure: TransportFailure): void;
}

export interface NtpTransport {
  /**
   * Starts an exchange. Exactly one accepted datagram or one failure ends it, and neither callback is
   * called before this returns, nor after `cancel` was.
   *
   * @returns cancel: give it up and release what it holds
   */
  exchange(exchange: NtpExchange): () => void;
}

/** A transport gives up with `flood` after this many refused datagrams in one exchange. */
export const MAX_IGNORED_DATAGRAMS = 64;
