/**
 * One run: each group has a process, and all processes live at the same time. In every round all
 * rows and the floor are visited in turn. So a machine that is busy for a while disturbs all of
 * them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Floor } from './floor.ts';
import { type Machine, thisMachine } from './machine.ts';
import { BASELINE, type Effort } from './row.ts';
import { median, quantile, ratio } from './statistics.ts';
import type { Answer, Request, RowHead } from './subject.ts';

/** The machine and the date of a run. Its numbers mean nothing without them. */
export interface Conditions extends Machine {
  readonly floor: 'clock_gettime' | 'hrtime';
  readonly floorNs: number;
}

export interface Measured extends RowHead {
  readonly group: string;
  /** The median of the means of all windows. */
  readonly medianNs: number;
  readonly p99Ns: number;
  readonly bytes: number;
  readonly xFloor: number;
  /** The cost in multiples of {@link BASELINE}, to compare with a run that had no compiler. */
  readonly xHrtime: number;
  readonly baseline: string;
  readonly xBaseline: number;
}

export interface Run {
  readonly conditions: Conditions;
  readonly rows: readonly Measured[];
}

/** Flags for a young generation of 64 MB, so that there are few collections. */
export const LARGE_YOUNG: readonly string[] = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];
/**
 * Flags for counting bytes. There is room for all that a window allocates, so that no collection
 * hides any of it.
 */
const NO_COLLECTIONS: readonly string[] = ['--expose-gc', ...LARGE_YOUNG];

/** A group in its process. */
class Subject {
  readonly group: string;
  readonly #child: ChildProcess;
  heads: readonly RowHead[] = [];

  private constructor(group: string, child: ChildProcess) {
    this.group = group;
    this.#child = child;
  }

  static async start(module: string, group: string, ...execArgv: string[]): Promise<Subject> {
    const program = new URL('dist/subject.js', import.meta.url).pathname;
    const child = fork(program, [module, group], { execArgv });
    const subject = new Subject(group, child);
    const first = await subject.#next();
    if ('heads' in first) subject.heads = first.heads;
    return subject;
  }

  async time(id: string, effort: Effort): Promise<readonly number[]> {
    const answer = await this.#ask({ task: 'time', id, effort });
    return 'samples' in answer ? answer.samples : [];
  }

  async bytes(id: string): Promise<number> {
    const answer = await this.#ask({ task: 'allocation', id });
    return 'bytes' in answer ? answer.bytes : Number.NaN;
  }

  /** Ends the process. One that has already ended is no longer connected. */
  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(request: Request): Promise<Answer> {
    this.#child.send(request);
    return this.#next();
  }

  async #next(): Promise<Answer> {
    const ended = new AbortController();
    const message = once(this.#child, 'message', { signal: ended.signal });
    const exit = once(this.#child, 'exit', { signal: ended.signal });
    const [answer] = (await Promise.race([message, exit])) as [Answer | number | null];
    ended.abort();
    await Promise.allSettled([message, exit]);
    if (answer === null || typeof answer === 'number') {
      throw new Error(`the process of ${this.group} ended: ${answer}`);
    }
    if ('error' in answer) throw new Error(`${this.group}: ${answer.error}`);
    return answer;
  }
}

/** Groups to run: the URL of a module in dist, and which of its groups. */
export interface Module {
  readonly module: string;
  readonly groups: readonly string[];
}

/** @param log gets a line about each step, for people who watch */
export async function run(
  modules: readonly Module[],
  effort: Effort,
  log: (what: string) => void,
): Promise<Run> {
  using floor = Floor.compile();
  const subjects: Subject[] = [];
  try {
    for (const { module, groups } of modules) {
      for (const group of groups) subjects.push(await Subject.start(module, group));
    }
    const samples = await time(subjects, floor, effort, log);
    log('allocation');
    return report(subjects, samples, await allocations(modules, effort));
  } finally {
    for (const subject of subjects) subject.stop();
  }
}

/** Counts the bytes per call of each row, in processes of their own. */
async function allocations(
  modules: readonly Module[],
  effort: Effort,
): Promise<ReadonlyMap<string, number>> {
  const bytes = new Map<string, number>();
  for (const { module, groups } of modules) {
    for (const group of groups) {
      const subject = await Subject.start(module, group, ...NO_COLLECTIONS);
      for (const { id, maxBytes } of subject.heads) {
        const counted = effort.allocation === 'all' || maxBytes !== undefined;
        if (counted) bytes.set(id, await subject.bytes(id));
      }
      subject.stop();
    }
  }
  return bytes;
}

/** The windows of each visit, by row. */
interface Samples {
  readonly rows: ReadonlyMap<string, readonly (readonly number[])[]>;
  /** The windows of the floor; `undefined` without a compiler. */
  readonly floor: readonly (readonly number[])[] | undefined;
}

async function time(
  subjects: readonly Subject[],
  floor: Floor | undefined,
  effort: Effort,
  log: (what: string) => void,
): Promise<Samples> {
  const samples = new Map<string, (readonly number[])[]>();
  const floorSamples: (readonly number[])[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    log(`round ${round + 1} of ${effort.rounds}`);
    if (floor) floorSamples.push(floor.sample());
    for (const subject of subjects) {
      for (const { id } of subject.heads) {
        const visits = samples.get(id) ?? [];
        visits.push(await subject.time(id, effort));
        samples.set(id, visits);
      }
    }
  }

  return { rows: samples, floor: floor ? floorSamples : undefined };
}

function report(
  subjects: readonly Subject[],
  samples: Samples,
  bytes: ReadonlyMap<string, number>,
): Run {
  const visitsOf = (id: string) => samples.rows.get(id) ?? [];
  const baselineSamples = visitsOf(BASELINE);
  const atFloor = samples.floor ?? baselineSamples;
  const rows: Measured[] = [];
  for (const subject of subjects) {
    for (const head of subject.heads) {
      const visits = visitsOf(head.id);
      const all = visits.flat();
      const baseline = head.baseline ?? BASELINE;
      rows.push({
        ...head,
        group: subject.group,
        medianNs: median(all),
        p99Ns: quantile(all, 0.99),
        bytes: bytes.get(head.id) ?? Number.NaN,
        xFloor: ratio(visits, atFloor),
        xHrtime: ratio(visits, baselineSamples),
        baseline,
        xBaseline: ratio(visits, visitsOf(baseline)),
      });
    }
  }
  const conditions: Conditions = {
    ...thisMachine(),
    floor: samples.floor ? 'clock_gettime' : 'hrtime',
    floorNs: median(atFloor.flat()),
  };
  return { conditions, rows };
}

/**
 * Bytes per call that are not counted as an excess. A window of 20,000 calls now and then catches
 * an object of the runtime. An object per call would be 16 B or more.
 */
const NOISE_BYTES = 1;

/** The faults of a run on any machine: rows that allocate more than their limit. */
export function faultsOf(rows: readonly Measured[]): string[] {
  return rows
    .filter(({ bytes, maxBytes }) => maxBytes !== undefined && !(bytes < maxBytes + NOISE_BYTES))
    .map(({ id, bytes, maxBytes }) => `${id}: ${bytes} B per call, at most ${maxBytes} expected`);
}
