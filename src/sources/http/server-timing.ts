/** The time of this server on any of its replies, as a `Server-Timing` header. */
import { checkOptionNames } from '../../time/options.ts';
import { type ServerTime, serverStamps } from './server-stamps.ts';
import { headerOf } from './statement.ts';

const NAMES: Readonly<Record<keyof ServerTime, true>> = { clock: true, errorMs: true };

/**
 * Stamps one reply of this server, for `serverTimingSource` in its pages: then ordinary replies of
 * an API tell the time, and no further request is needed.
 *
 * Call it when the request has arrived. It returns a function: call that when the headers are about
 * to be sent, and send its result as `Server-Timing`. Called early it gives wider intervals, not
 * wrong ones. It says so when the clock has no bound.
 *
 * A stamped reply must not be stored by any cache: send `Cache-Control: no-store` with it. To pages
 * of another origin send `Timing-Allow-Origin` as well.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault; FakeTimersError as
 *   `BoundedClock.read`
 * @example
 * const timing = serverTiming({ clock }); // first thing in the handler
 * const headers = { 'cache-control': 'no-store', 'server-timing': timing() };
 */
export function serverTiming(options: ServerTime): () => string {
  const send = serverStamps(checkOptionNames(options, NAMES))();
  return () => headerOf(send());
}
