/**
 * What several processes wrote down about holding a lease, judged in true time.
 *
 * True time is the monotonic clock of the test's own process, which nothing skews. The monotonic
 * clock of a worker is skewed by libfaketime: a straight line with a known rate and an unknown
 * offset. The worker is asked for its reading again and again. The reading was taken between the
 * question and the answer, so each exchange encloses the offset. All must have one offset in
 * common; what they have in common is the error of the mapping, some 0.1 ms.
 *
 * A check that passed proves that the lease was held at an instant within the check. A holding is
 * therefore taken to last from the end of its first check to the begin of its last one, each moved
 * inwards by the error of the mapping. So an overlap that is found is one.
 */

/** The monotonic clock of one process, mapped to true time. */
export class MonotonicMap {
  readonly #rate: number;
  #origin: bigint | undefined;
  /** True time at the origin, as far as it is known: offsets from the first question, ns. */
  #base = 0n;
  #least = -Infinity;
  #most = Infinity;

  /** @param rate how fast the process's clock runs: 1.0003 is 300 ppm fast */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Takes one exchange: the question at `before`, the answer at `after`, true time. */
  add(
    reading: bigint,
    { before, after }: { readonly before: bigint; readonly after: bigint },
  ): void {
    if (this.#origin === undefined) {
      this.#origin = reading;
      this.#base = before;
    }
    const elapsed = this.#elapsed(reading);
    this.#least = Math.max(this.#least, Number(before - this.#base) - elapsed);
    this.#most = Math.min(this.#most, Number(after - this.#base) - elapsed);
    if (this.#least > this.#most) throw new Error('the clock of the process is no straight line');
  }

  /** How exactly it maps, ns. */
  get errorNs(): number {
    return this.#most - this.#least;
  }

  /** True time at the reading, ns: not before `earliest` and not after `latest`. */
  at(reading: bigint): { readonly earliest: bigint; readonly latest: bigint } {
    const elapsed = this.#elapsed(reading);
    return {
      earliest: this.#base + BigInt(Math.floor(this.#least + elapsed)),
      latest: this.#base + BigInt(Math.ceil(this.#most + elapsed)),
    };
  }

  #elapsed(reading: bigint): number {
    if (this.#origin === undefined) throw new Error('no exchange yet');
    return Number(reading - this.#origin) / this.#rate;
  }
}

/** One holding: it was certainly held from `from` to `to`, true time. */
export interface Holding {
  readonly lease: string;
  readonly worker: string;
  readonly token: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

/** The holdings in the journal of one worker; see lease-worker.child.mjs. */
export function holdingsOf(journal: string, worker: string, map: MonotonicMap): Holding[] {
  const holdings = new Map<string, Holding>();
  // A line that was cut by `kill -9` has no end.
  for (const line of journal.split('\n').slice(0, -1)) {
    const [, lease, holding, token, before, after] = line.split(' ') as string[];
    const known = holdings.get(holding!);
    const from = known?.from ?? map.at(BigInt(after!)).latest;
    const to = map.at(BigInt(before!)).earliest;
    holdings.set(holding!, { lease: lease!, worker, token: BigInt(token!), from, to });
  }
  return [...holdings.values()];
}

export interface Verdict {
  readonly holdings: number;
  /** Pairs of holdings of one lease that overlap in true time. */
  readonly overlaps: number;
  readonly longestOverlapMs: number;
  /** Holdings whose token is not greater than that of every earlier holding of the lease. */
  readonly tokensDown: number;
}

export function judge(holdings: readonly Holding[]): Verdict {
  let overlaps = 0;
  let longestNs = 0n;
  let tokensDown = 0;
  for (const lease of new Set(holdings.map((each) => each.lease))) {
    const sorted = holdings
      .filter((each) => each.lease === lease)
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    let greatest = 0n;
    sorted.forEach((holding, i) => {
      if (holding.token <= greatest) tokensDown++;
      else greatest = holding.token;
      for (const later of sorted.slice(i + 1)) {
        if (later.from >= holding.to) break;
        const until = later.to < holding.to ? later.to : holding.to;
        if (until <= later.from) continue; // only one check
        overlaps++;
        if (until - later.from > longestNs) longestNs = until - later.from;
      }
    });
  }
  return {
    holdings: holdings.length,
    overlaps,
    longestOverlapMs: Number(longestNs) / 1e6,
    tokensDown,
  };
}

/** How often a token of the audit trail is smaller than the one before it of the same lease. */
export function auditGoesDown(rows: readonly (readonly [lease: string, token: bigint])[]): number {
  const last = new Map<string, bigint>();
  let down = 0;
  for (const [lease, token] of rows) {
    if (token < (last.get(lease) ?? 0n)) down++;
    last.set(lease, token);
  }
  return down;
}
