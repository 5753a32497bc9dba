/** Why the page of a host's clock is not used, or could not be written. */
import { EpsilonClockError } from '../time/errors.ts';

/**
 * Why a reader refuses a page:
 *
 * - `symbolic-link`, `not-a-file`: the path leads to something else than a regular file.
 * - `owner`: it, or a directory above it, belongs to somebody whom this user did not choose.
 * - `writable`: others may write it, or replace a directory above it.
 * - `unreadable`: the system does not let this process read it.
 * - `layout`: it is no page of a host's clock, or one of another version of this library.
 * - `torn`: neither of its two copies is whole.
 * - `other-boot`: it was written before the machine started, or in another virtual machine.
 * - `other-time-namespace`: it was written in a time namespace with other clocks.
 * - `other-clock`: its readings are not of this process's monotonic clock.
 *
 * Why a page cannot be published, besides the first five:
 *
 * - `not-a-page`: a file of something else is there. It is not replaced.
 * - `in-use`: another publisher has it.
 * - `no-lock`: nothing on this platform would keep a second publisher away.
 * - `unwritable`: the system does not let this process write it.
 */
export type HostClockRefusal =
  | 'symbolic-link'
  | 'not-a-file'
  | 'owner'
  | 'writable'
  | 'unreadable'
  | 'layout'
  | 'torn'
  | 'other-boot'
  | 'other-time-namespace'
  | 'other-clock'
  | 'not-a-page'
  | 'in-use'
  | 'no-lock'
  | 'unwritable';

const MEANINGS: Readonly<Record<HostClockRefusal, string>> = {
  'symbolic-link': 'it is a symbolic link',
  'not-a-file': 'it is not a regular file',
  owner: 'it belongs to somebody who could lie about time',
  writable: 'others may write it',
  unreadable: 'it cannot be read',
  layout: 'it is not a page of this version',
  torn: 'neither of its copies is whole',
  'other-boot': 'it was written before this machine started, or on another one',
  'other-time-namespace': 'it was written in another time namespace',
  'other-clock': 'its readings are not of this monotonic clock',
  'not-a-page': 'it is a file of something else',
  'in-use': 'another publisher has it',
  'no-lock': 'nothing here would keep a second publisher away',
  unwritable: 'it cannot be written',
};

/** The page of a host's clock is refused, or cannot be published. */
export class HostClockRefusedError extends EpsilonClockError {
  readonly code = 'ERR_HOST_CLOCK_REFUSED' as const;
  /** The path, from the root directory. */
  readonly path: string;
  /** A stable word. */
  readonly reason: HostClockRefusal;

  constructor(path: string, reason: HostClockRefusal, detail?: string, cause?: unknown) {
    const more = detail === undefined ? '' : ` (${detail})`;
    super(`the clock's page ${path} is refused: ${MEANINGS[reason]}${more}`, { cause });
    this.name = 'HostClockRefusedError';
    this.path = path;
    this.reason = reason;
  }
}
