/**
 * The interface between the NTP client and the network: one request goes out, datagrams come in,
 * until one is accepted.
 *
 * A transport has one duty that decides soundness: it must read the monotonic clock immediately
 * before the request leaves, and again as the first thing after a datagram has come. A later
 * `sentAt` or an earlier `receivedAt` would make a bound false. An earlier `sentAt` or a later
 * `receivedAt` only makes it wider.
 */
import type { Clock } from '../../time/clock.ts';
import type { MonotonicNs } from '../../time/instant.ts';

/** Where a server is: a canonical IP address (never a name) and a UDP port. */
export interface NtpEndpoint {
  /** An IP address. */
  readonly address: string;
  /** A UDP port. */
  readonly port: number;
}

/**
 * Why no datagram was accepted.
 *
 * - `timeout`: none came in time.
 * - `unreachable`: the network says that the server cannot be reached.
 * - `other-sender`: the answer came from another address or port than the one asked, as from a
 *   server with several addresses that answers from the wrong one. It is not used: an address is a
 *   vote.
 * - `flood`: more than `MAX_IGNORED_DATAGRAMS` wrong datagrams came, so the transport gave
 *   up.
 * - `out-of-descriptors`: this process, or this machine, has no file descriptor left for a socket.
 * - `local-error`: anything else that failed on this machine.
 *
 * Any other short, stable word names a rule of the transport's own by which the server was refused.
 */
export type TransportFailure =
  | 'timeout'
  | 'unreachable'
  | 'other-sender'
  | 'flood'
  | 'out-of-descriptors'
  | 'local-error'
  | (string & {});

/** Further facts that a transport may report with a failure. */
export interface FailureDetails {
  /** `false` when the request certainly never left this machine, so it cost the server nothing. */
  readonly sent?: boolean | undefined;
  /** For people: the system's code (`EHOSTUNREACH`), or the address that answered instead. */
  readonly cause?: string | undefined;
}

/** One exchange, as the client describes it to a transport. */
export interface NtpExchange {
  /** The server to ask. */
  readonly endpoint: NtpEndpoint;
  /** The bytes to send. */
  readonly request: Uint8Array;
  /** Reads both stamps, and runs the timeout. */
  readonly clock: Clock;
  /** How long to wait for an accepted datagram, ms. */
  readonly timeoutMs: number;
  /**
   * Hear every sender, so that an answer from another address than the one asked is reported as
   * `other-sender`. A transport that cannot do this may ignore it. It must never accept a datagram
   * from another address.
   */
  readonly anySender?: boolean | undefined;
  /**
   * Called with each datagram from the endpoint. Returns `true` to accept it, which ends the
   * exchange, or `false` when it was not the answer: the transport then goes on listening. The
   * bytes are valid only during the call.
   */
  onDatagram(datagram: Uint8Array, sentAt: MonotonicNs, receivedAt: MonotonicNs): boolean;
  /** Called when the exchange ended without an accepted datagram. */
  onFailure(failure: TransportFailure, details?: FailureDetails): void;
}

/** Sends requests and receives replies; `udpTransport` is the one of `ntp`. */
export interface NtpTransport {
  /**
   * Starts an exchange. Exactly one accepted datagram or one failure ends it. Neither callback is
   * called before this method has returned, nor after a call of the returned function.
   *
   * @returns cancel: gives the exchange up and releases what it holds
   */
  exchange(exchange: NtpExchange): () => void;
}

/** A transport gives up with `flood` after this many refused datagrams in one exchange. */
export const MAX_IGNORED_DATAGRAMS = 64;
