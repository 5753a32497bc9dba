import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

interface Stage {
  readonly clock: HandClock;
  readonly bounded: BoundedClock;
  readonly events: ClockEvent[];
  /** True time now. The crystal is slow by `driftPpm`. */
  truth(): bigint;
  driftPpm: bigint;
  /** Three sources reply now. */
  poll(): void;
  /** For `ns`, the three sources reply every 16 s. */
  live(ns: bigint): void;
}

/** A machine whose crystal is slow by 80 ppm and which no daemon adjusts. */
function stage(options: Partial<BoundedClockOptions> = {}): Stage {
  const clock = new HandClock();
  const sources = ['a', 'b', 'c'].map((name) => new ScriptedSource(name));
  const bounded = BoundedClock.start({ sources, clock, hostClock: 'free-running', ...options });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  let theta = clock.wallOffset;
  let since = clock.monotonic;
  let ppm = 80n;
  const thetaNow = (): bigint => theta + ((clock.monotonic - since) * ppm) / 1_000_000n;
  const poll = (): void => {
    for (const source of sources) source.reply(clock, { theta: thetaNow(), delay: 200_000n });
  };
  return {
    clock,
    bounded,
    events,
    truth: () => clock.monotonic + thetaNow(),
    get driftPpm() {
      return ppm;
    },
    set driftPpm(to: bigint) {
      theta = thetaNow();
      since = clock.monotonic;
      ppm = to;
    },
    poll,
    live(ns) {
      for (let left = ns; left > 0n; left -= 16n * SECOND) {
        poll();
        clock.advance(16n * SECOND);
      }
    },
  };
}

const halfWidth = (bounded: { now(): { earliest: bigint; latest: bigint } }): number => {
  const { earliest, latest } = bounded.now();
  return Number(latest - earliest) / 2;
};

describe('a free-running host', () => {
  it('readings hold the truth: along a parabola, then a line, then at R', () => {
    const s = stage({ expireAfterMs: 4 * 3_600_000 });
    const plain = stage({
      crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 },
      expireAfterMs: 14_400_000,
    });
    for (const each of [s, plain]) each.live(30n * MINUTE);
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    const widths: number[] = [];
    for (let age = 0n; age <= 3n * HOUR; age += 10n * SECOND) {
      const target = new BigInt64Array(2);
      s.bounded.readInto(target);
      const [earliest, latest] = target as unknown as [bigint, bigint];
      expect(earliest <= s.truth() && s.truth() <= latest).toBe(true);
      expect(reader.now()).toEqual({ earliest, latest });
      widths.push(Number(latest - earliest) / 2);
      if (age % MINUTE === 0n) expect(halfWidth(plain.bounded)).toBeGreaterThan(widths.at(-1)!);
      // The event loop is blocked, so no tick publishes anything newer.
      s.clock.monotonic += 10n * SECOND;
      plain.clock.monotonic += 10n * SECOND;
    }
    const grown = (fromS: number, toS: number): number =>
      (widths[toS / 10]! - widths[fromS / 10]!) / (toS - fromS) / 1000;
    // In ppm: the rate is known to a few ppm and wanders by 0.1 ppm a second, up to A and twice D.
    expect(grown(0, 10)).toBeLessThan(15);
    expect(grown(60, 70) - grown(0, 10)).toBeCloseTo(6, 0);
    expect(grown(1800, 3600)).toBeGreaterThan(25);
    expect(grown(1800, 3600)).toBeLessThan(28.5);
    // Two horizons after the last sample there is no cap any more.
    expect(grown(8000, 10_000)).toBeCloseTo(500, 0);
  });

  it('says which layer carries the bound, what the rate is, and what was refuted', () => {
    const s = stage();
    expect(s.bounded.explain()).toMatchObject({
      basis: 'drift-bound',
      rate: undefined,
      refuted: undefined,
    });
    s.live(10n * MINUTE);
    const learned = s.bounded.explain();
    expect(learned).toMatchObject({ basis: 'learned-rate', refuted: undefined });
    expect(learned.rate!.lowerPpm).toBeLessThan(80);
    expect(learned.rate!.upperPpm).toBeGreaterThan(80);
    expect(learned.rate!.upperPpm - learned.rate!.lowerPpm).toBeLessThan(25);
    expect(learned.rate!.wanderPpmPerSecond).toBeCloseTo(0.1, 3);
    expect(learned.maxDriftPpm).toBeCloseTo(500.25, 2);
    // The parts add up, and the drift part is that of the learned rate.
    const parts = Object.values(learned.parts!) as bigint[];
    expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(learned.uncertaintyNs);
    expect(Number(learned.parts!.driftNs)).toBeLessThan(500_000);
    // The interval of each source is narrowed by layer 2, and holds the truth.
    for (const { interval } of learned.sources) {
      expect(interval!.earliest <= s.truth() && s.truth() <= interval!.latest).toBe(true);
      expect(Number(interval!.latest - interval!.earliest)).toBeLessThan(2_000_000);
    }
    expect(JSON.parse(JSON.stringify(learned)).rate.upperPpm).toBe(learned.rate!.upperPpm);
    expect(stage({ hostClock: 'disciplined' }).bounded.explain()).toMatchObject({
      basis: 'drift-bound',
    });
  });

  it('a thermal step: A2 refuted, layer 1 still answers, and what has passed may not have', () => {
    const s = stage();
    s.live(10n * MINUTE);
    s.driftPpm = 120n;
    for (let i = 0; i < 40 && s.events.at(-1)?.type !== 'refuted'; i++) s.live(16n * SECOND);
    expect(s.events.filter(({ type }) => type !== 'status')).toEqual([
      {
        type: 'refuted',
        status: 'synchronized',
        assumption: 'A2',
        maxDriftPpm: expect.closeTo(500.25, 2),
        wanderPpmPerSecond: expect.closeTo(0.2, 2),
      },
    ]);
    const { refuted } = s.bounded.explain();
    expect(refuted).toMatchObject({ assumption: 'A2' });
    const { earliest, latest } = s.bounded.now();
    expect(earliest <= s.truth() && s.truth() <= latest).toBe(true);
    s.live(10n * MINUTE);
    expect(s.bounded.explain().basis).toBe('learned-rate');
    expect(s.bounded.explain().rate!.upperPpm).toBeLessThan(140);
  });

  it('`after` may be false again when the bound that made it true is refuted', () => {
    const s = stage();
    s.live(10n * MINUTE);
    // The crystal is suddenly fast, so true time is behind what layer 2 expects.
    s.driftPpm = -400n;
    s.clock.advance(16n * SECOND);
    const { earliest } = s.bounded.now();
    expect(earliest > s.truth()).toBe(true);
    const t = asUnixNs(earliest - 1n);
    expect(s.bounded.after(t)).toBe(true);
    s.poll();
    expect(s.events.at(-1)).toMatchObject({ type: 'refuted', assumption: 'A2' });
    expect(s.bounded.after(t)).toBe(false);
    expect(s.bounded.now().earliest <= s.truth()).toBe(true);
  });
});

describe('the warning', () => {
  const warnings = ({ events }: Stage): ClockEvent[] =>
    events.filter(({ type }) => type === 'widening');

  it('comes when the sources have fallen silent, and names the instant', () => {
    const s = stage({ warnUncertaintyMs: 20 });
    s.live(10n * MINUTE);
    expect(warnings(s)).toEqual([]);
    while (s.bounded.read().status !== 'holdover') s.clock.advance(SECOND);
    s.clock.advance(SECOND);
    const [warning] = warnings(s) as [Extract<ClockEvent, { type: 'widening' }>];
    expect(warnings(s)).toHaveLength(1);
    expect(warning.status).toBe('holdover');
    expect(warning.inMs).toBeGreaterThan(60_000);
    // The limit is exceeded at that instant, and not before.
    s.clock.advance(BigInt(Math.floor(warning.inMs! * 1e6)) - 2n * SECOND);
    expect(halfWidth(s.bounded)).toBeLessThan(20e6);
    s.clock.advance(2n * SECOND);
    expect(halfWidth(s.bounded)).toBeGreaterThan(20e6);
    expect(warnings(s)).toHaveLength(1);
    const off = Number(s.truth() - warning.at!);
    expect(off).toBeGreaterThanOrEqual(0);
    expect(off).toBeLessThan(43e6 + 2e9);

    s.live(16n * SECOND);
    expect(warnings(s)).toHaveLength(2);
    expect(warnings(s)[1]).toMatchObject({ inMs: undefined, at: undefined });
  });

  it('comes shortly before, when samples do come and are too wide', () => {
    const s = stage({
      warnUncertaintyMs: 5,
      crystal: { wanderPpmPerSecond: 1000, maxWanderPpm: 1000 },
    });
    // 500 ppm of 16 s are 8 ms.
    s.live(16n * SECOND);
    const [warning] = warnings(s) as [Extract<ClockEvent, { type: 'widening' }>];
    expect(warning.status).toBe('synchronized');
    expect(warning.inMs).toBeGreaterThan(0);
    expect(warning.inMs).toBeLessThanOrEqual(2000);
    s.live(16n * SECOND);
    expect(
      warnings(s).map(({ type, ...rest }) => 'inMs' in rest && rest.inMs === undefined),
    ).toEqual([false, true, false]);
  });

  it('covers the wall guard', () => {
    const s = stage({ hostClock: 'disciplined', warnUncertaintyMs: 20 });
    s.clock.wallOffset += 100n * MS;
    s.live(32n * SECOND);
    expect(warnings(s)).toHaveLength(1);
    expect(warnings(s)[0]).toMatchObject({ inMs: 0 });
  });

  it('does not come without the option', () => {
    const s = stage();
    s.live(16n * SECOND);
    s.clock.advance(HOUR);
    expect(warnings(s)).toEqual([]);
  });
});

describe('settings', () => {
  it.each([
    [{ crystal: { jitterPpm: -1 } }, 'crystal.jitterPpm must be from 0 to 500'],
    [{ crystal: { jitterPpm: 501 } }, 'crystal.jitterPpm must be from 0 to 500'],
    [
      { crystal: { wanderPpmPerSecond: 0 } },
      'crystal.wanderPpmPerSecond must be from 0.000001 to 1000',
    ],
    [{ crystal: { wanderPpmPerSecond: 1001 } }, 'crystal.wanderPpmPerSecond must be'],
    [{ crystal: { maxWanderPpm: 100_001 } }, 'crystal.maxWanderPpm must be from 0 to 100000'],
    [{ crystal: { maxWanderPpm: Number.NaN } }, 'crystal.maxWanderPpm must be'],
    [{ crystal: { horizonMs: 59_999 } }, 'crystal.horizonMs must be from 60000 to 86400000'],
    [{ warnUncertaintyMs: -1 }, 'warnUncertaintyMs must be from 0'],
    [{ crystal: { jitterPpm: '1' as never } }, 'crystal.jitterPpm must be a number'],
    // An int64 product would overflow.
    [{ maxDriftPpm: 100_000 }, 'expireAfterMs must be at most'],
    [{ maxDriftPpm: 10_000, expireAfterMs: 86_400_000 }, 'expireAfterMs must be at most'],
    // The option would have no effect where a daemon may slew.
    [{ hostClock: 'disciplined' as const, crystal: {} }, "absent where hostClock is 'disciplined'"],
    [{ crystal: { jitter: 1 } as object }, 'there is no option jitter'],
  ])('%o: refused', (options, message) => {
    expect(() => stage(options)).toThrow(message);
  });

  it.each([
    { crystal: { jitterPpm: 0, wanderPpmPerSecond: 1e-6, maxWanderPpm: 0, horizonMs: 60_000 } },
    {
      crystal: {
        jitterPpm: 500,
        wanderPpmPerSecond: 1000,
        maxWanderPpm: 100_000,
        horizonMs: 86_400_000,
      },
    },
    { maxDriftPpm: 0.001 },
    { maxDriftPpm: 100_000, expireAfterMs: 2_473_000, crystal: { wanderPpmPerSecond: 1000 } },
  ])('%o: taken, and evaluated to the end', (options) => {
    const s = stage(options);
    if (options.maxDriftPpm === 0.001) s.driftPpm = 0n;
    if (options.crystal?.jitterPpm === 0) s.driftPpm = 0n;
    s.live(3n * MINUTE);
    const expireAfterNs = BigInt(options.expireAfterMs ?? 3_600_000) * MS;
    s.clock.advance(expireAfterNs - 17n * SECOND);
    const { earliest, latest } = s.bounded.now();
    expect(earliest <= s.truth() && s.truth() <= latest).toBe(true);
  });
});
