/**
 * How often what happened to the stamps of a service, since this object was made. Give one object
 * to all that a service uses (`hlcPlugin`, `hlcFetch`, `extract` ...), and read it for metrics. The
 * library only ever adds 1 to a field.
 *
 * Each receipt is counted once: in `received`, `absent`, `untrusted`, `malformed`, `ahead` or
 * `failed`.
 *
 * @example
 * const counts = new PropagationCounts();
 * const headers = { 'epsilon-hlc': 'garbage' };
 * extract(hlc, headers, { trust: true, counts });
 * counts.malformed // 1
 */
export class PropagationCounts {
  /** Messages that were sent with a stamp. */
  sent = 0;
  /** Messages that an integration sent without a stamp, because the clock or the carrier failed. */
  unsent = 0;
  /** Receipts that advanced the clock. */
  received = 0;
  /** Messages without the header. */
  absent = 0;
  /** Messages whose header was not looked at, because the sender is not trusted. */
  untrusted = 0;
  /** Refused: not a stamp (`ERR_TIMESTAMP_MALFORMED`). */
  malformed = 0;
  /** Refused: too far ahead of physical time (`ERR_TIMESTAMP_AHEAD`). */
  ahead = 0;
  /** Refused: our own clock has no time (`ERR_CLOCK_UNSYNCHRONIZED` ...), or the carrier threw. */
  failed = 0;
}
