/**
 * The `Date` header of any server as a source of time: the last resort.
 *
 * It is a weak fact. It has a grid of a second. A proxy writes its own, so it may be the proxy's
 * clock. And nobody says how wrong that clock is, so somebody has to vouch for it.
 *
 *     true time when the reply was made  is within  [Date - error, Date + 1 s + error]
 *
 * A stored reply has an old `Date`. `no-store` and a new parameter in each URL keep caches out, and
 * a reply with an `Age` is refused. A cache that heeds none of that is the risk of this source.
 */
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import { checkNumber } from '../../time/errors.ts';
import { asUnixNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { nsFromMsUp } from '../../time/rounding.ts';
import { AskMiss } from '../ask-miss.ts';
import { pollingSource } from '../polling-source.ts';
import type { ServerFacts } from '../sample-from.ts';
import { attentive } from './attention.ts';
import { isVisible, newNonce, type Page, thisPage } from './page.ts';
import { checkFetch, checkUrl, discard, Requests } from './request.ts';
import { NONCE } from './time-handler.ts';

/** Options of {@link httpDate}. */
export interface HttpDateOptions {
  /**
   * The server's clock is certainly within this of true time; nobody checks it. It has to cover a
   * smear of a leap second (500 ms), should the clock do that. 0 to 60,000 ms. Default 1000.
   */
  readonly errorMs?: number | undefined;
  /** Interval between questions, 1 ms to 1 h. Default 60 s. */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for a reply, 1 ms to 60 s. Default 5 s. */
  readonly timeoutMs?: number | undefined;
  /** Makes the requests. Default: the runtime's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

const NAMES: Readonly<Record<keyof HttpDateOptions, true>> = {
  errorMs: true,
  pollIntervalMs: true,
  timeoutMs: true,
  fetch: true,
};
const DEFAULT_ERROR_MS = 1000;
const DEFAULT_POLL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 5000;
const MAX_ERROR_MS = 60_000;
const GRID_NS = 1_000_000_000n;
/** `Sun, 06 Nov 1994 08:49:37 GMT`: the one form that servers may send (RFC 9110 section 5.6.7). */
const DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The `Date` header of the replies of `url`, a second wide and more: for when nothing better can be
 * had. It is one vote. The request is a HEAD.
 *
 * Assumed: whatever writes the header has a clock within `errorMs` of true time, and no cache
 * stores the reply. A page may read the `Date` of other origins only where they expose it.
 *
 * Misses are those of `httpTime` that can occur, and `no-date` and `stored`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const clock = BoundedClock.start({
 *   sources: [httpDate('https://shop.example/', { errorMs: 2000 })],
 * });
 * clock.stop();
 */
export function httpDate(url: string | URL, options: HttpDateOptions = {}): TimeSource {
  return httpDateOf(thisPage, url, options);
}

/** As {@link httpDate}, in any page. */
export function httpDateOf(
  page: Page,
  url: string | URL,
  options: HttpDateOptions = {},
): TimeSource {
  const { pollIntervalMs = DEFAULT_POLL_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptionNames(
    options,
    NAMES,
  );
  const errorMs = checkNumber('errorMs', options.errorMs ?? DEFAULT_ERROR_MS, 0, MAX_ERROR_MS);
  const serverErrorNs = nsFromMsUp(errorMs);
  checkFetch(options.fetch);
  const address = checkUrl(url, page);
  const requests = new Requests(() => options.fetch ?? page.fetch);
  const { href: name } = address;
  const source = pollingSource({
    name,
    restsOn: `the Date header of ${name}: that the clock behind it is within ${errorMs} ms is assumed`,
    pollIntervalMs,
    timeoutMs,
    ask: async ({ clock, signal }): Promise<ServerFacts> => {
      if (!isVisible(page)) throw new AskMiss('hidden');
      const target = new URL(address);
      target.searchParams.set(NONCE, newNonce(page));
      const reply = await requests.send({ url: target.href, method: 'HEAD', signal, clock });
      discard(reply);
      if (reply.headers.has('age')) throw new AskMiss('stored');
      const date = reply.headers.get('date') ?? '';
      const ms = DATE.test(date) ? Date.parse(date) : Number.NaN;
      if (!(ms >= 0)) throw new AskMiss('no-date');
      const begins = BigInt(ms) * 1_000_000n;
      return {
        serverReceivedAt: asUnixNs(begins + GRID_NS),
        serverSentAt: asUnixNs(begins),
        serverErrorNs,
      };
    },
  });
  return { ...source, start: (sink) => attentive(source.start(sink), sink, page) };
}
