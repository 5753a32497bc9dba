/** `chrony()` against a chronyd of our own, whose every report the test chooses. */
import { systemClock } from 'epsilon-clock';
import { chrony } from 'epsilon-clock/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RecordingSink } from '../../kit/recording-sink.ts';
import {
  type Followed,
  followedBytes,
  reportBytes,
  ScriptedChronyd,
} from '../../kit/scripted-chronyd.ts';
import { WallTruth } from '../../kit/wall-truth.ts';

const MS = 1_000_000n;
const clock = systemClock();
const running: { stop(): void }[] = [];
let daemon: ScriptedChronyd;

beforeEach(async () => {
  daemon = await ScriptedChronyd.start();
  running.push(daemon);
});
afterEach(() => {
  for (const each of running.splice(0)) each.stop();
});

function asked(): RecordingSink {
  const sink = new RecordingSink(clock);
  running.push(chrony({ port: daemon.port, pollIntervalMs: 5 }).start(sink));
  return sink;
}

const REFERENCE = BigInt(Date.now()) * MS;

/** Reports this correction, s, at each request. */
function corrections(...each: number[]): void {
  daemon.answer = (request, nth) => [
    reportBytes(request, {
      referenceNs: REFERENCE,
      correction: each[Math.min(nth, each.length - 1)]!,
      interval: 3600,
    }),
  ];
}

describe('a sample', () => {
  test.each([0, 0.5, -0.25])('holds the corrected wall clock: %d s', async (correction) => {
    corrections(correction);
    const sink = asked();
    await sink.until(() => sink.samples.length >= 10);
    const { lowerNs, upperNs } = new WallTruth();
    const corrected = BigInt(correction * 1e9);
    for (const sample of sink.samples) {
      expect(sample.upperNs).toBeGreaterThanOrEqual(lowerNs + corrected);
      expect(sample.lowerNs).toBeLessThanOrEqual(upperNs + corrected);
    }
    expect(sink.ids).toEqual([`chrony://127.0.0.1:${daemon.port}`]);
  });

  test('while a correction is worked off, holds both ends of what it was', async () => {
    corrections(0.3, 0.1);
    const sink = asked();
    await sink.until(() => sink.samples.length > 0);
    const { lowerNs, upperNs } = new WallTruth();
    const [first] = sink.samples;
    expect(first!.upperNs).toBeGreaterThanOrEqual(lowerNs + 300n * MS);
    expect(first!.lowerNs).toBeLessThanOrEqual(upperNs + 100n * MS);
  });

  test('and when it grows, too', async () => {
    corrections(-0.1, 0.2);
    const sink = asked();
    await sink.until(() => sink.samples.length > 0);
    const { lowerNs, upperNs } = new WallTruth();
    const [first] = sink.samples;
    expect(first!.upperNs).toBeGreaterThanOrEqual(lowerNs + 200n * MS);
    expect(first!.lowerNs).toBeLessThanOrEqual(upperNs - 100n * MS);
  });

  test('is as wide as chronyd claims, and not narrower', async () => {
    daemon.answer = (request) => [
      reportBytes(request, { referenceNs: REFERENCE, rootDelay: 0.02, rootDispersion: 0.04 }),
    ];
    const sink = asked();
    await sink.until(() => sink.samples.length > 0);
    const [{ upperNs, lowerNs, serverErrorNs }] = sink.samples as [(typeof sink.samples)[0]];
    expect(serverErrorNs).toBeGreaterThanOrEqual(50n * MS);
    expect(upperNs - lowerNs).toBeGreaterThanOrEqual(100n * MS);
  });

  test('has the leap warning that both reports have', async () => {
    const leaps = [1, 1, 1, 0];
    daemon.answer = (request, nth) => [
      reportBytes(request, { referenceNs: REFERENCE, leap: leaps[Math.min(nth, 3)]! }),
    ];
    const sink = asked();
    await sink.until(() => sink.samples.length >= 3);
    expect(sink.samples.map(({ leap }) => leap).slice(0, 3)).toEqual(['insert', 'none', 'none']);
  });

  test('is of one update: while chronyd learns, it is asked again', async () => {
    daemon.answer = (request, nth) => [
      reportBytes(request, { referenceNs: REFERENCE + BigInt(Math.max(0, 3 - nth)) }),
    ];
    const sink = asked();
    await sink.until(() => sink.samples.length > 0);
    expect(daemon.asked).toBeGreaterThanOrEqual(5);
    expect(sink.misses).toEqual([]);
  });
});

describe('a miss', () => {
  const reasons = async (): Promise<Set<string>> => {
    const sink = asked();
    await sink.until(() => sink.misses.length > 0);
    expect(sink.samples).toEqual([]);
    return new Set(sink.misses.map(({ reason }) => reason));
  };

  test('has the reason of the report', async () => {
    daemon.answer = (request) => [reportBytes(request, { referenceNs: REFERENCE, leap: 3 })];
    expect(await reasons()).toEqual(new Set(['unsynchronized']));
  });

  test('also when only the second report is no bound', async () => {
    daemon.answer = (request, nth) => [
      reportBytes(request, { referenceNs: REFERENCE, ...(nth % 2 === 1 && { stratum: 16 }) }),
    ];
    expect(await reasons()).toEqual(new Set(['stratum']));
  });

  test('chronyd keeps learning', async () => {
    daemon.answer = (request, nth) => [
      reportBytes(request, { referenceNs: REFERENCE + BigInt(nth) }),
    ];
    expect(await reasons()).toEqual(new Set(['updated']));
    expect(daemon.asked).toBeGreaterThanOrEqual(6);
  });

  test('nobody is there', async () => {
    daemon.stop();
    running.pop();
    expect(await reasons()).toEqual(new Set(['unreachable']));
  });

  test('what answers another request is not heard', async () => {
    daemon.answer = (request) => {
      const other = Buffer.from(reportBytes(request, { referenceNs: REFERENCE, correction: 9 }));
      other[19]! ^= 1;
      return [Buffer.from('noise'), other, reportBytes(request, { referenceNs: REFERENCE })];
    };
    const sink = asked();
    await sink.until(() => sink.samples.length > 0);
    expect(sink.samples[0]!.upperNs).toBeLessThan(new WallTruth().upperNs + 1000n * MS);
  });
});

test.each<[string, object, string]>([
  ['a name', { host: 'localhost' }, 'host must be an IP address'],
  ['a number', { host: 127 }, 'host must be an IP address'],
  ['port 0', { port: 0 }, 'port must be from 1 to 65535'],
  ['half a port', { port: 1.5 }, 'port must be a whole number'],
  ['an unknown option', { sock: '/run/chrony.sock' }, 'no option sock'],
])('refuses %s', (_, options, message) => {
  expect(() => chrony(options)).toThrow(message);
});

test('an IPv6 address has brackets in the name', () => {
  expect(chrony({ host: '::1' }).name).toBe('chrony://[::1]:323');
});

describe('details', () => {
  beforeEach(() => corrections(0));

  const detailsOf = async (...list: Followed[]): Promise<readonly string[]> => {
    daemon.answerOther = (request) => [followedBytes(request, list)];
    const sink = asked();
    // On a busy machine an answer may come too late, and cut the list short: it is asked again.
    const whole = ({ length }: readonly string[]): boolean => length >= Math.min(list.length, 16);
    await sink.until(() => sink.details.some(whole));
    return sink.details.find(whole)!;
  };

  test('a line for each source that chronyd follows', async () => {
    expect(
      await detailsOf(
        { address: [10, 0, 0, 7], offset: -3.5e-6, offsetError: 1.25e-5, skewPpm: 0.0625 },
        { address: [0xfd, 0, 0, 7], family: 2, state: 2, stratum: 3, reach: 0o17 },
        { address: [...Buffer.from('PPS')], mode: 2, state: 5, stratum: 0 },
      ),
    ).toEqual([
      '10.0.0.7: selected, stratum 1, reach 377, 3.5 us ahead (give or take 12.5 us), skew 0.063 ppm',
      'fd00:7::: falseticker, stratum 3, reach 17, 0.0 us ahead (give or take 0.0 us), skew 0 ppm',
      'PPS: not combined, stratum 0, reach 377, 0.0 us ahead (give or take 0.0 us), skew 0 ppm',
    ]);
  });

  test('letters of a reference id that could steer a terminal are not repeated', async () => {
    const [line] = await detailsOf({ address: [0x1b, 0x5b, 0x48, 0x7f], mode: 2, state: 77 });
    expect(line).toMatch(/^\?\[H\?: in an unknown state, /);
  });

  test('of a very long list sixteen are asked', async () => {
    const list = Array.from({ length: 40 }, (_, i) => ({ address: [10, 0, 0, i] }));
    expect(await detailsOf(...list)).toHaveLength(16);
  });

  test('statistics of another source, because the list changed, are left out', async () => {
    daemon.answerOther = (request) => {
      const address = request.readUInt16BE(4) === 34 ? [10, 0, 0, 8] : [10, 0, 0, 7];
      return [followedBytes(request, [{ address }])];
    };
    const sink = asked();
    await sink.until(() => sink.details.length > 0);
    expect(sink.details[0]).toEqual(['10.0.0.7: selected, stratum 1, reach 377']);
  });

  test.each<[string, (request: Buffer) => Uint8Array[]]>([
    ['does not answer', () => []],
    [
      'refuses',
      (request) => {
        const bytes = followedBytes(request, [{ address: [10, 0, 0, 7] }]);
        bytes.writeUInt16BE(6, 8);
        return [bytes];
      },
    ],
    ['is cut', (request) => [followedBytes(request, [{ address: [1] }]).subarray(0, 31)]],
  ])('a chronyd that %s costs no sample', async (_, answer) => {
    daemon.answerOther = answer;
    const sink = asked();
    await sink.until(() => sink.details.length + sink.misses.length > 0);
    expect([sink.details[0], sink.misses]).toEqual([[], []]);
  });
});
