import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/cli/exit.ts';
import { CONFIG, readConfig } from '../../../src/cli/serve/config.ts';
import { PositionedError, parseJson } from '../../../src/cli/serve/positioned-json.ts';

const folder = mkdtempSync(join(tmpdir(), 'epsilon-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, 'serve.json');
  writeFileSync(path, content);
  return path;
}

const read = (value: unknown) => CONFIG.read(parseJson(JSON.stringify(value)), '');
const schemaFile = new URL('../../../docs/reference/serve.schema.json', import.meta.url);

/** A value for every key of the file, and of the objects in it. */
const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  $schema: ['./serve.schema.json'],
  sources: [['10.0.0.7'], [{ source: 'nts://time.example.net' }, 'chrony:']],
  pollIntervalMs: [1, 16_000.5],
  hostClock: ['disciplined', 'free-running', 'detect'],
  maxDriftPpm: [0.001, 500],
  maxFaulty: [0, 3],
  maxUncertaintyMs: [50],
  page: [true, false, '/run/epsilon-clock/clock'],
  ntp: [true, false, '0.0.0.0:123', '[::1]:11123', '11123'],
  http: [true, false, '127.0.0.1:0', {}],
  clockbound: [false, '/var/run/clockbound/shm0'],
  'sources.source': ['10.0.0.7:1123'],
  'sources.pollIntervalMs': [16_000],
  'sources.timeoutMs': [2000],
  'sources.timescale': ['utc', 'smear-24h', 'unknown'],
  'sources.pool': [true],
  'sources.maxServers': [2],
  'sources.maxRootDistanceMs': [100],
  'http.address': ['[::]:1230'],
  'http.hosts': [['clock.example.net', 'clock']],
  'http.allowOrigin': ['https://shop.example', '*'],
};

/** The file with this value under this key. */
function fileWith(key: string, value: unknown): Record<string, unknown> {
  const [first, second] = key.split('.') as [string, string?];
  if (second === undefined) return { [first]: value };
  if (first !== 'sources') return { [first]: { [second]: value } };
  const needed = second === 'maxServers' ? { pool: true } : {};
  return { sources: [{ source: '10.0.0.7', ...needed, [second]: value }] };
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly description?: string;
}

/** Every key that the schema knows, as `sources.source`. */
function keysOf(schema: Schema, prefix = ''): string[] {
  const below = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  return [
    ...below.flatMap((each) => keysOf(each, prefix)),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, each]) => [
      `${prefix}${key}`,
      ...keysOf(each, `${prefix}${key}.`),
    ]),
  ];
}

describe('the schema that is shipped', () => {
  const shipped = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The configuration of epsilon-clock serve',
    ...CONFIG.schema,
  };

  test('is what the reader says (UPDATE_SCHEMA=1 writes it)', () => {
    const text = `${JSON.stringify(shipped, null, 2)}\n`;
    if (process.env.UPDATE_SCHEMA === '1') writeFileSync(schemaFile, text);
    expect(readFileSync(schemaFile, 'utf8')).toBe(text);
  });

  test('has the keys of the table below, no more and no fewer', () => {
    expect(keysOf(shipped as Schema).sort()).toEqual(Object.keys(SAMPLES).sort());
  });

  test.each(Object.entries(SAMPLES))('the reader takes %s', (key, values) => {
    for (const value of values) expect(() => read(fileWith(key, value))).not.toThrow();
  });

  test('describes every key, and so does the guide', () => {
    const { properties = {} } = shipped as Schema;
    const guide = readFileSync(
      new URL('../../../docs/guides/one-clock-per-host.md', import.meta.url),
      'utf8',
    );
    for (const [key, { description }] of Object.entries(properties)) {
      expect(description).toMatch(/\.$/);
      if (key !== '$schema') expect(guide).toContain(`| \`${key}\` |`);
    }
    for (const key of Object.keys(SAMPLES).filter((each) => each.includes('.'))) {
      expect(guide).toContain(`\`${key.split('.')[1]}\``);
    }
  });
});

test('what it makes of a file', async () => {
  const path = file(`{
    "sources": ["10.0.0.7", { "source": "chrony:", "timescale": "utc" }],
    "page": true,
    "http": "127.0.0.1:9464"
  }`);
  expect(await readConfig(path)).toEqual({
    sources: [
      { spec: { kind: 'ntp', host: '10.0.0.7', port: 123 }, options: {} },
      { spec: { kind: 'chrony', host: '127.0.0.1', port: 323 }, options: { timescale: 'utc' } },
    ],
    page: true,
    http: { address: { host: '127.0.0.1', port: 9464 } },
  });
});

test.each([
  ['{\n  "sorces": []\n}', '2:3: there is no key "sorces": did you mean sources?'],
  ['{ "qwertz": 1 }', '1:3: there is no key "qwertz": known are $schema, sources,'],
  ['{ "__proto__": {} }', '1:3: there is no key "__proto__": known are'],
  ['[]', '1:1: the configuration must be an object; got a list'],
  ['{ "sources": [] }', '1:14: sources must be a list of 1 to 64 items; got a list'],
  [
    `{ "sources": [${'"a",'.repeat(64)}"a"] }`,
    '1:14: sources must be a list of 1 to 64 items; got a list',
  ],
  ['{ "sources": [\n "a",\n "http://u:p@a/"] }', '3:2: sources[1] must be a source, such as'],
  ['{ "sources": [7] }', '1:15: sources[0] must be a source, such as'],
  ['{ "sources": [{ "timescale": "utc" }] }', '1:15: sources[0].source is missing'],
  [
    '{ "sources": [{ "source": "a",\n "timescale": "tai" }] }',
    '2:15: sources[0].timescale must be "utc" or "smear-24h" or "unknown"; got "tai"',
  ],
  [
    '{ "sources": [{ "source": "a",\n "polIntervalMs": 1 }] }',
    '2:2: there is no key "sources[0].polIntervalMs": did you mean pollIntervalMs?',
  ],
  // What a kind of source does not take, that kind says.
  [
    '{ "sources": [{ "source": "chrony:", "pool": true }] }',
    '1:15: sources[0]: there is no option',
  ],
  ['{ "maxDriftPpm": 0 }', '1:18: maxDriftPpm must be a number from 0.001 to 100000; got 0'],
  ['{ "maxFaulty": 1.5 }', '1:16: maxFaulty must be a whole number from 0 to 1000; got 1.5'],
  ['{ "maxFaulty": "1" }', '1:16: maxFaulty must be a whole number from 0 to 1000; got "1"'],
  ['{ "pollIntervalMs": 1e999 }', '1:21: pollIntervalMs must be a number from 1 to 3600000'],
  ['{ "page": "clock" }', '1:11: page must be an absolute path; got "clock"'],
  ['{ "page": null }', '1:11: page must be of type boolean or string; got null'],
  ['{ "clockbound": true }', '1:17: clockbound must be an absolute path, or false'],
  ['{ "ntp": "a:99999" }', '1:10: ntp must be an address, such as'],
  ['{ "http": { "hosts": ["*.example"] } }', '1:23: http.hosts[0] must be a host name in full'],
  ['{ "http": { "allowOrigin": "https://a/" } }', '1:28: http.allowOrigin must be an origin'],
  [
    '{ "page": true,\n  "page": false }',
    '2:3: "page" stands here twice: the first one is on line 1',
  ],
  ['{ "page": tru }', '1:11: expected a value, found "tru"'],
])('%s: %s', async (text, message) => {
  const error = await readConfig(file(text)).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message.replace('serve.json:', '')).toContain(message);
});

describe('files that are not a configuration', () => {
  test.each([
    ['larger than it may be', ' '.repeat(65_537), 'more than 65536 bytes'],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'not UTF-8'],
    ['empty', '', 'serve.json:1:1: expected a value, found the end'],
  ])('%s', async (_, content, message) => {
    await expect(readConfig(file(content))).rejects.toThrow(message);
  });

  test.each([
    ['/dev/zero', 'not a file'],
    [join(folder, 'missing.json'), 'missing.json: ENOENT'],
    [folder, 'not a file'],
  ])('%s', async (path, message) => {
    await expect(readConfig(path)).rejects.toThrow(message);
    await expect(readConfig(path)).rejects.toBeInstanceOf(UsageError);
  });

  test.runIf(process.platform !== 'win32')('a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readConfig(pipe)).rejects.toThrow('pipe: not a file');
  });

  test('the largest one that may be is read', async () => {
    expect(await readConfig(file(`{}${' '.repeat(65_534)}`))).toEqual({});
  });
});

test('any JSON is read or refused at a place, never anything else', () => {
  const keys = Object.keys(SAMPLES).flatMap((key) => key.split('.'));
  const value = fc.letrec((tie) => ({
    it: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(...Object.values(SAMPLES).flat()),
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('it'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('it'), { maxKeys: 4 }),
    ),
  })).it;
  fc.assert(
    fc.property(value, (each) => {
      try {
        read(each);
      } catch (error) {
        expect(error).toBeInstanceOf(PositionedError);
      }
    }),
    { numRuns: 3000 },
  );
});
