/**
 * What a source had that could not be ordered. Nothing of it is lost: such lines stay with the
 * record before them. But a reader who relies on the order should know of them.
 */
import type { LogSource } from './log-record.ts';

export class Tally {
  readonly #source: LogSource;
  #records = 0;
  #strays = 0;
  #firstStray = 0;
  #faults = 0;
  #firstFault = '';
  #unbounded = 0;
  #ended = false;

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** Counts a line that is a record. */
  record(): void {
    this.#records++;
  }

  /** Counts a line that is no record. */
  stray(line: number): void {
    if (this.#strays === 0) this.#firstStray = line;
    this.#strays++;
  }

  /** Counts a line whose stamp cannot be used. */
  fault(line: number, reason: string): void {
    if (this.#faults === 0) this.#firstFault = `line ${line}: ${reason}`;
    this.#faults++;
  }

  /** Counts a record that has no stamp, and of whose wall time nobody says how wrong it is. */
  unbounded(): void {
    this.#unbounded++;
  }

  /** Notes that the source was read to its end. */
  end(): void {
    this.#ended = true;
  }

  /** Whether every line was a record. */
  get clean(): boolean {
    return this.#strays + this.#faults === 0;
  }

  /** What was counted, one line for people each; empty when every line was a record. */
  remarks(): string[] {
    const { path } = this.#source;
    const remarks: string[] = [];
    if (this.#records === 0 && this.#ended) {
      const hint = this.#strays === 0 ? '' : ', so none is printed; see --hlc and --time';
      remarks.push(`${path}: no line has a stamp or a time${hint}`);
    } else if (this.#strays > 0) {
      const first = `the first is line ${this.#firstStray}`;
      remarks.push(
        `${path}: ${countOf(this.#strays, 'line')} without a stamp or a time (${first})`,
      );
    }
    if (this.#faults > 0) {
      const first = this.#firstFault;
      remarks.push(`${path}: ${countOf(this.#faults, 'line')} with an unusable stamp (${first})`);
    }
    if (this.#unbounded > 0) {
      remarks.push(
        `${path}: ${countOf(this.#unbounded, 'line')} with a wall time only: rules above them ` +
          'hold only if that clock is not fast by more than --max-lead; see --uncertainty',
      );
    }
    return remarks;
  }
}

/** `1 line`, `2 lines`. */
export function countOf(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}
