/**
 * A server's answer, as a pure function (the mode 4 subset of RFC 5905 section 9.2, server side).
 *
 * The embedded UDP server and the simulator's servers both call it, so simulation tests the code
 * that runs. It has no clock: the caller passes the receive and the transmit time, and a lying
 * server is a caller that shifts them.
 *
 * It answers only a client's request, so two servers cannot be made to talk to each other. It never
 * answers with more bytes than came, so it is useless as an amplifier.
 */
import type { UnixNs } from '../../time/instant.ts';
import type { KissCode } from './exchange.ts';
import { encodePacket, type LeapIndicator, parsePacket, referenceIdOf } from './packet.ts';
import { timestampFromUnixNs } from './timestamp.ts';

/** The facts that a server states about itself. */
export interface NtpServerState {
  readonly leap: LeapIndicator;
  /** 1 to 15; 16 for a clock that is not synchronised. */
  readonly stratum: number;
  /** Signed log2 seconds: the resolution of its clock. */
  readonly precision: number;
  /** 16.16 seconds, rounded up. */
  readonly rootDelay: number;
  /** 16.16 seconds, rounded up. */
  readonly rootDispersion: number;
  /** Unsigned 32-bit; {@link referenceIdOf} makes one of four letters. */
  readonly referenceId: number;
  /** When its clock was last set or checked. */
  readonly referenceNs: UnixNs;
  /**
   * Answer with this kiss-o'-death instead of the time. INIT says that there is no time yet (RFC
   * 5905 section 7.4).
   */
  readonly kiss?: KissCode | 'INIT' | undefined;
}

/**
 * The 48-byte answer to `request`; `undefined` when `request` is not a packet, not mode 3, or not
 * version 3 or 4.
 *
 * @param received when the request came; rounded up on the wire, as an upper bound must be
 * @param transmitted when the reply leaves; rounded down on the wire
 */
export function answerRequest(
  request: Uint8Array,
  received: UnixNs,
  transmitted: UnixNs,
  state: NtpServerState,
): Uint8Array | undefined {
  const packet = parsePacket(request);
  if (typeof packet === 'string') return undefined;
  const { version, mode, poll, transmitTime: originTime } = packet;
  if (mode !== 3 || (version !== 3 && version !== 4)) return undefined;
  const { leap, stratum, precision, rootDelay, rootDispersion, referenceId, kiss } = state;
  // A kiss-o'-death as ntpsec sends it: every timestamp is the client's own, so that it cannot be
  // taken for time. One literal serves both kinds of answer (docs/internals/performance.md).
  const timely = kiss === undefined;
  return encodePacket({
    leap: timely ? leap : 3,
    version,
    mode: 4,
    stratum: timely ? stratum : 0,
    poll,
    precision,
    rootDelay,
    rootDispersion,
    referenceId: timely ? referenceId : referenceIdOf(kiss),
    referenceTime: timely ? timestampFromUnixNs(state.referenceNs, 'down') : 0n,
    originTime,
    receiveTime: timely ? timestampFromUnixNs(received, 'up') : originTime,
    transmitTime: timely ? timestampFromUnixNs(transmitted, 'down') : originTime,
  });
}
