import { expect, test } from 'vitest';
import { isAllowedHost } from '../../src/dashboard/allowed-host.ts';

const NAMES = new Set(['clock.example.net']);

test.each([
  'localhost',
  'LOCALHOST:8080',
  'localhost.',
  'demo.localhost:1',
  '127.0.0.1',
  '127.0.0.1:1230',
  '127.0.0.1.',
  '192.0.2.255:65535',
  '[::1]',
  '[2001:db8::7]:80',
  'clock.example.net',
  'Clock.Example.net.:8080',
])('%s is allowed', (host) => {
  expect(isAllowedHost(host, NAMES)).toBe(true);
});

test.each([
  undefined,
  '',
  'evil.example',
  'evil.example:1230',
  'localhost.evil.example',
  'notlocalhost',
  'sub.clock.example.net',
  // Names of digits, which a resolver may take for anything.
  '127.0.0.1.evil.example',
  '127.1',
  '2130706433',
  '0x7f000001',
  '256.0.0.1',
  '127.0.0.1, evil.example',
  'user@127.0.0.1',
  '127.0.0.1:80:80',
  '127.0.0.1:x',
  '[::1',
  '::1',
  '[::1]evil.example',
  'localhost\n',
  `${'a'.repeat(300)}.localhost`,
])('%j is not', (host) => {
  expect(isAllowedHost(host, NAMES)).toBe(false);
});
