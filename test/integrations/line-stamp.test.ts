/** What holds for the stamps of all loggers. */
import { BoundedClock, HybridClock, parseTimestamp, systemClock } from 'epsilon-clock';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StampOptions } from '../../src/integrations/line-stamp.ts';
import { INT64_MAX } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';
import { FORMS, type Line, LOGGERS, MS, T, world } from './loggers.ts';

/** The names of the fields that a stamp can have, as far as a line has them. */
const FIELDS = ['hlc', 'node', 'earliest', 'latest', 'eps', 'lead', 'unstamped'];
const stampOf = (line: Line): object =>
  Object.fromEntries(FIELDS.filter((name) => name in line).map((name) => [name, line[name]]));

describe.each(LOGGERS)('%s', (_, open) => {
  test('writes the fields of each form', () => {
    const { clock, dial, hlc } = world();
    const { earliest, latest } = clock.now();
    const full = open({ hlc, clock });
    dial.ns = T + 7n;
    expect(stampOf(full())).toEqual({
      hlc: String(T + 7n),
      node: 'orders-3',
      earliest: String(earliest),
      latest: String(latest),
    });
    const compact = open({ hlc, clock, fields: 'compact' });
    dial.ns = T + 700n;
    const eps = Number((T + 700n - earliest + 999n) / 1000n);
    expect(stampOf(compact())).toEqual({ hlc: String(T + 700n), node: 'orders-3', eps });
    const alone = open({ hlc, fields: 'hlc' });
    dial.ns = T + 9000n;
    expect(stampOf(alone())).toEqual({ hlc: String(T + 9000n) });
  });

  test('gives back the exact int64, whatever its digits', () => {
    const { local, clock, sync, dial, hlc } = world();
    const log = open({ hlc, clock });
    const steps = fc.oneof(
      fc.bigInt(0n, 3000n), // within the millisecond, or just beyond it
      fc.bigInt(0n, 3n * MS),
      fc.bigInt(0n, 3000n * MS),
      fc.constantFrom(1000n, MS - 1n, MS, MS + 1n, 1000n * MS),
    );
    fc.assert(
      fc.property(steps, (step) => {
        local.advance(step);
        sync();
        dial.ns += step;
        const line = log();
        const { earliest, latest } = clock.now();
        expect(parseTimestamp(line.hlc!)).toBe(hlc.peek());
        expect(parseTimestamp(line.earliest!)).toBe(earliest);
        expect(parseTimestamp(line.latest!)).toBe(latest);
      }),
      { seed: 15, numRuns: 1000 },
    );
  });

  test.each(FORMS)('%s: hlc strictly increases, also when physical time goes back', (fields) => {
    const { clock, dial, hlc } = world();
    const log = open({ hlc, clock, fields });
    let last = 0n;
    for (const move of [0n, 0n, 5n, MS, -3_600_000n * MS, 0n, 7n, 7_200_000n * MS]) {
      dial.ns += move;
      const next = parseTimestamp(log().hlc!);
      expect(next).toBeGreaterThan(last);
      last = next;
    }
  });

  test('a line after a receipt is above the message, which it can name', () => {
    const { clock, dial, hlc } = world();
    const log = open({ hlc, clock });
    const sent = T + 300n * MS;
    hlc.receive(sent);
    dial.ns += 5n;
    const line = log({ from: `${sent}@billing-1` });
    expect(parseTimestamp(line.hlc!)).toBe(sent + 2n);
    expect(line.from).toBe(`${sent}@billing-1`);
  });

  test('while there is no bound the interval is absent, and not an older one', () => {
    const { local, clock, sync, dial, hlc } = world();
    for (const fields of ['full', 'compact'] as const) {
      const log = open({ hlc, clock, fields });
      expect(Object.keys(stampOf(log()))).toHaveLength(fields === 'full' ? 4 : 3);
      local.advance(3_600_001n * MS); // no sample for longer than `expireAfterMs`
      dial.ns += 3_600_001n * MS;
      expect(Object.keys(stampOf(log()))).toEqual(['hlc', 'node']);
      sync();
      expect(Object.keys(stampOf(log()))).toHaveLength(fields === 'full' ? 4 : 3);
    }
    const log = open({ hlc, clock });
    clock.stop();
    expect(Object.keys(stampOf(log()))).toEqual(['hlc', 'node']);
  });

  test('stamps go on when the bound of a hybrid clock on a bounded clock is lost', () => {
    const { clock } = world();
    const hlc = new HybridClock({ clock, nodeId: 'a' });
    const log = open({ hlc, clock });
    const before = log().hlc!;
    clock.stop();
    const after = log();
    expect(after.hlc! > before).toBe(true);
    expect(stampOf(after)).toEqual({ hlc: after.hlc, node: 'a' });
  });

  describe('eps and lead', () => {
    const ns = fc.oneof(fc.bigInt(0n, 3000n), fc.bigInt(0n, 5n * MS), fc.bigInt(0n, 10_000n * MS));

    test('contain the interval, and no smaller eps would', () => {
      fc.assert(
        fc.property(ns, ns, fc.boolean(), (uncertaintyNs, distance, ahead) => {
          const { clock, dial, hlc } = world(uncertaintyNs);
          const log = open({ hlc, clock, fields: 'compact' });
          dial.ns = ahead ? T + 1n + distance : T - distance;
          const { earliest, latest } = clock.now();
          const { eps, lead = '0' } = log();
          const at = hlc.peek();
          const centre = at - BigInt(lead);
          const contains = (us: bigint): boolean =>
            centre - 1000n * us <= earliest && latest <= centre + 1000n * us;
          expect(contains(BigInt(eps!))).toBe(true);
          expect(contains(BigInt(eps!) - 1n)).toBe(false);
          if (earliest <= at && at <= latest) expect(lead).toBe('0');
          else expect(centre).toBe((earliest + latest) >> 1n);
        }),
        { seed: 15, numRuns: 300 },
      );
    });

    describe.each([MS, 5000n * MS])('of a clock that is right to %d ns', (uncertainty) => {
      test.each<[string, (half: bigint) => bigint, boolean]>([
        ['in the middle', () => 0n, false],
        ['at latest', (half) => half, false],
        ['just above latest', (half) => half + 1n, true],
        ['pushed by a peer', (half) => half + 500n * MS, true],
        ['at earliest', (half) => -half, false],
        ['just below earliest', (half) => -half - 1n, true],
        ['at the end of int64', () => INT64_MAX - T, true],
      ])('a stamp %s', (_where, offsetOf, leads) => {
        const { clock, dial, hlc } = world(uncertainty);
        const { midpoint, uncertaintyNs } = clock.now();
        expect(midpoint).toBe(T);
        dial.ns = 0n;
        const log = open({ hlc, clock, fields: 'compact' });
        const offset = offsetOf(uncertaintyNs);
        dial.ns = T + offset;
        expect(log().lead).toBe(leads ? String(offset) : undefined);
      });
    });

    test('follow the bound from line to line', () => {
      const { local, clock, sync, dial, hlc } = world();
      const log = open({ hlc, clock, fields: 'compact' });
      const first = log().eps!;
      expect(log().eps).toBe(first);
      local.advance(60_000n * MS);
      dial.ns += 60_000n * MS;
      const later = log().eps!;
      expect(later).toBeGreaterThan(first);
      sync();
      expect(log().eps).toBeLessThan(later);
    });
  });

  describe('never throws', () => {
    const thrower = (thrown: unknown) => ({
      wallNs: () => {
        throw thrown;
      },
    });
    const never = (): BoundedClock =>
      BoundedClock.start({ sources: [new ScriptedSource('a')], clock: new HandClock() });
    const on = (clock: object, startAfter = 0n): HybridClock =>
      new HybridClock({ clock: clock as never, nodeId: 'a', startAfter });

    const rows: readonly (readonly [string, string, () => StampOptions])[] = [
      [
        'before the first synchronisation',
        'ERR_CLOCK_UNSYNCHRONIZED',
        () => {
          const clock = never();
          return { hlc: on(clock), clock };
        },
      ],
      [
        'at the end of all timestamps',
        'ERR_TIMESTAMP_EXHAUSTED',
        () => {
          return { hlc: on(systemClock(), INT64_MAX), clock: never() };
        },
      ],
      [
        'an error without a code',
        'unknown',
        () => ({ hlc: on(thrower(new Error('x'))), clock: never() }),
      ],
      ['undefined', 'unknown', () => ({ hlc: on(thrower(undefined)), clock: never() })],
      ['null', 'unknown', () => ({ hlc: on(thrower(null)), clock: never() })],
      [
        'a code that is not a text',
        'unknown',
        () => ({ hlc: on(thrower({ code: 5n })), clock: never() }),
      ],
      [
        'a code that breaks JSON',
        '"\\\n',
        () => ({ hlc: on(thrower({ code: '"\\\n' })), clock: never() }),
      ],
    ];

    test.each(rows)('%s: the line has no stamp, and says %s', (_name, unstamped, options) => {
      for (const fields of FORMS) {
        expect(stampOf(open({ ...options(), fields })())).toEqual({ unstamped });
      }
    });

    test.each(['full', 'compact'] as const)('%s: the clock under the interval fails', (fields) => {
      const { local, clock, hlc } = world();
      const log = open({ hlc, clock, fields });
      log();
      local.onRead = () => {
        throw Object.assign(new Error(), { code: 'EIO' });
      };
      expect(stampOf(log())).toEqual({ unstamped: 'EIO' });
      local.onRead = () => {};
      expect(log()).toHaveProperty('hlc');
    });

    test('the clock that nobody asks for its interval fails: the line has its stamp', () => {
      const { local, clock, hlc } = world();
      const log = open({ hlc, clock, fields: 'hlc' });
      local.onRead = () => {
        throw new Error();
      };
      expect(Object.keys(stampOf(log()))).toEqual(['hlc']);
    });

    test('an interval before 1970, which 19 digits cannot say', () => {
      const { clock, hlc } = world(2n * T);
      expect(stampOf(open({ hlc, clock })())).toEqual({ unstamped: 'ERR_OUT_OF_RANGE' });
    });
  });

  test('a node id that would break JSON comes back as it is', () => {
    const { clock, hlc } = world();
    const nodeId = '"},{"a\\\n\u2028';
    const log = open({ hlc: Object.assign(hlc, { nodeId }), clock });
    expect(log().node).toBe(nodeId);
  });

  test.each([
    ['hlc', { hlc: {} }],
    ['clock', { clock: undefined }],
    ['clock', { clock: {}, fields: 'compact' }],
    ['fields', { fields: 'short' }],
    ['fields', { fields: null }],
    ['clocks', { clocks: 5 }],
  ])('refuses a wrong %s', (name, wrong) => {
    const { clock, hlc } = world();
    expect(() => open({ hlc, clock, ...wrong } as never)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/),
        message: expect.stringMatching(new RegExp(`\\b${name} .*must be `)),
      }),
    );
  });
});
