/**
 * Timestamps through a Fastify service. The receipt is the first event of a request. The send is
 * the last one of its reply, so that the reply covers what the handler has stamped.
 */
import { type PropagationOptions, settingsOf } from '../propagation/options.ts';
import { type Extracted, receive, send } from '../propagation/propagation.ts';

/** The part of a Fastify request that the plugin uses. */
export interface FastifyRequestLike {
  /** Node's headers of the request. */
  readonly headers: Record<string, unknown>;
  /** The address of the caller. */
  readonly ip: string;
  /** What came of the receipt. The plugin sets it. */
  hlc?: Extracted | undefined;
}

/** The part of a Fastify reply that the plugin uses. */
export interface FastifyReplyLike {
  /** Sets a header. */
  header(name: string, value: string): unknown;
}

/** The part of a Fastify instance that the plugin uses. */
export interface FastifyLike {
  /** Adds a property to every request. */
  decorateRequest(name: string, value: null): unknown;
  /** Adds a hook. */
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, next: () => void) => void,
  ): unknown;
  addHook(
    name: 'onSend',
    hook: (
      request: FastifyRequestLike,
      reply: FastifyReplyLike,
      payload: unknown,
      next: () => void,
    ) => void,
  ): unknown;
}

/**
 * A plugin of Fastify: takes the timestamp of each request, and stamps each reply. What came of the
 * receipt is in `request.hlc`. It is for the instance that registers it, and for all that this
 * instance registers afterwards. So register it first.
 *
 * `trust` is given the request. A reply that a handler writes by `reply.raw` goes without a stamp.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (as the rejection of `ready()` or `listen()`)
 *   naming the option at fault
 * @example
 * import { fastify } from 'fastify';
 * const app = fastify();
 * app.register(hlcPlugin, { hlc, trust: (request) => request.ip.startsWith('10.') });
 * app.get('/orders', (request) => ({ from: request.hlc.from }));
 */
export const hlcPlugin: (
  app: FastifyLike,
  options: PropagationOptions<FastifyRequestLike>,
) => Promise<void> = Object.assign(plugin, {
  // Without this, Fastify would add the hooks only to the routes of the plugin, which has none.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'epsilon-clock',
});

/** Asynchronous, because what a plugin throws at once would end the process. */
async function plugin(
  app: FastifyLike,
  options: PropagationOptions<FastifyRequestLike>,
): Promise<void> {
  const settings = settingsOf(options);
  app.decorateRequest('hlc', null);
  app.addHook('onRequest', (request, _reply, next) => {
    request.hlc = receive(settings, request.headers, request);
    next();
  });
  app.addHook('onSend', (_request, reply, _payload, next) => {
    send(settings, { get() {}, set: (name, value) => reply.header(name, value) });
    next();
  });
}
