/** A source of time that asks `timeHandler` over HTTP: in browsers, Node, Bun, Deno and others. */
import type { TimeSource } from '../../bounded-clock/time-source.ts';
import type { Clock } from '../../time/clock.ts';
import { checkOptionNames } from '../../time/options.ts';
import { AskMiss } from '../ask-miss.ts';
import { type AskedFacts, pollingSource } from '../polling-source.ts';
import { attentive } from './attention.ts';
import { isVisible, newNonce, type Page, thisPage } from './page.ts';
import { checkFetch, checkUrl, isJson, Requests, textOf } from './request.ts';
import { narrowed, readsPerformance, TimingWatch } from './resource-timing.ts';
import { type Basis, factsOf, readBody, restsOnClaimOf } from './statement.ts';
import { NONCE } from './time-handler.ts';

/** Options of {@link httpTime}. */
export interface HttpTimeOptions {
  /** Interval between questions, 1 ms to 1 h. Default 30 s; the first four are a second apart. */
  readonly pollIntervalMs?: number | undefined;
  /** How long to wait for a reply, 1 ms to 60 s. Default 5 s. */
  readonly timeoutMs?: number | undefined;
  /** Makes the requests. Default: the runtime's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

const NAMES: Readonly<Record<keyof HttpTimeOptions, true>> = {
  pollIntervalMs: true,
  timeoutMs: true,
  fetch: true,
};
const DEFAULT_POLL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * A server's time over HTTP: `url` is where its `timeHandler` is. In a page it may be relative to
 * the page, such as `'/time'`. It is one vote.
 *
 * What a reply proves is as for any source: true time was at most the server's receive stamp and
 * its error when the request left, and at least its send stamp less its error when the reply came.
 * In a browser the two instants come from Resource Timing where that is certain, otherwise from the
 * clock around the request, which only makes the interval wider.
 *
 * A server states its time in UTC, so at a leap second its error has to cover what it smears.
 *
 * In Node a request under way keeps the process alive until its reply, or the time limit.
 *
 * A page that is hidden asks nothing. It asks again when it is shown, thawed, or has a network.
 *
 * Misses, besides those of `pollingSource`: `unsynchronized` (the server's clock has no bound),
 * `nonce` (the reply belongs to another request: a cache), `redirected`, `opaque`, `http-404` and
 * the like, `held-back` (the server asked not to be asked now), `content-type`, `too-long`,
 * `cut-off`, `malformed`, `version`, `timescale`, `root-distance` (an error above 1.5 s),
 * `unreachable`, `hidden`, `local-error` (there is no `fetch`).
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const clock = BoundedClock.start({ sources: [httpTime('https://shop.example/time')] });
 * // await clock.waitSynced();
 * clock.stop();
 */
export function httpTime(url: string | URL, options: HttpTimeOptions = {}): TimeSource {
  return httpTimeOf(thisPage, url, options);
}

/** As {@link httpTime}, in any page. */
export function httpTimeOf(
  page: Page,
  url: string | URL,
  options: HttpTimeOptions = {},
): TimeSource {
  const { pollIntervalMs = DEFAULT_POLL_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptionNames(
    options,
    NAMES,
  );
  checkFetch(options.fetch);
  const address = checkUrl(url, page);
  const requests = new Requests(() => options.fetch ?? page.fetch);
  let basis: Basis | undefined;

  const ask = async (clock: Clock, signal: AbortSignal): Promise<AskedFacts> => {
    if (!isVisible(page)) throw new AskMiss('hidden');
    const nonce = newNonce(page);
    const target = new URL(address);
    target.searchParams.set(NONCE, nonce);
    const { href } = target;
    const timed = readsPerformance(clock, page);
    const watch = timed ? new TimingWatch(href, page, clock, signal) : undefined;
    const sentAt = clock.monotonicNs();
    const reply = await requests.send({ url: href, method: 'GET', signal, clock }, isUnavailable);
    const text = await textOf(reply, signal);
    // Not when the head came: its stamps are in the body, which a proxy may send long after it.
    const receivedAt = clock.monotonicNs();
    const said = readBody(text, nonce);
    basis = said.basis;
    return {
      ...factsOf(said),
      ...narrowed({ sentAt, receivedAt }, await watch?.entry(), said),
    };
  };

  const { href } = address;
  const polling = pollingSource({
    name: href,
    ask: ({ clock, signal }) => ask(clock, signal),
    pollIntervalMs,
    timeoutMs,
  });
  return {
    name: href,
    maxEndpoints: 1,
    timescale: 'utc',
    get restsOn() {
      return restsOnClaimOf(href, basis);
    },
    start: (sink) => attentive(polling.start(sink), sink, page),
  };
}

/** A server without a bound says so in a body of its own. */
const isUnavailable = (reply: Response): boolean => reply.status === 503 && isJson(reply);
