/**
 * How often each client of a server is answered, in memory that does not grow with their number.
 *
 * Each client has a bucket of {@link NtpRateLimit.burst} answers, which is refilled by one per
 * `intervalMs`. A bucket is one number: when it will be full again (the generic cell rate
 * algorithm). Buckets stand in a table of fixed size, at a place that a secret hash of the address
 * chooses. Two clients at one place take it from each other, and who takes it starts with a full
 * bucket. So a flood from very many addresses makes the limit lax. It does not lock anybody out,
 * and it costs no memory. The secret keeps an attacker from choosing addresses that share a place.
 *
 * A client is an IPv4 address or a /64 of IPv6: a single host may have all of the latter. Hosts
 * that share an address, behind a NAT, share a bucket.
 *
 * A client over its limit is told so (a kiss-o'-death, RATE) now and then, and dropped otherwise.
 * The sender of a request may be forged, so these answers are limited as well.
 */
import { ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { isLoopback } from './address.ts';

/** How often one client is answered. */
export interface NtpRateLimit {
  /** A client that was quiet for long gets this many answers at once, 1 to 10,000. Default 16. */
  readonly burst?: number | undefined;
  /** In the long run a client gets one answer per this time, 1 ms to 1 h. Default 1 s. */
  readonly intervalMs?: number | undefined;
  /** Whether clients on this machine (127.0.0.0/8, ::1) are limited too. Default `false`. */
  readonly loopback?: boolean | undefined;
}

/** What a request gets: an answer, the answer RATE, or none. */
export type Admission = 'answer' | 'kiss' | 'drop';

const NAMES: Readonly<Record<keyof NtpRateLimit, true>> = {
  burst: true,
  intervalMs: true,
  loopback: true,
};
/** The number of buckets; a power of two. They take 320 KiB. */
const PLACES = 16_384;
/** A client over its limit is told so once per this many intervals. */
const KISS_INTERVALS = 8;

export class RateLimit {
  readonly #burstMs: number;
  readonly #intervalMs: number;
  readonly #loopback: boolean;
  readonly #secret: Uint32Array;
  /** Whose bucket this is: another hash of the address. */
  readonly #owners: Uint32Array = new Uint32Array(PLACES);
  /** When the bucket is full, ms. */
  readonly #fullAt: Float64Array = new Float64Array(PLACES);
  /** When the owner may be told again that it asks too often, ms. */
  readonly #kissAt: Float64Array = new Float64Array(PLACES);

  /**
   * @param secret two random numbers of 32 bits
   * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
   */
  constructor(options: NtpRateLimit, secret: Uint32Array) {
    const checked = checkOptionNames(options, NAMES, 'rateLimit');
    const { burst = 16, intervalMs = 1000, loopback = false } = checked;
    checkNumber('rateLimit.burst', burst, 1, 10_000);
    checkNumber('rateLimit.intervalMs', intervalMs, 1, 3_600_000);
    if (typeof loopback !== 'boolean') {
      throw new ArgumentTypeError('rateLimit.loopback', 'a boolean', loopback);
    }
    this.#burstMs = (burst - 1) * intervalMs;
    this.#intervalMs = intervalMs;
    this.#loopback = loopback;
    this.#secret = secret;
  }

  /** What a request from `address` gets, as Node spells addresses. `nowMs` never goes back. */
  admit(address: string, nowMs: number): Admission {
    const client = clientOf(address);
    if (!this.#loopback && isLoopback(client)) return 'answer';
    const place = hash(client, this.#secret[0]!) & (PLACES - 1);
    const owner = hash(client, this.#secret[1]!) | 1; // 0 is nobody's
    if (this.#owners[place] !== owner >>> 0) {
      this.#owners[place] = owner;
      this.#fullAt[place] = nowMs;
      this.#kissAt[place] = nowMs;
    }
    const fullAt = Math.max(this.#fullAt[place]!, nowMs);
    if (fullAt - nowMs <= this.#burstMs) {
      this.#fullAt[place] = fullAt + this.#intervalMs;
      return 'answer';
    }
    if (nowMs < this.#kissAt[place]!) return 'drop';
    this.#kissAt[place] = nowMs + KISS_INTERVALS * this.#intervalMs;
    return 'kiss';
  }
}

/** What is counted as one client: an IPv4 address, or the first 64 bits of an IPv6 address. */
function clientOf(address: string): string {
  if (!address.includes(':') || address === '::1') return address;
  if (address.startsWith('fe80:')) return address; // all link-local addresses are in one /64
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length < 4 && groups.length + after < 8) groups.push('0');
    groups.push(...tail.split(':'));
  }
  return groups.slice(0, 4).join(':');
}

/** A 32-bit hash of short text under a secret (FNV-1a, then the last steps of MurmurHash3). */
function hash(text: string, secret: number): number {
  let h = secret ^ 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13) ^ secret, 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
