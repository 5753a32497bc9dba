/** Handing a bounded clock to another thread: its page, and a reader of that page. */
import type { Clock } from '../time/clock.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import { BoundedReader } from './bounded-reader.ts';
import { Page } from './page/page.ts';

/** A handle that `postMessage` can carry to another thread; see `BoundedClock.attach`. */
export interface BoundedClockHandle {
  /** The published page. */
  readonly page: SharedArrayBuffer;
}

/** @throws ArgumentTypeError where the page is not in shared memory */
export function handleOf({ buffer }: Page): BoundedClockHandle {
  if (buffer instanceof ArrayBuffer) {
    throw new ArgumentTypeError('share()', 'called where SharedArrayBuffer exists', undefined);
  }
  return { page: buffer };
}

/** @throws ArgumentTypeError when `handle` does not hold the shared memory of a page */
export function readerOf(handle: BoundedClockHandle, clock: () => Clock): BoundedReader {
  const buffer: unknown = (handle as Partial<BoundedClockHandle> | undefined)?.page;
  const page =
    typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer
      ? Page.open(buffer)
      : undefined;
  if (page === undefined) {
    const expected =
      'the result of BoundedClock.share(), which reaches worker threads only: another process ' +
      'needs a BoundedClock of its own';
    throw new ArgumentTypeError('handle', expected, handle);
  }
  return new BoundedReader(page, clock());
}
