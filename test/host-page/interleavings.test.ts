/**
 * Drawn histories of one machine: its clocks jump, between any two reads of any process; processes
 * are paused, killed and started. All of them read the same clocks, so each reading that a process
 * gets by `read()` can be judged against true time, and at the end every reader must have come
 * back.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { HostClock } from '../../src/host-page/host-clock.ts';
import { HostClockPublisher } from '../../src/host-page/host-clock-publisher.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

interface Step {
  readonly kind: string;
  /** How much, ms. */
  readonly by: number;
  /** Before which of the next reads of a clock. */
  readonly reads: number;
}

type Range = readonly [min: number, max: number];
const NONE: Range = [0, 0];
const SOON: Range = [0, 40];

const drawn = (weight: number, kind: string, by: Range = NONE, reads: Range = NONE) => ({
  weight,
  arbitrary: fc.record({
    kind: fc.constant(kind),
    by: fc.integer({ min: by[0], max: by[1] }),
    reads: fc.integer({ min: reads[0], max: reads[1] }),
  }) satisfies fc.Arbitrary<Step>,
});

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  drawn(12, 'pass', [1, 150]),
  drawn(2, 'pass', [200, 4000]),
  drawn(6, 'reply', [1, 20]),
  drawn(4, 'suspend', [50, 9000], SOON),
  drawn(1, 'step', [-9000, 9000], SOON),
  drawn(1, 'late', [1, 500], SOON),
  drawn(2, 'pause writer'),
  drawn(2, 'pause reader', [0, 3]),
  drawn(1, 'kill', NONE, SOON),
  drawn(1, 'stop'),
  drawn(3, 'start'),
  drawn(3, 'open'),
);

class Killed extends Error {}

class Machine {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'host-clock-'));
  readonly path: string = join(this.directory, 'clock');
  monotonic = 1_000_000_000_000_000n;
  wallOffset = 794_000_000_000_000_000n;
  bootOffset = 0n;
  /** True time minus monotonic time. */
  theta = 795_000_000_000_000_000n;
  readings = 0;
  bounded = 0;
  /** What happens before one of the next reads of a clock. */
  #planned: { reads: number; act: (owner: object) => void } | undefined;
  writer:
    | {
        clock: HandClock;
        source: ScriptedSource;
        bounded: BoundedClock;
        publisher: HostClockPublisher;
      }
    | undefined;
  writerPaused = false;
  readers: { clock: HandClock; host: HostClock; paused: boolean }[] = [];
  readonly #dead: HostClockPublisher[] = [];

  newClock(): HandClock {
    const clock = new HandClock({ wallGridNs: MS });
    const shared = (key: 'monotonic' | 'wallOffset' | 'bootOffset') =>
      Object.defineProperty(clock, key, {
        get: () => this[key],
        set: (value: bigint) => {
          // `advance` puts the clock where it should end, and time may have gone on beyond.
          if (key !== 'monotonic' || value > this.monotonic) this[key] = value;
        },
      });
    shared('monotonic');
    shared('wallOffset');
    shared('bootOffset');
    clock.onRead = () => {
      if (this.#planned === undefined || this.#planned.reads-- > 0) return;
      const { act } = this.#planned;
      this.#planned = undefined;
      act(clock);
    };
    return clock;
  }

  plan(reads: number, act: (owner: object) => void): void {
    this.#planned = { reads, act };
  }

  get truth(): bigint {
    return this.monotonic + this.theta;
  }

  suspend(ns: bigint): void {
    this.wallOffset += ns;
    this.bootOffset += ns;
    this.theta += ns;
  }

  runWriter(run: (writer: NonNullable<Machine['writer']>) => void): void {
    const writer = this.writer;
    if (writer === undefined || this.writerPaused) return;
    try {
      run(writer);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.kill();
    }
  }

  kill(): void {
    if (this.writer === undefined) return;
    this.writer.clock.kill();
    this.writer.bounded.publishListeners.clear();
    this.#dead.push(this.writer.publisher);
    this.writer = undefined;
    rmSync(`${this.path}.lock`); // that of a process that lives on
  }

  async start(): Promise<void> {
    if (this.writer !== undefined) return;
    this.#planned = undefined;
    const clock = this.newClock();
    const source = new ScriptedSource('s');
    const bounded = BoundedClock.start({ sources: [source], clock });
    const publisher = await HostClockPublisher.start({ clock: bounded, path: this.path });
    this.writer = { clock, source, bounded, publisher };
    this.writerPaused = false;
  }

  pass(ns: bigint): void {
    this.monotonic += ns;
    this.runWriter(({ clock }) => clock.advance(0n));
    for (const { clock, host, paused } of this.readers) {
      if (paused) continue;
      clock.advance(0n);
      const from = this.truth;
      const { interval } = host.read();
      this.readings++;
      if (interval === undefined) continue;
      this.bounded++;
      if (interval.latest < from || interval.earliest > this.truth) {
        throw new Error(`${interval} excludes ${from} to ${this.truth}`);
      }
      const t = this.truth - 10n * MS;
      if (host.certainlyBefore(t)) throw new Error('certainly before what has passed');
    }
  }

  async step({ kind, by, reads }: Step): Promise<void> {
    const ns = BigInt(by) * MS;
    switch (kind) {
      case 'pass':
        return this.pass(ns);
      case 'reply':
        return this.runWriter(({ source, clock }) =>
          source.reply(clock, { theta: this.theta, delay: ns }),
        );
      case 'suspend':
        return this.plan(reads, () => this.suspend(ns));
      case 'step':
        return this.plan(reads, () => {
          this.wallOffset += ns;
        });
      case 'late':
        return this.plan(reads, () => {
          this.monotonic += ns;
        });
      case 'kill':
        return this.plan(reads, (owner) => {
          if (owner === this.writer?.clock) throw new Killed();
          this.kill();
        });
      case 'pause writer':
        this.writerPaused = !this.writerPaused;
        return;
      case 'pause reader': {
        const reader = this.readers[by];
        if (reader !== undefined) reader.paused = !reader.paused;
        return;
      }
      case 'stop':
        this.#planned = undefined;
        await this.writer?.publisher.stop();
        this.writer?.bounded.stop();
        this.writer?.clock.kill();
        this.writer = undefined;
        return;
      case 'start':
        return this.start();
      default: {
        if (this.readers.length === 4) return;
        const clock = this.newClock();
        const host = await HostClock.open({ path: this.path, clock });
        this.readers.push({ clock, host, paused: false });
      }
    }
  }

  async settle(): Promise<void> {
    this.#planned = undefined;
    await this.start();
    this.writerPaused = false;
    for (const reader of this.readers) reader.paused = false;
    for (let tenths = 0; tenths < 60; tenths++) {
      this.pass(100n * MS);
      if (tenths % 5 === 0) {
        this.runWriter(({ source, clock }) =>
          source.reply(clock, { theta: this.theta, delay: MS }),
        );
      }
    }
    for (const { host } of this.readers) expect(host.read().status).toBe('synchronized');
  }

  async end(): Promise<void> {
    for (const { host } of this.readers) await host.close();
    await this.writer?.publisher.stop();
    this.writer?.bounded.stop();
    for (const publisher of this.#dead) await publisher.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('no reading excludes true time, and every reader comes back', async () => {
  let readings = 0;
  let bounded = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepArbitrary, { minLength: 20, maxLength: 120, size: 'max' }),
      async (steps) => {
        const machine = new Machine();
        try {
          await machine.start();
          for (const step of steps) await machine.step(step);
          await machine.settle();
        } finally {
          await machine.end();
          readings += machine.readings;
          bounded += machine.bounded;
        }
      },
    ),
    { seed: 21, numRuns: 60 },
  );
  expect(bounded / readings).toBeGreaterThan(0.5);
});
