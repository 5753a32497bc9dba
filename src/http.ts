/**
 * `epsilon-clock/http`: time over HTTP, both ends. Loads without Node: for browsers, Node, Bun,
 * Deno, the edge and React Native.
 *
 * @module
 */
export type { HandlerRequest, HandlerResponse, HttpHandler } from './metrics/handlers.ts';
export { type HttpDateOptions, httpDate } from './sources/http/http-date.ts';
export { type HttpTimeOptions, httpTime } from './sources/http/http-time.ts';
export type { ServerTime } from './sources/http/server-stamps.ts';
export { serverTiming } from './sources/http/server-timing.ts';
export {
  type ServerTimingSourceOptions,
  serverTimingSource,
} from './sources/http/server-timing-source.ts';
export { type TimeHandlerOptions, timeHandler } from './sources/http/time-handler.ts';
