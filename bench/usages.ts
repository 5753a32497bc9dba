/**
 * What the hottest calls cost by the way they are called. V8 makes other machine code, and the
 * processor runs it otherwise, in a loop than between other work. A program of its own,
 * `node usages.js <group>`, which prints the {@link Usage}s of the group as JSON.
 */

import { FULL, type Row, SMOKE } from './row.ts';
import { hrtime } from './rows/clocks.ts';
import { groups } from './rows.ts';
import { median } from './statistics.ts';
import { loopOf, Timing } from './timing.ts';

/** What a call costs, in multiples of `hrtime` into a slot that is called in the same way. */
export interface Usage {
  readonly id: string;
  readonly operation: string;
  /** A loop of nothing but such calls. */
  readonly hot: number;
  /** As the `benchmark` package runs it: short loops of them. */
  readonly benchmark: number;
  /** One call between other work, from ten places in the program. */
  readonly service: number;
  /** None should be more than this. */
  readonly most: number;
}

const smoke = process.argv.includes('--smoke');
const ROUNDS = smoke ? 1 : 25;
const WINDOWS = smoke ? 1 : 8;
const HOT_CALLS = 20_000;
const SERVICE_CALLS = 2000;
const SITES = 10;

type Call = (i: number) => unknown;

/** The mean ns per call in each of some windows. */
function windows(calls: number, run: (calls: number) => void): number[] {
  return Array.from({ length: WINDOWS }, () => {
    const begin = process.hrtime.bigint();
    run(calls);
    return Number(process.hrtime.bigint() - begin) / calls;
  });
}

/** The other work: some hundred ns, with objects, text and calls into the runtime. */
function work(i: number): number {
  return JSON.stringify({ id: i, name: `user ${i & 255}`, at: i * 2.5, tags: ['a', 'b'] }).length;
}

/** Calls `run` from ten functions in turn, each time after some work. */
function service(name: string, run: Call): (calls: number) => void {
  // Each text is its own, so that each function has machine code of its own.
  const sites = Array.from({ length: SITES }, (_, site) => {
    const body = `return (i) => { const done = work(i); run(i); return done; }; // ${name} ${site}`;
    return new Function('work', 'run', body)(work, run) as Call;
  });
  return (calls) => {
    for (let i = 0; i < calls; i++) sites[i % SITES]!(i);
  };
}

/** Takes the windows of one visit to a row, called in one of the ways. */
type Visit = () => number[] | Promise<number[]>;
const WAYS = ['hot', 'benchmark', 'service'] as const;
type Way = (typeof WAYS)[number];

function visitsOf(row: Row): Record<Way, Visit> {
  const loop = loopOf({ ...row, id: `${row.id} hot` });
  const timing = new Timing(row);
  const calls = service(row.id, row.run);
  return {
    hot: () => windows(HOT_CALLS, loop),
    benchmark: () => timing.sample(smoke ? SMOKE : FULL),
    service: () => windows(SERVICE_CALLS, calls),
  };
}

/** A row, and the best window of each of its visits, ns per call. */
interface Subject {
  readonly row: Row;
  readonly visits: Record<Way, Visit>;
  readonly best: Record<Way, number[]>;
}

const subjectOf = (row: Row): Subject => ({
  row,
  visits: visitsOf(row),
  best: { hot: [], benchmark: [], service: [] },
});

const rows = (await groups[process.argv[2] as string]!()).filter(({ most }) => most !== undefined);
if (rows.length === 0) {
  console.log('[]');
  process.exit();
}
const alone = service('the work alone', () => {});
const baseline = subjectOf(hrtime);
const subjects = rows.map(subjectOf);
for (let round = 0; round < ROUNDS; round++) {
  const workNs = Math.min(...windows(SERVICE_CALLS, alone));
  for (const { visits, best } of [baseline, ...subjects]) {
    for (const way of WAYS) {
      const ns = Math.min(...(await visits[way]()));
      best[way].push(way === 'service' ? ns - workNs : ns);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const times = (way: Way, { best }: Subject): number =>
  way === 'service'
    ? median(best.service) / median(baseline.best.service)
    : median(best[way].map((ns, round) => ns / baseline.best[way][round]!));

const usages: Usage[] = subjects.map((subject) => ({
  id: subject.row.id,
  operation: subject.row.operation,
  hot: times('hot', subject),
  benchmark: times('benchmark', subject),
  service: times('service', subject),
  most: subject.row.most!,
}));
console.log(JSON.stringify(usages));
process.exit();
