import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/cli/exit.ts';
import { lineOf, readLine, readLog } from './reading.ts';

const HLC = 1_795_227_787_534_418_003n;
const STAMP = {
  hlc: `${HLC}`,
  node: 'orders-3',
  earliest: `${HLC - 500n}`,
  latest: `${HLC + 500n}`,
};

describe('a stamped line', () => {
  test('of pino', () => {
    const line = { level: 30, time: 1_795_227_787_534, pid: 7, ...STAMP, msg: 'paid' };
    expect(readLine(line)).toMatchObject({
      timestamp: HLC,
      nodeId: 'orders-3',
      earliest: HLC - 500n,
      latest: HLC + 500n,
      from: undefined,
      time: 1_795_227_787_534_000_000n,
      line: 1,
    });
  });

  test('with numbers of 19 digits: no digit is lost', () => {
    const line = `{"hlc":${HLC},"node":"a","earliest":${HLC - 1n},"latest":${HLC + 1n}}`;
    expect(readLine(line)).toMatchObject({
      timestamp: HLC,
      earliest: HLC - 1n,
      latest: HLC + 1n,
    });
  });

  test('in the compact form: hlc - lead, give or take eps microseconds', () => {
    expect(readLine({ hlc: `${HLC}`, node: 'a', eps: 412 })).toMatchObject({
      earliest: HLC - 412_000n,
      latest: HLC + 412_000n,
    });
    expect(readLine({ hlc: `${HLC}`, node: 'a', eps: 412, lead: '7' })).toMatchObject({
      earliest: HLC - 7n - 412_000n,
      latest: HLC - 7n + 412_000n,
    });
    // The hybrid clock runs on another clock, which is behind.
    expect(readLine({ hlc: `${HLC}`, node: 'a', eps: 412, lead: '-7' })).toMatchObject({
      earliest: HLC + 7n - 412_000n,
      latest: HLC + 7n + 412_000n,
    });
  });

  test('without an interval, or with null', () => {
    for (const line of [
      { hlc: `${HLC}`, node: 'a' },
      { hlc: `${HLC}`, node: 'a', earliest: null, latest: null, eps: null, from: null },
    ]) {
      expect(readLine(line)).toMatchObject({
        timestamp: HLC,
        earliest: undefined,
        latest: undefined,
        from: undefined,
      });
    }
  });

  test('gets an interval around its wall time, if the user knows how wrong that is', () => {
    const line = { hlc: `${HLC}`, node: 'a', time: 1_795_227_787_534 };
    expect(readLine(line, { uncertaintyNs: new Map([['a', 5n]]), keepTime: false })).toMatchObject({
      earliest: 1_795_227_787_533_999_995n,
      latest: 1_795_227_787_535_000_004n, // the end of the millisecond, and 5 ns
    });
    expect(readLine({ ...line, ...STAMP }, { uncertaintyNs: new Map([['', 5n]]) }).earliest).toBe(
      HLC - 500n,
    ); // its own interval is better
  });

  test('without a node: that of the file', () => {
    expect(readLine({ hlc: `${HLC}` }).nodeId).toBe('api');
  });

  test('a field of the call does not replace that of the stamp', () => {
    const line = JSON.stringify(STAMP).replace('}', ',"node":"db-1","hlc":"1"}');
    expect(readLine(line)).toMatchObject({ timestamp: HLC, nodeId: 'orders-3' });
  });

  test('the node of each line is its own', () => {
    const log = ['a', 'b', 'a', 'aa', 'b'].map((node) => JSON.stringify({ hlc: `${HLC}`, node }));
    expect(readLog(log.join('\n')).records.map(({ nodeId }) => nodeId)).toEqual([
      'a',
      'b',
      'a',
      'aa',
      'b',
    ]);
  });

  test('from is the stamp of a message; any other field of that name is left alone', () => {
    const from = `${HLC - 9n}@billing`;
    expect(readLine({ ...STAMP, from }).from).toEqual([from]);
    expect(readLine({ ...STAMP, from: [from, 7, `${HLC}@b`, 'x'] }).from).toEqual([
      from,
      `${HLC}@b`,
    ]);
    expect(readLine({ ...STAMP, from: 'ann@example.org' }).from).toBeUndefined();
    expect(readLine({ ...STAMP, from: { page: 1 } }).from).toBeUndefined();
  });

  test('by names that the user gives', () => {
    const fields = { hlc: 'h', node: 'n', earliest: 'e', latest: 'l', eps: 'u', time: 't' };
    const line = { h: STAMP.hlc, n: 'a', e: STAMP.earliest, l: STAMP.latest, t: 1_795_227_787 };
    expect(readLine(line, { fields })).toMatchObject({
      timestamp: HLC,
      nodeId: 'a',
      earliest: HLC - 500n,
      latest: HLC + 500n,
      time: 1_795_227_787_000_000_000n,
    });
    expect(readLine({ h: STAMP.hlc, u: 1 }, { fields }).latest).toBe(HLC + 1000n);
  });
});

describe('a stamp that cannot be used is counted, and its line stays with the record before', () => {
  test.each([
    [{ hlc: '17952277875344180030' }, 'the stamp must be 19 digits, at most 2^63 - 1'],
    [{ hlc: '-179522778753441800' }, 'the stamp must be 19 digits'],
    [{ hlc: '9999999999999999999' }, 'the stamp must be 19 digits'],
    [{ hlc: '1795227787534' }, 'the stamp must be 19 digits'],
    [{ hlc: { toString: 1 } }, 'the stamp must be 19 digits'],
    [{ ...STAMP, node: 'a b' }, 'the node must be 1 to 64 of the characters'],
    [{ ...STAMP, node: 'x'.repeat(65) }, 'the node must be 1 to 64 of the characters'],
    [{ ...STAMP, node: '\u001b[2J' }, 'the node must be 1 to 64 of the characters'],
    [{ ...STAMP, earliest: STAMP.latest, latest: STAMP.earliest }, 'in ascending order'],
    [{ ...STAMP, latest: undefined }, 'earliest and latest must be int64'],
    [{ ...STAMP, earliest: '-5' }, 'earliest and latest must be int64'],
    [{ hlc: STAMP.hlc, eps: 1.5 }, 'eps and lead must be whole numbers'],
    [{ hlc: STAMP.hlc, eps: 1, lead: 0.5 }, 'eps and lead must be whole numbers'],
    [{ hlc: STAMP.hlc, eps: -1 }, 'eps and lead must be whole numbers'],
    [{ hlc: STAMP.hlc, eps: '9223372036854775807' }, 'leave the interval within int64'],
    [{ ...STAMP, from: '17952277875344180030@a' }, 'from must be a stamp'],
    [{ ...STAMP, from: '1795227787534418003@' }, 'from must be a stamp'],
    [{ ...STAMP, from: ['1795227787534418003@a', '1@b'] }, 'from must be a stamp'],
  ])('%j', (line, reason) => {
    const good = JSON.stringify(STAMP);
    const { records, remarks } = readLog(`${good}\n${JSON.stringify(line)}\n${good}\n`);
    expect(records.map(({ line }) => line)).toEqual([1, 3]);
    expect(records[0]!.after.map(String)).toEqual([JSON.stringify(line)]);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toMatch(/^logs\/api\.ndjson: 1 line with an unusable stamp \(line 2: /);
    expect(remarks[0]).toContain(reason);
  });
});

describe('an unstamped line', () => {
  test('stands at its wall time, on a node of its own', () => {
    expect(readLine({ name: 'api', pid: 1, time: '2026-11-21T02:23:07.534Z', v: 0 })).toMatchObject(
      {
        timestamp: 1_795_227_787_534_000_000n,
        nodeId: 'wall:api',
        earliest: undefined,
        latest: undefined,
      },
    ); // bunyan
    expect(
      readLine({ level: 'info', message: 'x', timestamp: '2026-11-21T02:23:07.534Z' }).timestamp,
    ).toBe(1_795_227_787_534_000_000n); // winston
    expect(readLine({ '@timestamp': '2026-11-21T02:23:07.534Z', node: 'b/1' }).nodeId).toBe(
      'wall:api:b-1',
    );
  });

  test('has an interval when the user says how wrong the clock may be', () => {
    const line = { time: 1_795_227_787_534, node: 'n' };
    const earliest = (...known: [string, bigint][]) =>
      readLine(line, { uncertaintyNs: new Map(known) }).earliest;
    const wall = 1_795_227_787_534_000_000n;
    expect(earliest(['', 3n])).toBe(wall - 3n);
    expect(earliest(['', 3n], ['api', 4n])).toBe(wall - 4n);
    expect(earliest(['', 3n], ['api', 4n], ['n', 5n])).toBe(wall - 5n);
    expect(earliest(['other', 3n])).toBeUndefined();
  });

  test('keeps its place in the file when the wall clock goes back', () => {
    const at = (ms: number, node?: string) =>
      JSON.stringify({ time: 1_795_227_787_000 + ms, node });
    const log = [at(10), at(10), at(7), at(11, 'n'), at(9, 'n'), at(12)].join('\n');
    const base = 1_795_227_787_000_000_000n;
    expect(readLog(log).records.map(({ timestamp }) => timestamp - base)).toEqual([
      10_000_000n,
      10_000_001n,
      10_000_002n,
      11_000_000n, // another node, another order
      11_000_001n,
      12_000_000n,
    ]);
    expect(
      readLog(log, { unordered: true }).records.map(({ timestamp }) => timestamp - base),
    ).toEqual([10_000_000n, 10_000_000n, 7_000_000n, 11_000_000n, 9_000_000n, 12_000_000n]);
  });

  test('cannot go back by more than the window', () => {
    const log = (backMs: number) =>
      `{"time":1795227787000}\n{"time":${1_795_227_787_000 - backMs}}\n`;
    expect(readLog(log(5000)).records).toHaveLength(2);
    expect(() => readLog(log(5001))).toThrow(InputError);
    expect(() => readLog(log(5001))).toThrow(
      'logs/api.ndjson:2: its time is 5.001 s before that of a line above; see --window and --sort',
    );
    expect(readLog(log(5001), { unordered: true }).records).toHaveLength(2);
  });
});

describe('the journal', () => {
  const ENTRY = {
    __CURSOR: 's=1',
    __REALTIME_TIMESTAMP: '1795227787534418',
    _HOSTNAME: 'web-1',
    PRIORITY: '6',
  };

  test('stands at its own time, on its host', () => {
    expect(readLine({ ...ENTRY, MESSAGE: 'Started.' })).toMatchObject({
      timestamp: 1_795_227_787_534_418_000n,
      nodeId: 'wall:api:web-1',
      time: 1_795_227_787_534_418_000n,
    });
  });

  test('a message that is a line of pino is read as one', () => {
    const line = { ...ENTRY, MESSAGE: JSON.stringify(STAMP) };
    expect(readLine(line)).toMatchObject({
      timestamp: HLC,
      nodeId: 'orders-3',
      earliest: HLC - 500n,
    });
    expect(lineOf(readLine(line))).toBe(JSON.stringify(line));
    const bare = { ...ENTRY, MESSAGE: JSON.stringify({ hlc: STAMP.hlc }) };
    expect(readLine(bare).nodeId).toBe('web-1');
  });

  test('a message that is bytes, or JSON without a time', () => {
    for (const MESSAGE of [[27, 91], '{"a":1}', '{"a"', null, 7]) {
      expect(readLine({ ...ENTRY, MESSAGE }).timestamp).toBe(1_795_227_787_534_418_000n);
    }
  });

  test('a host name that is no node id', () => {
    expect(readLine({ ...ENTRY, _HOSTNAME: 'web 1\u001b' }).nodeId).toBe('wall:api:web-1-');
    expect(readLine({ ...ENTRY, _HOSTNAME: '' }).nodeId).toBe('wall:api');
    const MESSAGE = JSON.stringify({ hlc: STAMP.hlc });
    expect(readLine({ ...ENTRY, _HOSTNAME: 'web 1', MESSAGE }).nodeId).toBe('web-1');
    expect(readLine({ ...ENTRY, _HOSTNAME: '', MESSAGE }).nodeId).toBe('api');
  });
});

describe('OpenTelemetry', () => {
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const stamped = (hlc: bigint) => ({
    timeUnixNano: '1795227787534000000',
    body: { stringValue: 'paid' },
    attributes: [
      attribute('epsilon.hlc', `${hlc}`),
      attribute('epsilon.earliest', `${hlc - 1n}`),
      attribute('epsilon.latest', `${hlc + 1n}`),
    ],
  });
  const resource = { attributes: [attribute('epsilon.node', 'otel-1')] };
  const batch = (...logRecords: object[]) => ({
    resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 's' }, logRecords }] }],
  });

  test('a batch of logs is a record each, whose text is a batch of one', () => {
    const records = [stamped(HLC), stamped(HLC + 5n)];
    const read = readLog(JSON.stringify(batch(...records))).records;
    expect(read.map(({ timestamp, nodeId, line }) => [timestamp, nodeId, line])).toEqual([
      [HLC, 'otel-1', 1],
      [HLC + 5n, 'otel-1', 1],
    ]);
    expect(read[0]).toMatchObject({ earliest: HLC - 1n, latest: HLC + 1n });
    expect(read.map((record) => JSON.parse(lineOf(record)))).toEqual(
      records.map((each) => batch(each)),
    );
  });

  test('a batch of one keeps its bytes', () => {
    const text = JSON.stringify(batch(stamped(HLC)), null, '\t').replaceAll('\n', '');
    expect(lineOf(readLine(text))).toBe(text);
  });

  test('spans stand at their start', () => {
    const span = {
      name: 'GET /',
      startTimeUnixNano: '1795227787534418003',
      endTimeUnixNano: '1795227787534418009',
    };
    const line = { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
    expect(readLine(line)).toMatchObject({ timestamp: HLC, nodeId: 'wall:api:otel-1' });
  });

  test('an int64 that is a number is read exactly', () => {
    const text = JSON.stringify(
      batch({ timeUnixNano: 'T', body: { stringValue: '1795227787534418003' } }),
    );
    const line = text.replace('"T"', '1795227787534418003');
    expect(readLine(line).timestamp).toBe(HLC);
    expect(lineOf(readLine(line))).toBe(line);
  });

  test('a log whose time is not known stands where it was observed', () => {
    const unknown = { timeUnixNano: '0', observedTimeUnixNano: `${HLC}` };
    expect(readLine(batch(unknown)).timestamp).toBe(HLC);
  });

  test('a batch with a record that has no place is no record as a whole', () => {
    const line = JSON.stringify(batch(stamped(HLC), { body: { stringValue: 'when?' } }));
    const { records, remarks } = readLog(line);
    expect(records).toEqual([]);
    expect(remarks[0]).toContain('no line has a stamp or a time, so none is printed');
  });

  test('hostile names', () => {
    const attributes = ['__proto__', 'epsilon.__proto__', 'constructor'].map((key) =>
      attribute(key, 'x'),
    );
    const line = batch({ timeUnixNano: `${HLC}`, attributes });
    expect(readLine(line).timestamp).toBe(HLC);
    expect(
      readLog('{"resourceLogs":[null,1,{"scopeLogs":[[],{"logRecords":7}]}]}').records,
    ).toEqual([]);
    expect(readLog('{"resourceSpans":"x","resourceLogs":[').records).toEqual([]);
  });
});
