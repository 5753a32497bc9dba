/** Metrics and health over HTTP, for any server: `fetch` for web handlers, `node` for Node's. */
import type { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import { checkHealthArguments, type HealthOptions, health } from './health.ts';
import { checkMeasured, type Measured } from './measured.ts';
import { metricsContentType, metricsText } from './metrics-text.ts';

/** The part of Node's `IncomingMessage` that a handler reads. */
export interface HandlerRequest {
  /** Anything but GET and HEAD is refused. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The part of Node's `ServerResponse` that a handler writes. */
export interface HandlerResponse {
  /** Called once. */
  writeHead(status: number, headers: Record<string, string>): unknown;
  /** Called once, last. Not optional: that of `node:http2` takes a callback in its place. */
  end(body: string): unknown;
}

/**
 * Answers requests. Neither function needs `this`, or reads the body of a request. They throw only
 * what the response throws that they are given.
 */
export interface HttpHandler {
  /** For `Deno.serve`, `Bun.serve`, Hono and other servers of the web's kind. */
  readonly fetch: (request: Request) => Response;
  /** For `node:http`, Express, and the raw request and response of Fastify. */
  readonly node: (request: HandlerRequest, response: HandlerResponse) => void;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Answers with what {@link metricsText} says, in the format that the request accepts.
 *
 * @throws ArgumentTypeError when a part is not what its name says
 * @example
 * // createServer(metricsHandler({ clock, hlc }).node).listen(9464);
 * const response = metricsHandler({ clock }).fetch(new Request('http://localhost/metrics'));
 * response.status // 200
 */
export function metricsHandler(measured: Measured): HttpHandler {
  checkMeasured(measured);
  return handlerOf((accept) => ({
    status: 200,
    type: metricsContentType({ accept }),
    body: metricsText(measured, { accept }),
  }));
}

/**
 * Answers with what {@link health} says, as JSON: 200 when the clock is ok or degraded, 503 when it
 * is failing. For `/healthz`, load balancers and the probes of Kubernetes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an argument is wrong
 * @example
 * const { fetch } = healthHandler(clock, { maxUncertaintyMs: 50 });
 * fetch(new Request('http://localhost/healthz')).status // 200
 */
export function healthHandler(clock: BoundedReader, options: HealthOptions): HttpHandler {
  checkHealthArguments(clock, options);
  return handlerOf(() => {
    const found = health(clock, options);
    return {
      status: found.status === 'failing' ? 503 : 200,
      type: 'application/json',
      body: `${JSON.stringify(found)}\n`,
    };
  });
}

function handlerOf(answerTo: (accept: string | undefined) => Answer): HttpHandler {
  const answer = (method: string, accept: string | undefined): Answer => {
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, type: 'text/plain; charset=utf-8', body: 'GET or HEAD\n' };
    }
    try {
      return answerTo(accept);
    } catch (error) {
      // Fake timers over the clock: misuse, which a probe should see too.
      const { code, message } = error as Error & { code?: unknown };
      const type = 'text/plain; charset=utf-8';
      return { status: 500, type, body: `${code ?? 'error'}: ${message}\n` };
    }
  };
  return {
    fetch: ({ method, headers }) => {
      const { status, type, body } = answer(method, headers.get('accept') ?? undefined);
      return new Response(method === 'HEAD' ? null : body, {
        status,
        headers: headersOf(status, type),
      });
    },
    node: ({ method = 'GET', headers }, response) => {
      const { accept } = headers;
      const { status, type, body } = answer(
        method,
        typeof accept === 'string' ? accept : undefined,
      );
      response.writeHead(status, headersOf(status, type));
      response.end(body); // Node sends no body in an answer to HEAD.
    },
  };
}

function headersOf(status: number, type: string): Record<string, string> {
  return {
    'content-type': type,
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  };
}
