/**
 * `epsilon-clock/undici`: timestamps through the clients of undici. Loads without Node, and
 * without undici.
 *
 * @module
 */
export {
  hlcInterceptor,
  type UndiciDispatch,
  type UndiciHandler,
  type UndiciRequest,
} from './integrations/undici.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
