/// <reference lib="esnext.disposable" preserve="true" />
/**
 * An NTP server on a loopback UDP socket, for demonstrations and tests. Its time is that of the
 * clock it is given, and it can be told to misbehave in the ways that real servers do.
 *
 * All protocol is in `server.ts`; this file has the socket, the stamps and the lies. It binds to
 * loopback addresses only, because a server that lies on purpose must not be on a network.
 */
import { createSocket, Socket } from 'node:dgram';
import type { LeapWarning } from '../../bound/clock-sample.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { canonicalAddress, isLoopback } from './address.ts';
import type { KissCode } from './exchange.ts';
import { type LeapIndicator, referenceIdOf } from './packet.ts';
import { answerRequest } from './server.ts';
import { shortFromMsUp } from './timestamp.ts';

/** How a server behaves. Each absent field is as an honest stratum 1 server has it. */
export interface NtpServerBehaviour {
  /** Its time is off by this much, in ms; positive is ahead. Default 0. */
  readonly offsetMs?: number | undefined;
  /**
   * From the moment this is set, its time drifts away at this rate; positive runs fast. Default 0.
   */
  readonly driftPpm?: number | undefined;
  /** It holds each answer for this long, and stamps it honestly; 0 to 60,000 ms. Default 0. */
  readonly holdMs?: number | undefined;
  /** When true, it does not answer. Default `false`. */
  readonly silent?: boolean | undefined;
  /** The leap warning it announces; `unsynchronized` is leap indicator 3. Default `none`. */
  readonly leap?: LeapWarning | 'unsynchronized' | undefined;
  /** It answers with this kiss-o'-death instead of the time. Default: none. */
  readonly kiss?: KissCode | undefined;
  /** The stratum it announces, 0 to 255. Default 1. */
  readonly stratum?: number | undefined;
  /** The precision it announces, signed log2 seconds, -128 to 127. Default -20, a microsecond. */
  readonly precision?: number | undefined;
  /** The root delay it claims, up to 65,536 s. Default 0. */
  readonly rootDelayMs?: number | undefined;
  /**
   * The root dispersion it claims, up to 65,536 s. Default: the grid of its clock's wall reading (1
   * ms on the system clock), because it knows the time no better than that.
   */
  readonly rootDispersionMs?: number | undefined;
}

/** Options of {@link NtpServer}. */
export interface NtpServerOptions {
  /** The loopback address to bind to. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** The port to bind to. Default 0: any free port. */
  readonly port?: number | undefined;
  /** The clock whose `wallNs` it serves. */
  readonly clock: Clock;
  /** How the server behaves. Default `{}`: honest. */
  readonly behaviour?: NtpServerBehaviour | undefined;
}

const NAMES: Readonly<Record<keyof NtpServerOptions, true>> = {
  host: true,
  port: true,
  clock: true,
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

/**
 * The most answers that are held back at one time. Further ones are dropped, so a flood cannot fill
 * memory.
 */
const MAX_HELD = 1024;
const LEAP_INDICATORS: Readonly<Record<LeapWarning | 'unsynchronized', LeapIndicator>> = {
  none: 0,
  insert: 1,
  delete: 2,
  unsynchronized: 3,
};

/**
 * An NTP server on loopback. It runs until it is stopped, and keeps the process alive until then.
 *
 * @example
 * const server = await NtpServer.start({ clock: systemClock() });
 * const source = ntp(server.address, { port: server.port });
 * await server.stop();
 */
export class NtpServer implements AsyncDisposable {
  /** The IP address that it listens on. */
  readonly address: string;
  /** The UDP port that it listens on. */
  readonly port: number;
  #received = 0;
  #answered = 0;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #guard: AnswerGuard;
  readonly #held = new Set<() => void>();
  #behaviour: NtpServerBehaviour;
  #behavesSince: MonotonicNs;
  #stopped = false;

  private constructor(
    socket: Socket,
    clock: Clock,
    behaviour: NtpServerBehaviour,
    guard: AnswerGuard,
  ) {
    if (!(socket instanceof Socket)) {
      throw new ArgumentTypeError('socket', 'made by NtpServer.start()', socket);
    }
    this.#socket = socket;
    this.#clock = clock;
    this.#guard = guard;
    this.#behaviour = behaviour;
    this.#behavesSince = clock.monotonicNs();
    ({ address: this.address, port: this.port } = socket.address());
    socket.on('message', (request, from) => {
      const received = clock.wallNs();
      this.#received++;
      this.#onRequest(request, received, from.port, from.address);
    });
    // An answer to a client that has gone comes back as an ICMP error, which concerns no one.
    socket.on('error', () => {});
  }

  /**
   * Starts a server on a free port of 127.0.0.1, or where the options say.
   *
   * @throws ArgumentTypeError, ArgumentRangeError on bad options, a host that is not loopback among
   *   them; rejects with the system's error when the address cannot be bound
   */
  static start(options: NtpServerOptions): Promise<NtpServer>;
  /** @internal */
  static start(options: NtpServerOptions, guard: AnswerGuard): Promise<NtpServer>;
  static async start(options: NtpServerOptions, guard = NO_GUARD): Promise<NtpServer> {
    const {
      host = '127.0.0.1',
      port = 0,
      clock,
      behaviour = {},
    } = checkOptionNames(options, NAMES);
    const address = canonicalAddress(host);
    if (address === undefined || !isLoopback(address)) {
      throw new ArgumentRangeError('host', 'a loopback address', host);
    }
    if (!Number.isInteger(checkNumber('port', port, 0, 65_535))) {
      throw new ArgumentRangeError('port', 'a whole number', port);
    }
    if (typeof (clock as Partial<Clock> | undefined)?.wallNs !== 'function') {
      throw new ArgumentTypeError('clock', 'a Clock', clock);
    }
    checkBehaviour(behaviour);
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once('error', onError);
      socket.bind(port, address, () => {
        socket.off('error', onError);
        resolve();
      });
    });
    return new NtpServer(socket, clock, behaviour, guard);
  }

  /** How many datagrams came. */
  get received(): number {
    return this.#received;
  }

  /** How many answers went out. */
  get answered(): number {
    return this.#answered;
  }

  /** How it behaves now. */
  get behaviour(): NtpServerBehaviour {
    return this.#behaviour;
  }

  /** Replaces the whole behaviour from the next request on; `{}` makes the server honest. */
  behave(behaviour: NtpServerBehaviour): void {
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
      if (reply === undefined) return;
      try {
        this.#socket.send(seal(reply), port, address, () => {});
        this.#answered++;
      } catch {
        // `send` throws for port 0, and a raw packet can come from there.
      }
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

  /** How far its time is ahead of its clock's time now, ns. */
  #lieNs(): bigint {
    const { offsetMs = 0, driftPpm = 0 } = this.#behaviour;
    const elapsedNs = Number(this.#clock.monotonicNs() - this.#behavesSince);
    return BigInt(Math.round(offsetMs * 1e6 + elapsedNs * driftPpm * 1e-6));
  }
}

function checkBehaviour(behaviour: NtpServerBehaviour): void {
  const limits = {
    offsetMs: [-1e12, 1e12],
    driftPpm: [-1e6, 1e6],
    holdMs: [0, 60_000],
    stratum: [0, 255],
    precision: [-128, 127],
    rootDelayMs: [0, 65_536_000],
    rootDispersionMs: [0, 65_536_000],
  } as const;
  for (const [name, [min, max]] of Object.entries(limits)) {
    const value = behaviour[name as keyof typeof limits];
    if (value !== undefined) checkNumber(`behaviour.${name}`, value, min, max);
  }
  const { leap = 'none', kiss = 'RATE' } = behaviour;
  if (!Object.hasOwn(LEAP_INDICATORS, leap)) {
    throw new ArgumentTypeError('behaviour.leap', 'a leap warning', leap);
  }
  if (!['RATE', 'DENY', 'RSTR'].includes(kiss)) {
    throw new ArgumentTypeError('behaviour.kiss', 'a kiss code', kiss);
  }
}
