/**
 * Bounded clocks in a process of their own. Its clocks may be skewed by libfaketime, and it may be
 * stopped and continued. It runs `dist`, as users do.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClockEvent, ClockReading, Explanation } from 'epsilon-clock';
import type { Bracket } from './wall-truth.ts';

/**
 * How libfaketime changes the clocks that the process sees. The text is in libfaketime's notation:
 * `+0.3 x1.0005` is 300 ms ahead and 500 ppm fast.
 */
export type Skew =
  /** Wall and monotonic clock alike, as on a host with a bad crystal. */
  | { readonly whole: string }
  /** Only the wall clock; the monotonic clock stays true. */
  | { readonly wall: string }
  /** Only the wall clock, as the file says at every read. Rewrite the file to step the clock. */
  | { readonly wallFile: string };

export interface ChildClockOptions {
  readonly servers: readonly { readonly address: string; readonly port: number }[];
  readonly pollIntervalMs?: number;
  readonly timeoutMs?: number;
  readonly hostClock?: 'disciplined' | 'free-running';
  readonly maxDriftPpm?: number;
  readonly crystal?: { readonly wanderPpmPerSecond: number; readonly maxWanderPpm: number };
}

/** A reading, with the parent's monotonic clock before the request and after the answer. */
export interface BracketedReading extends Bracket {
  readonly reading: ClockReading;
}

type Message =
  | { readonly clock: string; readonly event: ClockEvent }
  | { readonly id: number; readonly value?: unknown; readonly error?: string };

export class ClockProcess implements AsyncDisposable {
  /** The events of all its clocks, in the order in which they came. */
  readonly events: ({ readonly clock: string } & ClockEvent)[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #waiting = new Set<() => void>();
  #asked = 0;
  #gone = false;

  constructor(skew?: Skew) {
    const file = new URL('./child-clock.mjs', import.meta.url).pathname;
    const env = { ...process.env, ...(skew && skewedEnvironment(skew)) };
    this.#child = fork(file, { serialization: 'advanced', execArgv: [], env });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', (message: Message) => this.#onMessage(message));
    this.#child.once('exit', (code, signal) => {
      this.#gone = true;
      const error = new Error(`the clock process ended: ${signal ?? `code ${code}`}`);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#wake();
    });
  }

  async start(clock: string, options: ChildClockOptions): Promise<void> {
    await this.#ask('start', clock, options);
  }

  /** Resolves once the clock has a bound. */
  async synced(clock: string): Promise<void> {
    await this.#ask('synced', clock);
  }

  async read(clock: string): Promise<BracketedReading> {
    const before = process.hrtime.bigint();
    const { value, after } = await this.#ask('read', clock);
    return { reading: value as ClockReading, before, after };
  }

  async explain(clock: string): Promise<Omit<Explanation, 'toJSON'>> {
    return (await this.#ask('explain', clock)).value as Explanation;
  }

  eventsOf(clock: string): readonly ClockEvent[] {
    return this.events.filter((event) => event.clock === clock);
  }

  /** Resolves as soon as `condition` holds; it is checked after every event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#gone) throw new Error('the clock process ended');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Stops the process. Resolves once the kernel says that it is stopped. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    while ((await this.#state()) !== 'T') await new Promise(setImmediate);
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#gone) {
      this.resume();
      this.#child.disconnect();
      await this.#exited;
    }
    await removeSkewed(this.#child.pid);
  }

  #ask(
    operation: string,
    clock: string,
    argument?: unknown,
  ): Promise<{ value: unknown; after: bigint }> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(new Error('the clock process ended'));
      const id = this.#asked++;
      const answered = (value: unknown): void => resolve({ value, after: process.hrtime.bigint() });
      this.#pending.set(id, { resolve: answered, reject });
      this.#child.send({ id, operation, clock, argument });
    });
  }

  #onMessage(message: Message): void {
    if ('event' in message) {
      this.events.push({ clock: message.clock, ...message.event });
      this.#wake();
      return;
    }
    const { id, value, error } = message;
    const asked = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** The state in /proc; `T` is stopped by a signal. */
  async #state(): Promise<string | undefined> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  }
}

/** The environment in which a process sees its clocks skewed. */
export function skewedEnvironment(skew: Skew): NodeJS.ProcessEnv {
  const preload = { LD_PRELOAD: libfaketime() };
  if ('whole' in skew) return { ...preload, FAKETIME: skew.whole };
  const wallOnly = { ...preload, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  if ('wall' in skew) return { ...wallOnly, FAKETIME: skew.wall };
  return { ...wallOnly, FAKETIME_TIMESTAMP_FILE: skew.wallFile, FAKETIME_NO_CACHE: '1' };
}

/** Removes the files that libfaketime leaves behind when its process dies by a signal. */
export async function removeSkewed(pid: number | undefined): Promise<void> {
  await rm(`/dev/shm/faketime_shm_${pid}`, { force: true });
  await rm(`/dev/shm/sem.faketime_sem_${pid}`, { force: true });
}

function libfaketime(): string {
  // Debian has a folder per architecture.
  for (const folder of ['', ...readdirSync('/usr/lib')]) {
    const file = join('/usr/lib', folder, 'faketime/libfaketime.so.1');
    if (existsSync(file)) return file;
  }
  throw new Error(
    'libfaketime is not installed, and this test needs it: apt-get install -y faketime',
  );
}
