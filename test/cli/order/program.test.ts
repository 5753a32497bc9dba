/** `epsilon-clock order` as users run it: `dist/cli.js` in a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, truncateSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { file, folder, line, useFolder } from './command.ts';

useFolder();

const CLI = new URL('../../../dist/cli.js', import.meta.url).pathname;
const children: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [CLI, 'order', ...args], { cwd: folder });
  children.push(child);
  return child;
}

async function end(child: ChildProcessWithoutNullStreams, stdin: string | Buffer = '') {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  child.stdin.on('error', () => {}); // it may end before it has read all
  child.stdin.end(stdin);
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

const run = (...args: string[]) => end(start(...args));

const text = (...lines: object[]): string =>
  lines.map((each) => `${JSON.stringify(each)}\n`).join('');

test('merges a file and standard input, which may be gzip', async () => {
  file('a.ndjson', [line(10, 'a', 1, { msg: 'a' })]);
  const input = text(line(0, 'b', 1, { msg: 'b' }), line(20, 'b', 1, { msg: 'c' }));
  for (const stdin of [input, gzipSync(input)]) {
    const { code, stdout, stderr } = await end(start('--json', '-', 'a.ndjson'), stdin);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((each) => JSON.parse(each).msg)).toEqual(['b', 'a', 'c']);
    expect([code, stderr]).toEqual([0, '']);
  }
});

describe('exit codes', () => {
  test.each([
    ['2: no such file', ['missing'], 2, /^epsilon-clock: missing: ENOENT/],
    [
      '2: an endless line',
      ['zeros'],
      2,
      /^epsilon-clock: zeros:1: the line is longer than 16 MiB\n/,
    ],
    ['3: a line without a place', ['--strict', 'stray.log'], 3, /\(--strict\)\n$/],
    ['4: an inversion', ['--check', 'broken.log'], 4, /broken 1 \(up to 1\.000 ms\)\n$/],
    [
      '64: wrong usage',
      ['--formt'],
      64,
      /^epsilon-clock: Unknown option '--formt'; did you mean --format\? \(see/,
    ],
  ])('%s', async (_, args, code, message) => {
    file('zeros', '');
    truncateSync(`${folder}/zeros`, 2 ** 30); // takes no space on the disk
    file('stray.log', [line(0, 'a', 1), 'stray']);
    file('broken.log', [line(0, 'a', 1, { from: '1795227787001000000@b' })]);
    const ran = await run(...args);
    expect(ran.stderr).toMatch(message);
    expect(ran.code).toBe(code);
  });
});

test('an interrupt ends a long merge', async () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => line(i, 'a', 1, { msg: 'x'.repeat(200) }));
  file('long.ndjson', lines);
  const child = start('--json', 'long.ndjson');
  await once(child.stdout, 'data'); // and then nobody reads on until the signal has come
  child.stdout.pause();
  child.kill('SIGINT');
  child.stdout.resume();
  const [code] = await once(child, 'close');
  expect(code).toBe(130);
});

test('--follow prints what is there and what comes', async () => {
  const path = file('grows.log', [line(0, 'a', 1, { msg: 'one' })]);
  const child = start('--follow', '--json', '--window', '1ms', 'grows.log');
  const seen: string[] = [];
  let rest = '';
  const until = async (count: number) => {
    while (seen.length < count) {
      const [bytes] = await once(child.stdout, 'data');
      const parts = `${rest}${bytes}`.split('\n');
      rest = parts.pop()!;
      seen.push(...parts);
    }
  };
  await until(1);
  appendFileSync(path, text(line(10, 'a', 1, { msg: 'two' })));
  await until(2);
  appendFileSync(path, text(line(20, 'b', 1, { msg: 'three' })));
  await until(3);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([143, null]);
  expect(seen.map((each) => JSON.parse(each)).map(({ msg, order }) => [msg, order])).toEqual([
    ['one', { watermark: 0 }],
    ['two', { watermark: 1 }],
    ['three', { watermark: 2 }],
  ]);
});
