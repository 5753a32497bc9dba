/// <reference lib="esnext.disposable" preserve="true" />
/**
 * An NTP server on a UDP socket. It serves one of two things:
 *
 * - **The bound of a bounded clock**, on any address: `bounded-answers.ts` says what its answers
 *   promise, and `rate-limit.ts` how many a client gets.
 * - **The wall clock of a plain clock**, for demonstrations and tests. It can be told to misbehave
 *   in the ways that real servers do. A server that lies on purpose must not be on a network, so
 *   this kind binds to loopback addresses only.
 *
 * All protocol is in `server.ts`; this file has the socket, the stamps and the lies. Neither kind
 * answers with more than came, or answers anything but a client's request. What it holds in memory
 * does not grow with the number of requests or clients: answers that cannot leave are dropped.
 */
import { Socket } from 'node:dgram';
import { BoundedReader } from '../../bounded-clock/bounded-reader.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { canonicalAddress, isLoopback } from './address.ts';
import { checkBehaviour, LEAP_INDICATORS, type NtpServerBehaviour } from './behaviour.ts';
import { BoundedAnswers, refuseRequest } from './bounded-answers.ts';
import { referenceIdOf } from './packet.ts';
import { type NtpRateLimit, RateLimit } from './rate-limit.ts';
import { answerRequest } from './server.ts';
import { shortFromMsUp } from './timestamp.ts';
import { listenOn } from './udp-socket.ts';

/** Options of {@link NtpServer}. */
export interface NtpServerOptions {
  /**
   * The IP address to bind to; `0.0.0.0` or `::` for all of this machine's. Default `127.0.0.1`.
   * With a plain `Clock` it must be a loopback address.
   *
   * On a machine with several addresses, name one: an answer from all of them may leave from
   * another than the one that was asked, and clients drop it.
   */
  readonly host?: string | undefined;
  /** The port to bind to. Default 0: any free port. */
  readonly port?: number | undefined;
  /**
   * What it serves: the bound of a `BoundedReader`, such as a `BoundedClock`, or the `wallNs` of a
   * plain `Clock`.
   */
  readonly clock: Clock | BoundedReader;
  /**
   * The stratum that it announces, 2 to 15, with a `BoundedReader`. It says how many servers are
   * between the client and a reference clock, and promises nothing. A reader does not know it.
   * Default 3, as for a clock whose servers have stratum 2.
   */
  readonly stratum?: number | undefined;
  /**
   * How often one client is answered, with a `BoundedReader`; `false`: as often as it asks. Default
   * `{}`.
   */
  readonly rateLimit?: NtpRateLimit | false | undefined;
  /** How the server of a plain `Clock` behaves. Default `{}`: honest. */
  readonly behaviour?: NtpServerBehaviour | undefined;
}

const NAMES: Readonly<Record<keyof NtpServerOptions, true>> = {
  host: true,
  port: true,
  clock: true,
  stratum: true,
  rateLimit: true,
  behaviour: true,
};

/**
 * What stands between requests and their answers: returns how to change the answer before it
 * leaves, or `undefined` when there is to be none.
 *
 * @internal
 */
export type AnswerGuard = (request: Uint8Array) => ((reply: Uint8Array) => Uint8Array) | undefined;

const NO_GUARD: AnswerGuard = () => (reply) => reply;
const DEFAULT_STRATUM = 3;
/** The addresses that stand for all addresses of this machine. */
const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
/**
 * The most answers that are held back, or wait for the network, at one time. Further ones are
 * dropped, so a flood cannot fill memory.
 */
const MAX_HELD = 1024;

/** What serves a bound. */
interface Bounded {
  readonly answers: BoundedAnswers;
  readonly limit: RateLimit | undefined;
}

/**
 * An NTP server. It runs until it is stopped, and keeps the process alive until then.
 *
 * Given a bounded clock, or a reader of one, it serves the bound: receive and transmit time are the
 * middle of the interval, and the root dispersion reaches its farthest end, rounded up. It grows
 * while the clock hears nothing. Without a bound the server says so (leap indicator 3). So an NTP
 * client in any language computes an interval that holds true time whenever ours did
 * (docs/guarantees/served-time.md). A bounded clock that asks a server whose time rests on its own
 * refuses that with `loop`.
 *
 * @example
 * const server = await NtpServer.start({ clock: systemClock() });
 * const clock = BoundedClock.start({ sources: [ntp(server.address, { port: server.port })] });
 * const served = await NtpServer.start({ clock });
 * await served.stop();
 * clock.stop();
 * await server.stop();
 */
export class NtpServer implements AsyncDisposable {
  /** The IP address that it listens on. */
  readonly address: string;
  /** The UDP port that it listens on. */
  readonly port: number;
  #received = 0;
  #answered = 0;
  #dropped = 0;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #bounded: Bounded | undefined;
  readonly #guard: AnswerGuard;
  readonly #held = new Set<() => void>();
  #behaviour: NtpServerBehaviour;
  #behavesSince: MonotonicNs;
  #stopped = false;

  private constructor(
    socket: Socket,
    clock: Clock,
    behaviour: NtpServerBehaviour,
    bounded: Bounded | undefined,
    guard: AnswerGuard,
  ) {
    if (!(socket instanceof Socket)) {
      throw new ArgumentTypeError('socket', 'made by NtpServer.start()', socket);
    }
    this.#socket = socket;
    this.#clock = clock;
    this.#bounded = bounded;
    this.#guard = guard;
    this.#behaviour = behaviour;
    this.#behavesSince = clock.monotonicNs();
    ({ address: this.address, port: this.port } = socket.address());
    if (bounded === undefined) {
      socket.on('message', (request, from) => {
        const received = clock.wallNs();
        this.#received++;
        this.#onRequest(request, received, from.port, from.address);
      });
    } else {
      socket.on('message', (request, from) => {
        this.#received++;
        this.#onBoundedRequest(bounded, request, from.port, from.address);
      });
    }
    // An answer to a client that has gone comes back as an ICMP error, which concerns no one.
    socket.on('error', () => {});
  }

  /**
   * Starts a server on a free port of 127.0.0.1, or where the options say.
   *
   * @throws ArgumentTypeError, ArgumentRangeError on bad options: among them, with a plain `Clock`,
   *   a host that is not loopback, and `behaviour` with a `BoundedReader`; rejects with the
   *   system's error when the address cannot be bound
   */
  static start(options: NtpServerOptions): Promise<NtpServer>;
  /** @internal */
  static start(options: NtpServerOptions, guard: AnswerGuard): Promise<NtpServer>;
  static async start(options: NtpServerOptions, guard = NO_GUARD): Promise<NtpServer> {
    const { port = 0, clock, behaviour = {} } = checkOptionNames(options, NAMES);
    const address = addressOf(options);
    if (!Number.isInteger(checkNumber('port', port, 0, 65_535))) {
      throw new ArgumentRangeError('port', 'a whole number', port);
    }
    const isReader = clock instanceof BoundedReader;
    if (!isReader && typeof (clock as Partial<Clock> | undefined)?.wallNs !== 'function') {
      throw new ArgumentTypeError('clock', 'a BoundedReader or a Clock', clock);
    }
    checkBehaviour(behaviour);
    const bounded = boundedOf(options);
    const socket = await listenOn(address, port);
    return new NtpServer(socket, isReader ? clock.localClock : clock, behaviour, bounded, guard);
  }

  /** How many datagrams came. */
  get received(): number {
    return this.#received;
  }

  /** How many answers went out, those that refuse a request among them. */
  get answered(): number {
    return this.#answered;
  }

  /**
   * How many requests were not answered because their client asks too often, or because the network
   * did not take the answers fast enough. A server of a plain `Clock` counts none.
   */
  get dropped(): number {
    return this.#dropped;
  }

  /** How it behaves now. */
  get behaviour(): NtpServerBehaviour {
    return this.#behaviour;
  }

  /**
   * Replaces the whole behaviour from the next request on; `{}` makes the server honest.
   *
   * @throws ArgumentTypeError, ArgumentRangeError naming the field at fault; ArgumentTypeError when
   *   it serves a bound, which does not misbehave
   */
  behave(behaviour: NtpServerBehaviour): void {
    if (this.#bounded !== undefined) {
      throw new ArgumentTypeError('behaviour', 'for a server of a plain Clock', behaviour);
    }
    checkBehaviour(behaviour);
    this.#behaviour = behaviour;
    this.#behavesSince = this.#clock.monotonicNs();
  }

  /** Ends the server; answers that are held back are dropped. May be called again. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const cancel of this.#held) cancel();
    this.#held.clear();
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #onBoundedRequest(bounded: Bounded, request: Uint8Array, port: number, address: string): void {
    const { answers, limit } = bounded;
    // First, so that dropping costs little. A later stamp of the receipt is as true.
    const admission = limit?.admit(address, this.#nowMs()) ?? 'answer';
    if (admission === 'drop' || this.#socket.getSendQueueCount() >= MAX_HELD) {
      this.#dropped++;
      return;
    }
    const atReceipt = answers.receive();
    const seal = this.#guard(request);
    if (seal === undefined) return;
    const reply =
      admission === 'kiss' ? refuseRequest(request, 'RATE') : answers.answer(request, atReceipt);
    if (reply !== undefined) this.#send(seal(reply), port, address);
  }

  /** Monotonic, ms. A clock of the user's that throws stops the refill of all buckets. */
  #nowMs(): number {
    try {
      return Number(this.#clock.monotonicNs() - this.#behavesSince) / 1e6;
    } catch {
      return 0;
    }
  }

  #onRequest(request: Uint8Array, receivedTruly: UnixNs, port: number, address: string): void {
    const behaviour = this.#behaviour;
    if (behaviour.silent === true) return;
    const seal = this.#guard(request);
    if (seal === undefined) return;
    const received = asUnixNs(receivedTruly + this.#lieNs());
    const gridMs = Number(this.#clock.wallGridNs) / 1e6;
    const answer = (): void => {
      // `wallNs` can go back a little when it is corrected. A reply does not leave before it came.
      const now = this.#clock.wallNs();
      const transmitted = asUnixNs((now > receivedTruly ? now : receivedTruly) + this.#lieNs());
      const reply = answerRequest(request, received, transmitted, {
        leap: LEAP_INDICATORS[behaviour.leap ?? 'none'],
        stratum: behaviour.stratum ?? 1,
        precision: behaviour.precision ?? -20,
        rootDelay: shortFromMsUp(behaviour.rootDelayMs ?? 0),
        rootDispersion: shortFromMsUp(behaviour.rootDispersionMs ?? gridMs),
        referenceId: referenceIdOf('LOCL'),
        referenceNs: transmitted,
        kiss: behaviour.kiss,
      });
      if (reply !== undefined) this.#send(seal(reply), port, address);
    };
    const { holdMs = 0 } = behaviour;
    if (holdMs === 0) {
      answer();
    } else if (this.#held.size < MAX_HELD) {
      const cancel = this.#clock.setTimer(holdMs, () => {
        this.#held.delete(cancel);
        answer();
      });
      this.#held.add(cancel);
    }
  }

  #send(reply: Uint8Array, port: number, address: string): void {
    try {
      this.#socket.send(reply, port, address, () => {});
      this.#answered++;
    } catch {
      // `send` throws for port 0, and a raw packet can come from there.
    }
  }

  /** How far its time is ahead of its clock's time now, ns. */
  #lieNs(): bigint {
    const { offsetMs = 0, driftPpm = 0 } = this.#behaviour;
    const elapsedNs = Number(this.#clock.monotonicNs() - this.#behavesSince);
    return BigInt(Math.round(offsetMs * 1e6 + elapsedNs * driftPpm * 1e-6));
  }
}

/** Where to bind. Only what does not lie on purpose may be on a network. */
function addressOf({ host = '127.0.0.1', clock }: NtpServerOptions): string {
  const address = ANY.has(host) ? host : canonicalAddress(host);
  if (clock instanceof BoundedReader) {
    if (address === undefined) throw new ArgumentRangeError('host', 'an IP address', host);
    return address;
  }
  if (address === undefined || !isLoopback(address)) {
    const expected = 'a loopback address (others only serve a BoundedReader)';
    throw new ArgumentRangeError('host', expected, host);
  }
  return address;
}

/** What serves the bound of `options.clock`; `undefined` when that is a plain clock. */
function boundedOf(options: NtpServerOptions): Bounded | undefined {
  const { clock, behaviour, stratum, rateLimit } = options;
  if (!(clock instanceof BoundedReader)) {
    for (const [name, value] of Object.entries({ stratum, rateLimit })) {
      if (value === undefined) continue;
      throw new ArgumentTypeError(name, 'left out, except with a BoundedReader', value);
    }
    return undefined;
  }
  if (behaviour !== undefined) {
    throw new ArgumentTypeError('behaviour', 'left out with a BoundedReader', behaviour);
  }
  if (!Number.isInteger(checkNumber('stratum', stratum ?? DEFAULT_STRATUM, 2, 15))) {
    throw new ArgumentRangeError('stratum', 'a whole number', stratum);
  }
  const random = (count: number) => globalThis.crypto.getRandomValues(new Uint32Array(count));
  return {
    answers: new BoundedAnswers(clock, stratum ?? DEFAULT_STRATUM, () => random(1)[0]!),
    limit: rateLimit === false ? undefined : new RateLimit(rateLimit ?? {}, random(2)),
  };
}
