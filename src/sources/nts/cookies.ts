/**
 * The cookies of one NTS session. A cookie holds the session's keys, sealed by the server for
 * itself, so that the server needs no memory of its clients (RFC 8915 section 6).
 *
 * Each cookie is sent once, the oldest first: a cookie seen twice would tell an observer that two
 * requests came from one machine. Each authenticated reply brings a new one, and a request may ask
 * for more with placeholders. So with a reply to each request there are always
 * {@link MAX_COOKIES}, and that many requests in a row may go unanswered.
 */
import { MAX_COOKIES } from './records.ts';

/**
 * Placeholders in one request are limited so that request and reply are not fragmented on their
 * way: eight cookies of 104 bytes, with their heads, are the most (the limit of chrony).
 */
const MAX_COOKIE_FIELDS_BYTES = 8 * 108;

export class Cookies {
  /** The oldest first. */
  readonly #ring: Uint8Array[] = [];

  constructor(cookies: readonly Uint8Array[]) {
    for (const cookie of cookies) this.add(cookie);
  }

  get count(): number {
    return this.#ring.length;
  }

  /** Keeps `cookie` for one request, unless there are {@link MAX_COOKIES} already. */
  add(cookie: Uint8Array): void {
    if (this.#ring.length < MAX_COOKIES) this.#ring.push(cookie);
  }

  /**
   * Takes the oldest cookie. `placeholders` is the number of further cookies to ask for, so that
   * the reply fills the ring. `undefined` when there is no cookie.
   */
  take(): { readonly cookie: Uint8Array; readonly placeholders: number } | undefined {
    const cookie = this.#ring.shift();
    if (cookie === undefined) return undefined;
    const missing = MAX_COOKIES - this.#ring.length;
    const fitting = Math.floor(MAX_COOKIE_FIELDS_BYTES / (cookie.length + 4));
    return { cookie, placeholders: Math.max(1, Math.min(missing, fitting)) - 1 };
  }
}
