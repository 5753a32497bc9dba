import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/cli/exit.ts';
import { file, folder, line, run, stampOf, useFolder } from './command.ts';

useFolder();

/** Two nodes and two messages: a to b, b to a. */
const logs = () => [
  file('a.ndjson', [
    line(0, 'a', 1, { msg: 'one' }),
    line(10, 'a', 1, { msg: 'two\nlines', level: 40 }),
    line(40, 'a', 1, { msg: 'answered', from: stampOf(31, 'b') }),
  ]),
  file('b.ndjson', [
    line(5, 'b', 1, { msg: 'idle' }),
    line(20, 'b', 1, { msg: 'asked', from: stampOf(10, 'a') }),
    line(30, 'b', 1, { msg: 'answers' }),
  ]),
];

describe('--format shiviz', () => {
  test('makes vector clocks of the messages', async () => {
    const { stdout, error } = await run('--format', 'shiviz', ...logs());
    expect(error).toBeUndefined();
    // The expression that ShiViz is given.
    const found = stdout.toString().matchAll(/(?<host>\S*) (?<clock>{.*})\n(?<event>.*)/g);
    expect(
      [...found].map(({ groups: { host, clock, event } = {} }) => [
        host,
        JSON.parse(clock!),
        event,
      ]),
    ).toEqual([
      ['a', { a: 1 }, 'one'],
      ['b', { b: 1 }, 'idle'],
      ['a', { a: 2 }, 'WARN two lines'],
      ['b', { a: 2, b: 2 }, 'asked'],
      ['b', { a: 2, b: 3 }, 'answers'],
      ['a', { a: 3, b: 3 }, 'answered'], // stamped after the last line of b, so that line sent it
    ]);
  });

  test('a message of a node that logged nothing before adds nothing', async () => {
    const log = file('c.ndjson', [
      line(0, 'a', 1, { from: stampOf(-9, 'b') }),
      line(1, 'b', 1),
      line(2, 'a', 1, { from: stampOf(0, 'b') }),
    ]);
    const { lines } = await run('--format', 'shiviz', log);
    expect(lines.filter((_, i) => i % 2 === 0)).toEqual(['a {"a":1}', 'b {"b":1}', 'a {"a":2}']);
  });
});

describe('--format perfetto', () => {
  test('a process for each node, a slice for each event, a flow for each message', async () => {
    const { stdout } = await run('--format', 'perfetto', ...logs());
    const { traceEvents, otherData } = JSON.parse(stdout.toString());
    expect(otherData).toEqual({ beginning: '2026-11-21T02:23:07.000000000Z' });
    const of = (...phases: string[]) =>
      traceEvents.filter(({ ph }: { ph: string }) => phases.includes(ph));
    expect(of('M')).toMatchObject([
      { pid: 1, name: 'process_name', args: { name: 'a' } },
      { pid: 2, name: 'process_name', args: { name: 'b' } },
    ]);
    expect(of('X')).toMatchObject([
      { pid: 1, ts: 0, dur: 0.001, name: 'one' },
      { pid: 2, ts: 5000, name: 'idle' },
      {
        pid: 1,
        ts: 10_000,
        name: 'two\nlines',
        args: { level: 'WARN', earliest: '1795227787009000000', watermark: 2, group: 2 },
      },
      { pid: 2, ts: 20_000, name: 'asked' },
      { pid: 2, ts: 30_000, name: 'answers' },
      { pid: 1, ts: 40_000, name: 'answered' },
    ]);
    expect(of('s', 'f')).toMatchObject([
      { ph: 's', id: 1, pid: 1, ts: 10_000 },
      { ph: 'f', id: 1, pid: 2, ts: 20_000, bp: 'e' },
      { ph: 's', id: 2, pid: 2, ts: 30_000 },
      { ph: 'f', id: 2, pid: 1, ts: 40_000, bp: 'e' },
    ]);
  });

  test('of nothing is a trace too', async () => {
    const { stdout } = await run('--format', 'perfetto', '--where', 'x=1', ...logs());
    expect(JSON.parse(stdout.toString())).toEqual({ traceEvents: [] });
  });
});

describe('--html', () => {
  test('writes a file with the lines that are shown', async () => {
    const path = join(folder, 'out.html');
    const { stdout, remarks } = await run('--html', path, '--where', 'msg=asked', ...logs());
    expect(stdout.toString()).toBe('');
    expect(remarks).toEqual(['epsilon-clock: out.html has 1 event']);
    const page = readFileSync(path, 'utf8');
    const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(data!)).toMatchObject({
      title: 'a.ndjson, b.ndjson',
      lanes: ['b'],
      events: [{ watermark: 3, text: expect.stringMatching(/b\.ndjson:2\n\{"hlc"/) }],
    });
  });

  test('a path that cannot be written is one message', async () => {
    const { error } = await run('--html', join(folder, 'none', 'out.html'), ...logs());
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(/^none\/out\.html: ENOENT/);
  });
});
