/**
 * `epsilon-clock/lamport`: a logical clock without any relation to time. Loads without Node.
 *
 * @module
 */
export {
  formatLamportStamp,
  LamportClock,
  type LamportClockOptions,
  type LamportStampParts,
  parseLamportStamp,
} from './logical/lamport-clock.ts';
