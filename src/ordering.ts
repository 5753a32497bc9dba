/**
 * `epsilon-clock/ordering`: which event came first. Relations with their proofs, and logs merged so
 * that it shows where the order is certain. Loads without Node.
 *
 * @module
 */
export { LogUnsortedError } from './ordering/errors.ts';
export type { StampedEvent } from './ordering/event.ts';
export { explainOrder, type OrderExplanation, type ProofStep } from './ordering/explain-order.ts';
export { type Inversion, inversions } from './ordering/inversions.ts';
export type { Log, LogIterator } from './ordering/log-reader.ts';
export { type Merged, mergeLogs } from './ordering/merge-logs.ts';
export type { LogOptions, Results } from './ordering/merging.ts';
export { narrow } from './ordering/narrow.ts';
export type { Narrowed } from './ordering/narrowed-event.ts';
export { type Proof, type Relation, relation } from './ordering/relation.ts';
