/** How the command ends. The codes are documented in `--help`, and scripts rely on them. */
import { constants } from 'node:os';

export const EXIT_OK = 0;
/** A bug, or a refusal of the machine: the stack or the system's message is printed. */
export const EXIT_FAILURE = 1;
/**
 * There is no time to show: the sources did not agree within the timeout, or the server could not
 * be reached, or its answer proves nothing.
 */
export const EXIT_NO_TIME = 2;
/** `order`: a file cannot be read, or is not in order. The same code as {@link EXIT_NO_TIME}. */
export const EXIT_INPUT = 2;
/** `order --strict`: some lines have no place in time. */
export const EXIT_NOT_STRICT = 3;
/** `order --check`: a recorded order is certainly wrong. */
export const EXIT_INVERSIONS = 4;
/** The command line is wrong (EX_USAGE of sysexits). */
export const EXIT_USAGE = 64;

/** `serve`: a port, a page or a file that it needs cannot be had (EX_UNAVAILABLE of sysexits). */
export const EXIT_UNAVAILABLE = 69;

/** The command line is wrong. The message says which part of it. */
export class UsageError extends Error {}

/** There is no time to show. The message is printed for the user. */
export class NoTimeError extends Error {}

/** A log cannot be read or ordered. The message names the file, and the line where there is one. */
export class InputError extends Error {}

/** The machine refuses a port or a file. The message names it. */
export class UnavailableError extends Error {}

/** The command has done its work, and its exit code tells what it found. */
export class Finding extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * The user or the system stopped the command. This is not an error, but the exit code tells the
 * shell.
 */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(signal);
    this.exitCode = 128 + constants.signals[signal];
  }
}
