import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ansiPaint, clip, pad, plainPaint, widthOf, wrap } from '../../src/cli/paint.ts';
import { extremes, intervalBar, sparkline } from '../../src/cli/sparkline.ts';
import { table } from '../../src/cli/table.ts';

describe('painted text', () => {
  test('its width does not count the codes', () => {
    expect(widthOf(ansiPaint.red('✗ 12 µs'))).toBe(7);
    expect(pad(ansiPaint.red('ab'), 4)).toBe('\x1b[31mab\x1b[39m  ');
    expect(pad('ab', 4, 'right')).toBe('  ab');
    expect(pad('abc', 2)).toBe('abc');
  });

  test('clipping shows that something is missing and closes every code', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip(`a${ansiPaint.red('bcdef')}g`, 4)).toBe('a\x1b[31mbc…\x1b[39m');
  });

  test('clipped text fits', () => {
    const paints = Object.values(ansiPaint);
    const pieces = fc.array(fc.tuple(fc.string(), fc.nat(paints.length - 1)));
    const property = fc.property(pieces, fc.integer({ min: 1, max: 40 }), (texts, width) => {
      const painted = texts.map(([text, i]) => paints[i]!(text)).join('');
      const clipped = clip(painted, width);
      expect(widthOf(clipped)).toBe(Math.min(width, widthOf(painted)));
    });
    fc.assert(property, { seed: 2 });
  });

  test('wrapping breaks between words', () => {
    expect(wrap('let a daemon correct it', 12)).toEqual(['let a daemon', 'correct it']);
    expect(wrap('unbreakable is', 4)).toEqual(['unbreakable', 'is']);
  });
});

describe('sparkline', () => {
  test('the least value is lowest, the greatest highest, no bound is a dot', () => {
    expect(sparkline([1000n, undefined, 8000n])).toBe('▁·█');
  });

  test('is logarithmic: equal factors are equal steps', () => {
    expect(sparkline([1n, 2n, 4n, 8n, 16n, 32n, 64n, 128n])).toBe('▁▂▃▄▅▆▇█');
  });

  test('equal values lie low', () => {
    expect(sparkline([5n, 5n])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });

  test('extremes skip what is absent', () => {
    expect(extremes([undefined, 3n, 1n, 2n])).toEqual({ least: 1n, greatest: 3n });
    expect(extremes([undefined])).toBeUndefined();
  });
});

describe('intervalBar', () => {
  // The axis of a bound of 10 instants has 40 instants, from -15 to 25: one per column.
  const bound = { earliest: 0n, latest: 9n };
  const bar = (earliest: bigint, latest: bigint) => intervalBar({ earliest, latest }, bound, 40);

  test('the bound itself is a quarter of the axis, in its middle', () => {
    expect(bar(0n, 9n)).toBe(`${' '.repeat(15)}${'━'.repeat(10)}${' '.repeat(15)}`);
  });

  test('edges of the bound that the interval does not cover are marked', () => {
    expect(bar(3n, 12n).trimEnd()).toBe(`${' '.repeat(15)}┊  ${'━'.repeat(10)}`);
    expect(bar(15n, 15n).trimEnd()).toBe(`${' '.repeat(15)}┊        ┊     ━`);
  });

  test('an interval off the axis is an arrow on its side', () => {
    expect(bar(250n, 260n)).toBe(`${' '.repeat(39)}▶`);
    expect(bar(-260n, -250n)).toBe(`◀${' '.repeat(39)}`);
  });

  test('an interval that covers the whole axis fills it', () => {
    expect(bar(-1000n, 1000n)).toBe('━'.repeat(40));
  });

  test('a bound of a single instant is drawn too', () => {
    const point = { earliest: 7n, latest: 7n };
    expect(intervalBar(point, point, 8)).toMatch(/^ *━+ *$/);
  });
});

describe('table', () => {
  const rows = [
    { name: 'a', size: '1' },
    { name: 'long', size: '100' },
  ];
  const columns = [
    { title: 'name', cell: (row: (typeof rows)[0]) => row.name },
    {
      title: 'size',
      cell: (row: (typeof rows)[0]) => row.size,
      align: 'right' as const,
      expendable: 1,
    },
    { title: 'twice', cell: (row: (typeof rows)[0]) => row.name + row.name, expendable: 2 },
  ];

  test('columns are as wide as their widest cell', () => {
    expect(table(rows, columns, { width: 80, paint: plainPaint })).toEqual([
      'name  size  twice',
      'a        1  aa',
      'long   100  longlong',
    ]);
  });

  test('the most expendable column goes first', () => {
    expect(table(rows, columns, { width: 19, paint: plainPaint })[2]).toBe('long   100');
    expect(table(rows, columns, { width: 9, paint: plainPaint })[2]).toBe('long');
  });

  test('a line that still does not fit is clipped', () => {
    expect(table(rows, columns, { width: 3, paint: plainPaint })).toEqual(['na…', 'a', 'lo…']);
  });
});
