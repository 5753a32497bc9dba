/** A reader alone, on pages that the test writes slot by slot. */
import { describe, expect, it } from 'vitest';
import { NO_BOUND_REASONS } from '../../src/bound/bound.ts';
import { LEAP_WARNINGS } from '../../src/bound/clock-sample.ts';
import { BoundedReader, checkReader } from '../../src/bounded-clock/bounded-reader.ts';
import {
  BOUNDED,
  CURVE_HI,
  CURVE_LO,
  DISRUPTED,
  END_REASON,
  ERA,
  EVER_BOUNDED,
  FIRST_SEGMENT,
  FRESH_UNTIL,
  HI,
  LEAP,
  LO,
  MAX_RATE,
  MIDDLE,
  NO_BOUND,
  PAGE_SLOTS,
  Page,
  pageSlope,
  QUORUM,
  REASON,
  SEGMENT_COUNT,
  SEGMENT_SLOTS,
  SLOPE_HI,
  SLOPE_LO,
  SPAN,
  START,
  STATE,
  VM_MARKER,
  WALL_OFFSET,
  WALL_READ_AT,
} from '../../src/bounded-clock/page/page.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../src/time/errors.ts';
import { unixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const HOUR = 3600n * SECOND;
/** Where the first segment starts, on the monotonic clock. */
const AT = 10n ** 15n;
const THETA = 1_794_000_000_000_000_000n;

interface Segment {
  /** Since `AT`. */
  readonly start?: bigint;
  readonly span?: bigint;
  /** Relative to `THETA`. */
  readonly lo?: bigint;
  readonly hi?: bigint;
  /** In the page's units. */
  readonly slopes?: readonly [bigint, bigint];
  readonly curves?: readonly [bigint, bigint];
}

/** The slots of a bound of +-1 ms that does not grow, unless told otherwise. */
function slotsOf(segments: readonly Segment[], more: Record<number, bigint> = {}): BigInt64Array {
  const slots = new BigInt64Array(PAGE_SLOTS);
  const usual = {
    [STATE]: BOUNDED,
    [EVER_BOUNDED]: 1n,
    [QUORUM]: 1n,
    [FRESH_UNTIL]: AT + HOUR,
    [WALL_OFFSET]: THETA,
    [WALL_READ_AT]: AT,
    [MIDDLE]: THETA,
    [MAX_RATE]: pageSlope(0.0005),
    [SEGMENT_COUNT]: BigInt(segments.length),
  };
  for (const [slot, value] of Object.entries({ ...usual, ...more })) slots[Number(slot)] = value;
  for (const [i, each] of segments.entries()) {
    const { start = 0n, span = HOUR, lo = -MS, hi = MS } = each;
    const { slopes = [0n, 0n], curves = [0n, 0n] } = each;
    const base = FIRST_SEGMENT + i * SEGMENT_SLOTS;
    slots[base + START] = AT + start;
    slots[base + SPAN] = span;
    slots[base + LO] = THETA + lo;
    slots[base + HI] = THETA + hi;
    [slots[base + SLOPE_LO], slots[base + SLOPE_HI]] = slopes as [bigint, bigint];
    [slots[base + CURVE_LO], slots[base + CURVE_HI]] = curves as [bigint, bigint];
  }
  return slots;
}

interface Stage {
  readonly clock: HandClock;
  readonly page: Page;
  readonly reader: BoundedReader;
  publish(segments: readonly Segment[], more?: Record<number, bigint>): void;
}

/** A reader of one publication, at age 0. */
function stage(segments: readonly Segment[] = [{}], more: Record<number, bigint> = {}): Stage {
  const clock = new HandClock({ monotonic: AT, wall: AT + THETA });
  const page = Page.create();
  const publish: Stage['publish'] = (next, slots) => page.publish(slotsOf(next, slots));
  publish(segments, more);
  return { clock, page, reader: new BoundedReader(page, clock), publish };
}

/** The edges now, relative to `m + THETA`. */
function edges({ reader, clock }: Stage): [bigint, bigint] {
  const { earliest, latest } = reader.now();
  const middle = clock.monotonic + THETA;
  return [earliest - middle, latest - middle];
}

describe('a reader', () => {
  it('is made on a page only', () => {
    expect(() => new BoundedReader({} as never, new HandClock())).toThrow(ArgumentTypeError);
    const { reader } = stage();
    expect(checkReader(reader)).toBe(reader);
    for (const bad of [undefined, {}, new HandClock()]) {
      expect(() => checkReader(bad as never)).toThrow(ArgumentTypeError);
    }
  });

  it('hands on the page, and how the bound ages', () => {
    const expired = BigInt(NO_BOUND_REASONS.indexOf('expired'));
    const s = stage([{ span: 9999n, slopes: [5n, 7n] }], { [END_REASON]: expired });
    const copy = new BigInt64Array(PAGE_SLOTS);
    s.reader.copyPage(copy);
    expect(copy).toEqual(slotsOf([{ span: 9999n, slopes: [5n, 7n] }], { [END_REASON]: expired }));
    s.reader.now();
    expect(s.reader.outlook(AT + 100n)).toEqual({
      slope: 7n,
      until: AT + 9999n,
      endReason: 'expired',
    });
  });

  it('writes the interval where it is told to, from slot 0 on', () => {
    const { reader } = stage();
    const { earliest, latest } = reader.now();
    const target = new BigInt64Array(3);
    reader.readInto(target);
    expect([...target]).toEqual([earliest, latest, 0n]);
    expect(reader.tryReadInto(target, 1)).toBe(true);
    expect([...target]).toEqual([earliest, earliest, latest]);
    target.fill(0n);
    expect(reader.tryReadInto(target, 0)).toBe(true);
    expect([...target]).toEqual([earliest, latest, 0n]);
  });

  it('learns of each publication, also of one from before it was made', () => {
    const s = stage([{}], { [LEAP]: BigInt(LEAP_WARNINGS.indexOf('insert')) });
    expect(s.reader.leap).toBe('insert');
    s.publish([{}], { [LEAP]: BigInt(LEAP_WARNINGS.indexOf('delete')) });
    expect(s.reader.leap).toBe('delete');
    s.publish([{}], { [LEAP]: 9n });
    expect(s.reader.leap).toBe('none');
    const other = stage([{}], { [MIDDLE]: THETA + 7n });
    expect(other.reader.physicalNs()).toBe(AT + THETA + 7n);
    other.publish([{}], { [MIDDLE]: THETA + 8n });
    expect(other.reader.physicalNs()).toBe(AT + THETA + 8n);
  });

  it('says of which instant its last answer was', () => {
    const s = stage();
    s.reader.now();
    expect(s.reader.answeredAt).toBe(AT);
    s.clock.monotonic += 5n;
    expect(s.reader.answeredAt).toBe(AT);
    s.reader.tryNow();
    expect(s.reader.answeredAt).toBe(AT + 5n);
  });

  it('names what is wrong with a target', () => {
    const { reader } = stage();
    const two = new BigInt64Array(2);
    for (const read of [
      (target: unknown, index?: number) => reader.readInto(target as BigInt64Array, index),
      (target: unknown, index?: number) => reader.tryReadInto(target as BigInt64Array, index),
    ]) {
      for (const index of [-1, 1, 0.5, Number.NaN, '0' as never]) {
        expect(() => read(two, index)).toThrow(ArgumentRangeError);
        expect(() => read(two, index)).toThrow(/index must be an integer from 0 to 0/);
      }
      expect(() => read(undefined)).toThrow(ArgumentTypeError);
      expect(() => read(new BigInt64Array(1))).toThrow(ArgumentRangeError);
    }
    expect([...two]).toEqual([0n, 0n]);
  });

  it('without a bound has an error that says why', () => {
    const reason = (what: (typeof NO_BOUND_REASONS)[number]) => ({
      [REASON]: BigInt(NO_BOUND_REASONS.indexOf(what)),
    });
    const s = stage([], { ...reason('starting'), [STATE]: NO_BOUND, [EVER_BOUNDED]: 0n });
    const t = unixNs(THETA);
    for (const read of ['now', 'remainingNs', 'physicalNs'] as const) {
      const error = expect.objectContaining({ status: 'unsynchronized', reason: 'starting' });
      expect(() => s.reader[read](t)).toThrow(error);
    }
    expect([s.reader.before(t), s.reader.after(t), s.reader.certainlyBefore(t)]).toEqual(
      Array(3).fill(false),
    );
    expect(s.reader.toJSON()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    s.publish([], { ...reason('step'), [STATE]: DISRUPTED });
    expect(s.reader.toJSON()).toEqual({ status: 'disrupted', reason: 'step' });
    expect(String(s.reader)).toBe('BoundedReader { disrupted: step }');
  });

  it('in a few words: the middle, half the width; or that its clock cannot be read', () => {
    const s = stage([{ lo: -3n * MS }]);
    expect(String(s.reader)).toMatch(
      /^BoundedReader { synchronized 2026-.*\.999000000Z ± 2000 us }$/,
    );
    s.clock.onRead = () => {
      throw new Error('boom');
    };
    expect(String(s.reader)).toBe('BoundedReader { unreadable }');
  });

  it('tells a fresh bound from one in holdover, and a full quorum from a partial one', () => {
    const s = stage([{}], { [FRESH_UNTIL]: AT + 5n });
    s.clock.monotonic += 5n;
    expect(s.reader.toJSON()).toMatchObject({ status: 'synchronized', quorum: 'full' });
    s.clock.monotonic += 1n;
    expect(s.reader.toJSON()).toMatchObject({ status: 'holdover', quorum: 'full' });
    s.publish([{}], { [QUORUM]: 0n });
    expect(s.reader.toJSON()).toMatchObject({ status: 'synchronized', quorum: 'partial' });
  });
});

describe('segments', () => {
  /** 2^-24 of a unit of 1024 ns is 1 ns per unit. */
  const FAST = 2n ** 24n;

  it('each counts from its start to the end of its span, in whole units of age', () => {
    const s = stage([
      { span: 9999n, slopes: [FAST, 3n * FAST] },
      { start: 10_000n, span: 5000n, lo: -2n * MS, hi: 3n * MS, slopes: [-FAST, 0n] },
      { start: 15_001n, span: 0n, lo: -7n * MS, hi: 7n * MS },
    ]);
    const seen = [0n, 1023n, 1024n, 9999n, 10_000n, 11_024n, 15_000n, 15_001n].map((age) => {
      s.clock.monotonic = AT + age;
      // `earliest` never goes back, so a new reader for each.
      return edges({ ...s, reader: new BoundedReader(s.page, s.clock) });
    });
    expect(seen).toEqual([
      [-MS, MS],
      [-MS, MS],
      [-MS - 1n, MS + 3n],
      [-MS - 9n, MS + 27n],
      [-2n * MS, 3n * MS],
      [-2n * MS + 1n, 3n * MS],
      [-2n * MS + 4n, 3n * MS],
      [-7n * MS, 7n * MS],
    ]);
    s.clock.monotonic = AT + 15_002n;
    expect(s.reader.tryNow()).toBeUndefined();
    expect(new BoundedReader(s.page, s.clock).tryNow()).toBeUndefined();
  });

  it('the same reader follows them', () => {
    const s = stage([
      { span: 9999n, hi: 2n * MS },
      { start: 10_000n, span: 5000n, hi: 3n * MS },
    ]);
    const seen = [0n, 9999n, 10_000n, 15_000n].map((age) => {
      s.clock.monotonic = AT + age;
      return edges(s)[1];
    });
    expect(seen).toEqual([2n * MS, 2n * MS, 3n * MS, 3n * MS]);
    s.clock.monotonic = AT + 15_001n;
    const end = BigInt(NO_BOUND_REASONS.indexOf('expired'));
    expect(s.reader.tryNow()).toBeUndefined();
    s.publish([{ span: 1n }], { [END_REASON]: end });
    expect(s.reader.toJSON()).toEqual({ status: 'unsynchronized', reason: 'expired' });
  });

  it.each([
    [1n, 1n],
    // 1024 ns at 500 ppm are half a ns.
    [1023n, 1n],
    [2n * MS, 1001n],
  ])('%i ns before the start the bound is open towards the past', (before, least) => {
    const s = stage();
    s.clock.monotonic -= before;
    for (const growth of edges(s).map((edge) => (edge < 0n ? -edge : edge) - MS)) {
      expect(growth >= least && growth <= least + 2n, `${growth}`).toBe(true);
    }
    // At the start the bound is what it is.
    s.clock.monotonic = AT;
    expect(edges(s)[1]).toBe(MS);
    // Also when the same reader's clock goes back, which it should not.
    s.clock.monotonic -= before;
    expect(edges(s)[1] >= MS + least).toBe(true);
  });

  it('a reading from before the start is for that instant only', () => {
    const s = stage([{ slopes: [FAST, FAST] }]);
    s.clock.monotonic -= 1000n;
    s.reader.now();
    s.clock.monotonic += 3024n;
    expect(edges(s)).toEqual([-MS - 1n, MS + 1n]);
  });

  /**
   * The page's formula rounds down twice. Its slack is for that, and not for the rounding of a
   * chord. These are ages at which a chord needs every part of what it adds.
   */
  it.each([
    // Slope, curve, where the chord begins, how far along it, in the page's units.
    [854_599n, 69_496_046n, 1747n, 524_287n],
    [6_044_187n, 494_961_099n, 3722n, 524_286n],
    [3_877_855n, 442_233_634n, 2959n, 524_284n],
    [7_837_511n, 11_606_996_306n, 3091n, 524_285n],
    [3_428_757n, 15_944_111_048n, 165n, 524_285n],
  ])('a chord at slope %i, curve %i is outside of its parabola', (slope, curve, begin, along) => {
    const s = stage([{ slopes: [slope, slope], curves: [curve, curve] }]);
    s.clock.monotonic += begin << 10n;
    s.reader.now();
    s.clock.monotonic += along << 10n;
    const age = begin + along;
    // The parabola at that age over 2^56, less what one evaluation may lose.
    const least = age * ((slope << 32n) + age * curve) - (1n << 56n) - (age << 32n);
    const [low, high] = edges(s);
    for (const growth of [-low - MS, high - MS]) expect(growth << 56n > least).toBe(true);
  });

  it('a chord is drawn anew after half a second, and ends with its segment', () => {
    const curved = { slopes: [0n, 0n], curves: [2n ** 33n, 2n ** 33n] } as const;
    const s = stage([{ ...curved, span: 2n ** 30n }]);
    // The parabola, a^2 / 2^23, and the chords with their 1 ns and their unit of slope on top.
    const parabola = (a: bigint): bigint => (a * a) >> 23n;
    for (const a of [0n, 2n ** 19n - 1n, 2n ** 19n, 2n ** 20n - 1n, 2n ** 20n]) {
      s.clock.monotonic = AT + (a << 10n);
      const growth = edges(s)[1] - MS;
      expect(growth >= parabola(a) && growth <= parabola(a) + 3n, `${a}: ${growth}`).toBe(true);
    }
    s.clock.monotonic = AT + 2n ** 30n + 1n;
    expect(s.reader.tryNow()).toBeUndefined();
  });
});

describe('earliest', () => {
  it('stands still while the edge is behind, until the edge or a new era', () => {
    const s = stage();
    const { earliest } = s.reader.now();
    s.clock.monotonic += 10n;
    s.publish([{ lo: -2n * MS }], { [ERA]: 0n });
    expect(s.reader.now().earliest).toBe(earliest);
    s.publish([{ lo: -2n * MS }], { [ERA]: 1n });
    expect(s.reader.now().earliest).toBe(AT + 10n + THETA - 2n * MS);
  });

  it('remaining: 0 once it has passed, though the edge fell behind; else counted from the edge', () => {
    const s = stage();
    const { earliest } = s.reader.now();
    expect(s.reader.remaining(unixNs(earliest - 1n))).toBe(0);
    expect(s.reader.remaining(earliest)).toBe(1);
    expect(s.reader.remaining(unixNs(earliest + 999n))).toBe(1000);
    expect(s.reader.remainingNs(unixNs(earliest + 999n))).toBe(1000n);
    s.publish([{ lo: -2n * MS }]);
    expect(s.reader.remaining(unixNs(earliest - 1n))).toBe(0);
    expect(s.reader.remaining(earliest)).toBe(Number(MS) + 1);
    s.clock.monotonic += MS + 1n;
    expect(s.reader.after(earliest)).toBe(true);
    s.clock.monotonic -= 1n;
    expect(new BoundedReader(s.page, s.clock).after(earliest)).toBe(false);
  });

  it('remaining takes the slope of the edge into account', () => {
    // Half a ns per ns.
    const s = stage([{ slopes: [2n ** 33n, 2n ** 33n] }]);
    const { earliest } = s.reader.now();
    expect(s.reader.remaining(unixNs(earliest + 999n))).toBe(2000);
  });
});

describe('the wall clock', () => {
  /** As far as it may be off at first: the threshold of the jump detector. */
  const LIMIT = 3n * MS;

  it.each([
    [LIMIT, 0n, undefined],
    [-LIMIT, 0n, undefined],
    [LIMIT + 1n, 0n, 'step-or-suspend'],
    [-LIMIT - 1n, 0n, 'step-or-suspend'],
    // A thousandth more of the time since it was published.
    [LIMIT + MS, SECOND, undefined],
    [LIMIT + MS + 1n, SECOND, 'step-or-suspend'],
    [-LIMIT - MS, SECOND, undefined],
    [-LIMIT - MS - 1n, SECOND, 'step-or-suspend'],
  ])('%i ns from where it was, %i ns later: %s', (moved, later, reason) => {
    const s = stage();
    s.clock.monotonic += later;
    s.clock.wallOffset += moved;
    const reading = s.reader.read();
    expect([reading.status, reading.reason]).toEqual([
      reason === undefined ? 'synchronized' : 'disrupted',
      reason,
    ]);
    expect(s.page.takeAlarm()).toBe(reason !== undefined);
    // `toJSON` does not look.
    expect(s.reader.toJSON().status).toBe('synchronized');
  });

  it('is compared with the newest publication', () => {
    const s = stage();
    s.reader.now();
    s.clock.wallOffset += SECOND;
    s.publish([{}], { [WALL_OFFSET]: THETA + SECOND });
    expect(s.reader.read().status).toBe('synchronized');
    s.publish([], { [STATE]: NO_BOUND });
    s.clock.wallOffset += SECOND;
    expect(s.reader.read().status).toBe('unsynchronized');
    expect(s.page.takeAlarm()).toBe(false);
  });

  it.each([
    // The marker of this thread, the published one, and what that means.
    [undefined, 5n, undefined],
    [5n, 5n, undefined],
    [6n, 5n, 'vm-disruption'],
    [6n, 0n, undefined],
    [0n, 5n, 'vm-disruption'],
  ])('a virtual machine with marker %s, published %s: %s', (marker, published, reason) => {
    const s = stage([{}], { [VM_MARKER]: published });
    s.clock.marker = marker;
    expect(s.reader.read().reason).toBe(reason);
    expect(s.page.takeAlarm()).toBe(reason !== undefined);
    const end = unixNs(AT + THETA + HOUR);
    expect(s.reader.certainlyBefore(end)).toBe(reason === undefined);
  });

  it('refuses to answer and to wait while fake timers are installed', async () => {
    const s = stage();
    Object.assign(s.clock, { faked: () => true });
    expect(() => s.reader.read()).toThrow(expect.objectContaining({ code: 'ERR_FAKE_TIMERS' }));
    await expect(s.reader.waitSynced()).rejects.toMatchObject({ code: 'ERR_FAKE_TIMERS' });
    Object.assign(s.clock, { faked: () => false });
    expect(s.reader.read().status).toBe('synchronized');
    await s.reader.waitSynced();
  });
});

describe('certainlyBefore', () => {
  const NEAR = 2n * MS;

  /** A clock whose wall clock can be read in one step; `looks` counts the close looks. */
  function quick(): Stage & { looks: number } {
    const made = stage();
    const s = { ...made, looks: 0 };
    const wallMs = (): number => Number(s.clock.monotonic + s.clock.wallOffset) / 1e6;
    Object.assign(s.clock, { wallMs, disruptionMarker: undefined });
    s.clock.onRead = (which) => {
      if (which === 'wall') s.looks++;
    };
    return {
      ...s,
      reader: new BoundedReader(s.page, s.clock),
      get looks() {
        return s.looks;
      },
    };
  }

  it('is `before`, to the ns', () => {
    const s = stage();
    const { latest } = s.reader.now();
    expect(s.reader.certainlyBefore(latest)).toBe(false);
    expect(s.reader.certainlyBefore(latest + 1n)).toBe(true);
    expect(s.reader.before(latest)).toBe(false);
    expect(s.reader.before(unixNs(latest + 1n))).toBe(true);
  });

  it.each([0n, NEAR / 2n, -NEAR / 2n, NEAR - 1000n, 1000n - NEAR])(
    'with the wall clock %i ns off, one read of it suffices',
    (off) => {
      const s = quick();
      s.clock.wallOffset += off;
      expect(s.reader.certainlyBefore(AT + THETA + HOUR)).toBe(true);
      expect(s.looks).toBe(0);
    },
  );

  it.each([NEAR + 1000n, -NEAR - 1000n])('%i ns off, it is looked at closely', (off) => {
    const s = quick();
    s.clock.wallOffset += off;
    // Still within what slewing explains.
    expect(s.reader.certainlyBefore(AT + THETA + HOUR)).toBe(true);
    expect(s.looks).toBeGreaterThan(0);
  });

  it('a clock with a marker is always looked at closely', () => {
    const s = quick();
    Object.assign(s.clock, { disruptionMarker: () => undefined });
    const reader = new BoundedReader(s.page, s.clock);
    expect(reader.certainlyBefore(AT + THETA + HOUR)).toBe(true);
    expect(s.looks).toBeGreaterThan(0);
  });

  it('a jump makes it false, and raises the alarm', () => {
    const s = quick();
    s.clock.wallOffset += 10n * MS;
    expect(s.reader.certainlyBefore(AT + THETA + HOUR)).toBe(false);
    expect(s.page.takeAlarm()).toBe(true);
  });

  it('so is one without a marker whose wall clock cannot be read in one step', () => {
    const s = stage();
    Object.assign(s.clock, { disruptionMarker: undefined });
    const reader = new BoundedReader(s.page, s.clock);
    expect(reader.certainlyBefore(AT + THETA + HOUR)).toBe(true);
  });

  it.each([
    [HOUR - 1n, true],
    [HOUR, false],
  ])('a publication during the look is what counts after it: latest + %i ns', (hi, certain) => {
    const s = stage();
    s.clock.onRead = (which) => {
      if (which !== 'wall') return;
      s.clock.onRead = () => {};
      s.publish([{ hi }]);
    };
    expect(s.reader.certainlyBefore(AT + THETA + HOUR)).toBe(certain);
  });

  it('a jump that the publisher has dealt with during the look is none', () => {
    const s = stage();
    s.clock.onRead = (which) => {
      if (which !== 'wall') return;
      s.clock.onRead = () => {};
      s.clock.wallOffset += SECOND;
      s.publish([{}], { [WALL_OFFSET]: THETA + SECOND });
    };
    expect(s.reader.certainlyBefore(AT + THETA + HOUR)).toBe(true);
    expect(s.page.takeAlarm()).toBe(false);
  });
});
