/** What layer 2 remembers of one source: its upper facts and, mirrored, its lower ones. */
import type { Instants, LocalNow } from '../local-now.ts';
import { FactList } from './fact-list.ts';
import type { RateAssumptions } from './rate-assumptions.ts';

/** Values are relative to the base of the source, as those of its cone are. */
export class SourceFacts {
  readonly upper: FactList;
  readonly lower: FactList;
  /** Under which era of the source and of layer 2 the facts were taken. */
  era: number;

  constructor(instants: Instants, era: number) {
    this.upper = new FactList(instants);
    this.lower = new FactList(instants);
    this.era = era;
  }

  /** Drops facts older than the horizon. */
  expire(local: LocalNow, assumptions: RateAssumptions): void {
    this.upper.expire(local, assumptions);
    this.lower.expire(local, assumptions);
  }

  /** Keeps only what the last sample proved. */
  keepLast(): void {
    this.upper.keepLast();
    this.lower.keepLast();
  }

  /** Drops all facts if they were taken under another era. */
  enter(era: number): void {
    if (era === this.era) return;
    this.era = era;
    this.upper.forget();
    this.lower.forget();
  }
}
