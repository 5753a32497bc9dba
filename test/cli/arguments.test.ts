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
      web: undefined,
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
      web: undefined,
      timeoutMs: 10_000,
      pollMs: undefined,
      json: false,
      hostClock: 'disciplined',
      maxDriftPpm: undefined,
    },
  });
});

const LOOPBACK = { host: '127.0.0.1', port: 1230, anyPort: true };

test.each([
  // No address: the default one. A word without a port is a source.
  ['--web', LOOPBACK, []],
  ['--web --json', LOOPBACK, []],
  ['--web a', LOOPBACK, ['a']],
  ['a --web', LOOPBACK, ['a']],
  ['--web=', LOOPBACK, []],
  // A word with a port is the address.
  ['--web 8080 a', { host: '127.0.0.1', port: 8080, anyPort: false }, ['a']],
  ['--web :8080', { host: '127.0.0.1', port: 8080, anyPort: false }, []],
  ['--web=0', { host: '127.0.0.1', port: 0, anyPort: false }, []],
  ['--web 192.0.2.7:80 a:99', { host: '192.0.2.7', port: 80, anyPort: false }, ['a']],
  ['--web=clock.example.net:8080', { host: 'clock.example.net', port: 8080, anyPort: false }, []],
  ['--web [::1]:8080', { host: '::1', port: 8080, anyPort: false }, []],
] as const)('watch %s', (line, web, hosts) => {
  const command = parseCommand(['watch', ...line.split(' ')]);
  if (command.name !== 'watch') throw new Error(`watch expected, not ${command.name}`);
  expect(command.arguments.web).toEqual(web);
  const sources = command.arguments.sources.map((source) => 'host' in source && source.host);
  expect(sources).toEqual(hosts);
});

test.each(['--web=nonsense', '--web=a:99999', '--web=a:80/x', '--web=http://a:80', '--web=::1'])(
  'watch %s is refused',
  (option) => {
    expect(() => parseCommand(['watch', option])).toThrow('--web takes a port, host:port or');
  },
);

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
  [
    'now --host-clock slewed',
    '--host-clock must be disciplined, free-running or detect; got "slewed"',
  ],
  ['now --max-drift-ppm x', '--max-drift-ppm must be a number; got "x"'],
  ['now --max-drift-ppm=-5', '--max-drift-ppm must be a number; got "-5"'],
  ['query chrony:', 'query asks an NTP server; got "chrony:", which now and watch can ask'],
  ['now roughtime://a', 'a witness is roughtime://host?key=<base64>, '],
  ['now a,b', '(--help says which); got "a,b"; put spaces between sources'],
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
      const two = topic === 'serve' ? '69' : '2 ';
      for (const code of ['0 ', '1 ', two, '64', '130']) expect(text).toContain(`\n  ${code}`);
    },
  );

  test('names every option that is parsed', () => {
    for (const option of [
      '--for',
      '--web',
      '--timeout',
      '--poll',
      '--host-clock',
      '--max-drift-ppm',
    ]) {
      expect(helpText('watch')).toContain(option);
    }
    expect(helpText('query')).not.toContain('--poll');
  });
});
