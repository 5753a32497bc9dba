import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Random } from '../../src/sim/random.ts';

/** How each direction treats what it carries: a range from which each delay is drawn, ms. */
export interface TcpPath {
  readonly toServerMs: readonly [number, number];
  readonly toClientMs: readonly [number, number];
  /** The share of pieces whose connection is cut instead. */
  readonly loss: number;
}

/**
 * A TCP proxy on loopback with a path of its own in either direction: delays that differ, jitter,
 * and connections that are lost. What it carries stays in order.
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** How many connections were opened, and how many of them cut. */
  readonly counts = { opened: 0, cut: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutNext: 'to-server' | 'to-client' | undefined;

  private constructor(server: Server) {
    this.#server = server;
    ({ port: this.port } = server.address() as AddressInfo);
  }

  /** @param target a port of 127.0.0.1, or the path of a Unix socket */
  static async start(target: number | string, path: TcpPath, seed: number): Promise<TcpProxy> {
    const random = new Random(seed);
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new TcpProxy(server);
    server.on('connection', (client) => {
      const upstream =
        typeof target === 'string'
          ? connect({ path: target })
          : connect({ port: target, host: '127.0.0.1', noDelay: true });
      proxy.counts.opened++;
      proxy.#join(client, upstream, 'to-server', path, random);
      proxy.#join(upstream, client, 'to-client', path, random);
    });
    return proxy;
  }

  /**
   * Cuts the connection of the next piece in this direction, instead of carrying the piece.
   * `undefined`: no longer.
   */
  cutNext(direction: 'to-server' | 'to-client' | undefined): void {
    this.#cutNext = direction;
  }

  #join(
    from: Socket,
    to: Socket,
    direction: 'to-server' | 'to-client',
    { toServerMs, toClientMs, loss }: TcpPath,
    random: Random,
  ): void {
    const [least, most] = direction === 'to-server' ? toServerMs : toClientMs;
    this.#sockets.add(from);
    let last = Promise.resolve();
    const later = (act: () => void): void => {
      const wait = random.between(least, most);
      const due = new Promise<void>((resolve) => setTimeout(resolve, wait));
      last = last.then(() => due).then(act);
    };
    from.on('data', (piece) => {
      if (random.chance(loss) || this.#cutNext === direction) {
        this.#cutNext = undefined;
        this.counts.cut++;
        from.destroy();
        to.destroy();
        return;
      }
      later(() => to.write(piece));
    });
    from.on('end', () => later(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      later(() => to.destroy());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
