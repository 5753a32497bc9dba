/**
 * `epsilon-clock/fastify`: timestamps through a service of Fastify. Loads without Node, and
 * without Fastify.
 *
 * @module
 */
export {
  type FastifyLike,
  type FastifyReplyLike,
  type FastifyRequestLike,
  hlcPlugin,
} from './integrations/fastify.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
export type { Extracted } from './propagation/propagation.ts';
