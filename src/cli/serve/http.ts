/**
 * What the daemon serves over HTTP: the dashboard, metrics, health and time, each as the library's
 * handlers have it.
 *
 * The dashboard and the metrics name the time servers, so a page of a foreign site must not read
 * them by DNS rebinding: they are for IP addresses, `localhost` and the names that are configured.
 * Health and time say nothing that a foreign page could not know, and are for everybody.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BoundedClock } from '../../bounded-clock/bounded-clock.ts';
import { isAllowedHost } from '../../dashboard/allowed-host.ts';
import type { Dashboard } from '../../dashboard/dashboard.ts';
import { healthHandler, metricsHandler } from '../../metrics/handlers.ts';
import { timeHandler } from '../../sources/http/time-handler.ts';
import { bracketed, closeServer, listenAt, namesOf, plain } from '../listening.ts';
import type { HttpSettings } from './settings.ts';

/** Enough for scrapers, probes, pages and clients; a flood of connections ends here. */
const MAX_CONNECTIONS = 512;
/** Half-open connections would take the place of probes for a minute by Node's own limits. */
const IMPATIENCE: ServerOptions = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class HttpOutput {
  readonly url: string;
  readonly #server: Server;
  readonly #dashboard: Dashboard;

  private constructor(server: Server, dashboard: Dashboard) {
    this.#server = server;
    this.#dashboard = dashboard;
    const { address, port } = server.address() as AddressInfo;
    this.url = `http://${bracketed(address)}:${port}/`;
  }

  /** Rejects with the system's error when the address cannot be had. */
  static async start(
    clock: BoundedClock,
    { address: { host, port }, hosts = [], allowOrigin }: HttpSettings,
    maxUncertaintyMs: number,
  ): Promise<HttpOutput> {
    // Loaded here, because the page is larger than the rest of the command.
    const { Dashboard } = await import('../../dashboard/dashboard.ts');
    const names = [...namesOf(host), ...hosts].map((name) => name.toLowerCase());
    const server = createServer(IMPATIENCE);
    server.maxConnections = MAX_CONNECTIONS;
    await listenAt(server, host, port);
    const dashboard = Dashboard.start({ clock, hosts: names });
    const allowed = new Set(names);
    const guarded =
      (answer: Answer): Answer =>
      (request, response) => {
        if (isAllowedHost(request.headers.host, allowed)) return answer(request, response);
        plain(
          response,
          403,
          'Not under this host name: add it to http.hosts, or use an IP address\n',
        );
      };
    const answers = new Map<string, Answer>([
      ['/', guarded(dashboard.handler.node)],
      ['/metrics', guarded(metricsHandler({ clock }).node)],
      ['/health', healthHandler(clock, { maxUncertaintyMs }).node],
      ['/time', timeHandler({ clock, allowOrigin }).node],
    ]);
    server.on('request', (request, response) => {
      const answer = answers.get(request.url?.split('?')[0] ?? '');
      if (answer !== undefined) answer(request, response);
      else plain(response, 404, `There are ${[...answers.keys()].join(', ')}\n`);
    });
    // A connection that cannot be accepted concerns its client alone.
    server.on('error', () => {});
    return new HttpOutput(server, dashboard);
  }

  async stop(): Promise<void> {
    this.#dashboard.stop();
    await closeServer(this.#server);
  }
}
