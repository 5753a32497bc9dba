/**
 * How the command ends. Codes are documented in `--help`; scripts rely on them.
 */
import { constants } from 'node:os';

export const EXIT_OK = 0;
/** A defect or the machine's refusal: the stack or the system's message is printed. */
export const EXIT_FAILURE = 1;
/** No time: nothing agreed within the timeout, or the server could not be reached or said nothing usable. */
export const EXIT_NO_TIME = 2;
/** The command line makes no sense (sysexits' EX_USAGE). */
export const EXIT_USAGE = 64;

/** The command line makes no sense; the message says which part. */
export class UsageError extends Error {}

/** There is no time to show; the message is the line for the user. */
export class NoTimeError extends Error {}

/** The user or the system asked us to stop: not an error, but the shell is told as usual. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(signal);
    this.exitCode = 128 + constants.signals[signal];
  }
}
