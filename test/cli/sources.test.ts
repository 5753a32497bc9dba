import { expect, test } from 'vitest';
import { makeSource, parseSource, sourceName } from '../../src/cli/sources.ts';

test.each<[string, object, string, string]>([
  ['10.0.0.7', { kind: 'ntp', host: '10.0.0.7', port: 123 }, '10.0.0.7', 'ntp://10.0.0.7:123'],
  ['ntp://[::1]:99', { kind: 'ntp', host: '::1', port: 99 }, '[::1]:99', 'ntp://[::1]:99'],
  ['ntp:123', { kind: 'ntp', host: 'ntp', port: 123 }, 'ntp', 'ntp://ntp:123'],
  [
    'nts://time.example.net',
    { kind: 'nts', host: 'time.example.net', port: 4460 },
    'time.example.net',
    'nts://time.example.net:4460',
  ],
  [
    'roughtime://time.example.net?key=0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=',
    {
      kind: 'roughtime',
      host: 'time.example.net',
      port: 2002,
      publicKey: '0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=',
    },
    'time.example.net',
    'roughtime://time.example.net:2002',
  ],
  [
    'chrony:',
    { kind: 'chrony', host: '127.0.0.1', port: 323 },
    'chronyd on 127.0.0.1',
    'chrony://127.0.0.1:323',
  ],
  [
    'chrony://[::1]:11323',
    { kind: 'chrony', host: '::1', port: 11_323 },
    'chronyd on ::1',
    'chrony://[::1]:11323',
  ],
  [
    'chrony://10.0.0.7',
    { kind: 'chrony', host: '10.0.0.7', port: 323 },
    'chronyd on 10.0.0.7',
    'chrony://10.0.0.7:323',
  ],
  [
    'clockbound:',
    { kind: 'clockbound', path: undefined },
    'ClockBound',
    'clockbound:///var/run/clockbound/shm0',
  ],
  [
    'clockbound:///tmp/shm1',
    { kind: 'clockbound', path: '/tmp/shm1' },
    'ClockBound',
    'clockbound:///tmp/shm1',
  ],
  [
    'https://shop.example/time?tenant=7',
    { kind: 'http', url: 'https://shop.example/time?tenant=7' },
    'shop.example',
    'https://shop.example/time?tenant=7',
  ],
  [
    'http://[::1]:8080/',
    { kind: 'http', url: 'http://[::1]:8080/' },
    '[::1]:8080',
    'http://[::1]:8080/',
  ],
  ['aws:', { kind: 'aws' }, 'Amazon Time Sync', 'ntp://169.254.169.123:123'],
  [
    'google:',
    { kind: 'google' },
    "Google Cloud's time server",
    'ntp://metadata.google.internal:123',
  ],
  ['azure:', { kind: 'azure' }, 'chronyd on Azure', 'chrony://127.0.0.1:323'],
  ['aws:123', { kind: 'ntp', host: 'aws', port: 123 }, 'aws', 'ntp://aws:123'],
])('%s', (text, spec, name, source) => {
  const parsed = parseSource(text)!;
  expect(parsed).toEqual(spec);
  expect(sourceName(parsed)).toBe(name);
  expect(makeSource(parsed, {}).name).toBe(source);
});

test.each([
  'ntp:',
  'ntp://',
  'chrony://localhost', // an address: a name server is not asked for this machine
  'chrony://127.0.0.1:0',
  'clockbound://relative',
  'clockbound:///tmp/\x1b[31m',
  'nts://',
  'roughtime://a',
  'roughtime://a?key=',
  'roughtime://a?key=x&other=y',
  'nonsense://a',
  'http:',
  'https://',
  'https://a b/',
  'https://a/\x1b[31m',
  'https://user:secret@a.example/',
  `https://a.example/${'x'.repeat(300)}`,
])('%j is no source', (text) => {
  expect(parseSource(text)).toBeUndefined();
});
