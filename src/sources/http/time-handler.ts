/** The time of this server over HTTP, for any server of HTTP. */
import type { HandlerRequest, HandlerResponse, HttpHandler } from '../../metrics/handlers.ts';
import { ArgumentTypeError } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { type ServerTime, serverStamps } from './server-stamps.ts';
import { bodyOf, headerOf } from './statement.ts';

/** Options of {@link timeHandler}. */
export interface TimeHandlerOptions extends ServerTime {
  /**
   * Pages of this origin may ask, and see the timing of their requests: `'https://shop.example'`,
   * or `'*'` for all. Default: only pages of the server's own origin.
   */
  readonly allowOrigin?: string | undefined;
}

const NAMES: Readonly<Record<keyof TimeHandlerOptions, true>> = {
  clock: true,
  errorMs: true,
  allowOrigin: true,
};
/** The parameter of the URL that has the nonce. */
export const NONCE = 'nonce';
const NONCE_FORM = /^[0-9A-Za-z_-]{1,64}$/;

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * Answers `httpTime`: JSON with the nonce of the request, when the request arrived and when the
 * reply left by `clock`, and how wrong that can be. 200 with a bound. 503 while the clock has none,
 * with the reason: such a reply gives nobody a sample. 400 for a nonce that is not one, 405 for
 * anything but GET and HEAD, 500 when the clock throws.
 *
 * Mount it in front of whatever takes time, such as a parser of bodies or a session store. What
 * comes before it makes the clients' intervals wider, not wrong. Nothing may store its replies; it
 * says `no-store`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * // createServer(timeHandler({ clock }).node).listen(8080);
 * // Deno.serve(timeHandler({ clock }).fetch);
 * const response = await timeHandler({ clock }).fetch(new Request('http://localhost/time'));
 * response.status // 200
 */
export function timeHandler(options: TimeHandlerOptions): HttpHandler {
  const { allowOrigin } = checkOptionNames(options, NAMES);
  const stamps = serverStamps(options);
  const common = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...allowedBy(allowOrigin),
  };
  const replyTo = (method: string, url: string): Reply => {
    const send = stamps();
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, headers: { ...common, allow: 'GET, HEAD' }, body: '{}\n' };
    }
    const nonce = new URLSearchParams(url.split('#')[0]!.split('?')[1]).get(NONCE) ?? undefined;
    if (nonce !== undefined && !NONCE_FORM.test(nonce)) {
      return { status: 400, headers: common, body: '{}\n' };
    }
    const said = send();
    const status = 'unsynchronized' in said ? 503 : 200;
    const headers = { ...common, 'server-timing': headerOf(said) };
    return { status, headers, body: bodyOf(said, nonce) };
  };
  const reply = (method: string, url: string): Reply => {
    try {
      return replyTo(method, url);
    } catch {
      // Fake timers over the clock, or a clock of the user's that throws.
      return { status: 500, headers: common, body: '{}\n' };
    }
  };
  return {
    fetch: ({ method, url }: Request) => {
      const { status, headers, body } = reply(method, url);
      return new Response(method === 'HEAD' ? null : body, { status, headers });
    },
    node: ({ method = 'GET', url = '' }: HandlerRequest, response: HandlerResponse) => {
      const { status, headers, body } = reply(method, url);
      response.writeHead(status, headers);
      response.end(body); // Node sends no body in an answer to HEAD.
    },
  };
}

function allowedBy(origin: string | undefined): Readonly<Record<string, string>> {
  if (origin === undefined) return {};
  if (typeof origin !== 'string' || !isOrigin(origin)) {
    throw new ArgumentTypeError('allowOrigin', "an origin such as 'https://shop.example'", origin);
  }
  return { 'access-control-allow-origin': origin, 'timing-allow-origin': origin };
}

/** Browsers compare it letter by letter with what they call the origin. */
function isOrigin(text: string): boolean {
  if (text === '*') return true;
  try {
    return /^https?:/.test(text) && new URL(text).origin === text;
  } catch {
    return false;
  }
}
