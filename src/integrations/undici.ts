/** Timestamps through the clients of undici 7 and later. */
import { type PropagationOptions, type Settings, settingsOf } from '../propagation/options.ts';
import { receive } from '../propagation/propagation.ts';
import { stampedHeaders } from './stamped-headers.ts';

/** The part of a request of undici that the interceptor uses. */
export interface UndiciRequest {
  /** Who is asked. */
  readonly origin?: string | URL | undefined;
  /** What is asked for. */
  readonly path: string;
  /** A flat array of names and values, an iterable of pairs, or an object. */
  readonly headers?: object | null | undefined;
}

/** The calls by which undici reports about a request. */
export interface UndiciHandler {
  /** The request is about to be sent. */
  onRequestStart?(controller: unknown, context: unknown): void;
  /** The server has switched protocols. */
  onRequestUpgrade?(controller: unknown, status: number, headers: object, socket: unknown): void;
  /** The headers of a reply have come. */
  onResponseStart?(controller: unknown, status: number, headers: object, message?: string): void;
  /** A part of the body has come. */
  onResponseData?(controller: unknown, chunk: unknown): void;
  /** The reply has ended. */
  onResponseEnd?(controller: unknown, trailers: object): void;
  /** The request has failed. */
  onResponseError?(controller: unknown, error: Error): void;
}

/** The function of undici that sends a request. */
export type UndiciDispatch<Request, Handler> = (request: Request, handler: Handler) => boolean;

/**
 * An interceptor of undici: stamps each request, and takes the timestamp of each reply. Compose it
 * first. Then each attempt of a retry has a stamp of its own, and a reply that comes from a cache
 * is not taken for a new one.
 *
 * Every host that is asked sees the header. `trust` is given the request: its `origin` says who
 * answers.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * import { Agent } from 'undici';
 * const orders = new Agent().compose(hlcInterceptor({ hlc, trust: true }));
 * // await orders.request({ origin: 'http://orders', path: '/17', method: 'GET' })
 */
export function hlcInterceptor(
  options: PropagationOptions<UndiciRequest>,
): <Request extends UndiciRequest, Handler extends UndiciHandler>(
  dispatch: UndiciDispatch<Request, Handler>,
) => UndiciDispatch<Request, Handler> {
  const settings = settingsOf(options);
  return (dispatch) => (request, handler) => {
    const sent = { ...request, headers: stampedHeaders(settings, request.headers ?? {}) };
    return dispatch(sent, listening(settings, request, handler) as typeof handler);
  };
}

/** A handler that takes the timestamp of the reply, and then does as `handler` does. */
function listening(
  settings: Settings,
  request: UndiciRequest,
  handler: UndiciHandler,
): UndiciHandler {
  return {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (controller, status, headers, socket) => {
      receive(settings, headers, request);
      handler.onRequestUpgrade?.(controller, status, headers, socket);
    },
    onResponseStart: (controller, status, headers, message) => {
      // Below 200 it is not the reply yet.
      if (status >= 200) receive(settings, headers, request);
      return handler.onResponseStart?.(controller, status, headers, message);
    },
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  };
}
