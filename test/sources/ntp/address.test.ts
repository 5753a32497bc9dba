import { describe, expect, test } from 'vitest';
import {
  canonicalAddress,
  isLoopback,
  isPublic,
  ntpUrl,
} from '../../../src/sources/ntp/address.ts';

describe('one spelling per address', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // An IPv4 server reached through an IPv6 socket is the same server.
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::FFFF:0a00:0007', '10.0.0.7'],
    // A link-local address means nothing without its zone.
    ['fe80:0::1%eth0', 'fe80::1%eth0'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
    expect(canonicalAddress(canonical)).toBe(canonical);
  });

  test.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '010.0.0.1',
    '1.2.3.4.',
    ' 1.2.3.4',
    '::1]',
    '[::1]',
    ':::',
    '1::2::3',
    '12345::',
    '::1/64',
    '::1@x',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });
});

test.each([
  ['127.0.0.1', false],
  ['127.9.9.9', false],
  ['::1', false],
  ['10.255.0.1', false],
  ['172.15.0.1', true],
  ['172.16.0.1', false],
  ['172.31.0.1', false],
  ['172.32.0.1', true],
  ['192.168.3.4', false],
  ['192.169.0.1', true],
  ['169.254.169.123', false],
  ['100.64.0.1', false],
  ['100.128.0.1', true],
  ['8.8.8.8', true],
  ['fd00:ec2::123', false],
  ['fc00::1', false],
  ['fe80::1%eth0', false],
  ['febf::1', false],
  ['fec0::1', true],
  ['2001:db8::1', true],
])('%s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected);
});

test('loopback is this machine only', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', '10.0.0.1', '1.127.0.0', '::2'].map(isLoopback)).toEqual(
    [true, true, true, false, false, false],
  );
});

test('an address in a URL', () => {
  expect(ntpUrl('::1', 123)).toBe('ntp://[::1]:123');
  expect(ntpUrl('10.0.0.7', 11123)).toBe('ntp://10.0.0.7:11123');
});
