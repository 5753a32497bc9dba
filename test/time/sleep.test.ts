import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/time/sleep.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { ScriptedClock } from './scripted-clock.ts';

/** A signal that counts the listeners left on it. */
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
  it('resolves when the time has passed and leaves nothing behind', async () => {
    const clock = new ScriptedClock();
    const { controller, listeners } = watched();
    const start = clock.monotonicNs();
    const slept = sleep(clock, 250.5, { signal: controller.signal });
    clock.fireNext();
    await slept;
    expect(clock.monotonicNs() - start).toBe(250_500_000n);
    expect(clock.timers.size).toBe(0);
    expect(listeners()).toBe(0);
  });

  it('sleeps the rest when a timer fires early', async () => {
    const clock = new ScriptedClock();
    clock.timersEarlyNs = 990_000n; // what setTimeout does
    const start = clock.monotonicNs();
    const slept = sleep(clock, 2);
    clock.timersEarlyNs = 0n;
    clock.fireNext();
    expect(clock.monotonicNs() - start).toBe(1_010_000n);
    expect(clock.timers.size).toBe(1);
    clock.fireNext();
    await slept;
    expect(clock.monotonicNs() - start).toBe(2_000_000n);
  });

  it('rejects with the reason of the signal, its timer gone', async () => {
    const clock = new ScriptedClock();
    const { controller } = watched();
    const slept = sleep(clock, 1000, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(slept).rejects.toBe(reason);
    expect(clock.timers.size).toBe(0);
  });

  it('cancels the timer it set last', async () => {
    const clock = new ScriptedClock();
    clock.timersEarlyNs = 500_000n;
    const controller = new AbortController();
    const slept = sleep(clock, 1, { signal: controller.signal });
    clock.fireNext();
    controller.abort('stop');
    await expect(slept).rejects.toBe('stop');
    expect(clock.timers.size).toBe(0);
  });

  it('does not begin when the signal is aborted already', async () => {
    const clock = new ScriptedClock();
    const { controller, listeners } = watched();
    controller.abort('no');
    await expect(sleep(clock, 1, { signal: controller.signal })).rejects.toBe('no');
    expect([clock.timers.size, listeners()]).toEqual([0, 0]);
  });

  it.each([true, false])('passes background: %s on, also when it sleeps the rest', (background) => {
    const clock = new ScriptedClock();
    clock.timersEarlyNs = 1n;
    void sleep(clock, 1, { background });
    expect([...clock.timers].map((timer) => timer.background)).toEqual([background]);
    clock.fireNext();
    expect([...clock.timers].map((timer) => timer.background)).toEqual([background]);
  });

  it.each([-1, Number.NaN, Infinity])('rejects a delay of %s', async (delayMs) => {
    const clock = new ScriptedClock();
    await expect(sleep(clock, delayMs)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(clock.timers.size).toBe(0);
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
