import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BoundedReader } from '../../../src/bounded-clock/bounded-reader.ts';
import type { TimeInterval } from '../../../src/interval/time-interval.ts';
import {
  BoundedAnswers,
  claimFrom,
  refuseRequest,
} from '../../../src/sources/ntp/bounded-answers.ts';
import { encodeRequest, judgeReply, type Verdict } from '../../../src/sources/ntp/exchange.ts';
import { decodePacket, type NtpPacket, referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { nsFromShortUp } from '../../../src/sources/ntp/timestamp.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { asMonotonicNs, asUnixNs } from '../../../src/time/instant.ts';

const NONCE = 0xfedc_ba98_7654_3210n;
const ID = 0xf123_4567;
const NOW = 1_795_000_000_123_456_789n;
const MS = 1_000_000n;
const UNIT_NS = 15_259n;

const interval = (earliest: bigint, latest: bigint): TimeInterval => ({
  earliest: asUnixNs(earliest),
  latest: asUnixNs(latest),
});

/** A reader whose intervals are the test's: `first` when a request came, then `second`. */
function readerOf(first: TimeInterval | undefined, second: TimeInterval | undefined) {
  return {
    read: () => ({ interval: first }),
    tryNow: () => second,
    leap: 'none',
    localClock: { monotonicNs: () => asMonotonicNs(0n) },
  } as unknown as BoundedReader;
}

const answersOf = (reader: BoundedReader, stratum = 3) =>
  new BoundedAnswers(reader, stratum, () => 0x0123_4567);

function ask(answers: BoundedAnswers, request = encodeRequest(NONCE)): Uint8Array {
  const reply = answers.answer(request, answers.receive());
  if (reply === undefined) throw new Error('no answer');
  return reply;
}

const asked = (answers: BoundedAnswers): NtpPacket => decodePacket(ask(answers));

function judge(reply: Uint8Array, over: Partial<Parameters<typeof judgeReply>[1]> = {}): Verdict {
  return judgeReply(reply, {
    sourceId: 'x',
    nonce: NONCE,
    sentAt: asMonotonicNs(0n),
    receivedAt: asMonotonicNs(10n ** 9n),
    monotonicGridNs: 0n,
    timeoutNs: 10n ** 12n,
    pivot: asUnixNs(NOW),
    maxRootDistanceMs: 60_000,
    ...over,
  });
}

describe('a claim', () => {
  test('is the middle, and half the width', () => {
    const now = interval(NOW - 3n * MS, NOW + 3n * MS);
    expect(claimFrom(now, now)).toEqual({
      received: NOW,
      transmitted: NOW,
      errorNs: 3n * MS + 1n,
    });
  });

  test('of which the middle went back in between reaches both old and new ends', () => {
    const before = interval(NOW - 9n * MS, NOW + 9n * MS);
    const after = interval(NOW - 9n * MS, NOW - 7n * MS);
    expect(claimFrom(before, after)).toEqual({
      received: NOW,
      transmitted: NOW,
      errorNs: 9n * MS + 1n,
    });
    const elsewhere = interval(NOW - 40n * MS, NOW - 30n * MS);
    expect(claimFrom(before, elsewhere).errorNs).toBe(40n * MS + 1n);
  });

  const width = fc.bigInt({ min: 0n, max: 2_000_000_000n });
  const intervals = fc
    .tuple(fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }), width)
    .map(([at, wide]) => interval(NOW + at, NOW + at + wide));

  test('has all four ends within its error, and never a reply before its request', () => {
    fc.assert(
      fc.property(intervals, intervals, (first, second) => {
        const { received, transmitted, errorNs } = claimFrom(first, second);
        expect(transmitted).toBeGreaterThanOrEqual(received);
        for (const end of [first.earliest, first.latest]) {
          expect(end > received ? end - received : received - end).toBeLessThan(errorNs);
        }
        for (const end of [second.earliest, second.latest]) {
          expect(end > transmitted ? end - transmitted : transmitted - end).toBeLessThan(errorNs);
        }
      }),
      { seed: 21, numRuns: 3000 },
    );
  });
});

describe('our own client', () => {
  // What the network and the host took, and where in its interval the truth was.
  const passed = fc.bigInt({ min: 0n, max: 50_000_000n });
  const share = fc.integer({ min: 0, max: 1000 });
  const half = fc.bigInt({ min: 0n, max: 3_000_000_000n });
  const exchange = fc.record({
    theta: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    outNs: passed,
    holdNs: passed,
    backNs: passed,
    widths: fc.tuple(half, half),
    shares: fc.tuple(share, share),
    nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  });
  const around = (truth: bigint, width: bigint, where: number): TimeInterval => {
    const below = (width * BigInt(where)) / 1000n;
    return interval(truth - below, truth - below + width);
  };

  test('gets an interval that holds true time whenever ours did, and hardly a wider one', () => {
    let judged = 0;
    fc.assert(
      fc.property(exchange, ({ theta, outNs, holdNs, backNs, widths, shares, nonce }) => {
        const sentAt = 10n ** 12n;
        const atReceipt = sentAt + theta + outNs;
        const atSending = atReceipt + holdNs;
        const receivedAt = sentAt + outNs + holdNs + backNs;
        const [first, second] = [
          around(atReceipt, widths[0], shares[0]),
          around(atSending, widths[1], shares[1]),
        ];
        const reply = ask(answersOf(readerOf(first, second)), encodeRequest(nonce));
        const verdict = judge(reply, {
          nonce,
          sentAt: asMonotonicNs(sentAt),
          receivedAt: asMonotonicNs(receivedAt),
          pivot: asUnixNs(atReceipt),
        });
        // A middle that leaps ahead looks like a long hold, which the client refuses: no harm.
        if (verdict.kind === 'refused') {
          expect(verdict.reason).toBe('hold-time');
          return;
        }
        if (verdict.kind !== 'sample') expect.fail(verdict.kind);
        judged++;
        const { upperNs, lowerNs } = verdict.sample;
        expect(upperNs).toBeGreaterThanOrEqual(theta);
        expect(lowerNs).toBeLessThanOrEqual(theta);
        // Also for a client whose clock stood anywhere else: the ends are covered, not a guess.
        expect(upperNs + sentAt).toBeGreaterThanOrEqual(first.latest);
        expect(lowerNs + receivedAt).toBeLessThanOrEqual(second.earliest);
        const { errorNs } = claimFrom(first, second);
        const trip = receivedAt - sentAt;
        // Our rounding is one unit; the client adds one for the dispersion and half a one for the
        // delay, because servers may truncate.
        expect(upperNs - lowerNs).toBeLessThan(2n * (errorNs + 200n) + 5n * UNIT_NS + trip);
      }),
      { seed: 22, numRuns: 5000 },
    );
    expect(judged).toBeGreaterThan(1000);
  });

  test('refuses a server without a bound', () => {
    for (const reader of [
      readerOf(undefined, undefined),
      readerOf(interval(NOW, NOW), undefined),
      readerOf(undefined, interval(NOW, NOW)),
    ]) {
      expect(judge(ask(answersOf(reader)))).toMatchObject({
        kind: 'refused',
        reason: 'unsynchronized',
      });
    }
  });
});

describe('an answer', () => {
  test('in bytes', async () => {
    const clock = new TestClock({ uncertaintyMs: 5, startAt: NOW });
    const packet = asked(answersOf(clock));
    expect(packet).toMatchObject({
      leap: 0,
      version: 4,
      mode: 4,
      stratum: 3,
      precision: -23,
      rootDelay: 0,
      rootDispersion: Math.ceil(0.005 * 65_536),
      referenceId: ID,
      originTime: NONCE,
    });
    expect(packet.receiveTime - packet.transmitTime).toBeLessThanOrEqual(1n);
    const text = Buffer.from(ask(answersOf(clock, 15))).toString('hex');
    expect(text).toBe(
      `240f00e9${'00000000'}${'00000148'}f1234567` +
        packet.referenceTime.toString(16).padStart(16, '0') +
        NONCE.toString(16) +
        packet.receiveTime.toString(16).padStart(16, '0') +
        packet.transmitTime.toString(16).padStart(16, '0'),
    );
  });

  test('never claims less than it knows: half the width, rounded up', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 31_999_999_000n }), (width) => {
        const now = interval(NOW, NOW + width);
        const { rootDispersion } = asked(answersOf(readerOf(now, now)));
        const claimed = (BigInt(rootDispersion) * 1_000_000_000n) / 65_536n;
        expect(2n * claimed + 2n).toBeGreaterThan(width);
        expect(2n * claimed - 2n * UNIT_NS).toBeLessThanOrEqual(width + 4n);
        expect(nsFromShortUp(rootDispersion)).toBeGreaterThan(claimed);
      }),
      { seed: 23, numRuns: 2000 },
    );
  });

  test('says that it has no time: leap 3, stratum 0, INIT, and nobody else’s stamps', async () => {
    const clock = new TestClock({ uncertaintyMs: 5, synchronized: false });
    const answers = answersOf(clock);
    const none = {
      leap: 3,
      stratum: 0,
      referenceId: referenceIdOf('INIT'),
      rootDispersion: 16 * 65_536,
      receiveTime: NONCE,
      transmitTime: NONCE,
      referenceTime: 0n,
    };
    expect(asked(answers)).toMatchObject(none);
    clock.restoreBound();
    expect(asked(answers)).toMatchObject({ leap: 0, stratum: 3 });
    clock.loseBound();
    expect(asked(answers)).toMatchObject(none);
  });

  test('has no time either when the error exceeds 16 s', () => {
    const clock = new TestClock({ uncertaintyMs: 15_999 });
    expect(asked(answersOf(clock))).toMatchObject({ leap: 0, stratum: 3 });
    const wide = new TestClock({ uncertaintyMs: 16_001 });
    expect(asked(answersOf(wide))).toMatchObject({ leap: 3, stratum: 0 });
  });

  test('announces the leap second that the clock knows of', () => {
    const now = interval(NOW, NOW + MS);
    const leapOf = (leap: string) =>
      asked(answersOf({ ...readerOf(now, now), leap } as unknown as BoundedReader)).leap;
    expect([leapOf('none'), leapOf('insert'), leapOf('delete')]).toEqual([0, 1, 2]);
  });

  test('sees a suspend of a moment ago', () => {
    const clock = new TestClock({ uncertaintyMs: 5 });
    const answers = answersOf(clock);
    expect(asked(answers).leap).toBe(0);
    // The reader has to notice by itself: no bound was withdrawn.
    const slept = { ...readerOf(undefined, interval(NOW, NOW)) } as unknown as BoundedReader;
    expect(asked(answersOf(slept)).leap).toBe(3);
  });

  test('of a clock that throws is that there is no time', () => {
    const broken = {
      ...readerOf(interval(NOW, NOW), interval(NOW, NOW)),
      read: () => {
        throw new Error('fake timers');
      },
    } as unknown as BoundedReader;
    expect(asked(answersOf(broken)).leap).toBe(3);
    const later = {
      ...readerOf(interval(NOW, NOW), undefined),
      tryNow: () => {
        throw new Error('broken');
      },
    } as unknown as BoundedReader;
    expect(asked(answersOf(later)).leap).toBe(3);
  });

  test('to whatever comes is never longer, never a surprise, and only for a client', () => {
    const answers = answersOf(new TestClock());
    const silent = answersOf(new TestClock({ synchronized: false }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, client) => {
        if (client && bytes.length > 0) bytes[0] = 0x23;
        for (const reply of [
          answers.answer(bytes, answers.receive()),
          silent.answer(bytes, silent.receive()),
          refuseRequest(bytes, 'RATE'),
        ]) {
          expect(reply?.length ?? 0).toBeLessThanOrEqual(bytes.length);
          if (reply !== undefined) expect((bytes[0] ?? 0) & 7).toBe(3);
        }
      }),
      { seed: 24, numRuns: 3000 },
    );
    // Its own answers are not requests: two servers do not talk to each other.
    const reply = ask(answers);
    expect(answers.answer(reply, answers.receive())).toBeUndefined();
    expect(refuseRequest(reply, 'RATE')).toBeUndefined();
  });
});
