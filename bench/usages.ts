/**
 * What the hottest calls cost by the way they are called. V8 makes other machine code, and the
 * processor runs it otherwise, in a loop than between other work. A program of its own,
 * `node usages.js <group>`, which prints the {@link Usage}s of the group as JSON.
 */

import { FULL, type Row, SMOKE } from './row.ts';
import { hrtime } from './rows/clocks.ts';
import { groups } from './rows.ts';
import { median, quantile } from './statistics.ts';
import { loopOf, Timing } from './timing.ts';

/** What a call costs, in multiples of `hrtime` into a slot that is called in the same way. */
export interface Usage {
  readonly id: string;
  readonly operation: string;
  /** A loop of nothing but such calls. */
  readonly hot: number;
  /** As the `benchmark` package runs it: short loops of them. */
  readonly benchmark: number;
  /** One call between other work, from ten places in the program, its result put into an event. */
  readonly service: number;
  /** None should be more than this. */
  readonly most: number;
}

const smoke = process.argv.includes('--smoke');
const ROUNDS = smoke ? 1 : 25;
const WINDOWS = smoke ? 1 : 8;
const HOT_CALLS = 20_000;
/**
 * Short windows, many of them, all rows in turn: the work takes ten times as long as the call, so
 * the difference of two long windows would show how busy the machine was, and not the call.
 */
const SERVICE_WINDOWS = smoke ? 1 : 16;
const SERVICE_CALLS = 1000;
const SITES = 10;

type Call = (i: number) => unknown;
type Loop = (calls: number) => void;

/** The mean ns per call in one window. */
function windowOf(calls: number, loop: Loop): number {
  const begin = process.hrtime.bigint();
  loop(calls);
  return Number(process.hrtime.bigint() - begin) / calls;
}

/** The other work: some hundred ns, with objects, text and calls into the runtime. */
function work(i: number): number {
  return JSON.stringify({ id: i, name: `user ${i & 255}`, at: i * 2.5, tags: ['a', 'b'] }).length;
}

/**
 * Makes events in ten functions in turn: some work, one call, and an object that keeps the results.
 */
function service(name: string, call: Call): Loop {
  // Each text is its own, so that each function has machine code of its own.
  const sites = Array.from({ length: SITES }, (_, site) => {
    const body = `return (i) => ({ done: work(i), result: call(i) }); // ${name} ${site}`;
    return new Function('work', 'call', body)(work, call) as Call;
  });
  return (calls) => {
    for (let i = 0; i < calls; i++) sites[i % SITES]!(i);
  };
}

/** A row, and what was measured of it, ns per call. */
class Subject {
  readonly row: Row;
  /** The best windows of each round. */
  readonly hot: number[] = [];
  readonly benchmark: number[] = [];
  /** All windows. */
  readonly service: number[] = [];
  readonly #loop: Loop;
  readonly #timing: Timing;
  readonly #events: Loop;

  constructor(row: Row) {
    this.row = row;
    this.#loop = loopOf({ ...row, id: `${row.id} hot` });
    this.#timing = new Timing(row);
    this.#events = service(row.id, row.result ?? row.run);
  }

  async visit(): Promise<void> {
    const windows = Array.from({ length: WINDOWS }, () => windowOf(HOT_CALLS, this.#loop));
    this.hot.push(Math.min(...windows));
    this.benchmark.push(Math.min(...(await this.#timing.sample(smoke ? SMOKE : FULL))));
  }

  serve(): void {
    this.service.push(windowOf(SERVICE_CALLS, this.#events));
  }
}

const rows = (await groups[process.argv[2] as string]!()).filter(({ most }) => most !== undefined);
if (rows.length === 0) {
  console.log('[]');
  process.exit();
}
const workAlone = new Subject({ id: 'work', operation: 'the work alone', run: () => 0 });
const baseline = new Subject(hrtime);
const subjects = rows.map((row) => new Subject(row));
for (let round = 0; round < ROUNDS; round++) {
  for (const subject of [baseline, ...subjects]) await subject.visit();
  for (let window = 0; window < SERVICE_WINDOWS; window++) {
    for (const subject of [workAlone, baseline, ...subjects]) subject.serve();
  }
  await new Promise((resolve) => setImmediate(resolve));
}

/** The median over the rounds. */
const times = (a: readonly number[], b: readonly number[]): number =>
  median(a.map((ns, round) => ns / b[round]!));
/** A call in a service, ns: of the windows that were disturbed least. */
const served = ({ service }: Subject): number =>
  quantile(service, 0.1) - quantile(workAlone.service, 0.1);

const usages: Usage[] = subjects.map((subject) => ({
  id: subject.row.id,
  operation: subject.row.operation,
  hot: times(subject.hot, baseline.hot),
  benchmark: times(subject.benchmark, baseline.benchmark),
  service: served(subject) / served(baseline),
  most: subject.row.most!,
}));
console.log(JSON.stringify(usages));
process.exit();
