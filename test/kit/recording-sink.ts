import type {
  Clock,
  ClockSample,
  MissDetails,
  MissReason,
  SignedStatement,
  SourceSink,
} from 'epsilon-clock';

/** A sink that records the calls of a source, and lets a test wait for more. */
export class RecordingSink implements SourceSink {
  readonly clock: Clock;
  readonly samples: ClockSample[] = [];
  readonly misses: { readonly sourceId: string; readonly reason: MissReason }[] = [];
  /** The causes of the misses, in the same order. */
  readonly causes: (string | undefined)[] = [];
  readonly listings: (readonly string[])[] = [];
  /** What it told people of its endpoints. */
  readonly details: (readonly string[])[] = [];
  bounded: boolean | undefined;
  /** What came with the samples of a witness. */
  readonly signed: SignedStatement[] = [];
  lastSigned: SignedStatement | undefined;
  /** All calls, in order. */
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

  sample(sample: ClockSample, signed?: SignedStatement): void {
    this.samples.push(sample);
    if (signed !== undefined) this.signed.push(signed);
    this.#told(`sample ${sample.sourceId}`);
  }

  describe(_: string, details: readonly string[]): void {
    this.details.push(details);
  }

  miss(sourceId: string, reason: MissReason, details?: MissDetails): void {
    this.misses.push({ sourceId, reason });
    this.causes.push(details?.cause);
    this.#told(`miss ${sourceId} ${reason}`);
  }

  /** Resolves as soon as `condition` holds; it is checked after every call to the sink. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #told(entry: string): void {
    this.log.push(entry);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
