import { describe, expect, it, vi } from 'vitest';
import {
  growthNs,
  longestSpan,
  PAGE_SLOTS,
  Page,
  pageCurve,
  pageSlack,
  pageSlope,
  VERSION,
} from '../../../src/bounded-clock/page/page.ts';

/** A publication whose slots are all equal, so that any mixture shows. */
const whole = (n: bigint): BigInt64Array => new BigInt64Array(PAGE_SLOTS).fill(n);

/**
 * Copies the page, and runs `meanwhile` after the `nth` load of a slot, as a publisher on another
 * thread might.
 */
function copyWhile(page: Page, into: BigInt64Array, nth: number, meanwhile: () => void): void {
  const load = Atomics.load;
  let loads = 0;
  const spy = vi.spyOn(Atomics, 'load').mockImplementation((array, index) => {
    const value = load(array as BigInt64Array, index);
    if (array instanceof BigInt64Array && loads++ === nth) {
      spy.mockImplementation(load as never);
      meanwhile();
    }
    return value as never;
  });
  try {
    page.copy(into);
  } finally {
    spy.mockRestore();
  }
}

describe('Page', () => {
  it('gives back the last publication, whichever buffer it is in', () => {
    const page = Page.create();
    const copy = new BigInt64Array(PAGE_SLOTS);
    expect(page.copy(copy)).toBe(0);
    for (let n = 1; n <= 5; n++) {
      page.publish(whole(BigInt(n)));
      expect(page.header[VERSION]).toBe(n);
      expect(page.copy(copy)).toBe(n);
      expect(copy).toEqual(whole(BigInt(n)));
    }
  });

  it.each([0, 1, PAGE_SLOTS >> 1, PAGE_SLOTS - 2])(
    'two publications after load %d of a copy: the copy starts again',
    (nth) => {
      const page = Page.create();
      page.publish(whole(1n));
      const copy = new BigInt64Array(PAGE_SLOTS);
      copyWhile(page, copy, nth, () => {
        page.publish(whole(2n));
        page.publish(whole(3n));
      });
      expect(copy).toEqual(whole(3n));
    },
  );

  it('a publisher that dies in the middle leaves the last publication in force', () => {
    const page = Page.create();
    page.publish(whole(1n));
    const dying = new Proxy(whole(2n), {
      get(target, key) {
        if (key === '7') throw new Error('killed');
        return Reflect.get(target, key);
      },
    });
    expect(() => page.publish(dying)).toThrow('killed');
    const copy = new BigInt64Array(PAGE_SLOTS);
    expect(page.copy(copy)).toBe(1);
    expect(copy).toEqual(whole(1n));
  });

  it('goes on when the version wraps', () => {
    const page = Page.create();
    page.header[VERSION] = 2 ** 31 - 1;
    page.publish(whole(8n));
    expect(page.header[VERSION]).toBe(-(2 ** 31));
    const copy = new BigInt64Array(PAGE_SLOTS);
    page.copy(copy);
    page.publish(whole(9n));
    page.copy(copy);
    expect(copy).toEqual(whole(9n));
  });

  it('gives up on a page that never holds still', () => {
    const page = Page.create();
    const load = Atomics.load;
    const spy = vi.spyOn(Atomics, 'load').mockImplementation((array: unknown, index: number) => {
      if (array instanceof Int32Array) array[index] = (array[index] as number) + 1;
      return load(array as never, index) as never;
    });
    try {
      expect(() => page.copy(new BigInt64Array(PAGE_SLOTS))).toThrow(/without end/);
    } finally {
      spy.mockRestore();
    }
  });

  it('an alarm is taken once', () => {
    const page = Page.create();
    expect(page.takeAlarm()).toBe(false);
    page.raiseAlarm();
    page.raiseAlarm();
    expect(page.takeAlarm()).toBe(true);
    expect(page.takeAlarm()).toBe(false);
  });

  it('opens its own buffers and no others', () => {
    const { buffer } = Page.create();
    expect(Page.open(buffer as SharedArrayBuffer)).toBeInstanceOf(Page);
    expect(Page.open(new SharedArrayBuffer(buffer.byteLength))).toBeUndefined();
    expect(Page.open(new SharedArrayBuffer(16))).toBeUndefined();
    for (const field of [0, 1]) {
      const other = Page.create().buffer as SharedArrayBuffer;
      new Int32Array(other)[field]! += 1;
      expect(Page.open(other), `field ${field}`).toBeUndefined();
    }
  });

  it('is in shared memory where the platform has it; its header has four fields', () => {
    expect(Page.create().buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Page.create().header).toHaveLength(4);
    vi.stubGlobal('SharedArrayBuffer', undefined);
    try {
      const page = Page.create();
      expect(page.buffer).toBeInstanceOf(ArrayBuffer);
      page.publish(whole(1n));
      expect(page.copy(new BigInt64Array(PAGE_SLOTS))).toBe(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('the units of a segment', () => {
  it('of slopes and curves are rounded up', () => {
    expect([0, 0.5, 2 ** -34, 2 ** -35, -(2 ** -35), -0.5].map(pageSlope)).toEqual([
      0n,
      2n ** 33n,
      1n,
      1n,
      0n,
      -(2n ** 33n),
    ]);
    expect([0, 2 ** -74, 2 ** -75, 2 ** -76].map(pageCurve)).toEqual([0n, 2n, 1n, 1n]);
  });

  it('the slack is 1 ns and the growth of one unit of age; nothing on a flat side', () => {
    expect([0, 0.1, 0.0005, 2 ** -10, -0.1].map((slope) => pageSlack(slope))).toEqual([
      0n,
      104n,
      2n,
      2n,
      1n,
    ]);
    expect([pageSlack(0, false), pageSlack(0.1, false), pageSlack(0.1, true)]).toEqual([
      1n,
      104n,
      0n,
    ]);
  });

  it.each([1n, 7n, pageSlope(0.0002), pageSlope(0.1)])(
    'the longest span at slope %i is the last whose growth is below 2^62',
    (slope) => {
      const units = longestSpan(slope) >> 10n;
      expect(longestSpan(slope)).toBe(units << 10n);
      expect(units * slope < 2n ** 62n).toBe(true);
      expect((units + 1n) * slope >= 2n ** 62n).toBe(true);
    },
  );

  it('without a slope a span is limited by int64 only', () => {
    expect(longestSpan(0n)).toBe(2n ** 62n);
  });

  it.each([
    // Age in units of 1024 ns, slope, curve, ns.
    [0n, 5n, 5n, 0n],
    [2n ** 24n, 3n, 0n, 3n],
    [2n ** 24n - 1n, 3n, 0n, 2n],
    [2n ** 24n, -3n, 0n, -3n],
    [2n ** 24n - 1n, -3n, 0n, -3n],
    // a (a W >> 32) >> 24.
    [2n ** 24n, 0n, 2n ** 32n, 2n ** 24n],
    [2n ** 24n, 3n, 2n ** 32n, 2n ** 24n + 3n],
    [2n ** 24n, 3n, 2n ** 8n - 1n, 3n],
    [2n ** 24n, 3n, 2n ** 8n, 4n],
  ])(
    'after %i units of age, slope %i and curve %i: %i ns, rounded down',
    (age, slope, curve, ns) => {
      expect(growthNs(age, slope, curve)).toBe(ns);
    },
  );
});
