/**
 * Timestamps through `fetch`, on both of its sides: a `fetch` that carries them, and a handler that
 * takes a `Request` and returns a `Response`.
 */
import { type PropagationOptions, settingsOf } from '../propagation/options.ts';
import { type Extracted, receive, send } from '../propagation/propagation.ts';
import { ArgumentTypeError } from '../time/errors.ts';

/** `fetch`, or a function that is called as it is. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * A `fetch` that stamps each request, and takes the timestamp of each reply. Its arguments and its
 * result are those of the `fetch` that it is made of.
 *
 * Every host that is asked sees the header, and what a redirect leads to as well. So use it for
 * your own services only. `trust` is given the `Response`, whose `url` says who answered.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const fetchOrders = hlcFetch(globalThis.fetch, { hlc, trust: true });
 * // await fetchOrders('http://orders/17')
 */
export function hlcFetch(fetch: Fetch, options: PropagationOptions<Response>): Fetch {
  if (typeof fetch !== 'function') throw new ArgumentTypeError('fetch', 'a function', fetch);
  const settings = settingsOf(options);
  return async (input, init) => {
    const headers = new Headers(init?.headers ?? (input as Partial<Request>).headers);
    send(settings, headers);
    const response = await fetch(input, { ...init, headers });
    receive(settings, response.headers, response);
    return response;
  };
}

/**
 * A handler of requests, as Deno, Bun, Cloudflare and many frameworks take them, that takes the
 * timestamp of each request and stamps each reply. `handler` is given what came of the receipt,
 * behind the request, and then all further arguments.
 *
 * `trust` is given the `Request`. A reply that cannot be copied, such as the one of a WebSocket,
 * goes without a stamp.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const serve = hlcHandler((request, { from }) => Response.json({ from }), { hlc, trust: true });
 * const request = new Request('http://orders/', { headers: { 'epsilon-hlc': hlc.stamp() } });
 * const response = await serve(request); // Deno.serve(serve)
 */
export function hlcHandler<Rest extends unknown[]>(
  handler: (request: Request, received: Extracted, ...rest: Rest) => Response | Promise<Response>,
  options: PropagationOptions<Request>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  if (typeof handler !== 'function') throw new ArgumentTypeError('handler', 'a function', handler);
  const settings = settingsOf(options);
  return async (request, ...rest) => {
    const received = receive(settings, request.headers, request);
    let response = await handler(request, received, ...rest);
    send(settings, {
      get() {},
      set(name, value) {
        try {
          response.headers.set(name, value);
        } catch {
          // The headers of a reply that came by `fetch` cannot be changed, but those of a copy can.
          response = new Response(response.body, response);
          response.headers.set(name, value);
        }
      },
    });
    return response;
  };
}
