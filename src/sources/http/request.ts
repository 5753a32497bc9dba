/**
 * One request of a source over HTTP, by the rules that all of them share: what is not a plain reply
 * of the server itself is a miss with a reason of its own, and a body is never longer than
 * {@link MAX_BODY_BYTES} in memory.
 *
 * `redirected`: another server answered, or would. `opaque`: the page may not read the reply.
 * `http-404` and the like: the status. `held-back`: the server asked not to be asked for a while
 * (`Retry-After` with 429 or 503; 429 without it counts as a minute). `content-type`, `too-long`:
 * the body is something else. `cut-off`: it ended early. `unreachable`: no reply at all; a page is
 * not told why.
 */
import type { Clock } from '../../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../time/errors.ts';
import { asMonotonicNs, type MonotonicNs } from '../../time/instant.ts';
import { AskMiss } from '../ask-miss.ts';
import { describeCause } from '../cause.ts';
import type { Page } from './page.ts';

/** A reply of ours has some 250 bytes. */
const MAX_BODY_BYTES = 4096;
/** Empty ones count: reading them without end would keep everything else from running. */
const MAX_CHUNKS = 1000;
/** It is also the name of the source. */
const MAX_URL_LENGTH = 256;
const DEFAULT_HOLD_BACK_S = 60;
/** A server cannot silence a source for longer than this by one reply. */
const MAX_HOLD_BACK_S = 3600;

/**
 * `url` as it is asked. A relative one is of the page.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when it is not an address of HTTP
 */
export function checkUrl(url: string | URL, { document, location }: Page): URL {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new ArgumentTypeError('url', 'a string or a URL', url);
  }
  const base = document?.baseURI ?? location?.href;
  const expected = `http://… or https://…${base === undefined ? '' : ', or a path of the page'}`;
  let parsed: URL;
  try {
    if (String(url) === '') throw new TypeError();
    parsed = new URL(url, base);
  } catch {
    throw new ArgumentRangeError('url', expected, String(url));
  }
  const { protocol, username, password, href } = parsed;
  const plain = (protocol === 'http:' || protocol === 'https:') && username + password === '';
  if (!plain || href.length > MAX_URL_LENGTH) {
    throw new ArgumentRangeError('url', expected, String(url));
  }
  parsed.hash = '';
  return parsed;
}

/** @throws ArgumentTypeError unless `given` is a function or left out */
export function checkFetch(given: unknown): void {
  if (given === undefined || typeof given === 'function') return;
  throw new ArgumentTypeError('fetch', 'a function', given);
}

export interface Asked {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Asks one server, and leaves it alone when it asks for that. */
export class Requests {
  readonly #fetch: () => typeof fetch | undefined;
  /** By clock, because a source may run on several. */
  readonly #heldBackUntil = new WeakMap<Clock, MonotonicNs>();

  /** @param find finds the `fetch` to use, at each request */
  constructor(find: () => typeof fetch | undefined) {
    this.#fetch = find;
  }

  /**
   * The reply, whose body is still to be read. A reply that is not in order is passed on if
   * `accepts` says so, otherwise a miss.
   *
   * @throws AskMiss
   */
  async send(
    { url, method, signal, clock }: Asked,
    accepts: (reply: Response) => boolean = () => false,
  ): Promise<Response> {
    const heldBackUntil = this.#heldBackUntil.get(clock);
    if (heldBackUntil !== undefined && clock.monotonicNs() < heldBackUntil) {
      throw new AskMiss('held-back');
    }
    const fetch = this.#fetch();
    if (fetch === undefined) throw new AskMiss('local-error', 'there is no fetch');
    const init = {
      method,
      signal,
      cache: 'no-store',
      redirect: 'manual',
      credentials: 'same-origin',
      headers: { accept: 'application/json' },
    } as const;
    const reply = await fetch(url, init).catch((error: unknown) => {
      throw new AskMiss('unreachable', describeCause((error as Error | null)?.cause ?? error));
    });
    const reason = refusal(reply);
    if (reason === undefined) return reply;
    this.#noteHoldBack(reply, clock);
    if (accepts(reply)) return reply;
    discard(reply);
    throw new AskMiss(reason);
  }

  #noteHoldBack({ status, headers }: Response, clock: Clock): void {
    if (status !== 429 && status !== 503) return;
    const seconds = retryAfter(headers) ?? (status === 429 ? DEFAULT_HOLD_BACK_S : 0);
    const forNs = BigInt(Math.ceil(Math.min(seconds, MAX_HOLD_BACK_S))) * 1_000_000_000n;
    this.#heldBackUntil.set(clock, asMonotonicNs(clock.monotonicNs() + forNs));
  }
}

/** Why a reply counts for nothing. */
function refusal({ type, status, redirected, ok }: Response): string | undefined {
  if (type === 'opaqueredirect' || redirected || (status >= 300 && status < 400)) {
    return 'redirected';
  }
  if (type === 'opaque' || type === 'error' || status === 0) return 'opaque';
  return ok ? undefined : `http-${status}`;
}

/** `Retry-After` in seconds. A date counts from the `Date` of the same reply. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.parse(headers.get('date') ?? '')) / 1000;
  return seconds >= 0 ? seconds : undefined;
}

/** Whether the reply says that it is JSON. */
export const isJson = ({ headers }: Response): boolean =>
  /^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '');

/**
 * The body as text. When `signal` says that nobody waits for it any more, its stream is let go.
 *
 * @throws AskMiss `content-type`, `too-long`, `cut-off`
 */
export async function textOf(reply: Response, signal: AbortSignal): Promise<string> {
  if (!isJson(reply)) {
    discard(reply);
    throw new AskMiss('content-type');
  }
  if (Number(reply.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) {
    discard(reply);
    throw new AskMiss('too-long');
  }
  // React Native has no streams. There the length that the server states has to do.
  if (reply.body === null || reply.body === undefined) return limited(await reply.text());
  const reader = reply.body.getReader();
  signal.addEventListener('abort', () => void letGo(reader), { once: true });
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  let chunks = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new AskMiss('cut-off', describeCause(error));
    });
    if (done) return text + decoder.decode();
    length += value.length;
    chunks++;
    if (length > MAX_BODY_BYTES || chunks > MAX_CHUNKS) {
      void letGo(reader);
      throw new AskMiss('too-long');
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Never throws, whatever a `fetch` of the user's gave. */
async function letGo(reader: { cancel(): Promise<void> }): Promise<void> {
  try {
    await reader.cancel();
  } catch {} // its connection was lost
}

function limited(text: string): string {
  if (text.length <= MAX_BODY_BYTES) return text;
  throw new AskMiss('too-long');
}

/** Lets go of a body that nobody will read, so that its connection is free. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {});
}
