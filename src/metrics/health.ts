import type { NoBoundReason } from '../bound/bound.ts';
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import { checkNumber } from '../time/errors.ts';
import { withJson } from '../time/json.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsDown } from '../time/rounding.ts';

/** Options of {@link health}. */
export interface HealthOptions {
  /** The service needs the uncertainty to be at most this, ms, above 0. */
  readonly maxUncertaintyMs: number;
}

/** Whether a clock is good enough for the service. */
export type Health =
  | {
      readonly status: 'ok';
      readonly uncertaintyNs: bigint;
      readonly reason?: undefined;
    }
  | {
      /** Good enough now, and not for ever: look after it. */
      readonly status: 'degraded';
      readonly uncertaintyNs: bigint;
      /**
       * - `holdover`: no agreeing source was heard lately, so the uncertainty grows.
       * - `partial-quorum`: fewer than 2f + 1 sources vote.
       */
      readonly reason: 'holdover' | 'partial-quorum';
    }
  | {
      readonly status: 'failing';
      /** Absent without a bound. */
      readonly uncertaintyNs: bigint | undefined;
      /** `too-wide`: above `maxUncertaintyMs`; or why there is no bound. */
      readonly reason: 'too-wide' | NoBoundReason;
    };

const NAMES: Readonly<Record<keyof HealthOptions, true>> = { maxUncertaintyMs: true };
const DAY_MS = 86_400_000;

/**
 * Whether a clock is good enough for a service that needs its uncertainty to be at most
 * `maxUncertaintyMs`. Looks at the wall clock first, so a suspend is seen at once. Has a JSON form.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an argument is wrong
 * @throws FakeTimersError (`ERR_FAKE_TIMERS`) while fake timers are installed over the clock
 * @example
 * const { status, reason } = health(clock, { maxUncertaintyMs: 50 });
 * status // 'ok'
 */
export function health(clock: BoundedReader, options: HealthOptions): Health {
  const { maxUncertaintyMs } = checkHealthArguments(clock, options);
  const { interval, reason, status, quorum } = clock.read();
  if (interval === undefined) {
    return withJson({ status: 'failing', uncertaintyNs: undefined, reason });
  }
  const { uncertaintyNs } = interval;
  if (uncertaintyNs > nsFromMsDown(maxUncertaintyMs)) {
    return withJson({ status: 'failing', uncertaintyNs, reason: 'too-wide' });
  }
  if (status === 'holdover') {
    return withJson({ status: 'degraded', uncertaintyNs, reason: 'holdover' });
  }
  if (quorum === 'partial') {
    return withJson({ status: 'degraded', uncertaintyNs, reason: 'partial-quorum' });
  }
  return withJson({ status: 'ok', uncertaintyNs });
}

/** @throws ArgumentTypeError, ArgumentRangeError when an argument is wrong */
export function checkHealthArguments(clock: BoundedReader, options: HealthOptions): HealthOptions {
  checkReader(clock);
  const { maxUncertaintyMs } = checkOptionNames(options, NAMES);
  // The least positive number stands for "above 0".
  checkNumber('maxUncertaintyMs', maxUncertaintyMs, Number.MIN_VALUE, DAY_MS);
  return options;
}
