/**
 * Argument checks that the parts of a simulated world share. Each part is recognised by its
 * methods.
 */
import { ArgumentTypeError, checkMethods } from '../time/errors.ts';

export function checkScheduler(value: unknown): void {
  checkMethods('scheduler', 'a Scheduler', value, ['trueNs', 'after']);
}

export function checkRandom(value: unknown): void {
  checkMethods('random', 'a Random', value, ['fork', 'between']);
}

export function checkNetwork(value: unknown): void {
  checkMethods('network', 'a SimNetwork', value, ['attach', 'freePort']);
}

/** Throws unless `value` is a function: a delay model, for example. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new ArgumentTypeError(name, 'a function', value);
}

export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new ArgumentTypeError(name, 'a string', value);
}
