/**
 * What layer 2 remembers of one source: its upper facts and, mirrored, its lower ones. Values are relative
 * to the source's base, as those of its cone.
 */
import { FactList } from './fact-list.ts';

export class SourceFacts {
  readonly upper: FactList = new FactList();
  readonly lower: FactList = new FactList();

  forgetBefore(oldest: number): void {
    this.upper.forgetBefore(oldest);
    this.lower.forgetBefore(oldest);
  }

  /** Only what the last sample proved stays. */
  keepLast(): void {
    this.upper.keepLast();
    this.lower.keepLast();
  }

  forget(): void {
    this.upper.forget();
    this.lower.forget();
  }

  /** The local time base moves forward by `shift`. */
  rebase(shift: number): void {
    this.upper.rebase(shift);
    this.lower.rebase(shift);
  }
}
