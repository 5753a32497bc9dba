/**
 * The last hour, in memory that is allocated once: a ring of rows, one a second.
 *
 * A page that opens gets the hour at once, in at most {@link MAX_SENT} rows. Each of those stands
 * for some seconds and is one row as it was, not a mean: of those seconds the one without a bound
 * or, if all have one, the one with the widest interval. So nothing that was bad is smoothed away.
 */
import { COLUMNS, type Column, type Row } from './wire.ts';

/** An hour of seconds. */
export const KEPT = 3600;
/** At most about this many rows are sent to a page. */
export const MAX_SENT = 720;

const WIDTH = COLUMNS.length;
const UNCERTAINTY = COLUMNS.indexOf('uncertaintyNs');

export class History {
  /** NaN stands for a figure that does not exist. */
  readonly #rows: Float64Array = new Float64Array(KEPT * WIDTH);
  #count = 0;

  /** How many rows there were since the start. The next row has this number. */
  get count(): number {
    return this.#count;
  }

  /** The bytes that the rows take, which never change. */
  get byteLength(): number {
    return this.#rows.byteLength;
  }

  add(row: Row): void {
    const at = (this.#count++ % KEPT) * WIDTH;
    for (const [i, column] of COLUMNS.entries()) this.#rows[at + i] = row[column] ?? Number.NaN;
  }

  /** The kept rows from number `first` on, thinned out, by column. */
  since(first: number): {
    readonly everyS: number;
    readonly history: Record<Column, (number | null)[]>;
  } {
    const oldest = Math.max(first, this.#count - KEPT, 0);
    const everyS = Math.max(1, Math.ceil((this.#count - oldest) / MAX_SENT));
    const history = Object.fromEntries(
      COLUMNS.map((column) => [column, [] as (number | null)[]]),
    ) as Record<Column, (number | null)[]>;
    for (let row = oldest; row < this.#count; ) {
      // Groups begin at multiples of `everyS`, so a row stays in its group as time goes on.
      const end = Math.min(this.#count, (Math.floor(row / everyS) + 1) * everyS);
      const at = (this.#worst(row, end) % KEPT) * WIDTH;
      for (const [i, column] of COLUMNS.entries()) {
        const value = this.#rows[at + i]!;
        history[column].push(Number.isNaN(value) ? null : value);
      }
      row = end;
    }
    return { everyS, history };
  }

  /** Of the rows from `begin` to before `end`: one without a bound, else the widest. */
  #worst(begin: number, end: number): number {
    let worst = begin;
    let width = -1;
    for (let row = begin; row < end; row++) {
      const uncertainty = this.#rows[(row % KEPT) * WIDTH + UNCERTAINTY]!;
      if (Number.isNaN(uncertainty)) return row;
      if (uncertainty <= width) continue;
      width = uncertainty;
      worst = row;
    }
    return worst;
  }
}
