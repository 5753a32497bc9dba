import { describe, expect, test } from 'vitest';
import { COMMANDS, parseCommand } from '../../src/cli/arguments.ts';
import { UsageError } from '../../src/cli/exit.ts';
import { helpText } from '../../src/cli/help.ts';

test('watch with everything', () => {
  const line = 'watch 10.0.0.7 [::1]:99 --for 5s --timeout 2s --poll 500ms --json';
  const options = '--host-clock free-running --max-drift-ppm 50.5';
  expect(parseCommand(`${line} ${options}`.split(' '))).toEqual({
    name: 'watch',
    arguments: {
      sources: [
        { kind: 'ntp', host: '10.0.0.7', port: 123 },
        { kind: 'ntp', host: '::1', port: 99 },
      ],
      forMs: 5000,
      timeoutMs: 2000,
      pollMs: 500,
      json: true,
      hostClock: 'free-running',
      maxDriftPpm: 50.5,
    },
  });
});

test('watch with nothing: the embedded servers, for ever', () => {
  expect(parseCommand(['watch'])).toEqual({
    name: 'watch',
    arguments: {
      sources: [],
      forMs: undefined,
      timeoutMs: 10_000,
      pollMs: undefined,
      json: false,
      hostClock: 'disciplined',
      maxDriftPpm: undefined,
    },
  });
});

test('now and query', () => {
  expect(parseCommand(['now', '--json', 'a'])).toMatchObject({
    name: 'now',
    arguments: { sources: [{ kind: 'ntp', host: 'a', port: 123 }], json: true },
  });
  expect(parseCommand(['query', 'a:7', '--timeout', '3s'])).toEqual({
    name: 'query',
    arguments: { host: { host: 'a', port: 7 }, timeoutMs: 3000, json: false },
  });
});

test('help and version, wherever they stand', () => {
  expect(parseCommand([])).toEqual({ name: 'help', topic: undefined });
  expect(parseCommand(['--help'])).toEqual({ name: 'help', topic: undefined });
  expect(parseCommand(['help', 'query'])).toEqual({ name: 'help', topic: 'query' });
  for (const topic of COMMANDS) {
    expect(parseCommand([topic, '-h'])).toEqual({ name: 'help', topic });
  }
  expect(parseCommand(['--version'])).toEqual({ name: 'version' });
});

test.each([
  ['wacth', 'unknown command "wacth"; the commands are watch, query, now'],
  ['watch --fro 5s', "Unknown option '--fro'; did you mean --for?"],
  ['query --tmieout 5s a', "Unknown option '--tmieout'; did you mean --timeout?"],
  ['watch --for 5', '--for must be a duration like 500ms, 5s, 2m or 1h; got "5"'],
  ['watch --for', "Option '--for <value>' argument missing"],
  ['watch --timeout soon', '--timeout must be a duration'],
  ['now --for 5s', "Unknown option '--for'"],
  ['now --poll 0s', '--poll must be a duration'],
  ['now --host-clock slewed', '--host-clock must be disciplined or free-running; got "slewed"'],
  ['now --max-drift-ppm x', '--max-drift-ppm must be a number; got "x"'],
  ['now --max-drift-ppm=-5', '--max-drift-ppm must be a number; got "-5"'],
  ['query chrony:', 'query asks an NTP server; got "chrony:"'],
  [
    'watch a:99999',
    'a source is host, host:port, [v6]:port, v6, or a URL (--help says which); got "a:99999"',
  ],
  ['query', 'query needs a host'],
  ['query a b', 'query takes one host; "b" is extra'],
])('%s: %s', (line, message) => {
  const parse = () => parseCommand(line.split(' '));
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
});

test('an option that is like no other gets no suggestion', () => {
  expect(() => parseCommand(['now', '--for', '5s'])).toThrow(/^Unknown option '--for'$/);
});

describe('help', () => {
  test.each([undefined, ...COMMANDS])(
    'of %s fits 80 columns and states the exit codes',
    (topic) => {
      const text = helpText(topic);
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      for (const code of ['0 ', '1 ', '2 ', '64', '130']) expect(text).toContain(`\n  ${code}`);
    },
  );

  test('names every option that is parsed', () => {
    for (const option of ['--for', '--timeout', '--poll', '--host-clock', '--max-drift-ppm']) {
      expect(helpText('watch')).toContain(option);
    }
    expect(helpText('query')).not.toContain('--poll');
  });
});
