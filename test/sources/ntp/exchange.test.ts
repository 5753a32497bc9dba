import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ExchangeRecord,
  encodeRequest,
  judgeReply,
  type Verdict,
} from '../../../src/sources/ntp/exchange.ts';
import { encodePacket, type NtpHeader, referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { timestampFromUnixNs } from '../../../src/sources/ntp/timestamp.ts';
import { type MonotonicNs, monotonicNs, unixNs } from '../../../src/time/instant.ts';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1000n * NS_PER_MS;
/** The true instant at which our monotonic clock read 0. */
const THETA_NS = 1_795_000_000n * NS_PER_SECOND;
const NONCE = 0x0123_4567_89ab_cdefn;
const GRID_NS = 280n;
const at = (ms: number): MonotonicNs => monotonicNs(BigInt(Math.round(ms * 1e6)));
/** The timestamp of a true instant, which is given on our monotonic clock. */
const stamp = (ms: number, rounding: 'up' | 'down' = 'down'): bigint =>
  timestampFromUnixNs(unixNs(THETA_NS + at(ms)), rounding);

/**
 * The request left at 100 ms and reached the server at 110; the reply left at 111 and came at 131.
 */
const record: ExchangeRecord = {
  sourceId: 'ntp://127.0.0.1:123',
  nonce: NONCE,
  sentAt: at(100),
  receivedAt: at(131),
  monotonicGridNs: GRID_NS,
  timeoutNs: 1000n * NS_PER_MS,
  pivot: unixNs(THETA_NS),
};
const honest: NtpHeader = {
  leap: 0,
  version: 4,
  mode: 4,
  stratum: 2,
  poll: 6,
  precision: -20,
  rootDelay: 0,
  rootDispersion: 0,
  referenceId: 0x7f000001,
  referenceTime: stamp(0),
  originTime: NONCE,
  receiveTime: stamp(110),
  transmitTime: stamp(111),
};

const judge = (reply: Partial<NtpHeader> = {}, local: Partial<ExchangeRecord> = {}): Verdict =>
  judgeReply(encodePacket({ ...honest, ...reply }), { ...record, ...local });

describe('the request', () => {
  test('tells nothing: version, mode, 64 random bits, and zeros, byte by byte', () => {
    const bytes = encodeRequest(NONCE);
    const expected = Array<number>(48).fill(0);
    // Leap 0, version 4, mode 3: 00 100 011.
    expected[0] = 0x23;
    expected.splice(40, 8, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef);
    expect(bytes.length).toBe(48);
    for (let i = 0; i < 48; i++) expect(bytes[i], `byte ${i}`).toBe(expected[i]);
  });
});

describe('what a reply proves', () => {
  test('follows from the formula, to the nanosecond', () => {
    const verdict = judge({ rootDelay: 655, rootDispersion: 131 });
    // 656 / 2 and 132 units of 10^9 / 65536 ns (each has one for truncation), and 2^-20 s:
    // 10009765.625 / 2 -> 5004883, 2014160.16 -> 2014161, 953.67 -> 954.
    const e = 5_004_883n + 2_014_161n + 954n;
    expect(verdict).toMatchObject({
      kind: 'sample',
      sample: {
        sourceId: 'ntp://127.0.0.1:123',
        sentAt: at(100),
        receivedAt: at(131),
        upperNs: THETA_NS + 10n * NS_PER_MS + e,
        // 111 ms is not a multiple of 2^-32 s. `stamp` rounded it down, and the client must do so
        // too.
        lowerNs: THETA_NS - 20n * NS_PER_MS - 1n - GRID_NS - e,
        pathDelayNs: 30n * NS_PER_MS + 1n,
        serverErrorNs: e,
        leap: 'none',
      },
    });
  });

  test.each([
    [0, 'none'],
    [1, 'insert'],
    [2, 'delete'],
  ] as const)('leap indicator %i is %s', (leap, warning) => {
    expect(judge({ leap })).toMatchObject({ sample: { leap: warning } });
  });

  test('holds true time across the era roll over', () => {
    const theta = 2_085_978_496n * NS_PER_SECOND - 115n * NS_PER_MS;
    const over = (ms: number): bigint => timestampFromUnixNs(unixNs(theta + at(ms)), 'down');
    // T2 is in era 0, T3 in era 1.
    const verdict = judge(
      { receiveTime: over(110), transmitTime: over(120) },
      { pivot: unixNs(theta) },
    );
    expect(over(120)).toBeLessThan(over(110));
    if (verdict.kind !== 'sample') expect.fail(verdict.kind);
    expect(verdict.sample.upperNs).toBeGreaterThanOrEqual(theta);
    expect(verdict.sample.upperNs - theta).toBeLessThan(11n * NS_PER_MS);
    expect(verdict.sample.lowerNs).toBeLessThanOrEqual(theta);
  });

  test('contains the truth for every path, hold, server error and phase of the clocks', () => {
    const ns = (max: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max });
    fc.assert(
      fc.property(
        fc.record({
          theta: fc.bigInt({ min: 0n, max: 4_000_000_000n * NS_PER_SECOND }),
          sent: ns(10n ** 15n),
          // Any of these may be all of the delay: paths need not be symmetric, and zero is allowed.
          out: fc.oneof(ns(3n), ns(400n * NS_PER_MS)),
          hold: fc.oneof(ns(3n), ns(100n * NS_PER_MS)),
          back: fc.oneof(ns(3n), ns(400n * NS_PER_MS)),
          grid: fc.constantFrom(1n, 280n, NS_PER_MS),
          rootDelayNs: fc.oneof(fc.constant(0n), ns(NS_PER_SECOND)),
          rootDispersionNs: fc.oneof(fc.constant(0n), ns(NS_PER_SECOND)),
          /** The server's actual error, in thousandths of its claim; both edges are allowed. */
          error: fc.integer({ min: -1000, max: 1000 }),
          precision: fc.integer({ min: -32, max: -5 }),
        }),
        (w) => {
          // A server truncates its claim to units of 2^-16 s.
          const truncated = (value: bigint): number => Number((value << 16n) / NS_PER_SECOND);
          const claimed = w.rootDelayNs / 2n + w.rootDispersionNs;
          const error = (claimed * BigInt(w.error)) / 1000n;
          const grain = (value: bigint): bigint => value - (value % w.grid);
          const arrived = w.theta + w.sent + w.out;
          const left = arrived + w.hold;
          const returned = w.sent + w.out + w.hold + w.back;
          const verdict = judgeReply(
            encodePacket({
              ...honest,
              precision: w.precision,
              rootDelay: truncated(w.rootDelayNs),
              rootDispersion: truncated(w.rootDispersionNs),
              receiveTime: timestampFromUnixNs(unixNs(arrived + error), 'down'),
              transmitTime: timestampFromUnixNs(unixNs(left + error), 'up'),
            }),
            {
              ...record,
              sentAt: monotonicNs(grain(w.sent)),
              receivedAt: monotonicNs(grain(returned)),
              monotonicGridNs: w.grid,
              pivot: unixNs(w.theta),
            },
          );
          if (claimed > (3n * NS_PER_SECOND) / 2n) return expect(verdict.kind).toBe('refused');
          if (verdict.kind !== 'sample') {
            // Only on a path without any delay can the rounding of stamps make the hold time too
            // long.
            expect(verdict).toMatchObject({ reason: 'hold-time' });
            return expect(w.out + w.back).toBeLessThanOrEqual(1n);
          }
          expect(verdict.sample.upperNs).toBeGreaterThanOrEqual(w.theta);
          expect(verdict.sample.lowerNs).toBeLessThanOrEqual(w.theta);
        },
      ),
      { seed: 9109, numRuns: 20_000 },
    );
  });

  test('its width is the path delay, twice the server error and the grid: nothing else is added', () => {
    const verdict = judge();
    if (verdict.kind !== 'sample') expect.fail(verdict.kind);
    const { upperNs, lowerNs, serverErrorNs, pathDelayNs } = verdict.sample;
    expect(upperNs - lowerNs).toBe(pathDelayNs + 2n * serverErrorNs + GRID_NS);
  });
});

describe('rules', () => {
  const kiss = (code: string): Partial<NtpHeader> => ({
    stratum: 0,
    leap: 3,
    referenceId: referenceIdOf(code),
  });
  test.each<[string, Partial<NtpHeader>, Partial<ExchangeRecord>, string]>([
    // The nonce decides whether it is our answer. A datagram without it is ignored, never refused.
    ['the origin is not our nonce', { originTime: NONCE + 1n }, {}, 'ignored origin'],
    ['the origin is zero', { originTime: 0n }, {}, 'ignored origin'],
    ['only the high half of the nonce is right', { originTime: NONCE ^ 1n }, {}, 'ignored origin'],
    [
      'only the low half of the nonce is right',
      { originTime: NONCE ^ (1n << 63n) },
      {},
      'ignored origin',
    ],
    [
      'a kiss of death without our nonce',
      { ...kiss('DENY'), originTime: 0n },
      {},
      'ignored origin',
    ],
    // Modes: 3 is our own request reflected, 5 broadcast, 6 and 7 management.
    ['mode 1', { mode: 1 }, {}, 'ignored mode'],
    ['mode 3', { mode: 3 }, {}, 'ignored mode'],
    ['mode 5', { mode: 5 }, {}, 'ignored mode'],
    ['mode 6', { mode: 6 }, {}, 'ignored mode'],
    ['version 2', { version: 2 }, {}, 'refused version'],
    ['version 3 is fine', { version: 3 }, {}, 'sample'],
    ['version 5', { version: 5 }, {}, 'refused version'],
    // Kiss codes.
    ['RATE', kiss('RATE'), {}, 'kiss RATE'],
    ['DENY', kiss('DENY'), {}, 'kiss DENY'],
    ['RSTR', kiss('RSTR'), {}, 'kiss RSTR'],
    [
      'RATE, as ntpsec sends it',
      { ...kiss('RATE'), receiveTime: NONCE, transmitTime: NONCE },
      {},
      'kiss RATE',
    ],
    ['RATE without leap 3', { ...kiss('RATE'), leap: 0 }, {}, 'kiss RATE'],
    // A kiss code counts only at stratum 0; at any other stratum it is a name or an address.
    [
      'a reference clock called RATE',
      { stratum: 1, referenceId: referenceIdOf('RATE') },
      {},
      'sample',
    ],
    ['another kiss, such as INIT', kiss('INIT'), {}, 'refused unsynchronized'],
    ['a kiss we do not know', { ...kiss('XYZZ'), leap: 0 }, {}, 'refused stratum'],
    [
      'what chronyd says when it has no source',
      { stratum: 0, leap: 3, referenceId: 0 },
      {},
      'refused unsynchronized',
    ],
    // Leap 3 and strata.
    ['leap 3', { leap: 3 }, {}, 'refused unsynchronized'],
    ['stratum 0', { stratum: 0 }, {}, 'refused stratum'],
    ['stratum 1', { stratum: 1 }, {}, 'sample'],
    ['stratum 15', { stratum: 15 }, {}, 'sample'],
    ['stratum 16', { stratum: 16 }, {}, 'refused stratum'],
    ['stratum 255', { stratum: 255 }, {}, 'refused stratum'],
    // As ntpsec sends in orphan mode.
    ['stratum 1 with reference time 0', { stratum: 1, referenceTime: 0n }, {}, 'sample'],
    ['transmit time 0', { transmitTime: 0n }, {}, 'refused transmit-zero'],
    ['receive time 0: seconds of the other era', { receiveTime: 0n }, {}, 'refused server-order'],
    // Precision is signed: -128 is 2^-128 s, 1 is 2 s.
    ['precision -128', { precision: -128 }, {}, 'sample'],
    ['precision 0', { precision: 0 }, {}, 'sample'],
    ['precision 1', { precision: 1 }, {}, 'refused precision'],
    ['precision 127', { precision: 127 }, {}, 'refused precision'],
    // Exactly 1.5 s of root distance, as sent, is allowed. Half of the root delay counts.
    ['root dispersion 1.5 s', { rootDispersion: 98_304 }, {}, 'sample'],
    ['root dispersion over 1.5 s', { rootDispersion: 98_305 }, {}, 'refused root-distance'],
    ['root delay 3 s', { rootDelay: 196_608 }, {}, 'sample'],
    ['root delay over 3 s', { rootDelay: 196_609 }, {}, 'refused root-distance'],
    ['1 s + 1 s / 2', { rootDelay: 65_536, rootDispersion: 65_536 }, {}, 'sample'],
    [
      '1 s + 1 s / 2 and a quantum',
      { rootDelay: 65_537, rootDispersion: 65_536 },
      {},
      'refused root-distance',
    ],
    [
      'a root delay that RFC 1305 would read as -1',
      { rootDelay: 0xffff_ffff },
      {},
      'refused root-distance',
    ],
    [
      'the most that both can be',
      { rootDelay: 0xffff_ffff, rootDispersion: 0xffff_ffff },
      {},
      'refused root-distance',
    ],
    // T3 may precede T2 by the server's precision, but not by more.
    ['T3 half a microsecond before T2', { receiveTime: stamp(111.0005) }, {}, 'sample'],
    ['T3 two microseconds before T2', { receiveTime: stamp(111.002) }, {}, 'refused server-order'],
    [
      'T3 a millisecond before T2, at that precision',
      { receiveTime: stamp(111.9), precision: -10 },
      {},
      'sample',
    ],
    // 2^-9 s are 1,953,125 ns. Rounding may add 2 ns: 6 units of 2^-32 s are 1.4 ns, 9 are 2.1.
    [
      'T3 just as much before T2 as the precision and the rounding allow',
      { receiveTime: stamp(1000) + 2n ** 23n + 6n, transmitTime: stamp(1000), precision: -9 },
      {},
      'sample',
    ],
    [
      'T3 a nanosecond more before T2',
      { receiveTime: stamp(1000) + 2n ** 23n + 9n, transmitTime: stamp(1000), precision: -9 },
      {},
      'refused server-order',
    ],
    [
      'held for just as long as the round trip and the grid of our clock',
      { receiveTime: stamp(1000), transmitTime: stamp(1000) + 2n ** 23n },
      { receivedAt: monotonicNs(at(100) + 1_953_125n - GRID_NS) },
      'sample',
    ],
    [
      'held for a nanosecond longer',
      { receiveTime: stamp(1000), transmitTime: stamp(1000) + 2n ** 23n },
      { receivedAt: monotonicNs(at(100) + 1_953_124n - GRID_NS) },
      'refused hold-time',
    ],
    // The round trip took 31 ms; the grid of our clock is added to it.
    ['held for 30.9 ms', { transmitTime: stamp(140.9) }, {}, 'sample'],
    ['held for 31 ms', { transmitTime: stamp(141, 'up') }, {}, 'sample'],
    ['held for 31.001 ms', { transmitTime: stamp(141.001) }, {}, 'refused hold-time'],
    ['held for an hour', { transmitTime: stamp(3_600_000) }, {}, 'refused hold-time'],
    ['our clock went back', {}, { receivedAt: at(99.9) }, 'refused local-order'],
    ['it came in the last nanosecond', {}, { timeoutNs: 31n * NS_PER_MS }, 'sample'],
    ['it came after the timeout', {}, { timeoutNs: 31n * NS_PER_MS - 1n }, 'refused late'],
  ])('%s', (_, reply, local, expected) => {
    const verdict = judge(reply, local);
    const detail =
      verdict.kind === 'kiss' ? verdict.code : verdict.kind === 'sample' ? '' : verdict.reason;
    expect(`${verdict.kind} ${detail}`.trim()).toBe(expected);
  });

  test('a datagram that is not a packet is ignored', () => {
    expect(judgeReply(new Uint8Array(47), record)).toEqual({
      kind: 'ignored',
      reason: 'malformed',
    });
    expect(judgeReply(new Uint8Array(0), record)).toEqual({ kind: 'ignored', reason: 'malformed' });
  });

  test('extension fields and a code, which cannot be checked, change nothing', () => {
    const plain = encodePacket(honest);
    const longer = new Uint8Array(48 + 32 + 20);
    longer.set(plain);
    longer.set([0x01, 0x04, 0, 32], 48);
    const verdict = judgeReply(longer, record);
    const expected = judge();
    if (verdict.kind !== 'sample' || expected.kind !== 'sample') expect.fail(verdict.kind);
    expect(verdict.sample).toEqual(expected.sample);
    expect(verdict.packet.mac?.length).toBe(20);
  });
});
