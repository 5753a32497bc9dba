import { expect, test } from 'vitest';
import { parseHost, shortName } from '../../src/cli/hosts.ts';

test.each([
  ['time.example.net', 'time.example.net', 123],
  ['time.example.net:1123', 'time.example.net', 1123],
  ['10.0.0.7', '10.0.0.7', 123],
  ['10.0.0.7:65535', '10.0.0.7', 65_535],
  ['::1', '::1', 123],
  ['2001:db8::7', '2001:db8::7', 123], // its colons do not introduce a port
  ['[::1]', '::1', 123],
  ['[2001:db8::7]:1123', '2001:db8::7', 1123],
  ['fe80::1%eth0', 'fe80::1%eth0', 123],
  ['[fe80::1%eth0]:1123', 'fe80::1%eth0', 1123],
])('%s', (text, host, port) => {
  expect(parseHost(text)).toEqual({ host, port });
});

test.each([
  '',
  '99999', // an impossible port, and a number for 0.1.134.159
  ':123',
  'host:',
  'host:0',
  'host:65536',
  'host:12x',
  '[::1',
  '[::1]x',
  '[host]:1', // brackets are for IPv6
  'ntp://host',
  'ho st',
  'time\x1b[31m.example.net', // a terminal would obey it
  'time\x9b31m.example.net',
  'fe80::1%\x1b]0;x\x07',
  '[fe80::1%\x1b]:123',
  'time\u202e.example.net', // it turns the direction of the text around
  `${'a'.repeat(254)}`,
])('%j is no host', (text) => {
  expect(parseHost(text)).toBeUndefined();
});

test.each([
  ['ntp://127.0.0.1:40001', '127.0.0.1:40001'],
  ['ntp://time.example.net:123', 'time.example.net'],
  ['ntp://[2001:db8::7]:123', '[2001:db8::7]'],
  ['ntp://[2001:db8::123]:1123', '[2001:db8::123]:1123'],
])('%s is shown as %s', (id, name) => {
  expect(shortName(id)).toBe(name);
});
