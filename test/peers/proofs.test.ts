/**
 * The proofs of test/proofs, checked by the solver z3. Each planted fault in the source must leave
 * a statement unproven: a proof that goes through whatever the code says would say nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Statement, statements } from '../proofs/rounding.ts';
import { SourceText } from '../proofs/translation.ts';

const PAGE = 'src/bounded-clock/page/page.ts';
const SEGMENTS = 'src/bounded-clock/page/segments.ts';
const READER = 'src/bounded-clock/bounded-reader.ts';
const FILES = [PAGE, SEGMENTS, READER];

const textOf = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** `sat`, `unsat`, or that z3 does not know. */
const solve = (program: string): string =>
  execFileSync('z3', ['-T:120', '-in'], { input: program, encoding: 'utf8' }).trim();

/** The statements about the source, with one text in one file replaced. */
function statementsWith(changed?: { file: string; find: string; replace: string }): Statement[] {
  return statements(
    FILES.map((file) => {
      const text = textOf(file);
      if (changed?.file !== file) return new SourceText(file, text);
      expect(text.split(changed.find).length, `"${changed.find}" once in ${file}`).toBe(2);
      return new SourceText(
        file,
        text.replace(changed.find, () => changed.replace),
      );
    }),
  );
}

test.each(statementsWith().map((each) => [each.name, each] as const))('%s', (_, each) => {
  expect(solve(each.premises)).toBe('sat');
  expect(solve(each.program)).toBe('unsat');
});

const FAULTS: readonly (readonly [string, string, string, string, string])[] = [
  [
    'a slope is rounded down',
    PAGE,
    'Math.ceil(slope * 2 ** 34)',
    'Math.floor(slope * 2 ** 34)',
    'straight side',
  ],
  [
    'a curve is rounded down',
    PAGE,
    'Math.ceil(wander * 2 ** 75)',
    'Math.floor(wander * 2 ** 75)',
    'curved side',
  ],
  [
    'a shift is one too far',
    PAGE,
    '((age * curve) >> 32n))) >> 24n',
    '((age * curve) >> 32n))) >> 25n',
    'curved side',
  ],
  [
    'a curve is shifted one too far',
    PAGE,
    '((age * curve) >> 32n)',
    '((age * curve) >> 33n)',
    'curved side',
  ],
  [
    'nothing is carried for the roundings',
    PAGE,
    '1 + Math.ceil(1024 * Math.max(0, slope))',
    '0',
    'straight side',
  ],
  [
    'what is carried is rounded down',
    PAGE,
    '1 + Math.ceil(1024 *',
    '1 + Math.floor(1024 *',
    'straight side',
  ],
  [
    'a segment lasts four times as long',
    PAGE,
    '((2n ** 62n - 1n) / slope)',
    '((2n ** 64n - 1n) / slope)',
    'the hot path fits',
  ],
  [
    'no unit of slope is carried',
    SEGMENTS,
    'curve === 0n ? 0n : 1n',
    'curve === 0n ? 0n : 0n',
    'curved side',
  ],
  [
    'the age is taken in units of 2048 ns',
    READER,
    'own[AGE] = own[AGE]! >> 10n',
    'own[AGE] = own[AGE]! >> 11n',
    'no later than the lower edge',
  ],
  [
    'the upper edge is shifted one too far',
    READER,
    'own[AGE]! * own[SLOPE_HI]!) >> 24n',
    'own[AGE]! * own[SLOPE_HI]!) >> 25n',
    'no earlier than the upper edge',
  ],
  [
    'a chord begins on the parabola',
    READER,
    'own[CURVE_LO]!) - 1n',
    'own[CURVE_LO]!) + 1n',
    'a lower chord',
  ],
  [
    'a chord is drawn to half its length',
    READER,
    'begin + begin + CHORD_AGE',
    'begin + begin + (CHORD_AGE >> 1n)',
    'an upper chord',
  ],
  [
    'a chord is used for twice its length',
    READER,
    '(CHORD_AGE << 10n) - 1n',
    '(CHORD_AGE << 11n) - 1n',
    'a lower chord',
  ],
  [
    'the age of an early reading is rounded down',
    READER,
    '((own[START]! - m) >> 10n) + 1n',
    '((own[START]! - m) >> 10n)',
    'before the page',
  ],
];

test.each(FAULTS)('%s: not proven any more', (_, file, find, replace, unproven) => {
  const [broken] = statementsWith({ file, find, replace }).filter(({ name }) =>
    name.includes(unproven),
  );
  expect(solve(broken!.program)).toBe('sat');
});
