/**
 * `epsilon-clock/propagation`: timestamps that travel with requests, replies and messages. Loads
 * without Node.
 *
 * @module
 */
export type { Carrier } from './propagation/carrier.ts';
export { PropagationCounts } from './propagation/counts.ts';
export { hlcHeader } from './propagation/header.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
export { type Extracted, extract, inject } from './propagation/propagation.ts';
