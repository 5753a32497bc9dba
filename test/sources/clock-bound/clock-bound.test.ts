/** `clockBound()` on segments that the test writes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundedClock, systemClock } from 'epsilon-clock';
import { clockBound } from 'epsilon-clock/node';
import { afterAll, afterEach, expect, test } from 'vitest';
import { segmentOf } from '../../../src/sources/clock-bound/clock-bound.ts';
import { type SegmentFields, segmentBytes } from '../../kit/clock-bound-segment.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { bracketed, WallTruth } from '../../kit/wall-truth.ts';

const S = 1_000_000_000n;
const clock = systemClock();
const folder = mkdtempSync(join(tmpdir(), 'epsilon-clock-bound-'));
afterAll(() => rmSync(folder, { recursive: true }));
const running: { stop(): void }[] = [];
afterEach(() => {
  for (const each of running.splice(0)) each.stop();
});

let files = 0;
function segment(fields: Partial<SegmentFields> = {}): string {
  const now = clock.monotonicNs();
  const path = join(folder, `shm${files++}`);
  writeFileSync(path, segmentBytes({ asOf: now, voidAfter: now + 3600n * S, ...fields }));
  return path;
}

function asked(path: string): RecordingSink {
  const sink = new RecordingSink(clock);
  running.push(clockBound({ path, pollIntervalMs: 5 }).start(sink));
  return sink;
}

test.each([2, 3] as const)(
  'version %i: samples hold the wall clock, as wide as the bound',
  async (version) => {
    const sink = asked(segment({ version, boundNs: 300_000n }));
    await sink.until(() => sink.samples.length >= 10);
    const { lowerNs, upperNs } = new WallTruth();
    for (const sample of sink.samples) {
      expect(sample.upperNs).toBeGreaterThanOrEqual(lowerNs + 300_000n);
      expect(sample.lowerNs).toBeLessThanOrEqual(upperNs - 300_000n);
      expect(sample.serverErrorNs).toBeGreaterThanOrEqual(300_000n);
    }
    expect(sink.misses).toEqual([]);
  },
);

test('a bounded clock on it holds the time that the daemon vouches for', async () => {
  const bounded = BoundedClock.start({ sources: [clockBound({ path: segment() })] });
  running.push(bounded);
  await bounded.waitSynced({ timeoutMs: 30_000 });
  const truth = new WallTruth();
  const reading = bracketed(() => bounded.now());
  expect(truth.excluded(reading.value, reading)).toBe(0n);
});

test.each<[string, () => string, string]>([
  ['a segment that is being written', () => segment({ generation: 3 }), 'not-ready'],
  ['a daemon that is not synchronised', () => segment({ status: 0 }), 'unsynchronized'],
  ['a daemon that has stopped', () => segment({ voidAfter: clock.monotonicNs() }), 'expired'],
  ['no segment', () => join(folder, 'none'), 'missing'],
  ['a folder', () => folder, 'unreadable'],
  [
    'a pipe, which nobody writes to',
    () => {
      const path = join(folder, `pipe${files++}`);
      execFileSync('mkfifo', [path]);
      return path;
    },
    'unreadable',
  ],
  [
    'an empty file',
    () => {
      const path = join(folder, `empty${files++}`);
      writeFileSync(path, '');
      return path;
    },
    'malformed',
  ],
])('%s: a miss', async (_, made, reason) => {
  const sink = asked(made());
  await sink.until(() => sink.misses.length > 0);
  expect(sink.misses[0]!.reason).toBe(reason);
  expect(sink.samples).toEqual([]);
});

test.each<[string, object, string]>([
  ['a number', { path: 5 }, 'path must be a string'],
  ['a relative path', { path: 'shm0' }, 'path must be an absolute path'],
  ['a path with a zero', { path: '/run/\0' }, 'path must be an absolute path'],
  ['an unknown option', { file: '/run/shm0' }, 'no option file'],
])('refuses %s', (_, options, message) => {
  expect(() => clockBound(options)).toThrow(message);
});

test('of two segments the first that exists is read', () => {
  const second = segment({ version: 3 });
  expect(segmentOf([join(folder, 'none'), second])[13]).toBe(3);
  expect(segmentOf([segment(), second])[13]).toBe(0);
});

test('without a path it is the one of the daemon', () => {
  expect(clockBound().name).toBe('clockbound:///var/run/clockbound/shm0');
});
