import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Node, PositionedError, parseJson } from '../../../src/cli/serve/positioned-json.ts';

/** The value without its positions. */
function plain(node: Node): unknown {
  if (node.kind === 'array') return node.value.map(plain);
  if (node.kind !== 'object') return node.value;
  return Object.fromEntries(node.value.map(({ key, value }) => [key, plain(value)]));
}

/** Every node and every key, with what should begin at its place. */
function* placesOf(node: Node): Generator<{ at: Node['at']; begins: string }> {
  const begins = { array: '[', object: '{' } as const;
  yield {
    at: node.at,
    begins:
      node.kind === 'array' || node.kind === 'object'
        ? begins[node.kind]
        : JSON.stringify(node.value)[0]!,
  };
  if (node.kind === 'array') for (const each of node.value) yield* placesOf(each);
  if (node.kind !== 'object') return;
  for (const { key, at, value } of node.value) {
    yield { at, begins: JSON.stringify(key).slice(0, 2) };
    yield* placesOf(value);
  }
}

/** Printable keys, so that a key stands in the text as `JSON.stringify` writes it. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

const errorOf = (text: string): PositionedError => {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof PositionedError) return error;
    throw error;
  }
  throw new Error(`${text} was read`);
};

test('reads what JSON.parse reads, and knows where each value and key begins', () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const node = parseJson(text);
      expect(plain(node)).toEqual(JSON.parse(text));
      const lines = text.split('\n');
      for (const { at, begins } of placesOf(node)) {
        expect(lines[at.line - 1]!.slice(at.column - 1).startsWith(begins)).toBe(true);
      }
    }),
  );
});

test('refuses what JSON.parse refuses, whatever the text is', () => {
  const soup = fc
    .array(fc.constantFrom(...'{}[]:,"\\ \n-01.eE+truefalsn/u\u0000\u0085😀'), { maxLength: 12 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(soup, (text) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        const { at } = errorOf(text);
        const lines = text.split('\n');
        expect(at.line <= lines.length).toBe(true);
        expect(at.column <= lines[at.line - 1]!.length + 1).toBe(true);
        return;
      }
      expect(plain(parseJson(text))).toEqual(parsed);
    }),
    { numRuns: 20_000 },
  );
});

test('a broken text: the error is not behind the place where it was broken', () => {
  fc.assert(
    fc.property(json, fc.nat(), (value, at) => {
      const text = JSON.stringify(value, null, 1);
      const cut = at % text.length;
      const broken = `${text.slice(0, cut)}\u0001${text.slice(cut)}`;
      const error = errorOf(broken);
      const before = broken.slice(0, cut).split('\n');
      const there = [before.length, before.at(-1)!.length + 1] as const;
      expect(error.at.line <= there[0]).toBe(true);
      if (error.at.line === there[0]) expect(error.at.column <= there[1]).toBe(true);
    }),
  );
});

test.each([
  ['', 1, 1, 'expected a value, found the end'],
  ['{"a": 1,}', 1, 9, 'expected a key in double quotes, found "}"'],
  ['{"a": 1,\n  "b": 2\n  "c": 3}', 3, 3, `expected ',' or '}', found "\\"c\\":"`],
  ['{\n  "a" 1}', 2, 7, `expected ':', found "1}"`],
  ['[1\n,2', 2, 3, `expected ',' or ']', found the end`],
  ['{} x', 1, 4, 'expected the end, found "x"'],
  ['{\r\n  // no comments\r\n}', 2, 3, 'expected a key in double quotes, found "//"'],
  ["{'a': 1}", 1, 2, `expected a key in double quotes, found "'a':"`],
  ['01', 1, 1, 'expected a value, found "01"'],
  ['[NaN]', 1, 2, 'expected a value, found "NaN]"'],
  ['{"a": 1,\n "b": 2,\n "a": 3}', 3, 2, '"a" stands here twice: the first one is on line 1'],
  ['{"a": 1, "\\u0061": 3}', 1, 10, '"a" stands here twice: the first one is on line 1'],
])('%j: line %d, column %d: %s', (text, line, column, message) => {
  const error = errorOf(text);
  expect(error.message).toBe(message);
  expect(error.at).toEqual({ line, column });
});

describe('hostile texts', () => {
  test('brackets without end are refused before the stack is full', () => {
    expect(errorOf('['.repeat(60_000)).message).toBe('more than 16 levels deep');
    expect(errorOf('{"a":'.repeat(12_000)).message).toBe('more than 16 levels deep');
  });

  test('a long string in an error is shortened', () => {
    const long = 'a'.repeat(50_000);
    expect(errorOf(`{"${long}":1,"${long}":2}`).message.length).toBeLessThan(150);
  });

  test('a key that names a prototype is a key', () => {
    const node = parseJson('{"__proto__": {"polluted": true}, "constructor": 1}');
    expect(node.kind === 'object' && node.value.map(({ key }) => key)).toEqual([
      '__proto__',
      'constructor',
    ]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('a text of one line with tens of thousands of values is read', () => {
    const node = parseJson(`[${'1,'.repeat(32_000)}1]`);
    expect(node.kind === 'array' && node.value.length).toBe(32_001);
  });
});
