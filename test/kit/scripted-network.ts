import type { Clock } from 'epsilon-clock';
import type { NtpExchange, NtpTransport } from 'epsilon-clock/ntp';
import { referenceIdOf } from '../../src/sources/ntp/packet.ts';
import { answerRequest, type NtpServerState } from '../../src/sources/ntp/server.ts';
import { asUnixNs } from '../../src/time/instant.ts';

/** How a server reacts to one request. */
export type Reaction =
  | {
      readonly answer: Partial<NtpServerState>;
      readonly delayMs?: number;
      /** How far the server's time is ahead, ms. */
      readonly aheadMs?: number;
    }
  | 'silent'
  | 'unreachable'
  /** This machine has no route: nothing is sent. */
  | 'no-route';

/** One poll, as the client tried it. */
export interface Poll {
  readonly address: string;
  /** Whether the network took the request. */
  readonly sent: boolean;
  /** The time since the test began, ms. */
  readonly atMs: number;
}

/**
 * Servers by address, on a clock that the test moves. Each way takes half of `delayMs`, 2 ms by
 * default.
 */
export class ScriptedNetwork implements NtpTransport {
  readonly polls: Poll[] = [];
  /** The number of exchanges that were cancelled before they ended. */
  cancelled = 0;
  readonly #clock: Clock;
  readonly #start: bigint;
  readonly #servers: (address: string, poll: number) => Reaction;

  constructor(clock: Clock, servers: (address: string, poll: number) => Reaction) {
    this.#clock = clock;
    this.#start = clock.monotonicNs();
    this.#servers = servers;
  }

  /** The times at which `address` was polled, in whole ms. */
  times(address: string): number[] {
    return this.polls.filter((p) => p.address === address).map((p) => Math.round(p.atMs));
  }

  exchange(exchange: NtpExchange): () => void {
    const { endpoint, request } = exchange;
    const clock = this.#clock;
    const sentAt = clock.monotonicNs();
    const before = this.polls.filter((p) => p.address === endpoint.address).length;
    const reaction = this.#servers(endpoint.address, before);
    const atMs = Number(sentAt - this.#start) / 1e6;
    this.polls.push({ address: endpoint.address, sent: reaction !== 'no-route', atMs });
    let cancelTimer: () => void;
    let over = false;
    if (reaction === 'silent') {
      cancelTimer = clock.setTimer(exchange.timeoutMs, () => {
        over = true;
        exchange.onFailure('timeout');
      });
    } else if (reaction === 'unreachable' || reaction === 'no-route') {
      cancelTimer = clock.setTimer(0, () => {
        over = true;
        exchange.onFailure('unreachable', { sent: reaction !== 'no-route' });
      });
    } else {
      const halfMs = (reaction.delayMs ?? 2) / 2;
      cancelTimer = clock.setTimer(halfMs, () => {
        const now = asUnixNs(clock.wallNs() + BigInt(reaction.aheadMs ?? 0) * 1_000_000n);
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
