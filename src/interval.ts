/**
 * `epsilon-clock/interval`: intervals of time, their relations, and the agreement of n - f. Loads
 * without Node.
 *
 * @module
 */
export { type Agreement, type AgreementOptions, agreement } from './interval/agreement.ts';
export {
  type ClockInterval,
  contains,
  formatInterval,
  hull,
  intersect,
  isAfter,
  isBefore,
  midpoint,
  overlaps,
  parseInterval,
  type TimeInterval,
  timeInterval,
  uncertaintyNs,
  widen,
  widthNs,
} from './interval/time-interval.ts';
