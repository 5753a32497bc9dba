/**
 * Time per call, by the `benchmark` package, which chooses the number of iterations and keeps the clock.
 *
 * A single call lasts some 30 ns, about as long as reading the clock, so what is timed is a loop of calls;
 * a sample is the mean over one window of some milliseconds.
 */
import Benchmark from 'benchmark';
import { DEFAULT_BATCH, type Effort, type Row } from './row.ts';

// Call our loop; do not copy its source text into the package's own, where its variables are unknown.
(Benchmark.support as { decompilation: boolean }).decompilation = false;

/**
 * A loop of `times` calls, the call in it having one target ever, so that it can be inlined. The id makes
 * the text unique: V8 lets functions of the same text share code and type feedback.
 */
export function loopOf({ id, run }: Row): (times: number) => void {
  const body = `return (times) => { for (let i = 0; i < times; i++) run(i); }; // ${id}`;
  return new Function('run', body)(run);
}

export class Timing {
  readonly #row: Row;
  readonly #loop: (times: number) => void;
  /** What filled a window last time, so that the next visit need not search for it. */
  #iterations = 1;

  constructor(row: Row) {
    this.#row = row;
    this.#loop = loopOf(row);
  }

  /** The mean ns per call in each of some windows. */
  async sample({ windows, windowS }: Effort): Promise<number[]> {
    const { batch = DEFAULT_BATCH, id, during, turns = false } = this.#row;
    const loop = this.#loop;
    const benchmark = new Benchmark(id, () => loop(batch), {
      initCount: this.#iterations,
      minSamples: windows,
      minTime: windowS,
      maxTime: 0,
      async: turns,
    });
    const end = during?.();
    await new Promise((resolve) => benchmark.on('complete', resolve).run());
    end?.();
    if (benchmark.error !== undefined) throw benchmark.error;
    // With some to spare: a window that comes out too short is repeated.
    this.#iterations = Math.ceil(benchmark.count * 1.1);
    return benchmark.stats.sample.map((seconds) => (seconds * 1e9) / batch);
  }
}
