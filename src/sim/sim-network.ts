/**
 * A datagram network between hosts: each direction of each link has its own delay, loss, duplication
 * and partitions. Packets overtake each other unless a direction keeps their order, and arrive byte for
 * byte or not at all.
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

/** One end of an exchange of datagrams. Hosts are any names; ports keep one host's sockets apart. */
export interface SimAddress {
  readonly host: string;
  readonly port: number;
}

/** Takes a datagram at the address it was sent to. */
export type Receive = (datagram: Uint8Array, from: SimAddress) => void;

interface Link {
  options: LinkOptions;
  readonly random: Random;
  lastArrival: number;
}

/** A host that nobody linked is 1 ms away in both directions. */
const DEFAULT_LINK: LinkOptions = { delay: constantDelay(1) };

/** Ephemeral ports (RFC 6335). */
const FIRST_PORT = 49_152;
const PORTS = 16_384;

export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #sockets = new Map<string, Receive>();
  readonly #links = new Map<string, Link>();
  readonly #portsUsed = new Map<string, number>();
  readonly #isolated = new Set<string>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random.fork('network');
  }

  /** From now on datagrams for `address` go to `receive`. The result closes the socket. */
  attach(address: SimAddress, receive: Receive): Cancel {
    const name = socketName(address);
    this.#sockets.set(name, receive);
    return () => {
      if (this.#sockets.get(name) === receive) this.#sockets.delete(name);
    };
  }

  /** A free port of `host`, as a kernel hands them out. */
  freePort(host: string): number {
    for (;;) {
      const used = this.#portsUsed.get(host) ?? 0;
      this.#portsUsed.set(host, used + 1);
      const port = FIRST_PORT + (used % PORTS);
      if (!this.#sockets.has(socketName({ host, port }))) return port;
    }
  }

  /** Sets one direction. A link may be changed at any time; packets under way keep their arrival. */
  link(from: string, to: string, options: LinkOptions): void {
    checkNumber('loss', options.loss ?? 0, 0, 1);
    checkNumber('duplication', options.duplication ?? 0, 0, 1);
    this.#between(from, to).options = options;
  }

  /** Nothing reaches or leaves `host` until {@link rejoin}. */
  isolate(host: string): void {
    this.#isolated.add(host);
  }

  rejoin(host: string): void {
    this.#isolated.delete(host);
  }

  /** Sends one datagram; nobody learns whether it arrives. */
  send(from: SimAddress, to: SimAddress, datagram: Uint8Array): void {
    const link = this.#between(from.host, to.host);
    const { loss = 0, duplication = 0, isDown } = link.options;
    const lost = link.random.chance(loss);
    const twice = link.random.chance(duplication);
    if (lost || isDown?.(this.#scheduler.elapsedNs) === true) return;
    if (this.#isolated.has(from.host) || this.#isolated.has(to.host)) return;
    const bytes = datagram.slice(); // the sender may reuse its buffer
    this.#deliver(link, from, to, bytes);
    if (twice) this.#deliver(link, from, to, bytes.slice());
  }

  #deliver(link: Link, from: SimAddress, to: SimAddress, bytes: Uint8Array): void {
    const sent = this.#scheduler.elapsedNs;
    let arrival = sent + Math.max(LEAST_DELAY_NS, link.options.delay(link.random, sent));
    if (link.options.inOrder === true) arrival = Math.max(arrival, link.lastArrival);
    link.lastArrival = Math.max(arrival, link.lastArrival);
    this.#scheduler.at(arrival, () => {
      if (!this.#isolated.has(to.host)) this.#sockets.get(socketName(to))?.(bytes, from);
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

function socketName({ host, port }: SimAddress): string {
  return `${host} ${port}`;
}
