/**
 * A datagram network between hosts. Each direction of each link has its own delay, loss,
 * duplication and partitions. Packets overtake each other unless a direction keeps their order. A
 * packet arrives byte for byte or not at all, unless there is an attacker on the way.
 */
import type { Cancel } from '../time/clock.ts';
import { checkNumber } from '../time/errors.ts';
import { checkRandom, checkScheduler } from './checks.ts';
import { constantDelay, type DelayModel, MIN_DELAY_NS } from './delay-models.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** One direction of a link. */
export interface LinkOptions {
  /** The delay of each packet. */
  readonly delay: DelayModel;
  /** The share of packets that are lost, 0 to 1. Default 0. */
  readonly loss?: number | undefined;
  /**
   * The share of packets that arrive twice, 0 to 1; the second copy has a delay of its own. Default
   * 0.
   */
  readonly duplication?: number | undefined;
  /** Whether packets keep their order: a late one then delays those behind it. Default `false`. */
  readonly inOrder?: boolean | undefined;
  /**
   * Returns whether the link is down at a time of sending, in ns since the beginning. Default:
   * never down.
   */
  readonly isDown?: ((elapsedNs: number) => boolean) | undefined;
  /**
   * An attacker on the way: returns what arrives instead of a datagram, or `undefined` to leave it
   * as it is. Default: no attacker.
   */
  readonly forge?: ((datagram: Uint8Array) => Uint8Array | undefined) | undefined;
}

/**
 * One end of an exchange of datagrams. A host is any name. A port tells the sockets of one host
 * apart.
 */
export interface SimAddress {
  /** The host's name in the simulated network. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/**
 * Called with each datagram at the address to which it was sent. `forged`: somebody on the way
 * changed it, which only a receiver that authenticates may know.
 */
export type Receive = (datagram: Uint8Array, from: SimAddress, forged: boolean) => void;

interface Link {
  options: LinkOptions;
  readonly random: Random;
  lastArrival: number;
}

/** The link between hosts that were not linked: 1 ms in both directions. */
const DEFAULT_LINK: LinkOptions = { delay: constantDelay(1) };

/** The ephemeral ports (RFC 6335) are `PORTS` ports from this one. */
const FIRST_PORT = 49_152;
const PORTS = 16_384;

/** A simulated datagram network between named hosts. */
export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #sockets = new Map<string, Receive>();
  readonly #links = new Map<string, Link>();
  readonly #portsUsed = new Map<string, number>();
  readonly #isolated = new Set<string>();

  constructor(scheduler: Scheduler, random: Random) {
    checkScheduler(scheduler);
    checkRandom(random);
    this.#scheduler = scheduler;
    this.#random = random.fork('network');
  }

  /** Delivers datagrams for `address` to `receive` from now on. The result closes the socket. */
  attach(address: SimAddress, receive: Receive): Cancel {
    const name = socketName(address);
    this.#sockets.set(name, receive);
    return () => {
      if (this.#sockets.get(name) === receive) this.#sockets.delete(name);
    };
  }

  /** A free port of `host`, chosen as a kernel does. */
  freePort(host: string): number {
    for (;;) {
      const used = this.#portsUsed.get(host) ?? 0;
      this.#portsUsed.set(host, used + 1);
      const port = FIRST_PORT + (used % PORTS);
      if (!this.#sockets.has(socketName({ host, port }))) return port;
    }
  }

  /**
   * Sets one direction of a link. It may be changed at any time; packets under way keep their
   * arrival.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `loss` or `duplication` is not a number from
   *   0 to 1
   */
  link(from: string, to: string, options: LinkOptions): void {
    checkNumber('loss', options.loss ?? 0, 0, 1);
    checkNumber('duplication', options.duplication ?? 0, 0, 1);
    this.#between(from, to).options = options;
  }

  /** Cuts `host` off: no packet reaches or leaves it until {@link rejoin}. */
  isolate(host: string): void {
    this.#isolated.add(host);
  }

  /** Ends {@link isolate}. */
  rejoin(host: string): void {
    this.#isolated.delete(host);
  }

  /** Sends one datagram. The sender does not learn whether it arrives. */
  send(from: SimAddress, to: SimAddress, datagram: Uint8Array): void {
    const link = this.#between(from.host, to.host);
    const { loss = 0, duplication = 0, isDown } = link.options;
    const lost = link.random.chance(loss);
    const twice = link.random.chance(duplication);
    if (lost || isDown?.(this.#scheduler.elapsedNs) === true) return;
    if (this.#isolated.has(from.host) || this.#isolated.has(to.host)) return;
    const forgery = link.options.forge?.(datagram.slice());
    const forged = forgery !== undefined;
    const bytes = forgery ?? datagram.slice(); // the sender may reuse its buffer
    this.#deliver(link, from, to, bytes, forged);
    if (twice) this.#deliver(link, from, to, bytes.slice(), forged);
  }

  #deliver(link: Link, from: SimAddress, to: SimAddress, bytes: Uint8Array, forged: boolean): void {
    const sent = this.#scheduler.elapsedNs;
    let arrival = sent + Math.max(MIN_DELAY_NS, link.options.delay(link.random, sent));
    if (link.options.inOrder === true) arrival = Math.max(arrival, link.lastArrival);
    link.lastArrival = Math.max(arrival, link.lastArrival);
    this.#scheduler.at(arrival, () => {
      if (!this.#isolated.has(to.host)) this.#sockets.get(socketName(to))?.(bytes, from, forged);
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
