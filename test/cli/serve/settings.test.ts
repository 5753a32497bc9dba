import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../src/cli/arguments.ts';
import { UsageError } from '../../../src/cli/exit.ts';
import { CONFIG } from '../../../src/cli/serve/config.ts';
import { parseJson } from '../../../src/cli/serve/positioned-json.ts';
import type { ServeArguments } from '../../../src/cli/serve/serve-arguments.ts';
import { settingsFrom } from '../../../src/cli/serve/settings.ts';

function argumentsOf(line: string): ServeArguments {
  const command = parseCommand(['serve', ...line.split(' ').filter((word) => word !== '')]);
  if (command.name !== 'serve') throw new Error(`serve expected, not ${command.name}`);
  return command.arguments;
}

/** The settings of a command line and a file. */
const settings = (line: string, file: object = {}) =>
  settingsFrom(argumentsOf(line).choices, CONFIG.read(parseJson(JSON.stringify(file)), ''));

const namesOf = (line: string, file?: object) =>
  settings(line, file).sources.map(({ source }) => source.name);

describe('the command line', () => {
  test('everything', () => {
    const line = '--config serve.json a:1 --page /run/x/clock --ntp 0.0.0.0:123 --http [::1]:80';
    const options = '--clockbound /run/shm0 --poll 2s --host-clock free-running --max-drift-ppm 50';
    expect(argumentsOf(`${line} ${options}`)).toEqual({
      config: 'serve.json',
      choices: {
        sources: [{ spec: { kind: 'ntp', host: 'a', port: 1 }, options: {} }],
        pollIntervalMs: 2000,
        hostClock: 'free-running',
        maxDriftPpm: 50,
        page: '/run/x/clock',
        ntp: { host: '0.0.0.0', port: 123 },
        http: { address: { host: '::1', port: 80 } },
        clockbound: '/run/shm0',
      },
    });
  });

  test.each([
    // The value may be left out. A word that does not look like one is a source.
    ['--page a', { page: true }, ['ntp://a:123']],
    ['--page /x/clock a', { page: '/x/clock' }, ['ntp://a:123']],
    ['--page ./clock a', { page: './clock' }, ['ntp://a:123']],
    ['--ntp a', { ntp: { host: '127.0.0.1', port: 11_123 } }, ['ntp://a:123']],
    ['--ntp 0 a', { ntp: { host: '127.0.0.1', port: 0 } }, ['ntp://a:123']],
    ['--http --ntp a', { http: { address: { host: '127.0.0.1', port: 1230 } } }, ['ntp://a:123']],
  ] as const)('%s', (line, outputs, names) => {
    expect(settings(line).outputs).toMatchObject(outputs);
    expect(namesOf(line)).toEqual(names);
  });

  test.each([
    ['a --ntp=nonsense', '--ntp takes a port, host:port or [v6]:port; got "nonsense"'],
    ['a --config=', '--config needs a path'],
    ['a --clockbound=', '--clockbound needs a path'],
    ['a --host-clock x', '--host-clock must be disciplined, free-running or detect; got "x"'],
    ['a --nttp', "Unknown option '--nttp'; did you mean --ntp?"],
    ['a b:99999', 'a source is host, host:port'],
    ['a --http 999999', 'a source is host, host:port'],
    ['a --page run/clock', 'a path begins with / or ./; got "run/clock"'],
  ])('%s is refused', (line, message) => {
    expect(() => argumentsOf(line)).toThrow(UsageError);
    expect(() => argumentsOf(line)).toThrow(message);
  });
});

describe('what the command line says wins', () => {
  test('sources replace those of the file', () => {
    expect(namesOf('', { sources: ['a', 'b'] })).toEqual(['ntp://a:123', 'ntp://b:123']);
    expect(namesOf('c', { sources: ['a', 'b'] })).toEqual(['ntp://c:123']);
  });

  test('key by key', () => {
    const file = { sources: ['a'], maxDriftPpm: 10, hostClock: 'free-running', ntp: true };
    const { assumptions, outputs } = settings('--max-drift-ppm 20', file);
    expect(assumptions).toEqual({
      hostClock: 'free-running',
      maxDriftPpm: 20,
      maxFaulty: undefined,
      maxUncertaintyMs: 100,
    });
    expect(outputs.ntp).toEqual({ host: '127.0.0.1', port: 11_123 });
  });

  test('an address of HTTP keeps the other settings of the file', () => {
    const file = { sources: ['a'], http: { address: '9000', hosts: ['clock'] } };
    const address = { host: '127.0.0.1', port: 8000 };
    expect(settings('--http 8000', file).outputs.http).toEqual({ address, hosts: ['clock'] });
    const own = { host: '127.0.0.1', port: 9000 };
    expect(settings('--http', file).outputs.http).toEqual({ address: own, hosts: ['clock'] });
    expect(settings('--http', { sources: ['a'], http: false }).outputs.http).toMatchObject({});
  });
});

describe('outputs', () => {
  const none = { page: undefined, ntp: undefined, http: undefined, clockbound: undefined };

  test('the page if nothing is said', () => {
    expect(settings('a').outputs).toEqual({ ...none, page: true });
  });

  test('only what is said', () => {
    const ntp = { host: '127.0.0.1', port: 11_123 };
    expect(settings('a --ntp').outputs).toEqual({ ...none, ntp });
    expect(settings('a --ntp --page').outputs).toEqual({ ...none, ntp, page: true });
    expect(settings('a', { page: '/x/y', ntp: true, http: false }).outputs).toEqual({
      ...none,
      ntp,
      page: '/x/y',
    });
  });

  test('nothing is an error', () => {
    expect(() => settings('a', { page: false })).toThrow(
      'nothing is served: there are page, ntp, http and clockbound',
    );
  });

  test('two pages in one file are an error', () => {
    expect(() => settings('a', { page: '/x/y', clockbound: '/x/y' })).toThrow(
      'page and clockbound must be two files',
    );
  });
});

describe('sources', () => {
  test('without one: an error, not a demonstration', () => {
    expect(() => settings('')).toThrow('serve needs a source');
  });

  test('a source that is named twice has one vote', () => {
    expect(namesOf('a a:123 ntp://a b')).toEqual(['ntp://a:123', 'ntp://b:123']);
  });

  test('keys tell whether two are asked in the same way', () => {
    const keyOf = (...args: Parameters<typeof settings>) => settings(...args).sources[0]!.key;
    expect(keyOf('a')).toBe(keyOf('', { sources: ['a:123'] }));
    expect(keyOf('a')).not.toBe(keyOf('a --poll 2s'));
    expect(keyOf('a --poll 2s')).toBe(
      keyOf('', { sources: [{ source: 'a', pollIntervalMs: 2000 }] }),
    );
  });

  test('an interval of its own is not that of all', () => {
    const file = { sources: [{ source: 'a', pollIntervalMs: 4000 }, 'b'] };
    const keys = settings('--poll 2s', file).sources.map(({ key }) => key);
    expect(keys.map((key) => /"pollIntervalMs":(\d+)/.exec(key)?.[1])).toEqual(['4000', '2000']);
  });
});
