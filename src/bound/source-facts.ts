/**
 * What layer 2 remembers of one source: its upper facts and, mirrored, its lower ones. Values are relative
 * to the source's base, as those of its cone.
 */
import { FactList } from './fact-list.ts';
import type { Present } from './present.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

export class SourceFacts {
  readonly upper: FactList = new FactList();
  readonly lower: FactList = new FactList();

  /** Lets go of what is older than the horizon. */
  expire(present: Present, assumptions: RateAssumptions): void {
    this.upper.expire(present, assumptions);
    this.lower.expire(present, assumptions);
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
