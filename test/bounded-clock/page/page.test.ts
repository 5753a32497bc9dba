import { describe, expect, it, vi } from 'vitest';
import { PAGE_SLOTS, Page, VERSION } from '../../../src/bounded-clock/page/page.ts';

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
    new Int32Array(buffer)[1] = 1;
    expect(Page.open(buffer as SharedArrayBuffer)).toBeUndefined();
  });
});
