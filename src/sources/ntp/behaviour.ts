/** How the embedded server of a plain clock behaves: the ways in which real servers misbehave. */
import type { LeapWarning } from '../../bound/clock-sample.ts';
import { ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import type { KissCode } from './exchange.ts';
import type { LeapIndicator } from './packet.ts';

/** How a server behaves. Each absent field is as an honest stratum 1 server has it. */
export interface NtpServerBehaviour {
  /** Its time is off by this much, in ms; positive is ahead. Default 0. */
  readonly offsetMs?: number | undefined;
  /**
   * From the moment this is set, its time drifts away at this rate; positive runs fast. Default 0.
   */
  readonly driftPpm?: number | undefined;
  /** It holds each answer for this long, and stamps it honestly; 0 to 60,000 ms. Default 0. */
  readonly holdMs?: number | undefined;
  /** When true, it does not answer. Default `false`. */
  readonly silent?: boolean | undefined;
  /** The leap warning it announces; `unsynchronized` is leap indicator 3. Default `none`. */
  readonly leap?: LeapWarning | 'unsynchronized' | undefined;
  /** It answers with this kiss-o'-death instead of the time. Default: none. */
  readonly kiss?: KissCode | undefined;
  /** The stratum it announces, 0 to 255. Default 1. */
  readonly stratum?: number | undefined;
  /** The precision it announces, signed log2 seconds, -128 to 127. Default -20, a microsecond. */
  readonly precision?: number | undefined;
  /** The root delay it claims, up to 65,536 s. Default 0. */
  readonly rootDelayMs?: number | undefined;
  /**
   * The root dispersion it claims, up to 65,536 s. Default: the grid of its clock's wall reading (1
   * ms on the system clock), because it knows the time no better than that.
   */
  readonly rootDispersionMs?: number | undefined;
}

export const LEAP_INDICATORS: Readonly<Record<LeapWarning | 'unsynchronized', LeapIndicator>> = {
  none: 0,
  insert: 1,
  delete: 2,
  unsynchronized: 3,
};

/** @throws ArgumentTypeError, ArgumentRangeError naming the field at fault */
export function checkBehaviour(behaviour: NtpServerBehaviour): void {
  const limits = {
    offsetMs: [-1e12, 1e12],
    driftPpm: [-1e6, 1e6],
    holdMs: [0, 60_000],
    stratum: [0, 255],
    precision: [-128, 127],
    rootDelayMs: [0, 65_536_000],
    rootDispersionMs: [0, 65_536_000],
  } as const;
  for (const [name, [min, max]] of Object.entries(limits)) {
    const value = behaviour[name as keyof typeof limits];
    if (value !== undefined) checkNumber(`behaviour.${name}`, value, min, max);
  }
  const { leap = 'none', kiss = 'RATE' } = behaviour;
  if (!Object.hasOwn(LEAP_INDICATORS, leap)) {
    throw new ArgumentTypeError('behaviour.leap', 'a leap warning', leap);
  }
  if (!['RATE', 'DENY', 'RSTR'].includes(kiss)) {
    throw new ArgumentTypeError('behaviour.kiss', 'a kiss code', kiss);
  }
}
