import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Finding, InputError } from '../../../src/cli/exit.ts';
import { BASE, file, line, run, runOn, stampOf, useFolder } from './command.ts';

useFolder();

describe('merges', () => {
  test('by hybrid timestamp, then by node, whatever the wall clocks say', async () => {
    const api = file('api.ndjson', [
      line(1, 'api', 1, { msg: 'a1', time: 9_000_000_000_000 }),
      line(5, 'api', 1, { msg: 'a2' }),
      line(5, 'billing', 1, { msg: 'a3' }),
    ]);
    const db = file('db.ndjson', [line(5, 'b', 1, { msg: 'd1' }), line(9, 'b', 1, { msg: 'd2' })]);
    for (const files of [
      [api, db],
      [db, api],
    ]) {
      const { lines, remarks, error } = await run('--json', ...files);
      expect(lines.map((each) => JSON.parse(each).msg)).toEqual(['a1', 'a2', 'd1', 'a3', 'd2']);
      expect([remarks, error]).toEqual([[], undefined]);
    }
  });

  test('a file that is unsorted within the window', async () => {
    const api = file('api.ndjson', [line(4000, 'a', 1), line(1, 'b', 1), line(4001, 'a', 1)]);
    const { lines } = await run('--json', api);
    expect(lines.map((each) => JSON.parse(each).node)).toEqual(['b', 'a', 'a']);
    const { error } = await run('--json', '--window', '1s', api);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toBe(
      'api.ndjson:2: its stamp is 3.999 s before that of a line above; see --window and --sort',
    );
  });

  test('the error names the line that is wrong, in the log that is wrong', async () => {
    const good = file('good.ndjson', [line(0, 'g', 1), line(30_000, 'g', 1)]);
    const bad = file('bad.ndjson', [
      'top',
      line(0, 'b', 1),
      line(9000, 'b', 1),
      'x',
      line(1, 'b', 1),
    ]);
    const { error } = await run(good, bad);
    expect((error as Error).message).toMatch(/^bad\.ndjson:5: its stamp is 8\.999 s before/);
  });

  test('--sort sorts a file that is unsorted beyond the window', async () => {
    const api = file('api.ndjson', [
      'top',
      line(90_000, 'a', 1, { msg: 'z' }),
      'stray',
      line(1, 'a', 1, { msg: 'a' }),
      { time: 1_795_227_797_000, msg: 'unstamped' },
    ]);
    const { lines, error } = await run('--json', '--sort', api);
    expect(error).toBeUndefined();
    expect(lines.map((each) => JSON.parse(each).msg)).toEqual(['a', 'unstamped', 'z']);
    expect(JSON.parse(lines[2]!).order).toMatchObject({ before: ['top'], after: ['stray'] });
    const { error: wrong } = await run('--why', `${api}:4`, `${api}:2`);
    expect(wrong).toBeInstanceOf(InputError);
    const { lines: why } = await run('--sort', '--why', `${api}:4`, `${api}:2`);
    expect(why[0]).toBe('api.ndjson:4 is certainly before api.ndjson:2');
  });

  test('lines without stamps, by their wall time; certain only with --uncertainty', async () => {
    const a = file('a.log', [{ time: 1_795_227_787_000 }, { time: 1_795_227_787_100 }]);
    const b = file('b.log', [{ time: 1_795_227_787_050 }]);
    const orders = async (...args: string[]) =>
      (await run('--json', ...args, a, b)).lines.map((each) => JSON.parse(each).order.watermark);
    expect(await orders()).toEqual([0, 0, 0]);
    expect(await orders('--uncertainty', '5ms')).toEqual([0, 1, 2]);
    expect(await orders('--uncertainty', 'a=5ms', '--uncertainty', 'b=60ms')).toEqual([0, 0, 1]);
  });

  test('a name of --uncertainty that no line needed is remarked', async () => {
    const a = file('a.log', [{ time: 1_795_227_787_000 }, { time: 1_795_227_787_100, node: 'n' }]);
    const names = ['a=5ms', 'n=5ms', 'typo=5ms', '5ms'];
    const { remarks, error } = await run(...names.flatMap((each) => ['--uncertainty', each]), a);
    expect([remarks, error]).toEqual([
      [expect.stringMatching(/^epsilon-clock: --uncertainty typo=… is not used: no line /)],
      undefined,
    ]);
  });
});

describe('--json', () => {
  test('has each line as it was, byte by byte, and the field order', async () => {
    const raw = Buffer.concat([
      Buffer.from('{ "msg": "\0é'),
      Buffer.from([0xff]),
      Buffer.from('", "n": 12345678901234567890, "hlc":"1795227787000000001" } \r\n'),
    ]);
    const { stdout } = await run('--json', file('raw.ndjson', raw));
    const end = raw.lastIndexOf('}');
    expect(stdout.subarray(0, end).equals(raw.subarray(0, end))).toBe(true);
    expect(stdout.subarray(end).toString()).toBe(
      ',"order":{"group":0,"certain":false,"watermark":0}}\n',
    );
  });

  test('says what is certain: groups from 0, and how many lines are certainly before', async () => {
    const a = file('a.ndjson', [line(0, 'a', 1), line(10, 'a', 1), line(30, 'a', 1)]);
    const b = file('b.ndjson', [line(11, 'b', 1), line(31.5, 'b', 0)]);
    const { lines } = await run('--json', a, b);
    expect(lines.map((each) => JSON.parse(each).order)).toEqual([
      { group: 0, certain: false, watermark: 0 },
      { group: 1, certain: true, watermark: 1 },
      { group: 1, certain: false, watermark: 1 }, // touches the line above
      { group: 2, certain: true, watermark: 3 },
      { group: 3, certain: true, watermark: 4 },
    ]);
  });

  test('on a terminal, what it would obey is escaped', async () => {
    const log = file('esc.ndjson', [line(0, 'a', 1, { msg: '\u009b2J\u202e' })]);
    const terminal = {} as NonNullable<Parameters<typeof runOn>[0]['terminal']>;
    const { lines } = await runOn({ terminal }, '--json', log);
    expect(lines[0]).toContain('\\u009b2J\\u202e');
    expect((await run('--json', log)).lines[0]).toContain('\u009b2J\u202e');
  });
});

describe('for people', () => {
  test('brackets, rules, and how many lines above may have come later', async () => {
    const a = file('a.ndjson', [
      line(0, 'a', 1, { level: 30, msg: 'start', n: 1 }),
      line(10, 'a', 1, { level: 50, msg: 'call', req: { id: 7 } }),
      'Error: no',
      line(30, 'a', 1, { msg: 'end' }),
    ]);
    const b = file('b.ndjson', [line(11, 'bb', 0.5, { level: 'warn', message: 'two\nlines' })]);
    const { lines } = await run(a, b);
    expect(lines).toEqual([
      '2026-11-21',
      '  02:23:07.000000000 ±1.000 ms         a          INFO  start n=1',
      '──────────────────────────────────────────────────────────────',
      '┌ 02:23:07.010000000 ±1.000 ms         a          ERROR call req={"id":7}',
      '│   Error: no',
      '└ 02:23:07.011000000 ±500.0 µs  ~1     bb         WARN  two␊lines',
      '──────────────────────────────────────────────────────────────',
      '  02:23:07.030000000 ±1.000 ms         a                end',
    ]);
    const unbounded = file('c.ndjson', [
      { hlc: '1795227787000000000', node: 'c', msg: 'no bound' },
    ]);
    expect((await run(unbounded)).lines[1]).toBe(
      '  02:23:07.000000000                   c                no bound',
    );
  });

  test('nothing in the logs reaches the terminal as an escape, colours neither', async () => {
    const log = file('esc.ndjson', [
      '\x1b]0;top\x07',
      line(0, 'a', 1, { level: '\x1b[2J', msg: '\x1b[31mred', '\x1b[8m': '\x9b2J\u202e' }),
      '\x1b[31mstray',
    ]);
    const { stdout } = await runOn({ painted: true }, log);
    const text = stdout.toString();
    for (const shown of ['␛]0;top␇', '␛[2J', '␛[31mred', '␛[8m=\ufffd2J\ufffd', '␛[31mstray']) {
      expect(text).toContain(shown);
    }
    // What is left are colours of ours.
    for (const code of ['2', '22', '36', '39']) expect(text).toContain(`\x1b[${code}m`);
    const rest = ['2', '22', '36', '39'].reduce(
      (left, code) => left.replaceAll(`\x1b[${code}m`, ''),
      text,
    );
    expect(rest).not.toMatch(/[^\n\P{Cc}]/u);
  });
});

describe('--where', () => {
  const api = () =>
    file('api.ndjson', [
      line(0, 'a', 1, { req: { id: '7' }, n: 1, ok: true, msg: 'one' }),
      line(10, 'a', 1, { 'req.id': '7', n: 2, msg: 'two' }),
      line(20, 'a', 1, { req: 'none', n: 1, msg: 'three' }),
    ]);
  const shown = async (...where: string[]) =>
    (await run('--json', ...where.flatMap((each) => ['--where', each]), api())).lines.map(
      (each) => JSON.parse(each).msg,
    );

  test('shows the lines with these fields', async () => {
    expect(await shown('req.id=7')).toEqual(['one', 'two']);
    expect(await shown('n=1')).toEqual(['one', 'three']);
    expect(await shown('ok=true')).toEqual(['one']);
    expect(await shown('req.id=7', 'n=2')).toEqual(['two']);
    expect(await shown('req.id.x=7')).toEqual([]);
    expect(await shown('toString=x')).toEqual([]);
    expect(await shown('msg=')).toEqual([]);
  });

  test('proofs rest on all lines, so groups and watermarks count those that are not shown', async () => {
    const { lines } = await run('--json', '--where', 'n=1', api());
    expect(lines.map((each) => JSON.parse(each).order)).toEqual([
      { group: 0, certain: false, watermark: 0 },
      { group: 2, certain: true, watermark: 2 },
    ]);
  });

  test('a hidden line begins a group: the next line is not certain', async () => {
    const log = file('hidden.ndjson', [
      line(0, 'a', 1, { n: 1 }),
      line(10, 'a', 1, { n: 2 }),
      line(11, 'b', 1, { n: 1 }),
    ]);
    const { lines } = await run('--json', '--where', 'n=1', log);
    expect(lines.map((each) => JSON.parse(each).order)).toEqual([
      { group: 0, certain: false, watermark: 0 },
      { group: 1, certain: false, watermark: 1 },
    ]);
  });

  test.each([
    '1.2540520000000015',
    '-1.2540520000000015',
    '9.0071992547409915',
    '1.2540520000000015e-7',
    '1234567890123456789.5',
    '[1.2540520000000015,{"x":0.12345678901234567}]',
  ])('a line with the number %s shows all that it has', async (number) => {
    const text = `{"hlc":"1795227787534418003","node":"a","level":30,"rt":${number},"msg":"m","n":1795227787534418003}`;
    const log = file('numbers.ndjson', [text]);
    const { lines } = await run('--where', 'msg=m', log);
    expect(lines[1]).toContain(
      `INFO  m rt=${JSON.stringify(JSON.parse(number))} n=1795227787534418003`,
    );
    expect((await run('--where', 'n=1795227787534418003', log)).lines).toHaveLength(2);
  });

  test('a line that is almost JSON is shown as it is', async () => {
    const text = '{"hlc":"1795227787534418003","node":"a","msg":"m","x":[1,,2]}';
    expect((await run(file('almost.ndjson', [text]))).lines[1]).toContain(text);
  });

  test('a text of 14 million characters, a number of as many digits, a deep value', async () => {
    const stamp = '"hlc":"1795227787534418003","node":"a"';
    const log = file('large.ndjson', [
      `{${stamp},"msg":"${'x\\"'.repeat(4_600_000)}","x":12345678901234567890}`,
      `{${stamp},"x":${'1'.repeat(14_000_000)}.5,"msg":"digits"}`,
      `{${stamp},"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"msg":"deep"}`,
      { hlc: '1795227787534418009', node: 'a', msg: 'last' },
    ]);
    const { lines, error } = await run(log);
    expect(error).toBeUndefined();
    expect(lines.at(-1)).toContain('last');
    expect((await run('--where', 'msg=deep', log)).lines).toHaveLength(2);
    expect((await run('--where', 'x=12345678901234567890', log)).lines).toHaveLength(2);
    expect((await run('--where', 'msg=digits', log)).lines).toHaveLength(2);
  });

  test('a span or log of OpenTelemetry, a line within the journal', async () => {
    const span = {
      startTimeUnixNano: '1795227787000000000',
      name: 'GET',
      traceId: 'ab',
      attributes: [{ key: 'user', value: { intValue: '12345678901234567890' } }],
    };
    const logs = file('otlp.json', [{ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }]);
    const journal = file('journal.json', [
      {
        __REALTIME_TIMESTAMP: '1795227787000000',
        MESSAGE: '{"traceId":"ab","msg":"in"}',
        PRIORITY: '4',
      },
    ]);
    expect((await run('--where', 'traceId=ab', logs, journal)).lines.slice(1)).toEqual([
      expect.stringMatching(/wall:journal WARN {2}in traceId=ab$/),
      expect.stringMatching(/wall:otlp {2,}GET traceId=ab user=12345678901234567890$/),
    ]);
    expect((await run('--where', 'user=12345678901234567890', logs)).lines).toHaveLength(2);
  });
});

describe('what proves nothing', () => {
  const hlc = (ns: number): string => `1795227787534418${String(ns).padStart(3, '0')}`;
  const span = (name: string, at: number, node?: string): object => ({
    startTimeUnixNano: '1795227787000000000',
    name,
    attributes: [
      { key: 'epsilon.hlc', value: { stringValue: hlc(at) } },
      ...(node === undefined ? [] : [{ key: 'epsilon.node', value: { stringValue: node } }]),
    ],
  });
  const batch = (resource: Record<string, string>, ...spans: object[]): object => ({
    resource: {
      attributes: Object.entries(resource).map(([key, stringValue]) => ({
        key,
        value: { stringValue },
      })),
    },
    scopeSpans: [{ spans }],
  });
  const why = async (...args: string[]): Promise<string> => (await run('--why', ...args)).lines[0]!;

  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['two services', { 'service.name': 'web' }, { 'service.name': 'db' }, 'undecided'],
    [
      'two processes of one name',
      { 'service.name': 'web' },
      { 'service.name': 'web' },
      'undecided',
    ],
    ['no names at all', {}, {}, 'undecided'],
    [
      'two instances',
      { 'service.name': 'web', 'service.instance.id': 'i1' },
      { 'service.name': 'web', 'service.instance.id': 'i2' },
      'undecided',
    ],
    [
      'one instance',
      { 'service.name': 'web', 'service.instance.id': 'i1' },
      { 'service.name': 'web', 'service.instance.id': 'i1' },
      'certainly before',
    ],
    [
      'one process of one host',
      { 'host.name': 'web-3', 'process.pid': '7' },
      { 'host.name': 'web-3', 'process.pid': '7' },
      'certainly before',
    ],
    ['one host', { 'host.name': 'web-3' }, { 'host.name': 'web-3' }, 'undecided'],
  ])('two stamps in a file of a collector: %s', async (_, first, second, said) => {
    const path = file('collector.json', [
      { resourceSpans: [batch(first, span('A', 1))] },
      { resourceSpans: [batch(second, span('B', 2))] },
    ]);
    expect(await why(`${path}:1`, `${path}:2`, path)).toContain(said);
  });

  test('a batch of very many records, and one that is nested too deeply', async () => {
    // More than fit on a stack as arguments.
    const many = Array.from({ length: 130_000 }, (_, i) => ({
      timeUnixNano: `${BASE + BigInt(i)}`,
    }));
    const path = file('many.json', [
      { resourceLogs: [{ scopeLogs: [{ logRecords: many }] }] },
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"${BASE}","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}]}]}`,
    ]);
    const { lines, error, remarks } = await run('--json', '--sort', path);
    expect(error).toBeUndefined();
    // How deep is too deep differs between versions of Node. It is a line, or it is remarked upon.
    const remarked = remarks[0]?.includes('1 line without a stamp or a time (the first is line 2)');
    expect(lines.length + (remarked ? 1 : 0)).toBe(130_001);
  });

  test('with `epsilon.node` the stamps say themselves whose they are', async () => {
    const path = file('nodes.json', [
      { resourceSpans: [batch({}, span('A', 1, 'a')), batch({}, span('B', 2, 'b'))] },
      { resourceSpans: [batch({}, span('C', 3, 'a'))] },
    ]);
    const { lines } = await run('--json', path);
    expect(lines.map((each) => JSON.parse(each).order.watermark)).toEqual([0, 0, 0]);
    expect(await why(`${path}:1`, `${path}:2`, path)).toContain('certainly before');
  });

  test('spans come in the order in which they end: without stamps nothing is certain', async () => {
    const of = (name: string, ms: number): object => ({
      startTimeUnixNano: `179522778700${ms}000000`,
      name,
    });
    const path = file('plain.json', [
      { resourceSpans: [batch({ 'service.instance.id': 'i1' }, of('inner', 2))] },
      { resourceSpans: [batch({ 'service.instance.id': 'i1' }, of('outer', 1))] },
    ]);
    expect(await why(`${path}:1`, `${path}:2`, path)).toContain('undecided');
    expect((await run(path)).lines.at(-1)).toContain('inner');
  });

  test('a wall clock that was set back: the file says, and --sort does not', async () => {
    const path = file('back.ndjson', [
      { time: '2026-11-21T02:23:07.500Z', msg: 'first in file' },
      { time: '2026-11-21T02:23:07.400Z', msg: 'second in file' },
    ]);
    const places = [`${path}:1`, `${path}:2`] as const;
    expect(await why(...places, path)).toContain('back.ndjson:1 is certainly before');
    expect((await run('--sort', '--why', ...places, path)).lines[0]).toContain('undecided');
  });

  test('the nodes of lines without stamps are nobody else', async () => {
    const stamped = file('s.ndjson', [
      { hlc: hlc(1), node: 'wall:plain' },
      { hlc: hlc(2), node: 'a' },
    ]);
    const plain = file('plain.ndjson', [{ time: 1_795_227_787_600 }]);
    expect((await run(stamped, plain)).remarks[0]).toContain('must not begin with wall:');
    const a = file('a.log', [{ time: 1_795_227_787_500, node: 'b' }]);
    const ab = file('a:b.log', [{ time: 1_795_227_787_600 }]);
    expect(await why(`${a}:1`, `${ab}:1`, a, ab)).toContain('undecided');
  });
});

describe('--check', () => {
  test('lists inversions by kind, and passes a wall clock that is off', async () => {
    const a = file('a.ndjson', [line(0, 'a', 1, { time: 1_795_227_799_000 })]);
    const b = file('b.ndjson', [line(10, 'b', 1, { time: 1_795_227_787_010 })]);
    const { lines, remarks, error } = await run('--check', a, b);
    expect(lines).toEqual([
      'time     11.99 s  a.ndjson:1 (a) is certainly before b.ndjson:1 (b) by their intervals; its time says otherwise',
    ]);
    expect(remarks).toEqual([
      'epsilon-clock: lines out of order: time 1 (up to 11.99 s), lead 0, broken 0',
    ]);
    expect(error).toBeUndefined();
    const { lines: asJson } = await run('--check', '--json', a, b);
    expect(asJson.map((each) => JSON.parse(each))).toEqual([
      {
        kind: 'time',
        earlier: {
          file: expect.stringMatching(/a\.ndjson$/),
          line: 1,
          node: 'a',
          hlc: '1795227787000000000',
        },
        later: {
          file: expect.stringMatching(/b\.ndjson$/),
          line: 1,
          node: 'b',
          hlc: '1795227787010000000',
        },
        because: 'interval',
        sizeNs: '11990000000',
      },
    ]);
  });

  test('a lead is a finding when it exceeds --max-lead', async () => {
    const { hlc } = line(300, 'a', 1) as { hlc: string };
    const a = file('a.ndjson', [{ ...line(0, 'a', 1), hlc }]);
    const b = file('b.ndjson', [line(10, 'b', 1)]);
    const within = await run('--check', a, b);
    expect(within.lines).toEqual([
      expect.stringMatching(/^lead +290\.0 ms {2}a\.ndjson:1 \(a\) is/),
    ]);
    expect(within.error).toBeUndefined();
    const beyond = await run('--check', '--max-lead', '289ms', a, b);
    expect(beyond.error).toBeInstanceOf(Finding);
    expect(beyond.error).toMatchObject({
      exitCode: 4,
      message: 'lines out of order: time 0, lead 1 (up to 290.0 ms), broken 0',
    });
  });

  test('the name of a file is shown without what a terminal obeys', async () => {
    const log = file('\x1b[2J.ndjson', [line(0, 'a', 1, { from: stampOf(5, 'b') })]);
    expect((await run('--check', log)).lines[0]).toContain('␛[2J.ndjson:1 (a)');
    expect((await run('--check', '--json', log)).lines[0]).toContain('\\u001b[2J.ndjson');
  });

  test('a receipt before its message is a finding', async () => {
    const a = file('a.ndjson', [line(0, 'a', 1, { from: stampOf(5, 'b') })]);
    const { lines, error } = await run('--check', a);
    expect(lines).toEqual([
      expect.stringMatching(
        /^broken {2}5\.000 ms {2}the message 1795227787005000000@b is certainly before a\.ndjson:1 \(a\) by a message; which must not be$/,
      ),
    ]);
    expect(error).toMatchObject({ exitCode: 4 });
  });
});

describe('--why', () => {
  test('the chain of proofs between two lines', async () => {
    const a = file('a.ndjson', [
      line(0, 'a', 9, { msg: 'asks' }),
      line(1, 'a', 9, { msg: 'sends' }),
    ]);
    const b = file('b.ndjson', [
      line(2, 'b', 9, { msg: 'gets', from: stampOf(1, 'a') }),
      line(3, 'b', 9, { msg: 'does' }),
      line(4, 'c', 9, { msg: 'else' }),
    ]);
    expect((await run('--why', `${b}:2`, `${a}:1`)).lines).toEqual([
      'b.ndjson:2 is certainly after a.ndjson:1',
      'a.ndjson:1  a  2026-11-21T02:23:06.991000000Z to 2026-11-21T02:23:07.009000000Z  asks',
      '  before, because the same node logged it later:',
      'a.ndjson:2  a  2026-11-21T02:23:06.992000000Z to 2026-11-21T02:23:07.010000000Z  sends',
      '  before, because it is the receipt of a message that was sent later than that:',
      'b.ndjson:1  b  2026-11-21T02:23:06.993000000Z to 2026-11-21T02:23:07.011000000Z  gets',
      '  before, because the same node logged it later:',
      'b.ndjson:2  b  2026-11-21T02:23:06.994000000Z to 2026-11-21T02:23:07.012000000Z  does',
    ]);
    const undecided = await run('--why', `${a}:1`, `${b}:3`);
    expect(undecided.lines[0]).toMatch(/^a\.ndjson:1 and b\.ndjson:3 are undecided: no message/);
    const { error } = await run('--why', `${a}:1`, `${b}:9`);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toBe('b.ndjson:9: there is no record on this line');
  });
});

test('--strict is a finding when a line has no place in time', async () => {
  const good = file('good.ndjson', [line(0, 'a', 1)]);
  const bad = file('bad.ndjson', [line(0, 'b', 1), 'stray', { ...line(1, 'b', 1), node: '?' }]);
  expect((await run('--strict', good)).error).toBeUndefined();
  expect((await run(bad)).error).toBeUndefined();
  const { error, remarks, lines } = await run('--strict', good, bad);
  expect(error).toMatchObject({ exitCode: 3 });
  expect(lines).toHaveLength(5); // a date, two records, and what is no record
  expect(remarks).toEqual([
    'epsilon-clock: bad.ndjson: 1 line without a stamp or a time (the first is line 2)',
    expect.stringMatching(
      /^epsilon-clock: bad\.ndjson: 1 line with an unusable stamp \(line 3: the node/,
    ),
  ]);
});

describe('an abort is heard', () => {
  test.each([
    ['--check', 'quiet.ndjson'],
    ['--json --where x=1', 'quiet.ndjson'],
    ['--json', 'quiet.ndjson'],
    ['--check', 'quiet.ndjson.gz'],
  ])('in the middle of a merge: %s %s', async (options, name) => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${JSON.stringify(line(i, 'a', 1))}\n`);
    const text = lines.join('');
    const path = file(name, name.endsWith('.gz') ? gzipSync(text) : text);
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('stop')));
    const { error } = await runOn({ signal: stop.signal }, ...options.split(' '), path);
    expect(error).toEqual(new Error('stop'));
  });
});
