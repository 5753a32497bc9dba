import { describe, expect, test } from 'vitest';
import { type NtpRateLimit, RateLimit } from '../../../src/sources/ntp/rate-limit.ts';

const limitOf = (options: NtpRateLimit = {}) =>
  new RateLimit(options, new Uint32Array([0x1234_5678, 0x9abc_def0]));

/** What `count` requests at `nowMs` get, counted. */
function counts(limit: RateLimit, address: string, nowMs: number, count: number) {
  const seen = { answer: 0, kiss: 0, drop: 0 };
  for (let i = 0; i < count; i++) seen[limit.admit(address, nowMs)]++;
  return seen;
}

test('a client gets its burst at once, then one per interval', () => {
  const limit = limitOf();
  expect(counts(limit, '10.0.0.7', 0, 16)).toEqual({ answer: 16, kiss: 0, drop: 0 });
  expect(counts(limit, '10.0.0.7', 0, 5).answer).toBe(0);
  expect(counts(limit, '10.0.0.7', 999, 5).answer).toBe(0);
  expect(counts(limit, '10.0.0.7', 1000, 5).answer).toBe(1);
  expect(counts(limit, '10.0.0.7', 4000, 5).answer).toBe(3);
  // An hour of silence refills the bucket, and no more than that.
  expect(counts(limit, '10.0.0.7', 3_600_000, 50).answer).toBe(16);
});

test('our own client, four polls 2 s apart and then one in 16 s, is never dropped', () => {
  const limit = limitOf();
  const at = [0, 2000, 4000, 6000, ...Array.from({ length: 100 }, (_, i) => 22_000 + i * 16_000)];
  expect(at.map((ms) => limit.admit('10.0.0.7', ms))).toEqual(at.map(() => 'answer'));
});

test('it is told so once, then once in eight intervals', () => {
  const limit = limitOf({ burst: 1, intervalMs: 100 });
  const seen: string[] = [];
  for (let ms = 0; ms < 1700; ms += 10) seen.push(limit.admit('10.0.0.7', ms));
  expect(seen.slice(0, 3)).toEqual(['answer', 'kiss', 'drop']);
  expect(seen.filter((each) => each === 'kiss')).toHaveLength(3);
  expect(seen.filter((each) => each === 'answer')).toHaveLength(17);
});

test('clients do not pay for each other', () => {
  const limit = limitOf({ burst: 1 });
  expect(limit.admit('10.0.0.7', 0)).toBe('answer');
  expect(limit.admit('10.0.0.7', 0)).toBe('kiss');
  expect(limit.admit('10.0.0.8', 0)).toBe('answer');
});

describe('one client is', () => {
  const same = (a: string, b: string): boolean => {
    const limit = limitOf({ burst: 1 });
    limit.admit(a, 0);
    return limit.admit(b, 0) !== 'answer';
  };

  test.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8::1', '2001:db8:0:0:5::1', true],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', true],
    ['1:2::3:4:5:6:7', '1:2:0:3::1', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::5:1:2:3:4:5', '::6:1:2:3:4:5', false],
    ['::ffff:10.0.0.7', '10.0.0.7', true],
    ['::ffff:10.0.0.7', '::ffff:10.0.0.8', false],
    // All hosts of a network segment.
    ['fe80::1%eth0', 'fe80::2%eth0', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(same(a, b)).toBe(expected);
  });
});

test('this machine is not limited unless that is asked for', () => {
  for (const address of ['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1']) {
    expect(counts(limitOf(), address, 0, 100).answer).toBe(100);
    expect(counts(limitOf({ loopback: true }), address, 0, 100).answer).toBe(16);
  }
});

test('a flood from a million addresses locks nobody out, and its own senders are still limited', () => {
  const limit = limitOf();
  let answered = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const address = `${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.9`;
    if (limit.admit(address, i / 50) === 'answer') answered++;
  }
  expect(answered).toBe(1_000_000);
  expect(counts(limit, '10.0.0.7', 20_000, 20).answer).toBe(16);
});

test.each([
  [{ burst: 0 }, 'rateLimit.burst'],
  [{ burst: Number.NaN }, 'rateLimit.burst'],
  [{ intervalMs: 0 }, 'rateLimit.intervalMs'],
  [{ loopback: 1 as unknown as boolean }, 'rateLimit.loopback'],
  [{ bursts: 4 } as NtpRateLimit, 'burst'],
])('%o is refused', (options, named) => {
  expect(() => limitOf(options)).toThrow(named);
});
