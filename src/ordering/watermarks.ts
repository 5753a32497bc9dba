/**
 * How many lines from the top are certainly before an instant.
 *
 * The first k lines are certainly before an instant if the greatest `latest` among them is. So what
 * is kept is that maximum as a function of k, which rises in steps.
 *
 * A line whose `latest` is not known would make the maximum endless, and one line without a bound
 * would end all certainty below it. But the next line of its node that has a `latest` came later,
 * so that holds for the earlier line too. Until then the line is *open*: no line from it on counts
 * as certain. When it closes, the steps below it are raised.
 *
 * The steps are in typed arrays, because comparing int64 slots is ten times as fast as comparing
 * bigints.
 */
import { NO_EARLIEST, NO_LATEST } from './event.ts';

const INITIAL_CAPACITY = 64;

export class Watermarks {
  /** Step i is about the first `#lines[i]` lines. Both arrays rise. */
  #lines = new Float64Array(INITIAL_CAPACITY);
  /** The greatest `latest` among those lines, open lines not counted. */
  #latest = new BigInt64Array(INITIAL_CAPACITY);
  #steps = 0;
  /** The number of lines above the first open line of each node that has one, ascending. */
  readonly #open = new Map<unknown, number>();
  #count = 0;
  /** A slot for the instant of a question. */
  readonly #asked = new BigInt64Array(1);

  /** When all lines so far had certainly happened; `NO_LATEST` while a line is open. */
  get latest(): bigint {
    if (this.#open.size > 0) return NO_LATEST;
    return this.#steps > 0 ? this.#latest[this.#steps - 1]! : NO_EARLIEST;
  }

  /**
   * Adds the next line.
   *
   * @param node `undefined` for a line that no other line closes
   */
  add(node: unknown, latest: bigint): void {
    const isOpen = latest === NO_LATEST;
    if (isOpen && !this.#open.has(node)) this.#open.set(node, this.#count);
    if (!isOpen && node !== undefined) this.#close(node, latest);
    if (this.#steps === this.#lines.length) this.#grow();
    this.#latest[this.#steps] = isOpen ? NO_EARLIEST : latest;
    const last = this.#steps - 1;
    if (last < 0 || this.#latest[this.#steps]! > this.#latest[last]!) this.#steps++;
    this.#lines[this.#steps - 1] = ++this.#count;
  }

  /** How many lines from the top are certainly before `instant`. */
  countBefore(instant: bigint): number {
    const step = this.#stepsBefore(instant) - 1;
    const certain = step < 0 ? 0 : this.#lines[step]!;
    if (this.#open.size === 0) return certain;
    const [open] = this.#open.values();
    return Math.min(certain, open!);
  }

  /** Forgets what no question about `instant` or anything later needs. */
  forgetBefore(instant: bigint): void {
    this.#move(Math.max(0, this.#stepsBefore(instant) - 1), 0);
  }

  /** The number of steps whose `latest` is before `instant`. */
  #stepsBefore(instant: bigint): number {
    this.#asked[0] = instant;
    let from = 0;
    let to = this.#steps;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#latest[middle]! < this.#asked[0]!) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** All open lines of `node` happened by `latest`. */
  #close(node: unknown, latest: bigint): void {
    const above = this.#open.get(node);
    if (above === undefined) return;
    this.#open.delete(node);
    const from = this.#lines.subarray(0, this.#steps).findIndex((lines) => lines > above);
    const to = this.#stepsBefore(latest);
    if (from < 0 || to <= from) return;
    // The steps from `from` to `to` become one. The part above the open line stays as it is.
    const isSplit = from === 0 || this.#lines[from - 1]! < above;
    const raised = isSplit ? from + 1 : from;
    const lines = this.#lines[to - 1]!;
    this.#move(to, raised + 1);
    if (isSplit) this.#lines[from] = above;
    this.#lines[raised] = lines;
    this.#latest[raised] = latest;
  }

  /** Moves the steps that begin at `from`, so that they begin at `to`. */
  #move(from: number, to: number): void {
    if (this.#steps + to - from > this.#lines.length) this.#grow();
    this.#lines.copyWithin(to, from, this.#steps);
    this.#latest.copyWithin(to, from, this.#steps);
    this.#steps += to - from;
  }

  #grow(): void {
    const lines = new Float64Array(2 * this.#lines.length);
    const latest = new BigInt64Array(2 * this.#lines.length);
    lines.set(this.#lines);
    latest.set(this.#latest);
    this.#lines = lines;
    this.#latest = latest;
  }
}
