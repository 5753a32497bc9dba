import type { Clock, ClockSample, MissReason, SourceSink } from 'epsilon-clock';

/** A sink that keeps what a source told it, and lets a test wait for more. */
export class RecordingSink implements SourceSink {
  readonly clock: Clock;
  readonly samples: ClockSample[] = [];
  readonly misses: { readonly sourceId: string; readonly reason: MissReason }[] = [];
  readonly listings: (readonly string[])[] = [];
  /** Everything, in the order it came. */
  readonly log: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get ids(): readonly string[] {
    return this.listings.at(-1) ?? [];
  }

  endpoints(ids: readonly string[]): void {
    this.listings.push(ids);
    this.#told(`endpoints ${ids.join(' ')}`);
  }

  sample(sample: ClockSample): void {
    this.samples.push(sample);
    this.#told(`sample ${sample.sourceId}`);
  }

  miss(sourceId: string, reason: MissReason): void {
    this.misses.push({ sourceId, reason });
    this.#told(`miss ${sourceId} ${reason}`);
  }

  /** Resolves as soon as `condition` holds; looked at after every call to the sink. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #told(entry: string): void {
    this.log.push(entry);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
