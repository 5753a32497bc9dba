import { PauseMeter, PhiAccrualDetector } from 'epsilon-clock/failure-detection';
import { systemClock } from 'epsilon-clock/time';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { phiExponential, phiLogistic, phiNormal } from '../../src/failure-detection/phi.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { held } from '../kit/heap.ts';

const MS = 1_000_000n;
const MODELS = ['normal', 'akka', 'exponential'] as const;

/** Heartbeats with these gaps, ms; then the detector. */
function afterGaps(
  clock: HandClock,
  gapsMs: Iterable<number>,
  options: Partial<ConstructorParameters<typeof PhiAccrualDetector>[0]> = {},
): PhiAccrualDetector {
  const detector = new PhiAccrualDetector({ clock, ...options });
  for (const ms of gapsMs) {
    clock.advance(BigInt(Math.round(ms * 1e6)));
    detector.heartbeat();
  }
  return detector;
}

/** Gaps of 1000 ms give or take 100 ms, whose deviation is exactly that. */
function* regularGaps(count: number): Iterable<number> {
  for (let i = 0; i < count; i++) yield i % 2 === 0 ? 900 : 1100;
}

/** After how much silence it suspects, ms. */
function detectionMs(clock: HandClock, detector: PhiAccrualDetector): number {
  const began = clock.monotonic;
  while (!detector.suspects()) clock.advance(MS);
  return Number((clock.monotonic - began) / MS);
}

describe('the window', () => {
  /** The mean and the deviation, ns, of the newest half to whole window, by exact arithmetic. */
  function exact(gaps: readonly number[], windowSize: number, firstMs: number, unitNs: number) {
    const first = Math.round((firstMs * 1e6) / unitNs);
    const quarter = Math.round(first / 4);
    const all = [first - quarter, first + quarter];
    for (const ms of gaps) all.push(Math.max(1, Math.round((ms * 1e6) / unitNs)));
    const half = windowSize / 2;
    const blocks = Math.floor(all.length / half);
    const counted = all.slice(Math.max(0, (blocks - 1) * half)).map(BigInt);
    const count = BigInt(counted.length);
    const sum = counted.reduce((a, b) => a + b, 0n);
    const squares = counted.reduce((a, b) => a + b * b, 0n);
    const deviation = Math.sqrt(Number(count * squares - sum * sum)) / Number(count);
    return { mean: (Number(sum) / Number(count)) * unitNs, deviation: deviation * unitNs };
  }

  it.each(MODELS)('gives the phi of exact sums: %s', (model) => {
    const phiOf = { normal: phiNormal, akka: phiLogistic, exponential: phiExponential }[model];
    // Gaps that are near each other, so that none counts as less than it is.
    const gap = fc.integer({ min: 990_000, max: 1_010_000 });
    const gaps = fc.array(gap, { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(gaps, fc.nat(3000), (us, silenceMs) => {
        const clock = new HandClock();
        const gapsMs = us.map((each) => each / 1000);
        const options = { model, windowSize: 50, minDeviationMs: 0.001 };
        const detector = afterGaps(clock, gapsMs, options);
        clock.advance(BigInt(silenceMs) * MS);
        const { mean, deviation } = exact(gapsMs, 50, 1000, 8192);
        const silence = silenceMs * 1e6;
        const x = model === 'exponential' ? silence / mean : (silence - mean) / deviation;
        const phi = detector.phi();
        // Phi is 1e4 times as steep as the sums here: a double's rounding shows.
        expect(Math.abs(phi - phiOf(x))).toBeLessThanOrEqual(1e-9 * Math.max(1, phi));
      }),
    );
  });

  it('forgets: after two windows only the new rhythm counts', () => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(400), { windowSize: 100, minDeviationMs: 1 });
    for (let i = 0; i < 200; i++) {
      clock.advance(500n * MS);
      detector.heartbeat();
    }
    clock.advance(500n * MS);
    expect(detector.phi()).toBeCloseTo(-Math.log10(0.5), 3);
  });

  it('keeps a variance of nearly nothing: after 100 days of gaps of 30 s give or take 50 us', () => {
    const clock = new HandClock({ monotonic: 2n ** 62n });
    const detector = afterGaps(clock, [], {
      ...{ windowSize: 2000, minDeviationMs: 0.001, firstIntervalMs: 30_000 },
    });
    for (let i = 0; i < 4000; i++) {
      clock.advance(30_000n * MS + (i % 2 === 0 ? 2_097_152n : -2_097_152n));
      detector.heartbeat();
    }
    clock.advance(30_000n * MS + 4n * 2_097_152n);
    // Gaps are counted in units of 2^20 ns, and this one is 4 deviations above the mean.
    expect(Math.abs(detector.phi() - phiNormal(4))).toBeLessThan(0.3);
  });
});

describe('the faults of an older detector are not ours', () => {
  it('1: the first estimate has a deviation, a quarter of it', () => {
    const clock = new HandClock();
    const detector = new PhiAccrualDetector({ clock });
    clock.advance(1000n * MS);
    expect(detector.phi()).toBeCloseTo(phiNormal(0), 4);
    clock.advance(250n * MS);
    expect(detector.phi()).toBeCloseTo(phiNormal(1), 4);
  });

  it('2: the size of the window is an option that works', () => {
    const clock = new HandClock();
    const short = afterGaps(clock, regularGaps(40), { windowSize: 10 });
    const long = afterGaps(clock, regularGaps(40), { windowSize: 1000 });
    for (let i = 0; i < 10; i++) {
      clock.advance(1200n * MS);
      short.heartbeat();
      long.heartbeat();
    }
    clock.advance(1200n * MS);
    expect(short.phi()).toBeLessThan(long.phi() / 2);
  });

  it.each(MODELS)('3: phi does not become infinite: %s', (model) => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(300), { model });
    let last = 0;
    for (const seconds of [1, 2, 5, 10, 100, 1e4, 1e6, 1e9]) {
      clock.monotonic += BigInt(seconds) * 1000n * MS;
      const phi = detector.phi();
      expect(Number.isFinite(phi)).toBe(true);
      expect(phi).toBeGreaterThan(last);
      last = phi;
    }
  });

  it.each(MODELS)('4: phi is never NaN, whatever the gaps: %s', (model) => {
    const gap = fc.oneof(fc.nat(5), fc.nat(100_000), fc.constant(1e12));
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 60 }), gap, (gaps, silence) => {
        const clock = new HandClock();
        const detector = afterGaps(clock, gaps, { model, windowSize: 10 });
        clock.advance(BigInt(silence) * MS);
        const phi = detector.phi();
        expect(Number.isFinite(phi) && phi >= 0 && !Object.is(phi, -0)).toBe(true);
      }),
    );
  });

  it('5: there is no timer that could loop or be left', () => {
    const clock = new HandClock();
    afterGaps(clock, regularGaps(10)).phi();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('thresholds', () => {
  it('Cassandra: heartbeats of 1 s, phi 8 after 18.4 s', () => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(1000), { model: 'exponential' });
    expect(detectionMs(clock, detector)).toBe(18_421);
  });

  it.each([
    ['normal', 5.612],
    ['akka', 5.226],
  ] as const)('%s: phi 8 after the mean and %d deviations', (model, deviations) => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(1000), { model });
    const expected = 1000 + 100 * deviations;
    expect(Math.abs(detectionMs(clock, detector) - expected)).toBeLessThanOrEqual(2);
  });

  it('an acceptable pause is added, and the least deviation holds', () => {
    const clock = new HandClock();
    const options = { acceptablePauseMs: 3000, minDeviationMs: 500 };
    const detector = afterGaps(clock, regularGaps(1000), options);
    expect(Math.abs(detectionMs(clock, detector) - (4000 + 5.612 * 500))).toBeLessThanOrEqual(2);
  });
});

describe('an outage', () => {
  it.each(MODELS)('does not blind: the next one is noticed nearly as soon: %s', (model) => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(1000), { model });
    const before = detectionMs(clock, detector);
    clock.advance(3_600_000n * MS);
    detector.heartbeat();
    for (const ms of regularGaps(10)) {
      clock.advance(BigInt(ms) * MS);
      detector.heartbeat();
    }
    const after = detectionMs(clock, detector);
    expect(after).toBeGreaterThanOrEqual(before);
    expect(after).toBeLessThan(1.2 * before);
  });

  it('and a peer that is slower for good is learned', () => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(200), { windowSize: 100 });
    let suspected = 0;
    for (let i = 0; i < 400; i++) {
      clock.advance(5000n * MS);
      if (detector.suspects()) suspected = i;
      detector.heartbeat();
    }
    expect(suspected).toBeGreaterThan(0);
    expect(suspected).toBeLessThan(200);
  });
});

describe('a burst', () => {
  it.each(MODELS)('of heartbeats that were held up together is not learned: %s', (model) => {
    const clock = new HandClock();
    const detector = afterGaps(clock, regularGaps(300), { model });
    clock.advance(200_000n * MS);
    for (let i = 0; i < 200; i++) {
      clock.advance(20_000n);
      detector.heartbeat();
    }
    for (const ms of regularGaps(300)) {
      clock.advance(BigInt(ms) * MS);
      expect(detector.suspects()).toBe(false);
      detector.heartbeat();
    }
  });
});

describe('our own pauses', () => {
  function watched(options: { readonly pauses: boolean }) {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock, everyMs: 20, minPauseMs: 20 });
    const detector = afterGaps(clock, regularGaps(300), options.pauses ? { pauses } : {});
    return { clock, pauses, detector };
  }

  it('accuse nobody, of any length and at any phase, and the heartbeat in them may be lost', () => {
    const pauseMs = fc.integer({ min: 40, max: 3_600_000 });
    fc.assert(
      fc.property(pauseMs, fc.nat(1100), fc.nat(1000), (pauseMs, silenceMs, afterMs) => {
        const { clock, pauses, detector } = watched({ pauses: true });
        clock.advance(BigInt(silenceMs) * MS);
        clock.monotonic += BigInt(pauseMs) * MS;
        expect(detector.suspects()).toBe(false); // before the late tick of the meter
        clock.pause(0n);
        expect(detector.suspects()).toBe(false);
        // The next heartbeat was due within a gap after the end of the pause.
        clock.advance(BigInt(Math.min(afterMs, pauseMs)) * MS);
        expect(detector.suspects()).toBe(false);
        pauses.stop();
      }),
      { numRuns: 30 },
    );
  });

  it('would accuse everybody without the meter: the test is not blind', () => {
    const { clock, detector } = watched({ pauses: false });
    clock.pause(10_000n * MS);
    expect(detector.suspects()).toBe(true);
  });

  it('do not hide a dead peer: the silence in which we run counts', () => {
    const { clock, pauses, detector } = watched({ pauses: true });
    for (let i = 0; i < 20 && !detector.suspects(); i++) {
      clock.pause(500n * MS);
      clock.advance(200n * MS);
    }
    expect(detector.suspects()).toBe(true);
    pauses.stop();
  });

  it('may be as short as any that is measured: the heartbeat in it may be lost', () => {
    for (const pauseMs of [40, 60, 100, 150, 220, 500, 900]) {
      const { clock, pauses, detector } = watched({ pauses: true });
      clock.advance(BigInt(1000 - pauseMs / 2) * MS);
      clock.pause(BigInt(pauseMs) * MS); // the heartbeat was due in the middle, and is lost
      clock.advance(BigInt(999 - pauseMs / 2) * MS);
      expect(detector.phi()).toBeLessThan(1);
      clock.advance(2000n * MS);
      expect(detector.suspects()).toBe(true);
      pauses.stop();
    }
  });

  it('in every gap do not keep it from learning', () => {
    const clock = new HandClock();
    const pauses = PauseMeter.start({ clock });
    const detector = new PhiAccrualDetector({ clock, pauses });
    let suspected = 0;
    for (let i = 0; i < 1500; i++) {
      clock.advance(2800n * MS);
      if (detector.suspects()) suspected = i;
      clock.pause(200n * MS);
      detector.heartbeat();
    }
    expect(suspected).toBeGreaterThan(0);
    expect(suspected).toBeLessThan(800);
    pauses.stop();
  });

  it('of a loop that is never idle do not hide a dead peer: in between it is listened to', () => {
    // A task of 80 ms after the other, so a timer of 100 ms fires after 160 ms.
    const { clock, detector } = watched({ pauses: false });
    const pauses = PauseMeter.start({ clock });
    const dead = afterGaps(clock, regularGaps(300), { pauses });
    let tasks = 0;
    for (; !dead.suspects() && tasks < 1000; tasks++) clock.pause(80n * MS);
    expect(detector.suspects()).toBe(true);
    expect(tasks * 80).toBeLessThan(5000);
    pauses.stop();
  });

  it('stay subtracted when the meter is stopped in one of them', () => {
    const { clock, pauses, detector } = watched({ pauses: true });
    clock.monotonic += 10_000n * MS;
    pauses.stop();
    expect(detector.suspects()).toBe(false);
    clock.advance(3000n * MS);
    expect(detector.suspects()).toBe(true);
  });

  it('are not counted as gaps, nor are the heartbeats that waited in them', () => {
    const { clock, pauses, detector } = watched({ pauses: true });
    const twin = watched({ pauses: true });
    for (let i = 0; i < 20; i++) {
      clock.advance(300n * MS);
      clock.monotonic += 10_000n * MS;
      for (let queued = 0; queued < 10; queued++) detector.heartbeat();
      clock.pause(0n);
      clock.advance(700n * MS);
      detector.heartbeat();
      for (const each of [{ clock, detector }, twin]) {
        each.clock.advance(1000n * MS);
        each.detector.heartbeat();
      }
    }
    twin.clock.advance(1300n * MS);
    clock.advance(1300n * MS);
    expect(detector.phi()).toBe(twin.detector.phi());
    pauses.stop();
    twin.pauses.stop();
  });

  it('the sleep of our machine grants a gap, and no more', () => {
    const { clock, pauses, detector } = watched({ pauses: true });
    clock.advance(900n * MS);
    clock.suspend(3_600_000n * MS);
    clock.advance(1000n * MS);
    expect(detector.suspects()).toBe(false);
    clock.advance(1000n * MS);
    expect(detector.suspects()).toBe(true);
    pauses.stop();
  });
});

test('a peer that was never heard is suspected', () => {
  const clock = new HandClock();
  const detector = new PhiAccrualDetector({ clock });
  expect(detector.suspects()).toBe(false);
  clock.advance(3000n * MS);
  expect(detector.suspects()).toBe(true);
});

test('a meter of another clock is refused', () => {
  const pauses = PauseMeter.start({ clock: new HandClock() });
  const make = () => new PhiAccrualDetector({ clock: new HandClock(), pauses });
  expect(make).toThrow('pauses must be a PauseMeter with the same clock');
  pauses.stop();
});

test('forks share the options and nothing else', () => {
  const clock = new HandClock();
  const first = new PhiAccrualDetector({ clock, threshold: 3 });
  const second = first.fork();
  clock.advance(2000n * MS);
  second.heartbeat();
  expect(first.suspects()).toBe(true);
  expect(second.suspects()).toBe(false);
  clock.advance(5000n * MS);
  expect(second.suspects()).toBe(true);
});

test.each([
  [{ model: 'weibull' }, "model must be 'normal', 'akka' or 'exponential'"],
  [{ threshold: Number.NaN }, 'threshold must be from 1 to 1000'],
  [{ windowSize: 10.5 }, 'windowSize must be a whole number'],
  [{ windowSize: 1e9 }, 'windowSize must be from 10 to 2000'],
  [{ minDeviationMs: 0 }, 'minDeviationMs must be from'],
  [{ pauses: {} }, 'pauses must be a PauseMeter'],
  [{ treshold: 8 }, 'did you mean threshold?'],
])('refused: %o', (options, message) => {
  const clock = new HandClock();
  expect(() => new PhiAccrualDetector({ clock, ...(options as object) })).toThrow(message);
});

test('10,000 peers that were heard often hold less than 2 MB', () => {
  const first = new PhiAccrualDetector({ clock: systemClock(), windowSize: 20 });
  const before = held();
  const peers = Array.from({ length: 10_000 }, () => first.fork());
  for (let i = 0; i < 30; i++) for (const peer of peers) peer.heartbeat();
  const bytes = held() - before;
  expect(peers[9_999]!.phi()).toBeGreaterThanOrEqual(0);
  expect(bytes).toBeGreaterThan(100_000); // they are there
  expect(bytes).toBeLessThan(2_000_000);
});
