/**
 * The rows that the page draws: at most an hour, from one or more streams.
 *
 * Rows carry the time since the dashboard started. That time never goes back, whatever becomes of
 * the wall clock. The newest frame says which instant it is now, and every row is drawn relative to
 * it. When the server was started anew, older rows are moved so that they stay at their instants.
 *
 * Where rows are missing, because the stream or the server was away, nothing is drawn, and the gap
 * is listed.
 */
import { COLUMNS, type Column, type Frame, type Row, type Welcome } from '../wire.ts';
import { unixSeconds } from './format.ts';

const HOUR_MS = 3_600_000;
/** Rows further apart than this many times what they stand for have a gap between them. */
const GAP_FACTOR = 2.5;

interface Kept {
  readonly row: Row;
  /** What the row stands for, ms. */
  readonly spanMs: number;
  elapsedMs: number;
}

/** A stretch of time without an interval. Ends in seconds since 1970. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** `no data`: the page was not told. `no interval`: the clock had none. */
  readonly why: 'no data' | 'no interval';
}

export class Series {
  #kept: Kept[] = [];
  #run: string | undefined;
  /** The newest instant, as the server's elapsed time and as seconds since 1970. */
  #now: { readonly elapsedMs: number; readonly at: number } | undefined;

  /** The first message of a stream. */
  welcome({ run, everyS, history, frame }: Welcome): void {
    const rows = history.elapsedMs.map(
      (_, i) => Object.fromEntries(COLUMNS.map((name) => [name, history[name][i] ?? null])) as Row,
    );
    if (frame !== undefined) {
      if (this.#run !== undefined && this.#run !== run) this.#moveTo(frame);
      this.#setNow(frame);
    }
    this.#run = run;
    this.#append(rows, everyS * 1000);
  }

  frame(frame: Frame): void {
    this.#setNow(frame);
    this.#append([frame.row], 1000);
  }

  /** How much time there is to draw, s. */
  get lengthS(): number {
    const [first] = this.#kept;
    const last = this.#kept.at(-1);
    return first === undefined || last === undefined
      ? 0
      : (last.elapsedMs - first.elapsedMs) / 1000;
  }

  /** The newest instant, s since 1970. */
  get now(): number {
    return this.#now?.at ?? 0;
  }

  /** The instants of the rows, s since 1970. A gap has one more, of which all is null. */
  times(): number[] {
    return this.#withGaps(
      (kept) => this.timeOf(kept.elapsedMs),
      (at) => this.timeOf(at),
    );
  }

  column(name: Column): (number | null)[] {
    return this.#withGaps(
      ({ row }) => row[name],
      () => null,
    );
  }

  /** Where nothing can be drawn, in order. `untilS`: the end of the picture, s since 1970. */
  gaps(untilS: number): Gap[] {
    const gaps: Gap[] = [];
    const open = (from: Kept, to: number, why: Gap['why']): void => {
      gaps.push({ from: this.timeOf(from.elapsedMs), to, why });
    };
    for (const [i, kept] of this.#kept.entries()) {
      const next = this.#kept[i + 1];
      const to = next === undefined ? untilS : this.timeOf(next.elapsedMs);
      if (
        next === undefined
          ? (to - this.timeOf(kept.elapsedMs)) * 1000 > apart(kept)
          : missing(kept, next)
      ) {
        open(kept, to, 'no data');
      } else if (kept.row.uncertaintyNs === null) {
        open(kept, to, 'no interval');
      }
    }
    return joined(gaps);
  }

  /** The instant of a row or a change, s since 1970. */
  timeOf(elapsedMs: number): number {
    if (this.#now === undefined) return 0;
    return this.#now.at - (this.#now.elapsedMs - elapsedMs) / 1000;
  }

  #append(rows: readonly Row[], spanMs: number): void {
    const first = rows[0]?.elapsedMs ?? null;
    if (first === null) return;
    while ((this.#kept.at(-1)?.elapsedMs ?? -Infinity) >= first) this.#kept.pop();
    for (const row of rows) {
      if (row.elapsedMs !== null) this.#kept.push({ row, spanMs, elapsedMs: row.elapsedMs });
    }
    const oldest = (this.#kept.at(-1)?.elapsedMs ?? 0) - HOUR_MS;
    while (this.#kept[0] !== undefined && this.#kept[0].elapsedMs < oldest) this.#kept.shift();
  }

  #setNow({ at, row }: Frame): void {
    this.#now = { elapsedMs: row.elapsedMs ?? 0, at: unixSeconds(at) };
  }

  /** Moves what is kept into the elapsed time of a server that started anew. */
  #moveTo({ at, row }: Frame): void {
    const now = unixSeconds(at);
    const elapsedMs = row.elapsedMs ?? 0;
    for (const kept of this.#kept) {
      // At the latest just before the new server began.
      kept.elapsedMs = Math.min(-1, elapsedMs - (now - this.timeOf(kept.elapsedMs)) * 1000);
    }
  }

  #withGaps<T>(value: (kept: Kept) => T, within: (elapsedMs: number) => T): T[] {
    const all: T[] = [];
    for (const [i, kept] of this.#kept.entries()) {
      const last = this.#kept[i - 1];
      if (last !== undefined && missing(last, kept)) {
        all.push(within((last.elapsedMs + kept.elapsedMs) / 2));
      }
      all.push(value(kept));
    }
    return all;
  }
}

const apart = ({ spanMs }: Kept): number => GAP_FACTOR * spanMs;

const missing = (a: Kept, b: Kept): boolean =>
  b.elapsedMs - a.elapsedMs > Math.max(apart(a), apart(b));

/** Gaps of one kind that touch become one. */
function joined(gaps: readonly Gap[]): Gap[] {
  const all: Gap[] = [];
  for (const gap of gaps) {
    const last = all.at(-1);
    if (last !== undefined && last.why === gap.why && last.to === gap.from) {
      all[all.length - 1] = { ...last, to: gap.to };
    } else {
      all.push(gap);
    }
  }
  return all;
}
