import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FieldScanner } from '../../../src/cli/order/field-scanner.ts';

const NAMES = ['hlc', 'node', 'é'];

/** The values of `NAMES` in a line as they are written; `undefined` when it is not an object. */
function scan(line: string): Record<string, string> | undefined {
  const scanner = new FieldScanner(NAMES);
  // The bytes around the line must not matter.
  const bytes = Buffer.from(`"}${line}"}`);
  const end = bytes.length - 2;
  if (!scanner.scan(bytes, 2, end)) return undefined;
  const found = NAMES.map((name, i): [string, string] => [
    name,
    bytes.toString('utf8', scanner.starts[i], scanner.ends[i]),
  ]);
  return Object.fromEntries(found.filter((_, i) => scanner.starts[i] !== -1));
}

describe('the fields of a line', () => {
  test.each([
    ['{}', {}],
    [' { } \r', {}],
    ['{"hlc":"1"}', { hlc: '"1"' }],
    ['{"a":1,"hlc":2,"node":null}', { hlc: '2', node: 'null' }],
    ['{"é":-1.5e+3}', { é: '-1.5e+3' }],
    ['\t{ "hlc" : "1" , "node" : [ "]" , { } ] }', { hlc: '"1"', node: '[ "]" , { } ]' }],
    ['{"req":{"hlc":"1"},"list":[{"hlc":2}],"node":"a"}', { node: '"a"' }], // not at the top level
    ['{"msg":"\\"hlc\\":1","node":"a\\\\"}', { node: '"a\\\\"' }], // not in a string
    ['{"hlc":"first","hlc":"second"}', { hlc: '"first"' }],
    ['{"hlcc":1,"hl":2,"HLC":3}', {}],
    ['{"__proto__":{"hlc":1},"constructor":2}', {}],
    ['{"msg":"\0\u0007","hlc":1}', { hlc: '1' }], // not valid JSON, but the stamp is there
  ])('%j', (line, fields) => {
    expect(scan(line)).toEqual(fields);
  });

  test.each([
    '',
    'Error: no',
    '"hlc"',
    '[{"hlc":1}]',
    '{',
    '{"hlc"',
    '{"hlc":',
    '{"hlc":}',
    '{"hlc":1',
    '{"hlc":1,',
    '{"hlc":1,}',
    '{"hlc":1 "node":2}',
    '{"hlc" 1}',
    '{hlc:1}',
    '{"hlc":"1',
    '{"hlc":"1\\"}',
    '{"hlc":{"a":1}',
    '{"hlc":["]}',
    '{"hlc":1}}',
    '{"hlc":1} {"hlc":2}',
  ])('%j is no object', (line) => {
    expect(scan(line)).toBeUndefined();
  });

  test('finds what JSON.parse finds, in any object', () => {
    const values = fc.jsonValue({ maxDepth: 3 });
    const objects = fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string()), values);
    const spaces = fc.constantFrom(undefined, 1, '\t');
    fc.assert(
      fc.property(objects, spaces, (object, space) => {
        const line = JSON.stringify(object, null, space).replaceAll('\n', ' ');
        const found = Object.entries(scan(line)!).map(([name, text]) => [name, JSON.parse(text)]);
        const expected = NAMES.filter((name) => Object.hasOwn(object, name));
        expect(Object.fromEntries(found)).toEqual(
          Object.fromEntries(expected.map((name) => [name, JSON.parse(line)[name]])),
        );
      }),
      { seed: 16, numRuns: 1000 },
    );
  });

  test('never reads beyond the line, whatever is cut off', () => {
    const line = '{"a":{"b":["c",1]},"hlc":"1","node":true}';
    for (let end = 0; end < line.length; end++) expect(scan(line.slice(0, end))).toBeUndefined();
  });
});
