import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ansiPaint } from '../../src/cli/paint.ts';
import { json } from '../../src/cli/report.ts';
import { frame } from '../../src/cli/terminal.ts';
import { visible } from '../../src/cli/visible.ts';

/** All characters that a terminal obeys, except line ends. */
const OBEYED = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;

const anything = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '[', '31m', '\x07', '\x7f', '\x9b', '\u202e', '\u2028', '\n', 'a', 'é'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

describe('what is printed', () => {
  test.each([
    ['an escape sequence', 'a\x1b]0;title\x07b', 'a␛]0;title␇b'],
    ['an escape sequence of one character', 'a\x9b2Jb', 'a\ufffd2Jb'],
    ['a return to the beginning of the line', 'good\rbad', 'good␍bad'],
    ['text turned around', 'exe.\u202ecod', 'exe.\ufffdcod'],
    ['a format character beyond 16 bits', 'a\u{e0001}b', 'a\ufffdb'],
    ['a colour where there is none', '\x1b[31mred', '␛[31mred'],
    ['letters, signs and line ends of any kind of ours', 'é ± µ ● ┊\n▪', 'é ± µ ● ┊\n▪'],
  ])('%s', (_, text, shown) => {
    expect(visible(text, false)).toBe(shown);
  });

  test('keeps every colour of ours, and no other sequence', () => {
    for (const [name, paint] of Object.entries(ansiPaint)) {
      expect(visible(paint(name), true)).toBe(paint(name));
      expect(visible(paint(name), false)).not.toMatch(OBEYED);
    }
    expect(visible('\x1b[2J\x1b[8mhidden', true)).toBe('␛[2J␛[8mhidden');
  });

  test('holds nothing that a terminal obeys, and takes as many columns', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(visible(text, false)).not.toMatch(OBEYED);
        expect([...visible(text, false)]).toHaveLength([...text].length);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  test('a frame is shown by the same rule', () => {
    expect(frame(['a\x1b[2Jb'], 0)).toContain('a␛[2Jb');
  });

  test('JSON is escaped by its own rules, and reads back', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const line = json({ text });
        expect(line).not.toMatch(OBEYED);
        expect(line).not.toContain('\n');
        expect(JSON.parse(line)).toEqual({ text });
      }),
      { seed: 8, numRuns: 2000 },
    );
  });
});
