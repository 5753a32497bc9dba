/**
 * The page and its stream over HTTP, for any server: `fetch` for web handlers, `node` for Node's.
 *
 * One address serves both: the page, and with `?events` the stream. So it works wherever a program
 * mounts it. Every answer is for this origin alone: no CORS, no frames. The page has a policy (CSP)
 * that names its own script and style by their hashes and allows nothing else.
 */
import type { HandlerRequest, HandlerResponse } from '../metrics/handlers.ts';
import { isAllowedHost } from './allowed-host.ts';
import { MAX_VIEWERS, type Sink, type Viewers } from './viewers.ts';

/** The part of Node's `IncomingMessage` that the handler reads. */
export interface DashboardRequest extends HandlerRequest {
  /** `?events` asks for the stream; anything else is the page. */
  readonly url?: string | undefined;
}

/** The part of Node's `ServerResponse` that the handler writes. */
export interface DashboardResponse extends HandlerResponse {
  /** Returns false when there is no room for more, until `drain`. */
  write(text: string): boolean;
  /** `drain`: there is room again. `close` and `error`: the reader is gone. */
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
  /** Closes the connection at once. */
  destroy(): unknown;
}

/** Answers requests. Neither function needs `this`, or reads the body of a request. */
export interface DashboardHandler {
  /** For `Deno.serve`, `Bun.serve`, Hono and other servers of the web's kind. */
  readonly fetch: (request: Request) => Response;
  /** For `node:http`, `node:http2`, Express, and the raw request and response of Fastify. */
  readonly node: (request: DashboardRequest, response: DashboardResponse) => void;
}

export interface HandlerParts {
  /** The page with everything in it. */
  readonly html: string;
  /** The policy (CSP) that fits it. */
  readonly policy: string;
  readonly viewers: Viewers;
  readonly hosts: ReadonlySet<string>;
  readonly stopped: () => boolean;
  /** The first message of a stream, for a page whose last message had this id. */
  readonly welcome: (lastEventId: string | undefined) => string;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly host: string | undefined;
  /** `Sec-Fetch-Site`. */
  readonly site: string | undefined;
  readonly lastEventId: string | undefined;
}

/** An answer with a body, or a stream. */
interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | 'stream';
}

const COMMON = {
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "frame-ancestors 'none'",
};

/** `?events`, with the id of the last message that the page knows. */
const EVENTS = /[?&]events(?:=([^&#]*))?(?:[&#]|$)/;

export function handlerOf(parts: HandlerParts): DashboardHandler {
  const { viewers } = parts;
  const fetch = ({ method, url, headers }: Request): Response => {
    const header = (name: string): string | undefined => headers.get(name) ?? undefined;
    const asked = {
      method,
      url,
      host: header('host') ?? new URL(url).host,
      site: header('sec-fetch-site'),
      lastEventId: header('last-event-id') ?? EVENTS.exec(url)?.[1],
    };
    const { status, headers: own, body } = answerTo(asked, parts);
    const init = { status, headers: own };
    if (method === 'HEAD') return new Response(null, init);
    if (body !== 'stream') return new Response(body, init);
    return new Response(streamOf(viewers, parts.welcome(asked.lastEventId)), init);
  };
  const node = (request: DashboardRequest, response: DashboardResponse): void => {
    const { method = 'GET', url = '/', headers } = request;
    const header = (name: string): string | undefined => {
      const value = headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    const asked = {
      method,
      url,
      host: header('host') ?? header(':authority'),
      site: header('sec-fetch-site'),
      lastEventId: header('last-event-id') ?? EVENTS.exec(url)?.[1],
    };
    const { status, headers: own, body } = answerTo(asked, parts);
    const opens = body === 'stream' && method !== 'HEAD';
    const welcome = opens ? parts.welcome(asked.lastEventId) : '';
    response.writeHead(status, own);
    if (opens) attach(viewers, response, welcome);
    else response.end(body === 'stream' ? '' : body);
  };
  return { fetch, node };
}

function answerTo({ method, url, host, site }: Asked, parts: HandlerParts): Answer {
  const { html, policy, viewers, hosts, stopped } = parts;
  if (!isAllowedHost(host, hosts)) {
    const advice = "name it in Dashboard.start({ hosts: ['…'] })";
    return plain(403, `The dashboard is not served under this host name: ${advice}\n`);
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return plain(405, 'GET or HEAD\n', { allow: 'GET, HEAD' });
  }
  if (stopped()) return plain(503, 'The dashboard was stopped\n');
  if (!EVENTS.test(url)) {
    const type = 'text/html; charset=utf-8';
    const headers = { ...COMMON, 'content-type': type, 'content-security-policy': policy };
    return { status: 200, headers, body: html };
  }
  // Another site cannot read the stream, but it could use up the places.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return plain(403, 'The stream is for the page of this origin\n');
  }
  if (viewers.full) {
    const text = `All ${MAX_VIEWERS} places are taken: too many pages are open\n`;
    return plain(503, text, { 'retry-after': '10' });
  }
  const headers = { ...COMMON, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
  return { status: 200, headers, body: 'stream' };
}

function plain(status: number, body: string, more: Record<string, string> = {}): Answer {
  const headers = { ...COMMON, 'content-type': 'text/plain; charset=utf-8', ...more };
  return { status, headers, body };
}

function attach(viewers: Viewers, response: DashboardResponse, welcome: string): void {
  const sink: Sink = {
    write: (text) => response.write(text),
    end: () => response.end(''),
    abort: () => response.destroy(),
  };
  response.on('drain', () => viewers.drained(sink));
  response.on('close', () => viewers.remove(sink));
  response.on('error', () => viewers.remove(sink));
  viewers.add(sink, welcome);
}

function streamOf(viewers: Viewers, welcome: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let sink: Sink;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      sink = {
        write: (text) => {
          controller.enqueue(encoder.encode(text));
          return (controller.desiredSize ?? 0) > 0;
        },
        end: () => controller.close(),
        abort: () => controller.error(new Error('the reader was too slow')),
      };
      viewers.add(sink, welcome);
    },
    pull: () => viewers.drained(sink),
    cancel: () => viewers.remove(sink),
  });
}
