import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../src/cli/arguments.ts';
import { UsageError } from '../../../src/cli/exit.ts';
import type { OrderArguments } from '../../../src/cli/order/order-arguments.ts';

function parse(line: string): OrderArguments {
  const command = parseCommand(['order', ...line.split(' ')]);
  if (command.name !== 'order') throw new Error(command.name);
  return command.arguments;
}

test('order with files alone', () => {
  expect(parse('a.log b.log -')).toEqual({
    files: ['a.log', 'b.log', '-'],
    form: { kind: 'text' },
    fields: {},
    uncertaintyNs: new Map(),
    windowMs: 5000,
    maxLeadMs: 500,
    where: [],
    sort: false,
    strict: false,
    follow: false,
  });
});

test('order with everything', () => {
  const fields = '--hlc h --node n --earliest e --latest l --eps u --time t';
  const rest =
    '--json a --uncertainty 5ms --uncertainty b=0.5ms --uncertainty c=d=1s --window 1m --max-lead 1s --where a.b=c=d --where e= --sort --strict';
  expect(parse(`${fields} ${rest}`)).toEqual({
    files: ['a'],
    form: { kind: 'json' },
    fields: { hlc: 'h', node: 'n', earliest: 'e', latest: 'l', eps: 'u', time: 't' },
    uncertaintyNs: new Map([
      ['', 5_000_000n],
      ['b', 500_000n],
      ['c=d', 1_000_000_000n],
    ]),
    windowMs: 60_000,
    maxLeadMs: 1000,
    where: [
      { field: 'a.b', value: 'c=d' },
      { field: 'e', value: '' },
    ],
    sort: true,
    strict: true,
    follow: false,
  });
});

describe('what to print', () => {
  test.each([
    ['--check a', { kind: 'check', json: false }],
    ['--check a --json', { kind: 'check', json: true }],
    ['--html o.html a', { kind: 'html', path: 'o.html' }],
    ['--format shiviz a', { kind: 'shiviz' }],
    ['a --format=perfetto', { kind: 'perfetto' }],
  ])('%s', (line, form) => {
    expect(parse(line).form).toEqual(form);
  });

  test('--why has two lines, whose files need not be named again', () => {
    const places = [
      { path: 'a:b', line: 3 },
      { path: 'c', line: 12 },
    ];
    const why = { form: { kind: 'why', places } };
    expect(parse('--why a:b:3 c:12')).toMatchObject({ ...why, files: ['a:b', 'c'] });
    expect(parse('x --why a:b:3 c:12 y')).toMatchObject({ ...why, files: ['x', 'y'] });
    expect(parse('--why a:1 a:2').files).toEqual(['a']);
  });
});

test.each([
  ['--json', 'order needs a file; - is standard input'],
  ['- a -', 'standard input (-) can be read once'],
  ['--json --why a:1 b:2', '--why and --json exclude each other'],
  ['a --check --why a:1 b:2', '--check and --why exclude each other'],
  ['a --why a:1', '--why needs two lines, such as --why api.ndjson:12 billing.ndjson:7'],
  ['a --why a:1 --sort b:2', '--why needs two lines'],
  ['--why a:0 b:1', 'a line is file:number; got "a:0"'],
  ['--why a:1 b', 'a line is file:number; got "b"'],
  ['a --where x', '--where must be field=value; got "x"'],
  ['a --where =x', '--where must be field=value; got "=x"'],
  ['a --uncertainty 5', '--uncertainty must be a duration like 500ms, 5s, 2m or 1h; got "5"'],
  ['a --uncertainty b=', '--uncertainty must be a duration like 500ms, 5s, 2m or 1h; got ""'],
  ['a --window 5', '--window must be a duration'],
  ['a --max-lead x', '--max-lead must be a duration'],
  ['a --format svg', '--format must be shiviz or perfetto; got "svg"'],
  ['a --format shiviz --html o', '--html and --format exclude each other'],
  ['a --follow --check', '--follow goes with the lines themselves, and without --sort'],
  ['a - --follow', '--follow needs files, not -'],
  ['a -f --sort', '--follow goes with the lines themselves, and without --sort'],
  ['a --sorted', "Unknown option '--sorted'"],
])('order %s: %s', (line, message) => {
  expect(() => parse(line)).toThrow(UsageError);
  expect(() => parse(line)).toThrow(message);
});
