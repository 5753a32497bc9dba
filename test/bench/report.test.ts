import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { barChart, lineChart, logLogChart } from '../../bench/chart.ts';
import { compare, slowerAgain } from '../../bench/compare.ts';
import { curvesOf } from '../../bench/curves.ts';
import { type Entry, type Hottest, like, record } from '../../bench/record.ts';
import {
  groupTable,
  hottestTable,
  markdownOf,
  type Report,
  tableRows,
  versionsTable,
  warmUpsTable,
  withNumbers,
} from '../../bench/report.ts';
import { type Conditions, faultsOf, type Measured, type Run } from '../../bench/run.ts';
import { bytesFigure, figure, table } from '../../bench/table.ts';
import {
  EACH,
  earlyFaults,
  FLOOR,
  type Lateness,
  latencyLines,
  latenessLines,
  merge,
  type WaitsMeasured,
  waitsSection,
} from '../../bench/wait-report.ts';

const conditions: Conditions = {
  node: 'v20.0.0',
  cpu: 'a <small> one',
  cores: 2,
  date: '2026-11-21',
  floor: 'clock_gettime',
  floorNs: 22,
};

function row(id: string, more: Partial<Measured> = {}): Measured {
  return {
    id,
    operation: `\`${id}\``,
    group: 'Clocks',
    medianNs: 25,
    p99Ns: 31.25,
    bytes: 0,
    xFloor: 1.1,
    xHrtime: 1,
    baseline: 'hrtime',
    xBaseline: 1,
    ...more,
  };
}

const runOf = (rows: readonly Measured[], floor: Conditions['floor'] = 'clock_gettime'): Run => ({
  conditions: { ...conditions, floor },
  rows,
});

const lateness = (name: string, more: Partial<Lateness> = {}): Lateness => ({
  name,
  waits: 1000,
  early: 0,
  p50Us: 9,
  p99Us: 100,
  cpuShare: 0.05,
  distributionUs: [-3, 5, 100],
  ...more,
});

const waits: WaitsMeasured = {
  alone: [
    lateness('once', { early: 7 }),
    lateness('economy', { p99Us: 1300, cpuShare: 0.07 }),
    lateness('precise'),
  ],
  bursts: [
    { name: 'precise', waits: 1e6, early: 0, p50Us: 3, p99Us: 30, usualP99Us: 900, cpuUs: 2.5 },
    { name: EACH, waits: 1e5, early: 0, p50Us: 500, p99Us: 1500, usualP99Us: 4000, cpuUs: 2 },
    { name: FLOOR, waits: 1e5, early: 0, p50Us: 1, p99Us: 15, usualP99Us: 20, cpuUs: 1 },
  ],
  turning: [
    {
      name: 'precise',
      committers: 5000,
      commitsPerSecond: 5e5,
      longestMs: 9,
      usualMs: 6,
      longestCollectionMs: 2,
    },
    {
      name: 'economy',
      committers: 5000,
      commitsPerSecond: 5e5,
      longestMs: 19,
      usualMs: 16,
      longestCollectionMs: 2,
    },
  ],
  latency: [
    { epsilonMs: 1, prepareMs: 5, overlappedMs: 5.1, inTurnMs: 7, overlappedByPrepare: 1.01 },
    { epsilonMs: 4, prepareMs: 5, overlappedMs: 8, inTurnMs: 13, overlappedByPrepare: 1.6 },
  ],
};

describe('tables', () => {
  test('line up as text and say their alignment in Markdown', () => {
    expect(
      table(
        ['a', 'ns'],
        [
          ['`x`', '1'],
          ['longer', '1,000'],
        ],
        'lr',
      ),
    ).toBe(
      ['| a      |    ns |', '| ------ | ----: |', '| `x`    |     1 |', '| longer | 1,000 |'].join(
        '\n',
      ),
    );
  });

  test.each([
    [1.2345, '1.23'],
    [25, '25.0'],
    [99.95, '100'],
    [123.4, '123'],
    [12_345, '12,300'],
    [0.0123, '0.0123'],
    [0, '0'],
    [Number.NaN, '–'],
  ])('%f is written %s', (value, text) => {
    expect(figure(value)).toBe(text);
  });

  test('bytes are whole', () => {
    expect(bytesFigure(0.04)).toBe('0');
    expect(bytesFigure(39.97)).toBe('40');
    expect(bytesFigure(Number.NaN)).toBe('–');
  });

  test('a missed target is marked, a met one is not', () => {
    const text = groupTable([
      row('met', { xFloor: 1.25, target: { xFloor: 1.25 } }),
      row('missed', { xFloor: 1.26, target: { xFloor: 1.25 } }),
      row('slow', { medianNs: 5001, target: { ns: 5000 } }),
      row('cheap', { xBaseline: 1.2, target: { xBaseline: 1.2 } }),
      row('dear', { xBaseline: 1.21, target: { xBaseline: 1.2 } }),
    ]);
    const [, , met, missed, slow, cheap, dear] = text.split('\n');
    expect(met).toContain('<= 1.25 x');
    expect(met).not.toContain('missed**');
    expect(missed).toContain('**missed** <= 1.25 x');
    expect(slow).toContain('**missed** <= 5,000 ns');
    expect(cheap).toContain('| <= 1.2 x baseline');
    expect(dear).toContain('**missed** <= 1.2 x baseline');
  });
});

describe('against an earlier run', () => {
  const before = runOf([row('a', { xFloor: 2, xHrtime: 1.5 }), row('b')]);
  const faults = (...runs: [Run, Run]): string[] => compare(...runs).map(({ fault }) => fault);

  test('what is slower only once was disturbed', () => {
    const first = compare(before, runOf([row('a', { xFloor: 3 }), row('b', { xFloor: 3 })]));
    const second = runOf([row('a', { xFloor: 2 }), row('b', { xFloor: 2 })]);
    expect(slowerAgain(first, before, second)).toEqual([first[1]]);
    expect(slowerAgain([], before, second)).toEqual([]);
  });

  test('a quarter slower passes, more does not; faster always does', () => {
    expect(faults(before, runOf([row('a', { xFloor: 2.5 }), row('b', { xFloor: 0.1 })]))).toEqual(
      [],
    );
    expect(faults(before, runOf([row('a', { xFloor: 2.51 }), row('b')]))).toEqual([
      'a: 2.51 times the floor, was 2.00',
    ]);
  });

  test('times do not matter', () => {
    expect(faults(before, runOf([row('a', { xFloor: 2, medianNs: 9e9 }), row('b')]))).toEqual([]);
  });

  test('a row that is gone, or came to nothing, is a fault; a new one is not', () => {
    expect(faults(before, runOf([row('a'), row('c')]))).toEqual(['b: no longer measured']);
    expect(faults(before, runOf([row('a', { xFloor: Number.NaN }), row('b')]))).toHaveLength(1);
  });

  test('when only one had a C compiler, hrtime is what both are measured by', () => {
    const after = runOf(
      [row('a', { xFloor: 99, xHrtime: 1.6 }), row('b', { xHrtime: 2 })],
      'hrtime',
    );
    expect(faults(before, after)).toEqual(['b: 2.00 times hrtime, was 1.00']);
  });
});

describe('the hottest calls', () => {
  const usage = { id: 'a', operation: '`a()`', hot: 1.1, benchmark: 1.15, service: 1.3, most: 1.2 };
  const whole = { conditions } as Report;
  const hottest = (node: string, service: number, cpu = 'a'): Hottest => ({
    machine: { ...conditions, node, cpu },
    usages: [{ ...usage, service }],
  });

  test('the promise is kept only if it is in every usage', () => {
    const [, , missed, kept, loop] = hottestTable([
      usage,
      { ...usage, service: 1.2 },
      { ...usage, hot: 1.21, service: 1 },
    ]).split('\n');
    expect(missed).toBe(
      '| a: `a()`  |          1.10 |           1.15 |         1.30 | **missed** <= 1.2 |',
    );
    expect(kept).toContain('| <= 1.2');
    expect(loop).toContain('**missed** <= 1.2');
  });

  test('each version of Node on the same processor has its column', () => {
    const entries = record(
      record([], hottest('v22.1.0', 1.4), undefined),
      hottest('v20.0.0', 1.3),
      undefined,
    );
    expect(versionsTable(entries).split('\n')[2]).toBe('| a                 |    1.30 |    1.40 |');
  });

  test('a line for each way to warm up; a call that one of them lacks has no number', () => {
    const lines = warmUpsTable({ 'not at all': { a: 1.084, b: 1.3 }, 'a loop': { a: 2 } });
    expect(lines.split('\n')).toEqual([
      '| warmed up by |    a |    b |',
      '| ------------ | ---: | ---: |',
      '| not at all   | 1.08 | 1.30 |',
      '| a loop       | 2.00 |  NaN |',
    ]);
  });

  test('a run takes the place of the one on the same processor and Node, which becomes history', () => {
    const first = record([], hottest('v20.0.0', 1.3), whole);
    const entries = [
      hottest('v20.9.0', 1.25),
      hottest('v22.0.0', 1.5),
      hottest('v20.0.0', 1.6, 'b'),
    ].reduce<Entry[]>((all, run) => record(all, run, undefined), first);
    expect(entries.map(({ cpu, node, hottest: { machine } }) => [cpu, node, machine.node])).toEqual(
      [
        ['a', '20', 'v20.9.0'],
        ['a', '22', 'v22.0.0'],
        ['b', '20', 'v20.0.0'],
      ],
    );
    expect(entries[0]).toMatchObject({
      report: whole,
      history: [{ date: '2026-11-21', node: 'v20.0.0', most: { a: 1.3 } }],
    });
    expect(entries[1]!.history).toEqual([]);
    expect(entries[2]).not.toHaveProperty('report');
    expect(like(entries, { ...conditions, cpu: 'a', node: 'v20.1.1' })?.report).toBe(whole);
    expect(like(entries, { ...conditions, cpu: 'c', node: 'v20.0.0' })).toBeUndefined();
  });
});

test('a row that allocates more than it may is a fault, and so is one that could not be counted', () => {
  expect(
    faultsOf([
      row('free', { bytes: 0.05, maxBytes: 0 }),
      row('forty', { bytes: 40, maxBytes: 40 }),
      row('unjudged', { bytes: 1000 }),
      row('leaky', { bytes: 16, maxBytes: 0 }),
      row('unknown', { bytes: Number.POSITIVE_INFINITY, maxBytes: 0 }),
    ]),
  ).toEqual([
    'leaky: 16 B per call, at most 0 expected',
    'unknown: Infinity B per call, at most 0 expected',
  ]);
});

describe('the page', () => {
  const curve = (x: number): Measured =>
    row(`s${x}`, { medianNs: 10 * x, scale: { curve: 'sample by sources', x } });
  const flat = (x: number): Measured =>
    row(`r${x}`, { medianNs: 30, scale: { curve: 'reading by sources', x } });
  const threads = (x: number): Measured =>
    row(`t${x}`, { medianNs: 30 + x, scale: { curve: 'reading by threads', x } });
  const waiters = (x: number): Measured =>
    row(`w${x}`, { medianNs: 90, scale: { curve: 'waiter by waiters', x } });
  const report: Report = {
    ...runOf([
      row('a'),
      ...[1, 10, 100].flatMap((x) => [curve(x), flat(x), threads(x), waiters(x)]),
    ]),
    bytesPerSource: 512,
    bytesPerPeer: 173,
    pauseMeterShare: 0.0005,
    order: { lines: 2_000_000, bytes: 5e8, orderCpuS: 9, sortCpuS: 3, orderPeakBytes: 95e6 },
    services: { bare: 20_000, hooks: 19_900, plugin: 19_500, share: 0.975, shareOfHooks: 0.98 },
    waits,
  };

  test.each([
    [{}, '3.0 times\n(<= 4 x; memory <= 100 MB).'],
    [{ orderCpuS: 12.3 }, '4.1 times\n(**missed** <= 4 x; memory <= 100 MB).'],
    [{ orderPeakBytes: 101e6 }, '3.0 times\n(<= 4 x; memory **missed** <= 100 MB).'],
  ])('sets order against sort: %j', (more, said) => {
    expect(markdownOf({ ...report, order: { ...report.order, ...more } }, [])).toContain(said);
  });

  test.each([
    [0.975, '97.5 %\n(>= 97 %).'],
    [0.97, '97.0 %\n(>= 97 %).'],
    [0.9649, '96.5 %\n(**missed** >= 97 %).'],
  ])('says what the plugin of Fastify leaves of the throughput: %s', (share, said) => {
    const services = { ...report.services, share };
    expect(markdownOf({ ...report, services }, [])).toContain(said);
  });

  test('has rows in tables and points in curves, never both', () => {
    expect(tableRows(report).map(({ id }) => id)).toEqual(['a']);
    const [samples, readings] = curvesOf(report);
    expect(samples?.points).toEqual([
      [1, 10],
      [10, 100],
      [100, 1000],
    ]);
    expect(samples?.slope).toBeCloseTo(1, 9);
    expect(readings?.slope).toBeCloseTo(0, 9);
  });

  test('the numbers of README.md are those of the run', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const ids = ['hrtime', 'bounded.readInto', 'bounded.now', 'hlc.tick', 'hlc.now', 'hlc.receive'];
    const rows = [...ids, 'wait.register'].map((id, i) => row(id, { medianNs: 7001 + i * 1000 }));
    const text = withNumbers(readme, { ...report, rows });
    const [before, after] = text.split(/(?<=\n## Numbers\n\n)Node 20 on 2 cores of a <small> one/);
    expect(readme.startsWith(before!)).toBe(true);
    expect(after).toMatch(/\| `clock.readInto\(slots\)` +\| +8,000 \| +0 \|\n/);
    expect(after).toMatch(/`waitUntilAfter\(clock, t\)` +\| 13,000 \| +0 \|\n\nIn \[sim/);
    expect(readme.endsWith(after!.slice(after!.indexOf('\n\nIn [sim')))).toBe(true);
    expect(() => withNumbers(readme, { ...report, rows: rows.slice(1) })).toThrow('hrtime');
    expect(() => withNumbers('# Else', { ...report, rows })).toThrow('no section of numbers');
  });

  test('says where, when and against which floor', () => {
    const page = markdownOf(report, []);
    expect(page).toContain('Node v20.0.0 on 2 cores of a <small> one, 2026-11-21.');
    expect(page).toContain('Floor: 22.0 ns (C `clock_gettime`');
    expect(page).toContain('## Clocks');
    expect(page).toContain('512 bytes');
    const bare = markdownOf({ ...report, conditions: { ...conditions, floor: 'hrtime' } }, []);
    expect(bare).toContain('no C compiler, so the bare `process.hrtime.bigint()`');
  });

  test('the bar chart has a bar per row, longer for what costs more, and escapes its text', () => {
    const svg = barChart([
      row('a', { xFloor: 1.5, operation: '`a<b>` & c', target: { xFloor: 2 } }),
      row('b', { xFloor: 6 }),
      row('c', { xFloor: 0.4 }),
    ]);
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)" height="14"/g)].map((m) =>
      Number(m[1]),
    );
    expect(widths).toHaveLength(3);
    expect(widths[1]).toBeGreaterThan(widths[0] as number);
    expect(widths[2]).toBe(0);
    expect(svg).toContain('a&lt;b&gt; &amp; c');
    expect(svg.match(/<path/g)).toHaveLength(1);
    expect(svg).not.toContain('NaN');
  });

  test('on logarithmic axes a power law is a straight line', () => {
    const svg = logLogChart(curvesOf(report));
    const [first] = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map((m) => m[1] as string);
    const [a, b, c] = (first as string).split(' ').map((spot) => spot.split(',').map(Number));
    const rise = (p?: number[], q?: number[]): number =>
      ((q?.[1] ?? 0) - (p?.[1] ?? 0)) / ((q?.[0] ?? 0) - (p?.[0] ?? 0));
    expect(rise(a, b)).toBeLessThan(0); // upwards: the y of SVG points down
    expect(rise(b, c)).toBeCloseTo(rise(a, b), 2);
    expect(svg).not.toContain('NaN');
  });
});

describe('waits', () => {
  test('parts that were measured apart are one again', () => {
    const { alone, bursts, latency, turning } = waits;
    const parts = [
      { alone },
      ...bursts.map((burst) => ({ bursts: [burst] })),
      { latency },
      { turning },
    ];
    expect(merge(parts)).toEqual(waits);
  });

  test('what exceeds its target says so, with the target; what has none never does', () => {
    const text = waitsSection(waits);
    expect(text).toMatch(
      /economy .*1,300 \(\*\*missed\*\* 1,200\).*7\.00 % \(\*\*missed\*\* 6\.00 %\)/,
    );
    expect(text).toMatch(/precise .*1,000,000.*2\.50 \(\*\*missed\*\* 2\.00\)/);
    expect(text).toMatch(/economy .*19\.0 .*16\.0 \(\*\*missed\*\* 7\.00\)/);
    expect(text.match(/missed/g)).toHaveLength(4);
    expect(text).toContain('50.0 times that of ours.');
    expect(text).toContain('takes 1.01 times as long');
  });

  test('a wait of ours that ended early is a fault, one of others is not', () => {
    expect(earlyFaults(waits)).toEqual([]);
    const [, economy] = waits.alone;
    const early = { ...waits, alone: [{ ...(economy as Lateness), early: 1 }] };
    expect(earlyFaults(early)).toEqual(['economy: 1 of 1000 waits ended early']);
  });

  test('lines stay within the chart, from the least value on', () => {
    const charts = [
      lineChart(latenessLines(waits), {
        x: { name: 'us', least: 1, logarithmic: true },
        y: { name: '%', least: 0 },
      }),
      lineChart(latencyLines(waits), { x: { name: 'ms', least: 0 }, y: { name: 'ms', least: 0 } }),
    ];
    for (const svg of charts) {
      expect(svg).not.toMatch(/NaN|Infinity/);
      const lines = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map((m) => m[1] as string);
      expect(lines).toHaveLength(3);
      for (const spot of lines.flatMap((line) => line.split(' '))) {
        const [x = 0, y = 0] = spot.split(',').map(Number);
        expect(x >= 60 && x <= 660 && y >= 20 && y <= 340).toBe(true);
      }
    }
    const [first] = charts[0]?.match(/<polyline points="[^"]+"/) ?? [];
    // Early is drawn at the least value; the greatest of the shares is the highest.
    expect(first).toMatch(/points="60,/);
  });
});
