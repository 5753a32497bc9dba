/**
 * Does a call cost the same, however it became hot? V8 compiles a function for what it saw until
 * then, and might keep slower code for good where that was short bursts or many callers. A program
 * of its own: `node warm-ups.js <group>` prints {@link WarmUps} as JSON. For each way it runs
 * itself, `node --expose-gc warm-ups.js <group> <way>`, which warms the hottest calls of the group
 * up in that way, then times each in a loop.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Benchmark from 'benchmark';
import type { Row } from './row.ts';
import { hrtime } from './rows/clocks.ts';
import { groups } from './rows.ts';
import { loopOf } from './timing.ts';

/** By the id of a row: multiples of `hrtime` into a slot, in the same loop. */
export type Costs = Readonly<Record<string, number>>;

/** By the way to warm up. */
export type WarmUps = Readonly<Record<string, Costs>>;

const smoke = process.argv.includes('--smoke');
const WINDOWS = smoke ? 1 : 100;
const CALLS = 20_000;
const BURST = 1000;
const BURSTS = smoke ? 2 : 200;

type Loop = (calls: number) => void;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** Calls `between` after each of many bursts. */
async function bursts(loop: Loop, between: () => unknown): Promise<void> {
  for (let i = 0; i < BURSTS; i++) {
    loop(BURST);
    await between();
  }
}

/** Many callers, each with a wait before its call. */
async function callers({ id, run }: Row): Promise<void> {
  const all = Array.from({ length: 10 }, (_, caller) => {
    const body = `return async (i) => { await undefined; run(i); }; // ${id} ${caller}`;
    return new Function('run', body)(run) as (i: number) => Promise<void>;
  });
  for (let i = 0; i < (BURSTS * BURST) / 10; i++) await all[i % all.length]!(i);
}

const WAYS: Readonly<Record<string, (row: Row, loop: Loop) => Promise<void>>> = {
  'not at all': async () => {},
  'a long loop': async (_row, loop) => loop(BURSTS * BURST),
  'the benchmark package': (_row, loop) =>
    new Promise((resolve) => {
      const settings = { minSamples: 5, maxTime: smoke ? 0.01 : 0.5, async: true };
      new Benchmark('warm-up', () => loop(BURST), settings).on('complete', resolve).run();
    }),
  'bursts, between turns': (_row, loop) => bursts(loop, turn),
  'bursts, between pauses of 5 ms': (_row, loop) => bursts(loop, pause),
  'bursts, each before a full GC': (_row, loop) => bursts(loop, () => globalThis.gc?.()),
  'ten async callers': callers,
};

/** The least ns per call in some windows. */
function best(loop: Loop): number {
  const windows = Array.from({ length: WINDOWS }, () => {
    const begin = process.hrtime.bigint();
    loop(CALLS);
    return Number(process.hrtime.bigint() - begin) / CALLS;
  });
  return Math.min(...windows);
}

async function costsOf(rows: readonly Row[], way: string): Promise<Costs> {
  const hot = rows.filter(({ most }) => most !== undefined);
  const loops = [hrtime, ...hot].map((row) => ({ row, loop: loopOf(row) }));
  for (const { row, loop } of loops) await WAYS[way]!(row, loop);
  const [baseNs, ...ns] = loops.map(({ loop }) => best(loop));
  return Object.fromEntries(hot.map(({ id }, i) => [id, ns[i]! / baseNs!]));
}

const [group, way] = process.argv.slice(2).filter((argument) => argument !== '--smoke');
if (way !== undefined) {
  console.log(JSON.stringify(await costsOf(await groups[group!]!(), way)));
} else {
  const flags = ['--expose-gc', fileURLToPath(import.meta.url), group!];
  const costs = Object.keys(WAYS).map((each): [string, Costs] => {
    const program = [...flags, each, ...(smoke ? ['--smoke'] : [])];
    return [each, JSON.parse(execFileSync(process.execPath, program, { encoding: 'utf8' }))];
  });
  console.log(JSON.stringify(Object.fromEntries(costs)));
}
process.exit();
