/** The live page of `watch --web`, over plain HTTP, and for this machine unless told otherwise. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import { isAllowedHost } from '../dashboard/allowed-host.ts';
import type { Dashboard } from '../dashboard/dashboard.ts';
import { UsageError } from './exit.ts';
import { bracketed, closeServer, listenAt, namesOf, plain } from './listening.ts';
import type { WebAddress } from './web-address.ts';

/** More than the pages that the dashboard serves, so that it can say that it is full. */
const MAX_CONNECTIONS = 64;

/** A browser cannot open the addresses that stand for all of a machine's. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** A server that listens, and shows a clock once it is given one. */
export class WebPage {
  /** Where a browser on this machine finds it. */
  readonly url: string;
  readonly #server: Server;
  /** The name to listen at, unless that is an IP address. */
  readonly #names: readonly string[];
  readonly #start: typeof Dashboard.start;
  #dashboard: Dashboard | undefined;

  private constructor(server: Server, host: string, start: typeof Dashboard.start) {
    this.#server = server;
    this.#names = namesOf(host);
    this.#start = start;
    const { address, port } = server.address() as AddressInfo;
    const reached = this.#names.length > 0 ? host : (LOOPBACK_OF[address] ?? host);
    this.url = `http://${bracketed(reached)}:${port}/`;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // The dashboard would advise what only a program can do.
    if (!isAllowedHost(request.headers.host, new Set(this.#names))) {
      const { port } = this.#server.address() as AddressInfo;
      plain(response, 403, `Open it by its IP address, or say --web=NAME:${port}\n`);
    } else if (this.#dashboard === undefined) {
      plain(response, 503, 'The clock is starting\n');
    } else {
      this.#dashboard.handler.node(request, response);
    }
  }

  /** @throws UsageError when the machine does not let us listen there */
  static async listen(address: WebAddress): Promise<WebPage> {
    // Loaded here, because the page is larger than the rest of the command.
    const { Dashboard } = await import('../dashboard/dashboard.ts');
    const server = createServer();
    server.maxConnections = MAX_CONNECTIONS;
    const { host, port, anyPort } = address;
    try {
      await listenAt(server, host, port).catch((error: NodeJS.ErrnoException) => {
        if (!anyPort || error.code !== 'EADDRINUSE') throw error;
        return listenAt(server, host, 0);
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const where = `${bracketed(host)}:${port}`;
      throw new UsageError(`cannot serve the live page at ${where}: ${code ?? message}`);
    }
    return new WebPage(server, host, Dashboard.start);
  }

  /** Called once. The page goes on until the end. */
  show(clock: BoundedClock): void {
    this.#dashboard = this.#start({ clock, hosts: this.#names });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dashboard?.stop();
    await closeServer(this.#server);
  }
}
