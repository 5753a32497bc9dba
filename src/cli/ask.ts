/**
 * One NTP exchange for a command that waits for it. Unlike an exchange of a source, it keeps the
 * process alive, and an interrupt ends it.
 */
import { ntpUrl } from '../sources/ntp/address.ts';
import { encodeRequest, type IgnoredReason, judgeReply } from '../sources/ntp/exchange.ts';
import type { NtpEndpoint, NtpExchange, TransportFailure } from '../sources/ntp/transport.ts';
import { udpTransport } from '../sources/ntp/udp-transport.ts';
import type { Clock } from '../time/clock.ts';
import { readWallOffset } from '../time/wall-offset.ts';
import type { Answer } from './answer.ts';

export interface AskOptions {
  readonly endpoint: NtpEndpoint;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The answer, or the reason why there is none. Rejects with the signal's reason on abort. */
export async function ask(options: AskOptions): Promise<Answer | TransportFailure | IgnoredReason> {
  const { endpoint, timeoutMs, clock, signal } = options;
  const nonce = crypto.getRandomValues(new BigUint64Array(1))[0]!;
  let cancel = (): void => {};
  const asked = new Promise<Answer | TransportFailure | IgnoredReason>((settle) => {
    let ignored: IgnoredReason | undefined;
    const onDatagram: NtpExchange['onDatagram'] = (datagram, sentAt, receivedAt) => {
      const record = {
        sourceId: ntpUrl(endpoint.address, endpoint.port),
        nonce,
        sentAt,
        receivedAt,
        monotonicGridNs: clock.monotonicGridNs,
        timeoutNs: BigInt(Math.ceil(timeoutMs * 1e6)),
        pivot: clock.wallNs(),
      };
      // A copy, because the answer outlives this call and the bytes do not.
      const verdict = judgeReply(Uint8Array.from(datagram), record);
      if (verdict.kind === 'ignored') {
        ignored = verdict.reason;
        return false;
      }
      settle({ record, verdict, bytes: datagram.byteLength, wall: readWallOffset(clock) });
      return true;
    };
    cancel = udpTransport({ keepAlive: true }).exchange({
      endpoint,
      request: encodeRequest(nonce),
      clock,
      timeoutMs,
      onDatagram,
      onFailure: (failure) => settle(failure === 'timeout' ? (ignored ?? failure) : failure),
    });
  });
  try {
    return await abortable(asked, signal);
  } finally {
    cancel();
  }
}

/** Settles as `promise` does. If the signal aborts first, rejects with its reason. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
