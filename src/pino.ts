/**
 * `epsilon-clock/pino`: stamps in the lines of the logger pino. Loads without Node, and without
 * pino.
 *
 * @module
 */
export type { StampOptions } from './integrations/line-stamp.ts';
export { type StampedLines, stampLines } from './integrations/pino.ts';
