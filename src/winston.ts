/**
 * `epsilon-clock/winston`: stamps in the lines of the logger winston. Loads without Node, and
 * without winston.
 *
 * @module
 */
export type { StampOptions } from './integrations/line-stamp.ts';
export { type StampFormat, stampFormat } from './integrations/winston.ts';
