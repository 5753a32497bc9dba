/**
 * A datagram network between named nodes: each direction of each link has its own delay, loss,
 * duplication and partitions. Packets overtake each other unless a direction is declared first-in,
 * first-out, and arrive byte for byte or not at all.
 */
import type { Cancel } from '../time/clock.ts';
import { checkNumber } from '../time/errors.ts';
import { constantDelay, type DelayModel, LEAST_DELAY_NS } from './delay-models.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface LinkOptions {
  readonly delay: DelayModel;
  /** The share of packets that are lost. Default 0. */
  readonly loss?: number;
  /** The share of packets that arrive twice, the second with a delay of its own. Default 0. */
  readonly duplication?: number;
  /** Packets keep their order: a late one holds up those behind it. Default `false`. */
  readonly inOrder?: boolean;
  /** Nothing passes while this is true of the time of sending. Default never. */
  readonly isDown?: (elapsedNs: number) => boolean;
}

/** Takes a datagram at the node it was sent to. */
export type Receive = (datagram: Uint8Array, from: string) => void;

interface Link {
  options: LinkOptions;
  readonly random: Random;
  lastArrival: number;
}

/** A node that nobody linked is 1 ms away in both directions. */
const DEFAULT_LINK: LinkOptions = { delay: constantDelay(1) };

export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #nodes = new Map<string, Receive>();
  readonly #links = new Map<string, Link>();
  readonly #isolated = new Set<string>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random.fork('network');
  }

  /** From now on datagrams for `address` go to `receive`. The result takes the node off the network. */
  attach(address: string, receive: Receive): Cancel {
    this.#nodes.set(address, receive);
    return () => {
      if (this.#nodes.get(address) === receive) this.#nodes.delete(address);
    };
  }

  /** Sets one direction. A link may be changed at any time; packets under way keep their arrival. */
  link(from: string, to: string, options: LinkOptions): void {
    checkNumber('loss', options.loss ?? 0, 0, 1);
    checkNumber('duplication', options.duplication ?? 0, 0, 1);
    this.#between(from, to).options = options;
  }

  /** Nothing reaches or leaves `address` until {@link rejoin}. */
  isolate(address: string): void {
    this.#isolated.add(address);
  }

  rejoin(address: string): void {
    this.#isolated.delete(address);
  }

  /** Sends one datagram; nobody learns whether it arrives. */
  send(from: string, to: string, datagram: Uint8Array): void {
    const link = this.#between(from, to);
    const { loss = 0, duplication = 0, isDown } = link.options;
    const lost = link.random.chance(loss);
    const twice = link.random.chance(duplication);
    if (lost || isDown?.(this.#scheduler.elapsedNs) === true) return;
    if (this.#isolated.has(from) || this.#isolated.has(to)) return;
    const bytes = datagram.slice(); // the sender may reuse its buffer
    this.#deliver(link, from, to, bytes);
    if (twice) this.#deliver(link, from, to, bytes.slice());
  }

  #deliver(link: Link, from: string, to: string, bytes: Uint8Array): void {
    const sent = this.#scheduler.elapsedNs;
    let arrival = sent + Math.max(LEAST_DELAY_NS, link.options.delay(link.random, sent));
    if (link.options.inOrder === true) arrival = Math.max(arrival, link.lastArrival);
    link.lastArrival = Math.max(arrival, link.lastArrival);
    this.#scheduler.at(arrival, () => {
      if (!this.#isolated.has(to)) this.#nodes.get(to)?.(bytes, from);
    });
  }

  #between(from: string, to: string): Link {
    const name = `${from} > ${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { options: DEFAULT_LINK, random: this.#random.fork(name), lastArrival: 0 };
      this.#links.set(name, link);
    }
    return link;
  }
}
