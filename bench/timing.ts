/**
 * Time per call, by the `benchmark` package, which chooses the number of iterations and keeps the
 * clock.
 *
 * A single call lasts about 30 ns, as long as reading the clock. So a loop of calls is timed, and a
 * sample is the mean over one window of some milliseconds.
 */
import Benchmark from 'benchmark';
import { DEFAULT_BATCH, type Effort, type Row } from './row.ts';

// The package must call our loop, and not copy its source text to a place without its variables.
(Benchmark.support as { decompilation: boolean }).decompilation = false;

/**
 * A loop of `times` calls of `run`. The loop only ever calls this one function, so V8 can inline
 * it. The id makes the text unique, because V8 lets functions with the same text share code and
 * type feedback.
 */
export function loopOf({ id, run }: Row): (times: number) => void {
  const body = `return (times) => { for (let i = 0; i < times; i++) run(i); }; // ${id}`;
  return new Function('run', body)(run);
}

export class Timing {
  readonly #row: Row;
  readonly #loop: (times: number) => void;
  /** How many iterations filled the last window, so that the next visit need not search. */
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
    // A few more, because a window that is too short is repeated.
    this.#iterations = Math.ceil(benchmark.count * 1.1);
    return benchmark.stats.sample.map((seconds) => (seconds * 1e9) / batch);
  }
}
