/** Timestamps through a service of Hono, in every runtime that Hono runs in. */
import { type PropagationOptions, settingsOf } from '../propagation/options.ts';
import { type Extracted, receive, send } from '../propagation/propagation.ts';

/** The part of a context of Hono that the middleware uses. */
export interface HonoContext {
  /** The request. */
  readonly req: {
    /** The `Request`. */
    readonly raw: { readonly headers: { get(name: string): string | null } };
  };
  /** Sets a header of the reply. */
  header(name: string, value: string): void;
  /** Sets a variable of the request. */
  set(name: 'hlc', value: Extracted): void;
}

/**
 * A middleware of Hono: takes the timestamp of each request, and stamps each reply. What came of
 * the receipt is `c.get('hlc')`. Use it first.
 *
 * `trust` is given the context.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * import { type Extracted, hlcMiddleware } from 'epsilon-clock/hono';
 * import { Hono } from 'hono';
 * const app = new Hono<{ Variables: { hlc: Extracted } }>();
 * app.use(hlcMiddleware({ hlc, trust: true }));
 * app.get('/orders', (c) => c.json({ from: c.get('hlc').from }));
 */
export function hlcMiddleware(
  options: PropagationOptions<HonoContext>,
): (c: HonoContext, next: () => Promise<void>) => Promise<void> {
  const settings = settingsOf(options);
  return async (c, next) => {
    c.set('hlc', receive(settings, c.req.raw.headers, c));
    await next();
    send(settings, { get() {}, set: (name, value) => c.header(name, value) });
  };
}
