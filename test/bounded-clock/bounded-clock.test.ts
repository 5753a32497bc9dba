import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import { ClockUnsynchronizedError } from '../../src/bounded-clock/reading.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../src/time/errors.ts';
import { asUnixNs, type UnixNs, unixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { type Reply, ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;

interface Stage {
  readonly clock: HandClock;
  readonly sources: readonly ScriptedSource[];
  readonly bounded: BoundedClock;
  readonly theta: bigint;
  readonly events: ClockEvent[];
  /** Every source replies now. */
  round(theta?: bigint, reply?: Partial<Reply>): void;
}

function stage(count = 1, options: Partial<BoundedClockOptions> = {}): Stage {
  const clock = new HandClock();
  const sources = Array.from({ length: count }, (_, i) => new ScriptedSource(`s${i}`));
  const bounded = BoundedClock.start({ sources, clock, ...options });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  const theta = clock.wallOffset;
  const round = (said = theta, reply: Partial<Reply> = {}): void => {
    for (const source of sources) source.reply(clock, { theta: said, ...reply });
  };
  return { clock, sources, bounded, theta, events, round };
}

const truth = ({ clock, theta }: Stage): bigint => clock.monotonic + theta;
/** Half of the 2 ms round trip, what the clock drifted in it, and 2 ns of rounding in the page. */
const HALF = MS;
const DRIFT_2MS = 402n;

describe('reading', () => {
  it('now: the path is all there is to the width, rounded outward', () => {
    const s = stage();
    s.round();
    const { earliest, latest } = s.bounded.now();
    expect(truth(s) - earliest).toBe(HALF + 2n);
    expect(latest - truth(s)).toBe(HALF + DRIFT_2MS + 2n);
    s.clock.advance(500n * MS);
    const later = s.bounded.now();
    const grown = 100_020n;
    for (const half of [truth(s) - later.earliest - HALF, later.latest - truth(s) - HALF]) {
      expect(half >= grown && half <= grown + DRIFT_2MS + 5n).toBe(true);
    }
    expect(JSON.stringify(earliest === later.earliest ? 0 : later)).toBe(
      `{"earliest":"${later.earliest}","latest":"${later.latest}"}`,
    );
  });

  it('readInto, before, after, read: the same interval', () => {
    const s = stage(3);
    s.round();
    const { earliest, latest } = s.bounded.now();
    const target = new BigInt64Array(4);
    s.bounded.readInto(target, 1);
    expect([...target]).toEqual([0n, earliest, latest, 0n]);
    expect(s.bounded.after(asUnixNs(earliest - 1n))).toBe(true);
    expect(s.bounded.after(earliest)).toBe(false);
    expect(s.bounded.before(asUnixNs(latest + 1n))).toBe(true);
    expect(s.bounded.before(latest)).toBe(false);
    expect(s.bounded.read()).toEqual({
      status: 'synchronized',
      interval: { earliest, latest },
      quorum: 'full',
    });
  });

  it('without a bound: a typed error, untouched targets, and neither before nor after', () => {
    const s = stage(2);
    const target = new BigInt64Array([7n, 7n]);
    for (const read of [
      () => s.bounded.now(),
      () => s.bounded.readInto(target),
      () => s.bounded.physicalNs(),
    ]) {
      expect(read).toThrow(ClockUnsynchronizedError);
      expect(read).toThrow(
        expect.objectContaining({
          code: 'ERR_CLOCK_UNSYNCHRONIZED',
          status: 'unsynchronized',
          reason: 'starting',
        }),
      );
    }
    expect([...target]).toEqual([7n, 7n]);
    expect(s.bounded.after(unixNs(0n))).toBe(false);
    expect(s.bounded.before(unixNs(2n ** 62n))).toBe(false);
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
  });

  it('misuse names the argument', () => {
    const s = stage();
    s.round();
    const two = new BigInt64Array(2);
    for (const index of [-1, 1, 0.5, Number.NaN]) {
      expect(() => s.bounded.readInto(two, index)).toThrow(/index/);
    }
    expect([...two]).toEqual([0n, 0n]);
    expect(() => s.bounded.after(1 as never)).toThrow(/t must be a bigint/);
    expect(() => s.bounded.before(1 as never)).toThrow(/t must be a bigint/);
  });

  it('after is a one-way door: the interval opens, earliest does not go back', () => {
    // A sudden dissenter widens the answer by 40 ms; what has passed has passed.
    const five = stage(5, { hostClock: 'free-running' });
    five.round();
    const { earliest } = five.bounded.now();
    const passed = asUnixNs(earliest - 1n);
    five.clock.advance(MS);
    five.sources[4]?.reply(five.clock, { theta: five.theta - 40n * MS });
    expect(five.bounded.explain().parts?.suspicionNs).toBeGreaterThan(10n * MS);
    expect(five.bounded.now().earliest >= earliest).toBe(true);
    expect(five.bounded.after(passed)).toBe(true);
  });

  it('a new era opens the door again', () => {
    const s = stage();
    s.round();
    const t = asUnixNs(s.bounded.now().earliest - 1n);
    s.clock.wallOffset -= 10n * SECOND;
    s.clock.advance(SECOND);
    expect(s.bounded.after(t)).toBe(false);
    for (let i = 0; i < 2; i++) {
      s.clock.advance(MS);
      s.round(s.theta - 10n * SECOND, { delay: 2n });
    }
    expect(s.bounded.now().latest < t).toBe(true);
    expect(s.bounded.after(t)).toBe(false);
  });

  it('physicalNs goes on from the last middle when the bound is lost', () => {
    const s = stage();
    s.round(s.theta, { delay: 0n });
    expect(s.bounded.physicalNs()).toBe(truth(s));
    s.bounded.stop();
    s.clock.advance(SECOND);
    expect(s.bounded.physicalNs()).toBe(truth(s));
  });
});

describe('status', () => {
  it('synchronized for three polls, holdover until expiry, then expired', () => {
    const s = stage(1, { expireAfterMs: 120_000 });
    s.round();
    s.clock.advance(48n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
    s.clock.advance(1n);
    expect(s.bounded.read().status).toBe('holdover');
    s.clock.advance(72n * SECOND - 1n);
    expect(s.bounded.read().status).toBe('holdover');
    s.clock.advance(1n);
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'expired' });
    s.clock.advance(SECOND);
    s.round();
    expect(s.bounded.read().status).toBe('synchronized');
    expect(s.events.map((event) => event.status)).toEqual([
      'synchronized',
      'holdover',
      'unsynchronized',
      'synchronized',
    ]);
  });

  it('remainingNs: how long until after(t) is true, and only of what is int64', () => {
    const s = stage();
    s.round();
    const { earliest } = s.bounded.now();
    expect(s.bounded.remainingNs((earliest - 1n) as UnixNs)).toBe(0n);
    const left = s.bounded.remainingNs((earliest + 5n * SECOND) as UnixNs);
    // As fast as the lower edge moves: hundreds of ppm slower than time.
    expect(left > 5n * SECOND && left < 5n * SECOND + 3n * MS).toBe(true);
    expect(() => s.bounded.remainingNs((2n ** 64n) as UnixNs)).toThrow(ArgumentRangeError);
    expect(() => s.bounded.remainingNs(5 as never)).toThrow(ArgumentTypeError);
  });

  it('a short suspend in a long pause: read() at the end of a pause does not trust the wall clock alone', () => {
    const s = stage();
    s.round();
    s.clock.suspend(100n * MS);
    s.clock.monotonic += 300n * SECOND;
    expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
  });

  it.each([
    ['step', (clock: HandClock) => (clock.wallOffset += 100n * MS)],
    ['suspend', (clock: HandClock) => clock.suspend(2n * SECOND)],
  ] as const)(
    '%s: disrupted at the next look, in-flight samples discarded, back again',
    (kind, jump) => {
      const s = stage();
      s.round();
      const source = s.sources[0] as ScriptedSource;
      const inFlight = source.exchange(s.clock, { theta: s.theta });
      jump(s.clock);
      // now() does not look; read() does.
      expect(() => s.bounded.now()).not.toThrow();
      expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: kind });
      expect(() => s.bounded.now()).toThrow(ClockUnsynchronizedError);
      expect([source.bursts, source.discards]).toEqual([1, 1]);
      s.clock.advance(MS);
      source.sink.sample(inFlight);
      expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: kind });
      expect(s.bounded.explain().refuted).toEqual({ assumption: 'A3', agoNs: MS });
      s.clock.advance(10n * MS);
      s.round();
      expect(s.bounded.read().status).toBe('synchronized');
      expect(s.events.map(({ type, status }) => `${type} ${status}`)).toEqual([
        'status synchronized',
        'refuted disrupted',
        'status disrupted',
        'status synchronized',
      ]);
    },
  );

  it('a jump between two looks is seen by the tick, and by a sample', () => {
    const ticking = stage();
    ticking.round();
    ticking.clock.suspend(SECOND);
    ticking.clock.advance(SECOND);
    expect(ticking.events.at(-1)).toMatchObject({ status: 'disrupted', reason: 'suspend' });
    const sampled = stage();
    sampled.round();
    sampled.clock.wallOffset += SECOND;
    sampled.round();
    expect(sampled.events.at(-1)).toMatchObject({ status: 'disrupted', reason: 'step' });
  });

  it('a pause is no disruption', () => {
    const s = stage();
    s.round();
    s.clock.pause(10n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
    expect(s.events).toHaveLength(1);
  });

  it('a leap second ends the bound before it comes, and polls hard until it is over', () => {
    const leap = 1_798_761_600n * SECOND;
    const clock = new HandClock({ wall: leap - 5n * SECOND });
    const source = new ScriptedSource('a');
    const bounded = BoundedClock.start({ sources: [source], clock });
    source.reply(clock, { theta: clock.wallOffset, leap: 'insert' });
    clock.advance(4990n * MS);
    expect(bounded.now().latest < leap).toBe(true);
    clock.advance(10n * MS);
    expect(bounded.read()).toEqual({ status: 'unsynchronized', reason: 'leap-second' });
    clock.advance(3n * SECOND);
    expect(source.bursts).toBeGreaterThanOrEqual(3);
  });
});

describe('waitSynced', () => {
  it('resolves with the first bound, or at once, even with no time to wait', async () => {
    const s = stage();
    const waiting = s.bounded.waitSynced();
    expect(s.clock.pending()).toEqual({ foreground: 1, background: 1 });
    s.round();
    await waiting;
    expect(s.clock.pending()).toEqual({ foreground: 0, background: 1 });
    await s.bounded.waitSynced({ timeoutMs: 0 });
  });

  it('times out saying what each source said, and leaves nothing behind', async () => {
    const s = stage(2);
    const waiting = s.bounded.waitSynced({ timeoutMs: 1500 });
    s.sources[0]?.miss('stratum');
    s.clock.advance(1500n * MS);
    await expect(waiting).rejects.toThrow(/s0: stratum, s1: not heard yet/);
    await expect(waiting).rejects.toBeInstanceOf(ClockUnsynchronizedError);
    expect(s.clock.pending()).toEqual({ foreground: 0, background: 1 });
  });

  it('rejects with the reason of the signal', async () => {
    const s = stage();
    const abort = new AbortController();
    const waiting = s.bounded.waitSynced({
      signal: abort.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
    });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(s.bounded.waitSynced({ signal: abort.signal })).rejects.toThrow('enough');
    expect(s.clock.pending()).toEqual({ foreground: 0, background: 1 });
  });

  it('rejects on a stopped clock, before or while waiting, whatever was known', async () => {
    const s = stage();
    const waiting = s.bounded.waitSynced();
    s.bounded.stop();
    await expect(waiting).rejects.toMatchObject({ reason: 'stopped' });
    const known = stage();
    known.round();
    known.bounded.stop();
    await expect(known.bounded.waitSynced()).rejects.toMatchObject({ reason: 'stopped' });
    expect(known.clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  it('does not take a bound for alive that ended since the last tick', async () => {
    const s = stage(1, { expireAfterMs: 100 });
    s.round();
    s.clock.advance(500n * MS);
    const waiting = s.bounded.waitSynced({ timeoutMs: 1 });
    s.clock.advance(10n * MS);
    await expect(waiting).rejects.toMatchObject({ reason: 'expired' });
  });

  it('refuses a timeout that is none', async () => {
    await expect(stage().bounded.waitSynced({ timeoutMs: -1 })).rejects.toThrow(/timeoutMs/);
  });
});

describe('stop', () => {
  it('ends polling, ticks and the bound, here and elsewhere, once', async () => {
    const s = stage();
    s.round();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    await s.bounded[Symbol.asyncDispose]();
    s.bounded.stop();
    expect(s.sources[0]?.stops).toBe(1);
    expect(s.clock.pending()).toEqual({ foreground: 0, background: 0 });
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
    expect(reader.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
    // Sources that cannot hold their tongue are not heard.
    s.round();
    s.sources[0]?.miss();
    s.sources[0]?.sink.endpoints(['x']);
    expect(s.bounded.explain().reading).toEqual({ status: 'unsynchronized', reason: 'stopped' });
  });

  it('is final when a listener calls it in the middle of a disruption', () => {
    const s = stage();
    s.round();
    s.bounded.onChange(({ status }) => {
      if (status === 'disrupted') s.bounded.stop();
    });
    s.clock.suspend(SECOND);
    s.clock.advance(5n * SECOND);
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
    expect(s.sources[0]).toMatchObject({ bursts: 0, stops: 1 });
  });
});

describe('attached readers', () => {
  it('read the same interval, and see expiry when the publisher stops publishing', () => {
    const s = stage(1, { expireAfterMs: 60_000 });
    s.round();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    expect(reader.now()).toEqual(s.bounded.now());
    // The publisher's thread hangs: time passes, its timers do not fire.
    s.clock.monotonic += 60n * SECOND;
    expect(reader.read().status).toBe('holdover');
    s.clock.monotonic += 1n;
    expect(reader.read()).toEqual({ status: 'unsynchronized', reason: 'expired' });
    expect(() => reader.now()).toThrow(expect.objectContaining({ reason: 'expired' }));
  });

  it('that see a wall jump say so and flag the publisher, which acts once', () => {
    const s = stage();
    s.round();
    const elsewhere = new HandClock();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: elsewhere });
    elsewhere.wallOffset += 50n * MS;
    expect(reader.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
    s.clock.advance(SECOND);
    expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
    s.clock.advance(10n * MS);
    s.round();
    s.clock.advance(5n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('an alarm about a jump that the publisher saw itself does not disrupt a second time', () => {
    const s = stage();
    s.round();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    s.clock.wallOffset += 50n * MS;
    expect(reader.read().status).toBe('disrupted');
    expect(s.bounded.read().status).toBe('disrupted');
    s.clock.advance(10n * MS);
    s.round();
    s.clock.advance(2n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('whose clock is a moment behind reach back, outward, also where the guard makes the bound flat', () => {
    const s = stage();
    s.clock.wallOffset += 2n * MS;
    s.round();
    const behind = new HandClock({ monotonic: s.clock.monotonic - 10n * MS });
    const reader = BoundedClock.attach(s.bounded.share(), { clock: behind });
    const { earliest, latest } = reader.now();
    const here = s.bounded.now();
    expect(here.earliest - earliest - 10n * MS >= 2000n).toBe(true);
    expect(latest - (here.latest - 10n * MS) >= 2000n).toBe(true);
  });

  it('attach refuses what share did not give', () => {
    for (const handle of [undefined, {}, { page: new SharedArrayBuffer(8) }, { page: 1 }]) {
      expect(() => BoundedClock.attach(handle as never)).toThrow(/handle/);
    }
  });
});

describe('explain', () => {
  const sum = (parts: object): bigint => Object.values(parts).reduce((a, b) => a + b, 0n);

  it('with one source the path is half the delay, and the parts sum to the half-width', () => {
    const s = stage();
    s.round(s.theta, { delay: 3n * MS, serverError: 70_000n });
    s.clock.advance(700n * MS);
    const { parts, halfWidthNs, reading, advice, toJSON, ...rest } = s.bounded.explain();
    if (parts === undefined || !('interval' in reading)) throw new Error('no parts');
    expect(parts.pathDelayNs).toBe((15n * MS) / 10n);
    expect(parts.serverErrorNs).toBe(70_000n);
    expect(parts.driftNs - 140_328n < 3n && parts.driftNs >= 140_328n).toBe(true);
    expect(parts.wallGuardNs + parts.suspicionNs).toBe(0n);
    expect(parts.agreementNs > -20n && parts.agreementNs < 20n).toBe(true);
    expect(sum(parts)).toBe(halfWidthNs);
    const width = reading.interval.latest - reading.interval.earliest;
    expect(halfWidthNs).toBe((width + 1n) / 2n);
    expect(advice).toEqual([]);
    expect(rest).toMatchObject({ maxFaulty: 0, voters: 1, refuted: undefined });
    const json = JSON.parse(JSON.stringify({ ...rest, parts, toJSON }));
    expect(json.parts.pathDelayNs).toBe('1500000');
  });

  it('names the wall clock when it makes the interval wide, and the setting that mends it', () => {
    const s = stage();
    s.round(s.theta - 137n * MS);
    const { parts, halfWidthNs, advice, reading } = s.bounded.explain();
    if (parts === undefined || !('interval' in reading)) throw new Error('no parts');
    expect(sum(parts)).toBe(halfWidthNs);
    expect(parts.wallGuardNs > 67n * MS && parts.wallGuardNs < 69n * MS).toBe(true);
    expect(reading.interval.latest >= truth(s)).toBe(true);
    expect(advice.join()).toMatch(/13\d\.?\d* ms outside.*free-running/);
    const free = stage(1, { hostClock: 'free-running' });
    free.round(free.theta - 137n * MS);
    expect(free.bounded.explain().parts?.wallGuardNs).toBe(0n);
  });

  it('lists every source: verdict, vote, reach, why it was refused', () => {
    const s = stage(6, { maxFaulty: 2 });
    const [a, b, c, d, e] = s.sources;
    for (const each of [a, b, c]) each?.reply(s.clock, { theta: s.theta });
    d?.reply(s.clock, { theta: s.theta + 250n * MS });
    e?.miss('timeout');
    s.sources[5]?.miss('stratum');
    const { sources, voters } = s.bounded.explain();
    expect(sources.map(({ sourceId, verdict }) => [sourceId, verdict])).toEqual([
      ['s0', 'agrees'],
      ['s1', 'agrees'],
      ['s2', 'agrees'],
      ['s3', 'falseticker'],
      ['s4', 'silent'],
      ['s5', 'refused'],
    ]);
    expect(voters).toBe(4);
    expect(sources[0]).toMatchObject({ votes: true, reach: 1, accepted: 1, lastDelayNs: 2n * MS });
    expect(sources[5]).toMatchObject({ votes: false, misses: { stratum: 1 }, interval: undefined });
    expect(s.events.filter((event) => event.type === 'falseticker')).toMatchObject([
      { sourceId: 's3', present: true },
    ]);
    d?.sink.endpoints([]);
    expect(s.events.at(-1)).toMatchObject({ type: 'falseticker', sourceId: 's3', present: false });
  });

  it('a sample that cannot be true is a miss: counted, and an answer for the first bound', () => {
    const s = stage(3);
    const [a, b, c] = s.sources;
    a?.reply(s.clock, { theta: s.theta });
    b?.reply(s.clock, { theta: s.theta });
    const good = (c as ScriptedSource).exchange(s.clock, { theta: s.theta });
    c?.sink.sample({ ...good, upperNs: good.lowerNs - SECOND });
    expect(s.bounded.read().status).toBe('synchronized');
    const future = s.clock.monotonic + SECOND;
    c?.sink.sample({ ...good, receivedAt: future as never });
    expect(s.bounded.explain().sources[2]).toMatchObject({
      verdict: 'refused',
      misses: { impossible: 2 },
    });
  });
});

describe('listeners', () => {
  it('one that throws surfaces in a turn of its own and disturbs nobody', () => {
    const s = stage();
    const heard: string[] = [];
    s.bounded.onChange(() => {
      throw new Error('listener');
    });
    const end = s.bounded.onChange((event) => heard.push(event.status));
    s.round();
    expect(heard).toEqual(['synchronized']);
    expect(s.clock.turns()).toEqual([new Error('listener')]);
    end();
    s.bounded.stop();
    expect(heard).toEqual(['synchronized']);
  });

  it('all hear one order of events, also when one of them causes the next', () => {
    const s = stage();
    s.round();
    s.bounded.onChange(({ type }) => {
      if (type === 'refuted') s.bounded.stop();
    });
    const heard: string[] = [];
    s.bounded.onChange((event) => {
      heard.push(event.type === 'status' ? String(event.reason) : event.type);
    });
    s.clock.suspend(SECOND);
    s.clock.advance(5n * SECOND);
    expect(heard).toEqual(['refuted', 'suspend', 'stopped']);
    expect(s.bounded.read()).toMatchObject({ reason: 'stopped' });
  });

  it('one that was ended by another in the middle of an event is not told', () => {
    const s = stage();
    const heard: string[] = [];
    s.bounded.onChange(() => end());
    const end = s.bounded.onChange(({ status }) => heard.push(status));
    s.round();
    expect(heard).toEqual([]);
  });

  it('are functions', () => {
    const s = stage();
    expect(() => s.bounded.onChange(undefined as never)).toThrow(/listener must be a function/);
  });

  it('are told after the new bound can be read', () => {
    const s = stage();
    const read: string[] = [];
    s.bounded.onChange(() =>
      read.push(s.bounded.read().status, s.bounded.explain().reading.status),
    );
    s.round();
    expect(read).toEqual(['synchronized', 'synchronized']);
  });
});

describe('options', () => {
  it('that are left out are refused by name', () => {
    expect(() => BoundedClock.start(undefined as unknown as BoundedClockOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  it.each([
    ['sources', { sources: 'ntp' }],
    ['sources', { sources: [] }],
    ['sources\\[0\\]', { sources: ['time.example.net'] }],
    ['sources\\[1\\]', { sources: [new ScriptedSource('a'), null] }],
    ['hostClock', { hostClock: 'virtual' }],
    ['maxDriftPpm', { maxDriftPpm: 0 }],
    ['maxDriftPpm', { maxDriftPpm: 100_001 }],
    ['maxDriftPpm', { maxDriftPpm: Number.NaN }],
    ['maxDriftPpm', { maxDriftPpm: '200' }],
    ['maxFaulty', { maxFaulty: -1 }],
    ['maxFaulty', { maxFaulty: 1.5 }],
    ['expireAfterMs', { expireAfterMs: 0 }],
    ['expireAfterMs', { expireAfterMs: 86_400_001 }],
    // An age times this slope would leave int64 after 41 minutes; the default expiry is an hour.
    ['expireAfterMs', { maxDriftPpm: 100_000 }],
    ['expireAfterMs', { maxDriftPpm: 10_000, expireAfterMs: 86_400_000 }],
  ])('a bad %s is refused, and nothing is started: %j', (name, bad) => {
    const clock = new HandClock();
    const source = new ScriptedSource('a');
    const options = { sources: [source], clock, ...bad } as BoundedClockOptions;
    expect(() => BoundedClock.start(options)).toThrow(new RegExp(`^${name} must`));
    expect(source.starts).toBe(0);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  it('the widest accepted pairs of drift and expiry stay sound to the end', () => {
    for (const [maxDriftPpm, expireAfterMs] of [
      [90_000, 2_700_000],
      [3000, 86_400_000],
    ] as const) {
      const s = stage(1, { maxDriftPpm, expireAfterMs, hostClock: 'free-running' });
      s.round(s.theta, { delay: 0n });
      s.clock.monotonic += BigInt(expireAfterMs) * MS;
      const { earliest, latest } = s.bounded.now();
      const rho = maxDriftPpm / 1e6;
      const grown = BigInt(Math.floor((rho / (1 - rho)) * expireAfterMs * 1e6));
      expect(truth(s) - earliest >= grown || earliest === truth(s)).toBe(true);
      expect(latest - truth(s) >= grown).toBe(true);
      expect(latest - truth(s) < grown + grown / 1_000_000n).toBe(true);
    }
  });

  it('a source that fails to start stops those that did, and the failure is the caller’s', () => {
    const clock = new HandClock();
    const good = new ScriptedSource('good');
    const bad = new ScriptedSource('bad');
    bad.start = () => {
      throw new Error('no socket');
    };
    expect(() => BoundedClock.start({ sources: [good, bad], clock })).toThrow('no socket');
    expect(good.stops).toBe(1);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});
