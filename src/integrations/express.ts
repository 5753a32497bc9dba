/**
 * Timestamps through a service of Express, of Connect, or of Node's `http` alone.
 *
 * Node has no event "the headers are about to be sent". So `writeHead` of each response is replaced
 * until it is called, which Node does itself where a handler does not.
 */
import { type PropagationOptions, settingsOf } from '../propagation/options.ts';
import { type Extracted, receive, send } from '../propagation/propagation.ts';
import { stampedHeaders } from './stamped-headers.ts';

/** The part of a request of Node that the middleware uses. */
export interface NodeRequest {
  /** Node's headers of the request. */
  readonly headers: Record<string, unknown>;
  /** The connection: its `remoteAddress`, and with TLS whether it is `authorized`. */
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** What came of the receipt. The middleware sets it. */
  hlc?: Extracted | undefined;
}

/** The part of a response of Node that the middleware uses. */
export interface NodeResponse {
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Sends the status and the headers. */
  writeHead(...args: never[]): unknown;
}

declare global {
  // What Express's own declarations extend.
  namespace Express {
    /** A request of Express. */
    interface Request {
      /** What came of the receipt of the request's timestamp, by `hlcMiddleware`. */
      hlc?: Extracted | undefined;
    }
  }
}

/**
 * A middleware of Express or Connect: takes the timestamp of each request, and stamps each reply.
 * What came of the receipt is in `req.hlc`. Use it first.
 *
 * `trust` is given the request.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * import express from 'express';
 * const app = express();
 * app.use(hlcMiddleware({ hlc, trust: true }));
 * app.get('/orders', (req, res) => res.json({ from: req.hlc?.from }));
 */
export function hlcMiddleware(
  options: PropagationOptions<NodeRequest>,
): (req: NodeRequest, res: NodeResponse, next: () => void) => void {
  const settings = settingsOf(options);
  return (req, res, next) => {
    req.hlc = receive(settings, req.headers, req);
    const { writeHead } = res;
    res.writeHead = (...args: never[]) => {
      res.writeHead = writeHead;
      // Headers that a handler gives here win over those that were set. So the stamp goes there.
      const given = args.findLastIndex((arg) => typeof arg === 'object' && arg !== null);
      if (given > 0) args[given] = stampedHeaders(settings, args[given]!) as never;
      else send(settings, { get() {}, set: (name, value) => res.setHeader(name, value) });
      return res.writeHead(...args);
    };
    next();
  };
}
