/**
 * A process that hands out timestamps is killed with SIGKILL many times, at any point, and its wall
 * clock (libfaketime) is moved back before each new life. The timestamps that reach the parent
 * through the pipe must strictly increase over all lives. The kernel survives the kill, so this
 * tests the protocol and the lock with a real disk and a real kill. The model tests power failures
 * (durable-crash.test.ts).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** How many lives. The long runs set 200. */
const LIVES = Number(process.env.LIVES ?? 60);
const faketime = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
  .find((library) => existsSync(library));

const dist = new URL('../../dist/', import.meta.url).href;
/**
 * A program that prints that it opens and how far ahead it started. Then it hands out timestamps as
 * fast as the pipe takes them, and lets the event loop turn in between.
 */
const life = `
  const { writeSync } = await import('node:fs');
  const { systemClock } = await import(${JSON.stringify(`${dist}index.js`)});
  const { DurableHybridClock } = await import(${JSON.stringify(`${dist}node.js`)});
  const options = { clock: systemClock(), nodeId: 'a', path: process.argv[1], windowMs: 10 };
  writeSync(1, 'opening\\n');
  const hlc = await DurableHybridClock.open(options);
  writeSync(1, hlc.startedAheadNs + '\\n');
  const batch = () => {
    let text = '';
    for (let i = 0; i < 50; i++) text += hlc.now() + '\\n';
    writeSync(1, text);
    setImmediate(batch);
  };
  batch();
`;

/** Runs one life with its wall clock `secondsBack`. Returns its lines once there are `enough`. */
async function live(path: string, secondsBack: number, enough: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', life, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_PRELOAD: faketime,
      FAKETIME: `-${secondsBack}`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  });
  let lines: string[] = [];
  let rest = '';
  let complaint = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!; // the kill may cut the last line
    lines = lines.concat(parts);
    if (lines.length >= enough) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint += chunk;
  });
  await once(child, 'close');
  for (const left of [`faketime_shm_${child.pid}`, `sem.faketime_sem_${child.pid}`]) {
    rmSync(join('/dev/shm', left), { force: true });
  }
  expect(complaint).toBe('');
  expect(lines.length).toBeGreaterThanOrEqual(enough);
  return lines;
}

it(`${LIVES} lives ended by kill -9, each with an earlier wall clock: no timestamp repeats or goes back`, async () => {
  if (faketime === undefined) throw new Error('libfaketime is missing: apt-get install faketime');
  const directory = mkdtempSync(join(tmpdir(), 'durable-kill-'));
  const path = join(directory, 'hlc');
  try {
    let last = '';
    let count = 0;
    for (let i = 0; i < LIVES; i++) {
      // Every eighth is killed while it opens, the others after 3 to 4000 lines.
      const enough = i % 8 === 7 ? 1 : 3 + ((i * 1741) % 4000);
      const [opening, aheadNs, ...timestamps] = await live(path, 100 * i, enough);
      expect(opening).toBe('opening');
      // The wall clock was really behind the timestamps of the earlier lives.
      if (i > 0 && aheadNs !== undefined) expect(BigInt(aheadNs)).toBeGreaterThan(0n);
      for (const timestamp of timestamps) {
        // All have 19 digits, so text order is their order.
        if (!(timestamp.length === 19 && timestamp > last)) {
          expect.fail(`life ${i}: ${timestamp} came after ${last}`);
        }
        last = timestamp;
      }
      count += timestamps.length;
    }
    expect(count).toBeGreaterThan(100_000);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 900_000);
