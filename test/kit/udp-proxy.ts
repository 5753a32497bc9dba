import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/**
 * A UDP proxy on loopback that treats each direction as a network would: delay, jitter, loss,
 * duplication and reordering (jitter is drawn per datagram). It uses Node's timers, so it is good
 * for delays from 2 ms up; a delay of 0 forwards at once.
 */

export interface PathConditions {
  /** The delay of every datagram, ms. Default 0. */
  readonly delayMs?: number;
  /**
   * Up to this much more, ms, drawn uniformly for each datagram, so that later ones may overtake.
   * Default 0.
   */
  readonly jitterMs?: number;
  /** The share that is lost, 0 to 1. Default 0. */
  readonly loss?: number;
  /** The share that arrives twice, 0 to 1. Default 0. */
  readonly duplication?: number;
}

export interface UdpProxyOptions {
  readonly target: { readonly address: string; readonly port: number };
  readonly toServer?: PathConditions;
  readonly toClient?: PathConditions;
  /** Each datagram waits for this promise first. So a test can act in the middle of an exchange. */
  readonly gate?: (direction: 'toServer' | 'toClient') => Promise<void>;
  /** Returns numbers uniform in [0, 1). Default: a fixed sequence, the same in every run. */
  readonly random?: () => number;
}

export class UdpProxy implements AsyncDisposable {
  toServer: PathConditions;
  toClient: PathConditions;
  /** The datagrams that came in, by direction, and the copies that went out. */
  readonly counts = { toServer: 0, toClient: 0, forwarded: 0, lost: 0 };
  readonly address: string;
  readonly port: number;
  readonly #front: Socket;
  /** One socket per client port, so that replies find their way back. */
  readonly #backs = new Map<string, Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #options: UdpProxyOptions;
  readonly #random: () => number;
  #closed = false;

  private constructor(front: Socket, options: UdpProxyOptions) {
    this.#front = front;
    this.#options = options;
    this.#random = options.random ?? fixedSequence();
    this.toServer = options.toServer ?? {};
    this.toClient = options.toClient ?? {};
    ({ address: this.address, port: this.port } = front.address());
    front.on('message', (datagram, client) => this.#onRequest(Buffer.from(datagram), client));
    front.on('error', () => {});
  }

  static async start(options: UdpProxyOptions): Promise<UdpProxy> {
    const front = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      front.once('error', reject);
      front.bind(0, '127.0.0.1', resolve);
    });
    return new UdpProxy(front, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const sockets = [this.#front, ...this.#backs.values()];
    await Promise.all(sockets.map((s) => new Promise<void>((resolve) => s.close(() => resolve()))));
  }

  #onRequest(datagram: Buffer, client: RemoteInfo): void {
    this.counts.toServer++;
    const back = this.#backFor(client);
    const { address, port } = this.#options.target;
    this.#pass('toServer', () => back.send(datagram, port, address, () => {}));
  }

  #backFor(client: RemoteInfo): Socket {
    const key = `${client.address}:${client.port}`;
    const known = this.#backs.get(key);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    this.#backs.set(key, back);
    back.on('error', () => {});
    back.on('message', (received) => {
      const datagram = Buffer.from(received);
      this.counts.toClient++;
      const forward = (): void => {
        this.#front.send(datagram, client.port, client.address, () => {});
      };
      this.#pass('toClient', forward);
    });
    return back;
  }

  #pass(direction: 'toServer' | 'toClient', forward: () => void): void {
    const { gate } = this.#options;
    if (gate === undefined) {
      this.#carry(this[direction], forward);
      return;
    }
    void gate(direction).then(() => {
      if (!this.#closed) this.#carry(this[direction], forward);
    });
  }

  #carry(conditions: PathConditions, forward: () => void): void {
    const { delayMs = 0, jitterMs = 0, loss = 0, duplication = 0 } = conditions;
    if (this.#random() < loss) {
      this.counts.lost++;
      return;
    }
    const copies = this.#random() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.counts.forwarded++;
      const waitMs = delayMs + jitterMs * this.#random();
      if (waitMs === 0) {
        forward();
        continue;
      }
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        forward();
      }, waitMs);
      this.#timers.add(timer);
    }
  }
}

/** The fractions of the multiples of the golden ratio: evenly spread, and the same in every run. */
function fixedSequence(): () => number {
  let x = 0;
  return () => {
    x = (x + 0.618_033_988_749_894_9) % 1;
    return x;
  };
}
