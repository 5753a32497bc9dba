/** Run with `--expose-gc`: prints the bytes that each further source of a bound engine holds. */
import type { ClockSample } from 'epsilon-clock';
import { bytesHeld } from './allocation.ts';
import { engineOf, samples } from './worlds.ts';

const FEW = 10;
const MANY = 1010;

function held(sources: number): number {
  const stream = samples(sources, 3 * sources);
  return bytesHeld(() => {
    const engine = engineOf(sources);
    for (const sample of stream as ClockSample[]) engine.ingest(sample);
    return engine;
  });
}

held(MANY);
console.log(JSON.stringify({ bytesPerSource: (held(MANY) - held(FEW)) / (MANY - FEW) }));
