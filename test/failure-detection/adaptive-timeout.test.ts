import { AdaptiveTimeout, AdaptiveTimeoutError, PauseMeter } from 'epsilon-clock/failure-detection';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RetryBudget } from '../../src/failure-detection/retry-budget.ts';
import { HandClock } from '../kit/hand-clock.ts';

const MS = 1_000_000n;

function timeoutOn(
  clock: HandClock,
  options: Partial<ConstructorParameters<typeof AdaptiveTimeout>[0]> = {},
): AdaptiveTimeout {
  return new AdaptiveTimeout({ clock, minTimeoutMs: 1, ...options });
}

/** A call that answers after `ms` of the clock, and rejects when its signal is aborted. */
function answering<T>(clock: HandClock, ms: number, value: T) {
  return (signal: AbortSignal): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = clock.setTimer(ms, () => resolve(value), { background: true });
      signal.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });
}

/** What becomes of a promise, once it has settled. */
function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => Object.assign(outcome, { value }),
    (error) => Object.assign(outcome, { error }),
  );
  return outcome;
}

describe('RFC 6298', () => {
  it('computes the RTO as its rules 2.2 and 2.3 say, in fractions', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (samples) => {
        const timeout = timeoutOn(new HandClock());
        // In units of 2^-60 ms: each rule shifts to the right by at most 3 bits.
        const unit = 1n << 60n;
        let srtt = -1n;
        let rttvar = 0n;
        for (const ms of samples) {
          timeout.observe(ms);
          const r = BigInt(ms) * unit;
          if (srtt < 0n) {
            srtt = r;
            rttvar = r / 2n;
            continue;
          }
          const off = srtt > r ? srtt - r : r - srtt;
          rttvar = (3n * rttvar + off) / 4n;
          srtt = (7n * srtt + r) / 8n;
        }
        const rto = Number(srtt + 4n * rttvar) / Number(unit);
        expect(timeout.timeoutMs).toBeCloseTo(Math.max(1, rto), 6);
      }),
    );
  });

  it('waits a second before there is a sample, never less than the floor, never more than the top', () => {
    const timeout = new AdaptiveTimeout({ clock: new HandClock(), maxTimeoutMs: 3000 });
    expect(timeout.timeoutMs).toBe(1000);
    for (let i = 0; i < 100; i++) timeout.observe(1);
    expect(timeout.timeoutMs).toBe(200);
    for (let i = 0; i < 100; i++) timeout.observe(9000);
    expect(timeout.timeoutMs).toBe(3000);
  });

  it('adds at least the grid of the clock', () => {
    const timeout = timeoutOn(new HandClock({ monotonicGridNs: 50n * MS }));
    for (let i = 0; i < 200; i++) timeout.observe(100);
    expect(timeout.timeoutMs).toBeCloseTo(150, 6);
  });
});

describe('the quantile model', () => {
  it('covers the slow hump, which mean and deviation do not tell from the fast one', () => {
    const clock = new HandClock();
    const quantile = timeoutOn(clock, { model: 'quantile' });
    const rounds = timeoutOn(clock);
    for (let i = 0; i < 1000; i++) {
      const ms = i % 100 === 50 ? 400 : 10;
      quantile.observe(ms);
      rounds.observe(ms);
    }
    expect(quantile.timeoutMs).toBe(800);
    expect(rounds.timeoutMs).toBeLessThan(400);
    expect(quantile.hedgeMs).toBe(10);
  });

  it('is the quantile of the newest, by brute force', () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 20, maxLength: 90 });
    const quantile = fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1);
    fc.assert(
      fc.property(latencies, quantile, (samples, quantile) => {
        const options = { model: 'quantile', quantile, windowSize: 30 } as const;
        const timeout = timeoutOn(new HandClock(), options);
        for (const ms of samples) timeout.observe(ms);
        const newest = samples.slice(-30).sort((a, b) => a - b);
        const within = (ms: number): number => newest.filter((each) => each <= ms).length;
        const expected = newest.find((ms) => within(ms) >= quantile * newest.length - 1e-9)!;
        expect(timeout.timeoutMs).toBe(2 * expected);
      }),
    );
  });
});

describe('race', () => {
  it('gives the answer, learns its latency, and leaves no timer', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    const outcome = outcomeOf(timeout.race(answering(clock, 80, 'yes')));
    await clock.elapse(80);
    expect(outcome).toEqual({ value: 'yes' });
    expect(timeout.timeoutMs).toBe(240);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  it('does not abort the signal of the winner, whose body may still be read', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    let own: AbortSignal | undefined;
    await timeout.race(async (signal) => {
      own = signal;
    });
    expect(own?.aborted).toBe(false);
  });

  it('ends with a typed error, aborts the call, and doubles the timeout until an answer comes', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    timeout.observe(100); // 300 ms
    let aborted: unknown;
    const call = (signal: AbortSignal): Promise<never> =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = signal.reason)));
    const outcome = outcomeOf(timeout.race(call));
    await clock.elapse(299);
    expect(outcome).toEqual({});
    await clock.elapse(1);
    expect(outcome.error).toBeInstanceOf(AdaptiveTimeoutError);
    expect(outcome.error).toMatchObject({
      ...{ code: 'ERR_ADAPTIVE_TIMEOUT', timeoutMs: 300, attempts: 1, reason: 'timeout' },
    });
    expect(aborted).toBeInstanceOf(AdaptiveTimeoutError);
    expect(timeout.timeoutMs).toBe(600);
    const next = outcomeOf(timeout.race(answering(clock, 500, 'late')));
    await clock.elapse(500);
    expect(next).toEqual({ value: 'late' });
    expect(timeout.timeoutMs).toBe(150 + 4 * 137.5);
  });

  it('doubles once for calls that time out together', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    timeout.observe(100);
    const outcomes = Array.from({ length: 50 }, () =>
      outcomeOf(timeout.race(answering(clock, 5000, 'never'))),
    );
    await clock.elapse(300);
    expect(outcomes.every(({ error }) => error instanceof AdaptiveTimeoutError)).toBe(true);
    expect(timeout.timeoutMs).toBe(600);
  });

  it('tries again, and takes no sample from a call that was retried (Karn)', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    timeout.observe(100);
    let calls = 0;
    const outcome = outcomeOf(
      timeout.race((signal) => answering(clock, ++calls === 1 ? 1e6 : 5, calls)(signal), {
        attempts: 3,
      }),
    );
    await clock.elapse(305);
    expect(outcome).toEqual({ value: 2 });
    expect(timeout.timeoutMs).toBe(600); // backed off still
  });

  it('passes on what the call throws, at once and without a retry', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    let calls = 0;
    const failing = (): Promise<never> => {
      calls++;
      throw new Error('refused');
    };
    await expect(timeout.race(failing, { attempts: 5, hedge: true })).rejects.toThrow('refused');
    expect(calls).toBe(1);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  it('ends with the reason of the signal, and leaves neither timer nor call', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    const controller = new AbortController();
    const { signal } = controller;
    const outcome = outcomeOf(timeout.race(answering(clock, 50, 1), { signal, hedge: true }));
    await clock.elapse(10);
    controller.abort(new Error('enough'));
    await clock.elapse(0);
    expect(outcome).toEqual({ error: new Error('enough') });
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
    await expect(timeout.race(answering(clock, 1, 1), { signal })).rejects.toThrow('enough');
  });

  it('drops what comes after its end, also a rejection', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock, { firstTimeoutMs: 10 });
    const deaf = (): Promise<never> =>
      new Promise((_, reject) => clock.setTimer(500, () => reject(new Error('late')), {}));
    const outcome = outcomeOf(timeout.race(deaf));
    await clock.elapse(1000);
    expect(outcome.error).toBeInstanceOf(AdaptiveTimeoutError);
  });
});

describe('a clock that throws', () => {
  it('at the start or at the answer ends the race with its error, and leaves no timer', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    const breakClock = (): void => {
      clock.onRead = () => {
        throw new Error('no clock');
      };
    };
    breakClock();
    let calls = 0;
    const call = async (): Promise<void> => void calls++;
    await expect(timeout.race(call, { hedge: true })).rejects.toThrow('no clock');
    expect(calls).toBe(0);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
    clock.onRead = () => {};
    await expect(timeout.race(async () => breakClock())).rejects.toThrow('no clock');
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

test.each([
  [{ signal: 5 }, 'signal must be an AbortSignal'],
  [{ hedge: 'no' }, 'hedge must be a boolean'],
  [{ atempts: 3 }, 'did you mean attempts?'],
  [{ attempts: 1.5 }, 'attempts must be a whole number'],
])('race refuses %o', async (options, message) => {
  const clock = new HandClock();
  const race = timeoutOn(clock).race(async () => 1, options as object);
  await expect(race).rejects.toThrow(message);
  await expect(race).rejects.toHaveProperty('code');
  expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
});

describe('a hedge', () => {
  it('is sent when the first call is slower than usual; the first answer counts', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock);
    for (let i = 0; i < 50; i++) timeout.observe(i % 2 === 0 ? 20 : 30);
    const before = timeout.timeoutMs;
    const { hedgeMs } = timeout;
    expect(hedgeMs).toBeGreaterThan(25);
    expect(hedgeMs).toBeLessThan(before);
    let calls = 0;
    const aborted: number[] = [];
    const outcome = outcomeOf(
      timeout.race(
        (signal) => {
          const call = ++calls;
          signal.addEventListener('abort', () => aborted.push(call));
          return answering(clock, call === 1 ? 1e6 : 5, call)(signal);
        },
        { hedge: true },
      ),
    );
    await clock.elapse(hedgeMs - 1);
    expect(calls).toBe(1);
    await clock.elapse(7);
    expect(outcome).toEqual({ value: 2 });
    expect(aborted).toEqual([1]);
    expect(timeout.timeoutMs).toBe(before); // no sample
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('a hedged call that is slow for good', () => {
  it('is learned by the answers of its first attempts', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock, { retryRatio: 1 });
    for (let i = 0; i < 100; i++) timeout.observe(10);
    let calls = 0;
    for (let i = 0; i < 50; i++) {
      calls = 0;
      const call = (signal: AbortSignal) => {
        calls++;
        return answering(clock, 100, i)(signal);
      };
      // A timeout of its own that is long enough: only the hedge is early.
      const outcome = outcomeOf(timeout.race(call, { hedge: true, attempts: 10 }));
      await clock.elapse(2000);
      expect(outcome).toEqual({ value: i });
    }
    expect(timeout.hedgeMs).toBeGreaterThan(99);
    expect(calls).toBe(1);
  });
});

describe('the retry budget', () => {
  it('keeps an outage from being amplified: a tenth more calls, and ten', async () => {
    const clock = new HandClock();
    const timeout = timeoutOn(clock, { firstTimeoutMs: 10, maxTimeoutMs: 10 });
    let calls = 0;
    let overspent = 0;
    for (let i = 0; i < 200; i++) {
      const race = timeout.race(
        (signal) => {
          calls++;
          return answering(clock, 1e6, 0)(signal);
        },
        { attempts: 3, hedge: true },
      );
      const outcome = outcomeOf(race);
      await clock.elapse(40);
      expect(outcome.error).toBeInstanceOf(AdaptiveTimeoutError);
      if ((outcome.error as AdaptiveTimeoutError).reason === 'budget') overspent++;
    }
    expect(calls).toBeLessThanOrEqual(230);
    expect(calls).toBeGreaterThan(220);
    expect(overspent).toBeGreaterThan(150);
  });

  it('never gives more than it earned, at any order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (acts) => {
        const budget = new RetryBudget(0.1, 3);
        let earned = 0;
        let spent = 0;
        for (const spends of acts) {
          if (!spends) {
            budget.earn();
            earned++;
          } else if (budget.spend()) spent++;
        }
        expect(spent).toBeLessThanOrEqual(3 + earned / 10);
      }),
    );
  });
});

describe('our own pauses', () => {
  it('are granted to a call, and a latency across one is no sample', async () => {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock });
    const timeout = timeoutOn(clock, { pauses });
    timeout.observe(100); // 300 ms
    const outcome = outcomeOf(timeout.race(answering(clock, 5250, 'late')));
    await clock.elapse(200);
    clock.pause(5000n * MS);
    await clock.elapse(50);
    expect(outcome).toEqual({ value: 'late' });
    expect(timeout.timeoutMs).toBe(300);
    pauses.stop();
  });

  it('do not keep an answer from ending the back-off', async () => {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock });
    const timeout = timeoutOn(clock, { pauses });
    timeout.observe(100); // 300 ms
    const first = outcomeOf(timeout.race(answering(clock, 1e6, 'never')));
    await clock.elapse(300);
    expect(first.error).toBeInstanceOf(AdaptiveTimeoutError);
    expect(timeout.timeoutMs).toBe(600);
    const second = outcomeOf(timeout.race(answering(clock, 450, 'yes')));
    clock.pause(400n * MS);
    await clock.elapse(50);
    expect(second).toEqual({ value: 'yes' });
    expect(timeout.timeoutMs).toBe(300);
    pauses.stop();
  });

  it('that come again and again grant a call its timeout once more, and no more', async () => {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock });
    const timeout = timeoutOn(clock, { pauses });
    const outcome = outcomeOf(timeout.race(answering(clock, 1e6, 'never')));
    for (let ms = 0; ms < 2200; ms += 200) {
      expect(ms < 1000 ? outcome : {}).toEqual({});
      await clock.elapse(40);
      clock.pause(160n * MS);
    }
    await clock.elapse(0);
    expect(outcome.error).toBeInstanceOf(AdaptiveTimeoutError);
    pauses.stop();
  });

  it('do not make a call wait for ever', async () => {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock });
    const timeout = timeoutOn(clock, { pauses });
    timeout.observe(100);
    const outcome = outcomeOf(timeout.race(answering(clock, 1e6, 'never')));
    await clock.elapse(200);
    clock.pause(5000n * MS);
    await clock.elapse(600);
    expect(outcome.error).toBeInstanceOf(AdaptiveTimeoutError);
    pauses.stop();
  });
});

test.each([
  [{ model: 'cubic' }, "model must be 'rfc6298' or 'quantile'"],
  [{ minTimeoutMs: 5000, maxTimeoutMs: 100 }, 'maxTimeoutMs must be from 5000'],
  [{ retryBurst: 0.5 }, 'retryBurst must be a whole number'],
  [{ retryRatio: 2 }, 'retryRatio must be from 0 to 1'],
  [{ quantile: Number.NaN }, 'quantile must be from 0.5 to 1'],
  [{ pauses: 5 }, 'pauses must be a PauseMeter'],
])('refused: %o', (options, message) => {
  expect(() => timeoutOn(new HandClock(), options as object)).toThrow(message);
});

test('a latency that is none is refused, and changes nothing', () => {
  const timeout = timeoutOn(new HandClock());
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5', 5n]) {
    expect(() => timeout.observe(ms as number)).toThrow('ms must be');
  }
  expect(timeout.timeoutMs).toBe(1000);
});
