/**
 * A page between real processes: a cluster's workers, processes that are not of it, writers that
 * are killed and stopped in the middle of a write.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FIRST_SEGMENT, HI, LO, MIDDLE } from '../../src/bounded-clock/page/page.ts';
import { HostClock } from '../../src/host-page/host-clock.ts';
import { PageFile } from '../../src/host-page/page-file.ts';

const CHILD = fileURLToPath(new URL('../kit/host-clock.child.mjs', import.meta.url));
const PAGE_WRITER = fileURLToPath(new URL('../kit/page-writer.child.mjs', import.meta.url));
const run = promisify(execFile);
const HOUR_NS = 3_600_000_000_000n;

let directory: string;
let path: string;
/** True time minus the machine's monotonic clock: an hour from what its wall clock says. */
let offset: bigint;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'host-clock-'));
  path = join(directory, 'clock');
  offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint() + HOUR_NS;
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  rmSync(directory, { recursive: true, force: true });
});

function start(file: string, ...args: string[]): ChildProcess {
  const child = fork(file, args, { execArgv: [] });
  children.push(child);
  return child;
}

/** Its bound ends after `expireAfterMs` without a sample. */
const writer = (workers = 0, expireAfterMs = 3_600_000): ChildProcess =>
  start(CHILD, 'writer', path, String(offset), String(workers), String(expireAfterMs));
const reader = (): ChildProcess => start(CHILD, 'reader', path, String(offset));

/** The next messages of a child that `wanted` accepts. */
function messages<T>(
  child: ChildProcess,
  count: number,
  wanted: (value: T) => boolean,
): Promise<T[]> {
  const found: T[] = [];
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the child has ended')));
    child.on('message', (value) => {
      if (wanted(value as T) && found.push(value as T) === count) resolve(found);
    });
  });
}

const said = (child: ChildProcess, word: string, count = 1): Promise<unknown> =>
  messages(child, count, (value) => value === word);

interface Counts {
  readonly readings: number;
  readonly wrong: number;
  readonly unbounded: number;
  readonly worstNs: number;
  readonly widestNs: number;
  readonly gaps: number;
  readonly taken: number;
  readonly status: string;
}

const counts = (child: ChildProcess): Promise<Counts> =>
  messages<Counts>(child, 1, (value) => typeof value.readings === 'number').then(([c]) => c!);

test('readings in 8 workers and 2 other processes, while the clock is started anew 100 times', async () => {
  const primary = writer(8);
  const strangers = [reader(), reader()];
  // Each of them waits for the writer, whichever comes first.
  await Promise.all([
    said(primary, 'reading', 8),
    ...strangers.map((each) => said(each, 'reading')),
  ]);
  const restarted = messages<{ restarted?: number }>(primary, 1, (v) => v.restarted === 100);
  primary.send({ restarts: 100 });
  await restarted;
  const workers = messages<Counts>(primary, 8, (value) => typeof value.readings === 'number');
  const others = strangers.map(counts);
  // The children of the primary get the word through the cluster.
  for (const each of strangers) each.send('end');
  primary.send({ end: true });
  const all = [...(await workers), ...(await Promise.all(others))];
  const sum = (of: (c: Counts) => number): number => all.reduce((n, each) => n + of(each), 0);
  console.log(
    `${sum((c) => c.readings)} readings of ${sum((c) => c.taken)} pages, ${sum((c) => c.wrong)} wrong;`,
    `${sum((c) => c.unbounded)} without a bound; widest ${Math.max(...all.map((c) => c.widestNs)) / 1e6} ms`,
  );
  // Millions on a quiet machine.
  expect(sum((c) => c.readings)).toBeGreaterThan(10_000);
  expect(sum((c) => c.wrong)).toBe(0);
  // A writer that starts anew leaves the bound of the one before: there is no gap.
  expect(sum((c) => c.gaps)).toBe(0);
  // How many pages each sees depends on how they share the processors.
  for (const each of all) expect(each.taken).toBeGreaterThan(0);
  expect(sum((c) => c.taken)).toBeGreaterThan(20);
});

test('a judge that is a millisecond off calls readings wrong', async () => {
  const source = writer();
  await said(source, 'writing');
  offset += 5_000_000n;
  const judge = reader();
  await said(judge, 'reading');
  await delay(100);
  const result = counts(judge);
  judge.send('end');
  expect((await result).wrong).toBeGreaterThan(0);
});

test('a writer is killed: readers go on until its bound ends, and take up the next one', async () => {
  let source = writer(0, 2000);
  await said(source, 'writing');
  const judge = reader();
  await said(judge, 'reading');
  for (let kills = 0; kills < 5; kills++) {
    source.kill('SIGKILL');
    await once(source, 'exit');
    if (kills === 0) await delay(3000);
    source = writer(0, 2000);
    await said(source, 'writing');
    await delay(300);
  }
  const result = counts(judge);
  judge.send('end');
  const { readings, wrong, gaps, status } = await result;
  expect({ wrong, status }).toEqual({ wrong: 0, status: 'synchronized' });
  expect(readings).toBeGreaterThan(0);
  expect(gaps).toBeGreaterThanOrEqual(1);
});

test('a writer is stopped 10,000 times, at any instruction: no page is mixed', async () => {
  const source = start(PAGE_WRITER, path);
  await said(source, 'writing');
  const file = new PageFile(path);
  const versions = new Set<bigint>();
  // Longer where the machine gives the writer so little time between that it hardly writes.
  for (let i = 0; i < 10_000 || versions.size <= 50; i++) {
    source.kill('SIGSTOP');
    const { slots, version } = file.read()!;
    expect(slots[FIRST_SEGMENT + LO]! + slots[FIRST_SEGMENT + HI]!).toBe(2n * slots[MIDDLE]!);
    versions.add(version);
    source.kill('SIGCONT');
  }
});

test.runIf(process.platform === 'linux')('another time namespace is refused', async () => {
  const source = writer();
  await said(source, 'writing');
  const args = ['-U', '-r', '-T', '--monotonic', '100000', '--fork'];
  const { stdout } = await run('unshare', [...args, process.execPath, CHILD, 'opener', path]);
  expect(JSON.parse(stdout)).toEqual({
    code: 'ERR_HOST_CLOCK_REFUSED',
    reason: 'other-time-namespace',
  });
  const here = await HostClock.open({ path });
  expect(here.read().status).toBe('synchronized');
  await here.close();
});

test.runIf(process.platform === 'linux')(
  'a full disk is said, and the old page stays',
  async () => {
    // A page of another version: it has the magic of one, as this byte order shows it.
    const script = [
      'mount -t tmpfs -o size=8k none "$1"',
      'chmod 755 "$1"; echo KCOLCSPE > "$1/clock"; chmod 644 "$1/clock"',
      'head -c 4096 /dev/zero > "$1/rest" || true; head -c 100000 /dev/zero >> "$1/rest" 2> /dev/null || true',
      '"$2" "$3" publisher "$1/clock"; cat "$1/clock"; ls "$1"',
    ].join('\n');
    const args = [
      '-U',
      '-r',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      directory,
      process.execPath,
      CHILD,
    ];
    const { stdout } = await run('unshare', args);
    const [refused, ...rest] = stdout.trim().split('\n');
    expect(JSON.parse(refused!)).toMatchObject({ reason: 'unwritable' });
    expect(refused).toContain('ENOSPC');
    expect(rest).toEqual(['KCOLCSPE', 'clock', 'clock.lock', 'rest']);
  },
);
