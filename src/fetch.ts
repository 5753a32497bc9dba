/**
 * `epsilon-clock/fetch`: timestamps through `fetch`, and through handlers that take a `Request`
 * and return a `Response`. Loads without Node.
 *
 * @module
 */
export { type Fetch, hlcFetch, hlcHandler } from './integrations/fetch.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
export type { Extracted } from './propagation/propagation.ts';
