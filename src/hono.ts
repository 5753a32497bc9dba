/**
 * `epsilon-clock/hono`: timestamps through a service of Hono. Loads without Node, and without
 * Hono.
 *
 * @module
 */
export { type HonoContext, hlcMiddleware } from './integrations/hono.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
export type { Extracted } from './propagation/propagation.ts';
