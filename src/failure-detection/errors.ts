import { EpsilonClockError } from '../time/errors.ts';

/** No answer came within an adaptive timeout. Whether the work was done is not known. */
export class AdaptiveTimeoutError extends EpsilonClockError {
  readonly code = 'ERR_ADAPTIVE_TIMEOUT' as const;
  /** How long the last attempt was waited for, ms. */
  readonly timeoutMs: number;
  /** How many attempts were made. */
  readonly attempts: number;
  /**
   * `'timeout'`: the attempts that were asked for are used up. `'budget'`: one more was asked for,
   * and the retry budget had none left.
   */
  readonly reason: 'timeout' | 'budget';

  constructor(timeoutMs: number, attempts: number, reason: 'timeout' | 'budget') {
    const after = `no answer within ${timeoutMs.toPrecision(4)} ms, attempt ${attempts}`;
    super(reason === 'budget' ? `${after}; the retry budget is used up` : after);
    this.name = 'AdaptiveTimeoutError';
    this.timeoutMs = timeoutMs;
    this.attempts = attempts;
    this.reason = reason;
  }
}
