import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/time/sleep.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { HandClock } from '../kit/hand-clock.ts';

const NONE = { foreground: 0, background: 0 };

/** A signal that counts the listeners that are still on it. */
function watched(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  }) as typeof signal.addEventListener;
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  }) as typeof signal.removeEventListener;
  return { controller, listeners: () => count };
}

describe('sleep', () => {
  it('resolves when the time has passed, and leaves no timer or listener', async () => {
    const clock = new HandClock();
    const { controller, listeners } = watched();
    const slept = sleep(clock, 250.5, { signal: controller.signal });
    clock.advance(250_499_999n);
    expect(clock.pending()).not.toEqual(NONE);
    clock.advance(1n);
    await slept;
    expect(clock.pending()).toEqual(NONE);
    expect(listeners()).toBe(0);
  });

  it('sleeps the rest when a timer fires early', async () => {
    const clock = new HandClock();
    clock.timersEarlyNs = 990_000n; // as setTimeout does
    const slept = sleep(clock, 2);
    clock.timersEarlyNs = 0n;
    clock.advance(1_999_999n);
    expect(clock.pending()).not.toEqual(NONE);
    clock.advance(2n); // the rest is rounded up
    await slept;
  });

  it('rejects with the reason of the signal, its timer gone', async () => {
    const clock = new HandClock();
    const { controller } = watched();
    const slept = sleep(clock, 1000, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(slept).rejects.toBe(reason);
    expect(clock.pending()).toEqual(NONE);
  });

  it('cancels the timer it set last', async () => {
    const clock = new HandClock();
    clock.timersEarlyNs = 500_000n;
    const controller = new AbortController();
    const slept = sleep(clock, 1, { signal: controller.signal });
    clock.timersEarlyNs = 0n;
    clock.advance(500_000n);
    controller.abort('stop');
    await expect(slept).rejects.toBe('stop');
    expect(clock.pending()).toEqual(NONE);
  });

  it('does not begin when the signal is aborted already', async () => {
    const clock = new HandClock();
    const { controller, listeners } = watched();
    controller.abort('no');
    await expect(sleep(clock, 1, { signal: controller.signal })).rejects.toBe('no');
    expect([clock.pending(), listeners()]).toEqual([NONE, 0]);
  });

  it.each([true, false])('passes background: %s on, also when it sleeps the rest', (background) => {
    const clock = new HandClock();
    clock.timersEarlyNs = 1n;
    void sleep(clock, 1, { background });
    clock.timersEarlyNs = 0n;
    const one = background ? { ...NONE, background: 1 } : { ...NONE, foreground: 1 };
    expect(clock.pending()).toEqual(one);
    clock.advance(999_999n);
    expect(clock.pending()).toEqual(one);
  });

  it.each([-1, Number.NaN, Infinity])('rejects a delay of %s', async (delayMs) => {
    const clock = new HandClock();
    await expect(sleep(clock, delayMs)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(clock.pending()).toEqual(NONE);
  });

  it('never wakes early on the real clock, where timers do', async () => {
    const clock = systemClock();
    for (let i = 0; i < 20; i++) {
      const start = clock.monotonicNs();
      await sleep(clock, 1.3);
      expect(clock.monotonicNs() - start >= 1_300_000n).toBe(true);
    }
  });
});
