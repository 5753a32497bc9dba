import type { Clock } from 'epsilon-clock';
import type { NtpExchange, NtpTransport } from 'epsilon-clock/node';
import { referenceIdOf } from '../../src/sources/ntp/packet.ts';
import { answerRequest, type NtpServerState } from '../../src/sources/ntp/server.ts';

/** What a server does with one request. */
export type Reaction =
  | { readonly answer: Partial<NtpServerState>; readonly delayMs?: number }
  | 'silent'
  | 'unreachable';

/** One poll, as the network saw it. */
export interface Poll {
  readonly address: string;
  /** Since the test began. */
  readonly atMs: number;
}

/** Servers by address, on a clock that the test moves. Each way takes half of `delayMs`, 2 ms by default. */
export class ScriptedNetwork implements NtpTransport {
  readonly polls: Poll[] = [];
  /** How often an exchange was cancelled before it ended. */
  cancelled = 0;
  readonly #clock: Clock;
  readonly #start: bigint;
  readonly #servers: (address: string, poll: number) => Reaction;

  constructor(clock: Clock, servers: (address: string, poll: number) => Reaction) {
    this.#clock = clock;
    this.#start = clock.monotonicNs();
    this.#servers = servers;
  }

  /** When `address` was polled, in whole ms. */
  times(address: string): number[] {
    return this.polls.filter((p) => p.address === address).map((p) => Math.round(p.atMs));
  }

  exchange(exchange: NtpExchange): () => void {
    const { endpoint, request } = exchange;
    const clock = this.#clock;
    const sentAt = clock.monotonicNs();
    const before = this.polls.filter((p) => p.address === endpoint.address).length;
    this.polls.push({ address: endpoint.address, atMs: Number(sentAt - this.#start) / 1e6 });
    const reaction = this.#servers(endpoint.address, before);
    let cancelTimer: () => void;
    let over = false;
    if (reaction === 'silent') {
      cancelTimer = clock.setTimer(exchange.timeoutMs, () => {
        over = true;
        exchange.onFailure('timeout');
      });
    } else if (reaction === 'unreachable') {
      cancelTimer = clock.setTimer(0, () => {
        over = true;
        exchange.onFailure('unreachable');
      });
    } else {
      const halfMs = (reaction.delayMs ?? 2) / 2;
      cancelTimer = clock.setTimer(halfMs, () => {
        const now = clock.wallNs();
        const reply = answerRequest(request, now, now, {
          leap: 0,
          stratum: 1,
          precision: -30,
          rootDelay: 0,
          rootDispersion: 0,
          referenceId: referenceIdOf('TEST'),
          referenceNs: now,
          ...reaction.answer,
        });
        if (reply === undefined) throw new Error('the client sent no proper request');
        cancelTimer = clock.setTimer(halfMs, () => {
          over = exchange.onDatagram(reply, sentAt, clock.monotonicNs());
        });
      });
    }
    return () => {
      if (over) return;
      over = true;
      this.cancelled++;
      cancelTimer();
    };
  }
}
