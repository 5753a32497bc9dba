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
    ['::ffff:1.2.3.4', '1.2.3.4'],
    // These are not mapped addresses, although they end like one.
    ['216.239.35.0', '216.239.35.0'],
    ['2001:db8::ffff:102:304', '2001:db8::ffff:102:304'],
    ['::fffe:102:304', '::fffe:102:304'],
    ['::ffff:1:102:304', '::ffff:1:102:304'],
    // A link-local address means nothing without its zone.
    ['fe80:0::1%eth0', 'fe80::1%eth0'],
    ['febf::1%eth0.100', 'febf::1%eth0.100'],
    // Any other address needs no zone; with one it is still the same server.
    ['::1%lo', '::1'],
    ['::1%1', '::1'],
    ['2001:db8::7%eth0', '2001:db8::7'],
    ['fec0::1%2', 'fec0::1'],
    ['::ffff:10.0.0.7%2', '10.0.0.7'],
    // A socket that connects to the unspecified address reaches this machine.
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
    ['0:0::0%lo', '::1'],
    ['::ffff:0.0.0.0', '127.0.0.1'],
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
    // In a URL these would lead to [::1], with what is in front or behind as another part.
    'x@[::1',
    '::1]/[x',
    '127.0.0.1:123',
    '1.2.3.4%lo',
    'fe80::1%',
    'fe80::1%a%b',
    'fe80::1%a/b',
    `fe80::1%${'x'.repeat(65)}`,
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });
});

test('an interface has a name and an index: zoneSpelling decides which is used', () => {
  const spelling = (zone: string): string => (zone === '2' ? 'eth0' : zone);
  expect(canonicalAddress('fe80::1%2', spelling)).toBe('fe80::1%eth0');
  expect(canonicalAddress('fe80::1%eth0', spelling)).toBe('fe80::1%eth0');
  expect(canonicalAddress('fe80::1', spelling)).toBe('fe80::1');
  expect(canonicalAddress('2001:db8::1%2', spelling)).toBe('2001:db8::1');
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
  ['8.20.0.1', true],
  ['192.168.3.4', false],
  ['192.169.0.1', true],
  ['8.168.0.1', true],
  ['169.254.169.123', false],
  ['169.253.0.1', true],
  ['8.254.0.1', true],
  ['100.63.0.1', true],
  ['100.64.0.1', false],
  ['100.127.255.255', false],
  ['8.64.0.1', true],
  ['100.128.0.1', true],
  ['8.8.8.8', true],
  ['fd00:ec2::123', false],
  ['fc00::1', false],
  ['fe80::1%eth0', false],
  ['febf::1', false],
  ['fec0::1', true],
  ['fe80::1%eth0.100', false],
  ['fd00::7%vlan.5', false],
  ['::1%lo', false],
  ['2001:db8::1%eth0.100', true],
  // Short for 0fc0:: and 0fe8::, which are not private.
  ['fc0::1', true],
  ['fe8::1', true],
  ['2001:db8::1', true],
  ['2001:fe80::1', true],
  ['2001:fd00::1', true],
])('%s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected);
});

test('loopback is this machine only', () => {
  expect(isLoopback('::1%lo')).toBe(true);
  expect(['127.0.0.1', '127.1.2.3', '::1', '10.0.0.1', '1.127.0.0', '::2'].map(isLoopback)).toEqual(
    [true, true, true, false, false, false],
  );
});

test('an address in a URL', () => {
  expect(ntpUrl('::1', 123)).toBe('ntp://[::1]:123');
  expect(ntpUrl('10.0.0.7', 11123)).toBe('ntp://10.0.0.7:11123');
});
