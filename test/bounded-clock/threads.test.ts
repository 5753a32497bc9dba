/**
 * Real threads. They show that the protocol works as built. They cannot show often enough that it
 * is *needed*, so test/bounded-clock/page/page.test.ts plays the interleaving that tears an
 * unchecked copy step by step.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { PAGE_SLOTS, Page } from '../../src/bounded-clock/page/page.ts';
import type { SourceSink } from '../../src/bounded-clock/time-source.ts';
import { systemClock } from '../../src/time/system-clock.ts';

const READERS = 4;
const PUBLICATIONS = 1_000_000;

let directory: string;
let module: string;

// The page is not a public export, so it is bundled on its own, into a directory of its own.
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'page-'));
  await build({
    entry: { page: 'src/bounded-clock/page/page.ts' },
    outDir: directory,
    format: 'esm',
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
    config: false,
    silent: true,
    clean: false,
  });
  module = pathToFileURL(join(directory, 'page.mjs')).href;
}, 300_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Starts a fixture. `ready` resolves when it runs, `report` with its last message. */
function start(
  fixture: string,
  workerData: unknown,
): { ready: Promise<unknown>; report: Promise<Record<string, unknown>> } {
  const worker = new Worker(new URL(`./fixtures/${fixture}`, import.meta.url), { workerData });
  const failed = new Promise<never>((_resolve, reject) => worker.once('error', reject));
  const message = (wanted: (value: unknown) => boolean): Promise<unknown> =>
    Promise.race([
      failed,
      new Promise((resolve) => {
        worker.on('message', (value: unknown) => wanted(value) && resolve(value));
      }),
    ]);
  const report = message((value) => value !== 'ready') as Promise<Record<string, unknown>>;
  return { ready: message((value) => value === 'ready'), report };
}

it('four threads copy while one publishes a million times: no copy is torn or goes back', async () => {
  const page = Page.create();
  const slots = new BigInt64Array(PAGE_SLOTS);
  const publish = (n: bigint): void => {
    page.publish(slots.fill(n));
  };
  publish(1n);
  const readers = Array.from({ length: READERS }, () =>
    start('page-reader.mjs', { module, buffer: page.buffer }),
  );
  await Promise.all(readers.map(({ ready }) => ready));
  for (let n = 1; n <= PUBLICATIONS; n++) publish(BigInt(n));
  publish(-1n);
  for (const { report } of readers) {
    const { torn, backwards, distinct } = await report;
    expect({ torn, backwards }).toEqual({ torn: 0, backwards: 0 });
    expect(distinct).toBeGreaterThan(1);
  }
}, 240_000);

it('threads that attached to the built package read true intervals until the clock stops', async () => {
  const clock = systemClock();
  let sink: SourceSink | undefined;
  const source = {
    name: 'here',
    start(given: SourceSink) {
      sink = given;
      return { pollIntervalMs: 1000, burst() {}, discardInFlight() {}, stop() {} };
    },
  };
  const bounded = BoundedClock.start({ sources: [source], clock });
  const reply = (): void => {
    const sentAt = clock.monotonicNs();
    const wall = clock.wallReadNs();
    const receivedAt = clock.monotonicNs();
    sink?.sample({
      sourceId: 'here',
      sentAt,
      receivedAt,
      upperNs: wall + clock.wallGridNs - sentAt,
      lowerNs: wall - receivedAt - clock.monotonicGridNs,
      pathDelayNs: receivedAt - sentAt,
      serverErrorNs: clock.wallGridNs,
      leap: 'none',
    });
  };
  reply();
  const handle = bounded.share();
  const readers = Array.from({ length: READERS }, () => start('clock-reader.mjs', { handle }));
  await Promise.all(readers.map(({ ready }) => ready));
  for (let i = 0; i < 5000; i++) reply();
  bounded.stop();
  for (const { report } of readers) {
    const { wrong, code, reason } = await report;
    expect({ wrong, code, reason }).toEqual({
      wrong: 0,
      code: 'ERR_CLOCK_UNSYNCHRONIZED',
      reason: 'stopped',
    });
  }
});
