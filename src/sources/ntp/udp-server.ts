/**
 * An NTP server on a loopback UDP socket, for demonstrations and tests: its time is that of the clock it
 * is given, true to nothing else, and it can be told to misbehave in the ways that real servers do.
 *
 * All protocol is in `server.ts`; here are the socket, the stamps and the lies. It binds to loopback
 * addresses only: a server that lies on purpose has no business on a network.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { LeapWarning } from '../../bound/clock-sample.ts';
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { asUnixNs, type MonotonicNs, type UnixNs } from '../../time/instant.ts';
import { canonicalAddress, isLoopback } from './address.ts';
import type { KissCode } from './exchange.ts';
import { type LeapIndicator, referenceIdOf } from './packet.ts';
import { answerRequest } from './server.ts';
import { shortFromMsUp } from './timestamp.ts';

/** How a server behaves. Everything absent is as an honest stratum 1 server would have it. */
export interface NtpServerBehaviour {
  /** Its time is off by this much, in ms; positive is ahead. Default 0. */
  readonly offsetMs?: number;
  /** Its time runs off at this rate from the moment this is set. Default 0. */
  readonly driftPpm?: number;
  /** It holds each answer for so long, and stamps it honestly. Default 0. */
  readonly holdMs?: number;
  /** It does not answer. Default `false`. */
  readonly silent?: boolean;
  /** Default `none`; `unsynchronized` is leap indicator 3. */
  readonly leap?: LeapWarning | 'unsynchronized';
  /** It answers with this kiss-o'-death. Default: none. */
  readonly kiss?: KissCode | undefined;
  /** 0 to 255. Default 1. */
  readonly stratum?: number;
  /** Signed log2 seconds, -128 to 127. Default -20: a microsecond. */
  readonly precision?: number;
  /** The root delay it claims, up to 65,536 s. Default 0. */
  readonly rootDelayMs?: number;
  /**
   * The root dispersion it claims, up to 65,536 s. Default: the grid of its clock's wall reading (1 ms on
   * the system clock), since that is how well it knows the time that it stands for.
   */
  readonly rootDispersionMs?: number;
}

export interface NtpServerOptions {
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Whose `wallNs` it serves. */
  readonly clock: Clock;
  readonly behaviour?: NtpServerBehaviour;
}

/** A server that runs until it is closed; until then it keeps the process alive. */
export interface NtpServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Datagrams that came, and answers that went. */
  readonly received: number;
  readonly answered: number;
  readonly behaviour: NtpServerBehaviour;
  /** Replaces the whole behaviour from the next request on; `{}` makes the server honest. */
  behave(behaviour: NtpServerBehaviour): void;
  close(): Promise<void>;
}

/** Answers held back at a time; what comes on top of them is dropped, so a flood cannot fill memory. */
const MAX_HELD = 1024;
const LEAP_INDICATORS: Readonly<Record<LeapWarning | 'unsynchronized', LeapIndicator>> = {
  none: 0,
  insert: 1,
  delete: 2,
  unsynchronized: 3,
};

/**
 * Starts a server.
 *
 * @throws ArgumentTypeError, ArgumentRangeError on bad options, a host that is not loopback among them;
 *   rejects with the system's error when the address cannot be bound
 * @example await using server = await startNtpServer({ clock: systemClock() });
 */
export async function startNtpServer(options: NtpServerOptions): Promise<NtpServer> {
  const { host = '127.0.0.1', port = 0, clock, behaviour = {} } = options;
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
  return new UdpServer(socket, clock, behaviour);
}

class UdpServer implements NtpServer {
  readonly address: string;
  readonly port: number;
  received = 0;
  answered = 0;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #held = new Set<() => void>();
  #behaviour: NtpServerBehaviour;
  #behavesSince: MonotonicNs;
  #closed = false;

  constructor(socket: Socket, clock: Clock, behaviour: NtpServerBehaviour) {
    this.#socket = socket;
    this.#clock = clock;
    this.#behaviour = behaviour;
    this.#behavesSince = clock.monotonicNs();
    ({ address: this.address, port: this.port } = socket.address());
    socket.on('message', (request, from) => {
      const received = clock.wallNs();
      this.received++;
      this.#onRequest(request, received, from.port, from.address);
    });
    // An answer to a client that is gone comes back as an ICMP error: nobody is waiting for it.
    socket.on('error', () => {});
  }

  get behaviour(): NtpServerBehaviour {
    return this.#behaviour;
  }

  behave(behaviour: NtpServerBehaviour): void {
    checkBehaviour(behaviour);
    this.#behaviour = behaviour;
    this.#behavesSince = this.#clock.monotonicNs();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const cancel of this.#held) cancel();
    this.#held.clear();
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #onRequest(request: Uint8Array, receivedTruly: UnixNs, port: number, address: string): void {
    const behaviour = this.#behaviour;
    if (behaviour.silent === true) return;
    const received = asUnixNs(receivedTruly + this.#lieNs());
    const gridMs = Number(this.#clock.wallGridNs) / 1e6;
    const answer = (): void => {
      const transmitted = asUnixNs(this.#clock.wallNs() + this.#lieNs());
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
      this.answered++;
      this.#socket.send(reply, port, address, () => {});
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

  /** How far its time is ahead of the clock's, now. */
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
