import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answersCommand,
  chronyFloat,
  commandRequest,
} from '../../../src/sources/chrony/command.ts';
import { readTracking, TRACKING, type Tracking } from '../../../src/sources/chrony/tracking.ts';
import { floatBits, type Report, reportBytes } from '../../kit/scripted-chronyd.ts';

const S = 1_000_000_000n;
const WALL = 1_795_227_787n * S;
const request = commandRequest(TRACKING, 0xdead_beef);
const good: Report = {
  referenceNs: WALL,
  correction: 0.25,
  rootDelay: 0.002,
  rootDispersion: 0.0005,
  leap: 1,
  interval: 16,
};
const read = (report: Report, wallNs = WALL) =>
  readTracking(reportBytes(request, report), wallNs) as Tracking;

test('a request is 104 bytes, as long as the reply', () => {
  expect(request.byteLength).toBe(104);
  expect([...request.subarray(0, 12)]).toEqual([6, 1, 0, 0, 0, 33, 0, 0, 0xde, 0xad, 0xbe, 0xef]);
  expect(request.subarray(12).every((byte) => byte === 0)).toBe(true);
});

test('a report: the correction, and the claim rounded up', () => {
  const { errorNs, ...facts } = read(good);
  expect(facts).toEqual({
    correctionNs: 250_000_000n,
    leap: 'insert',
    referenceNs: WALL,
    stratum: 2,
    referenceId: 0x0a00_0007,
  });
  // 2 ms / 2 + 0.5 ms, and the age by the corrected clock: 0.25 s at 15 ppm.
  expect(errorNs).toBeGreaterThanOrEqual(1_500_000n + 3750n);
  expect(errorNs).toBeLessThan(1_500_000n + 3750n + 50n);
});

test('the claim grows with the age of the update, by 15 ppm', () => {
  const grown = read(good, WALL + 60n * S).errorNs - read(good).errorNs;
  expect(grown).toBe(900_000n);
});

describe('no bound', () => {
  test.each<[string, Report, string]>([
    ['it does not answer us', { status: 6 }, 'not-allowed'],
    ['another reply', { reply: 6 }, 'malformed'],
    ['leap indicator 3', { leap: 3 }, 'unsynchronized'],
    ['an impossible leap indicator', { leap: 4 }, 'malformed'],
    ['no update yet', { referenceNs: undefined }, 'unsynchronized'],
    ['local mode', { referenceId: 0x7f7f_0101 }, 'local'],
    ['local mode, all zeros', { family: 0, referenceId: 0 }, 'local'],
    ['stratum 0', { stratum: 0 }, 'stratum'],
    ['stratum 16', { stratum: 16 }, 'stratum'],
    [
      'the placeholders of an unsynchronised server',
      { rootDelay: 1, rootDispersion: 1.01 },
      'root-distance',
    ],
    ['a dispersion that is absurd', { rootDispersion: 1e9 }, 'root-distance'],
    ['a negative delay', { rootDelay: -1e-3 }, 'malformed'],
    ['a negative dispersion', { rootDispersion: -1e-9 }, 'malformed'],
    ['a negative interval', { interval: -1 }, 'malformed'],
    ['a correction of ages', { correction: 2e9 }, 'malformed'],
    ['an update in the future', { referenceNs: WALL + 3n * S }, 'malformed'],
  ])('%s', (_, wrong, reason) => {
    expect(read(good)).toBeTypeOf('object');
    expect(read({ ...good, ...wrong })).toBe(reason);
  });

  test('an update longer ago than eight intervals, and than 64 s', () => {
    const aged = (interval: number, ageS: bigint) =>
      read({ ...good, correction: 0, interval }, WALL + ageS * S);
    expect(aged(16, 128n)).toBeTypeOf('object');
    expect(aged(16, 129n)).toBe('stale');
    expect(aged(0.125, 64n)).toBeTypeOf('object');
    expect(aged(0.125, 65n)).toBe('stale');
  });

  test('a reply that is cut', () => {
    expect(readTracking(reportBytes(request, good).subarray(0, 103), WALL)).toBe('malformed');
  });
});

test('only the reply to this request is an answer', () => {
  const bytes = reportBytes(request, good);
  expect(answersCommand(bytes, TRACKING, 0xdead_beef)).toBe(true);
  for (const [at, name] of [
    [0, 'version'],
    [1, 'type'],
    [5, 'command'],
    [19, 'sequence'],
  ] as const) {
    const other = Uint8Array.from(bytes);
    other[at]! ^= 1;
    expect(answersCommand(other, TRACKING, 0xdead_beef), name).toBe(false);
  }
  for (let length = 0; length < 28; length++) {
    expect(answersCommand(bytes.subarray(0, length), TRACKING, 0xdead_beef)).toBe(false);
  }
});

test('numbers of the protocol', () => {
  expect(chronyFloat(0)).toBe(0);
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
      const back = chronyFloat(floatBits(value));
      expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -23 + 2 ** -64);
    }),
  );
});

test('any bytes: facts in range, or a reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 28, maxLength: 200 }), (bytes) => {
      const said = readTracking(bytes, WALL);
      if (typeof said === 'string') return;
      expect(said.errorNs).toBeGreaterThan(0n);
      expect(said.errorNs).toBeLessThan(2n ** 62n);
    }),
  );
});
