import type { Clock, TimeSource } from 'epsilon-clock';
import type { NtpExchange, NtpTransport, TransportFailure } from 'epsilon-clock/ntp';
import { referenceIdOf } from '../../src/sources/ntp/packet.ts';
import { answerRequest, type NtpServerState } from '../../src/sources/ntp/server.ts';
import type { ExchangeKeys, KeyExchangeOutcome } from '../../src/sources/nts/key-exchange.ts';
import { type NtsOptions, ntsSource } from '../../src/sources/nts/nts.ts';
import { type Aead, KEY_BYTES, loadAead } from '../../src/sources/nts/protection.ts';
import { ServerGuard } from '../../src/sources/nts/server-guard.ts';

const aead: Aead = await loadAead();

/** What the network delivers for one request: datagrams in order, or a failure. */
export type Delivery = readonly Uint8Array[] | TransportFailure;

/** A client's request and the server's true reply to it. */
export interface Answered {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

/**
 * An NTS server and the network to it, in memory, on a clock that the test moves. Its guard and its
 * protocol are those of the real server. The test decides what each key exchange comes to, and what
 * becomes of each reply.
 */
export class ScriptedNts {
  readonly guard: ServerGuard = new ServerGuard(aead, randomBytes);
  /** When each key exchange was begun, ms since the test began. */
  readonly keyExchanges: number[] = [];
  /** When each request was sent, and where to. */
  readonly requests: { readonly atMs: number; readonly to: string; readonly bytes: Uint8Array }[] =
    [];
  /** The outcome of a key exchange; `undefined`: eight cookies. */
  outcome: (attempt: number) => KeyExchangeOutcome | undefined = () => undefined;
  /** What arrives; by default the true reply. */
  deliver: (answered: Answered) => Delivery = ({ reply }) => [reply];
  /** What the server states about itself. */
  state: Partial<NtpServerState> = {};
  aead: () => Promise<Aead> = async () => aead;
  readonly #clock: Clock;
  readonly #begin: bigint;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begin = clock.monotonicNs();
  }

  source(options: NtsOptions = {}): TimeSource {
    const resolve = async (): Promise<string[]> => ['10.0.0.7'];
    return ntsSource('nts.test', { resolve, ...options }, this);
  }

  readonly loadAead = (): Promise<Aead> => this.aead();

  readonly exchangeKeys: ExchangeKeys = async () => {
    this.keyExchanges.push(this.#nowMs());
    const scripted = this.outcome(this.keyExchanges.length);
    if (scripted !== undefined) return scripted;
    const keys = { toServer: randomBytes(KEY_BYTES), toClient: randomBytes(KEY_BYTES) };
    const cookies = Array.from({ length: 8 }, () => this.guard.mint(keys));
    return { agreement: { cookies, server: undefined, port: 123 }, keys };
  };

  readonly transport: NtpTransport = {
    exchange: (exchange) => this.#exchange(exchange),
  };

  #exchange({ endpoint, request, clock, timeoutMs, onDatagram, onFailure }: NtpExchange) {
    const sentAt = clock.monotonicNs();
    const to = `${endpoint.address}:${endpoint.port}`;
    this.requests.push({ atMs: this.#nowMs(), to, bytes: request });
    let cancel = clock.setTimer(1, () => {
      const delivery = this.deliver({ request, reply: this.#answer(request) });
      cancel = clock.setTimer(1, () => {
        if (typeof delivery === 'string') {
          onFailure(delivery);
          return;
        }
        for (const datagram of delivery) {
          if (onDatagram(datagram, sentAt, clock.monotonicNs())) return;
        }
        cancel = clock.setTimer(timeoutMs, () => onFailure('timeout'));
      });
    });
    return () => cancel();
  }

  #answer(request: Uint8Array): Uint8Array {
    const seal = this.guard.open(request);
    const now = this.#clock.wallNs();
    const plain = answerRequest(request, now, now, {
      leap: 0,
      stratum: 1,
      precision: -30,
      rootDelay: 0,
      rootDispersion: 0,
      referenceId: referenceIdOf('TEST'),
      referenceNs: now,
      ...this.state,
    });
    if (seal === undefined || plain === undefined) throw new Error('not a proper request');
    return seal(plain);
  }

  #nowMs(): number {
    return Math.round(Number(this.#clock.monotonicNs() - this.#begin) / 1e6);
  }
}

function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}
