import { monotonicNs, unixNs } from 'epsilon-clock/time';
import { describe, expect, test } from 'vitest';
import { type Answer, answerJson, answerLines } from '../../src/cli/answer.ts';
import { plainPaint } from '../../src/cli/paint.ts';
import { judgeReply } from '../../src/sources/ntp/exchange.ts';
import { encodePacket, type NtpHeader, referenceIdOf } from '../../src/sources/ntp/packet.ts';

const NONCE = 0x0123_4567_89ab_cdefn;
/** 2026-11-21T00:23:07Z in seconds since 1900, with a fraction of one half. */
const HALF_PAST = ((1_795_220_587n + 2_208_988_800n) << 32n) | 0x8000_0000n;

function answerTo(given: Partial<NtpHeader> = {}): Answer {
  const bytes = encodePacket({
    leap: 0,
    version: 4,
    mode: 4,
    stratum: 1,
    poll: 6,
    precision: -20,
    rootDelay: 0x8000,
    rootDispersion: 0x42,
    referenceId: referenceIdOf('GPS'),
    referenceTime: 0n,
    originTime: NONCE,
    receiveTime: HALF_PAST,
    transmitTime: HALF_PAST,
    ...given,
  });
  const record = {
    sourceId: 'ntp://127.0.0.1:123',
    nonce: NONCE,
    sentAt: monotonicNs(5_000_000_000n),
    receivedAt: monotonicNs(5_000_400_000n),
    monotonicGridNs: 100n,
    timeoutNs: 1_000_000_000n,
    pivot: unixNs(1_795_220_587_000_000_000n),
  };
  const verdict = judgeReply(bytes, record);
  if (verdict.kind === 'ignored') throw new Error(verdict.reason);
  // The wall clock is 2 ms ahead of the server's time at t4.
  const theta = 1_795_220_587_500_000_000n - 5_000_400_000n;
  const wall = {
    lowerNs: theta + 2_000_000n,
    upperNs: theta + 2_000_000n,
    readAt: record.receivedAt,
  };
  return { record, verdict, bytes: bytes.byteLength, wall };
}

const linesOf = (answer: Answer): string[] => answerLines(answer, plainPaint);

describe('an accepted reply', () => {
  const lines = linesOf(answerTo());

  test('every field of the packet, as it came and as what it means', () => {
    expect(lines.slice(0, 16)).toEqual([
      'reply from 127.0.0.1, 48 bytes',
      '  leap indicator    0  none',
      '  version           4',
      '  mode              4  server',
      '  stratum           1  reference clock',
      '  poll              6  2^6 s = 64.00 s',
      '  precision         -20  2^-20 s = 954 ns',
      '  root delay        0x00008000  500.0 ms',
      '  root dispersion   0x00000042  1.007 ms',
      '  reference id      0x47505300  GPS',
      '  reference time    none (0)',
      '  origin            0x0123456789abcdef  our nonce',
      '  receive, T2       2026-11-21T00:23:07.500000000Z',
      '  transmit, T3      2026-11-21T00:23:07.500000000Z',
      '  extensions        none',
      '  authentication    none',
    ]);
  });

  test('the exchange', () => {
    expect(lines.slice(17, 21)).toEqual([
      'exchange',
      '  sent, t1          5000000000  monotonic ns',
      '  received, t4      5000400000  monotonic ns, to 100 ns',
      '  round trip        400.0 µs',
    ]);
  });

  test('facts, interval, and the error of our wall clock', () => {
    // The server error: (0x8000 + 1) / 2 and 0x42 + 1 units of 2^-16 s, and 954 ns, each rounded
    // up.
    const errorNs = 250_007_630n + 1_022_339n + 954n;
    const theta = 1_795_220_587_500_000_000n;
    expect(lines.slice(22, 25)).toEqual([
      'sample',
      `  true - monotonic  >= ${theta - 5_000_400_000n - 100n - errorNs} ns at t4`,
      `                    <= ${theta - 5_000_000_000n + errorNs} ns at t1`,
    ]);
    expect(lines).toContain('  path delay        400.0 µs');
    expect(lines).toContain('  server error      251.1 ms');
    expect(lines).toContain('  leap warning      none');
    // The middle of the sample is half the round trip late: 2 ms less 200 us.
    expect(lines.at(-1)).toBe('  our wall clock    +1.800 ms ± 251.3 ms ahead of the server');
  });

  test('as JSON', () => {
    expect(JSON.parse(answerJson(answerTo()))).toMatchObject({
      verdict: 'sample',
      server: 'ntp://127.0.0.1:123',
      packet: { stratum: 1, precision: -20, originTime: String(NONCE), extensions: [] },
      exchange: { sentAt: '5000000000', receivedAt: '5000400000', roundTripNs: '400000' },
      sample: { leap: 'none', pathDelayNs: '400000' },
    });
  });
});

describe('a reply that proves nothing', () => {
  test('a kiss of death', () => {
    const answer = answerTo({ stratum: 0, referenceId: referenceIdOf('DENY') });
    expect(linesOf(answer).slice(-2)).toEqual([
      'no sample',
      "  because           kiss-o'-death DENY",
    ]);
    expect(JSON.parse(answerJson(answer))).toMatchObject({ verdict: 'kiss', code: 'DENY' });
  });

  test('an unsynchronised server', () => {
    const lines = linesOf(answerTo({ leap: 3 }));
    expect(lines).toContain('  leap indicator    3  not synchronised');
    expect(lines.slice(-2)).toEqual(['no sample', '  because           unsynchronized']);
  });
});

test.each([
  [referenceIdOf('GPS'), 1, '0x47505300  GPS'],
  [0x7f00_0001, 2, '0x7f000001  127.0.0.1 or a hash'],
  // Text from the network: escape codes must not reach the terminal.
  [0x1b5b_324a, 1, '0x1b5b324a'],
])('reference id %d of stratum %d', (referenceId, stratum, text) => {
  expect(linesOf(answerTo({ referenceId, stratum }))).toContain(`  reference id      ${text}`);
});
