/**
 * `epsilon-clock/express`: timestamps through a service of Express, of Connect, or of Node's
 * `http`. Loads without Node, and without Express.
 *
 * @module
 */
export { hlcMiddleware, type NodeRequest, type NodeResponse } from './integrations/express.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
export type { Extracted } from './propagation/propagation.ts';
