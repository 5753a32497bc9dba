import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import { ClockUnsynchronizedError } from '../../src/bounded-clock/reading.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../../src/time/errors.ts';
import { asUnixNs, type UnixNs, unixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { type Reply, ScriptedSource } from '../kit/scripted-source.ts';
import { unhandledRejections } from '../kit/unhandled.ts';

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
/** Half of the 2 ms round trip. */
const HALF = MS;
/** The drift of the round trip, rounded, ns. */
const DRIFT_2MS = 402n;

describe('reading', () => {
  it('now: the width is that of the path, rounded outward', () => {
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
      expect(read).toThrow('(starting); waitSynced() waits for the first one');
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

  it('after, once true, stays true: the interval widens, earliest does not go back', () => {
    // A suspect widens the answer by 40 ms. What has passed has passed all the same.
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

  it('in a new era, after may be false again', () => {
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

  it('remainingNs: how long until after(t) is true, for an int64 t only', () => {
    const s = stage();
    s.round();
    const { earliest } = s.bounded.now();
    expect(s.bounded.remainingNs((earliest - 1n) as UnixNs)).toBe(0n);
    const left = s.bounded.remainingNs((earliest + 5n * SECOND) as UnixNs);
    // The lower edge moves hundreds of ppm slower than time.
    expect(left > 5n * SECOND && left < 5n * SECOND + 3n * MS).toBe(true);
    expect(() => s.bounded.remainingNs((2n ** 64n) as UnixNs)).toThrow(ArgumentRangeError);
    expect(() => s.bounded.remainingNs(5 as never)).toThrow(ArgumentTypeError);
  });

  it('remainingNs follows the edge that a long silence has let fall', () => {
    const s = stage(1, { maxDriftPpm: 500 });
    s.round();
    s.clock.monotonic += 1000n * SECOND;
    const t = unixNs(truth(s) + SECOND);
    const left = s.bounded.remainingNs(t);
    // 1 s, the path's 1 ms and 500.25 ppm of 1000 s, and a little more because the edge falls
    // meanwhile.
    expect(left > 1_501n * MS && left < 1_503n * MS).toBe(true);
    s.clock.monotonic += left - 1000n;
    expect(s.bounded.after(t)).toBe(false);
    s.clock.monotonic += 2000n;
    expect(s.bounded.after(t)).toBe(true);
  });

  it('the quorum is partial while fewer than 2 f + 1 sources vote', () => {
    const s = stage(3);
    s.sources[2]?.miss();
    for (const source of s.sources.slice(0, 2)) source.reply(s.clock, { theta: s.theta });
    expect(s.bounded.read()).toMatchObject({ status: 'synchronized', quorum: 'partial' });
    s.round();
    expect(s.bounded.read()).toMatchObject({ status: 'synchronized', quorum: 'full' });
  });

  it('a short suspend in a long pause: read() at the end of a pause does not trust the wall clock alone', () => {
    const s = stage();
    s.round();
    s.clock.suspend(100n * MS);
    s.clock.monotonic += 300n * SECOND;
    expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
  });

  it.each<[string, (clock: HandClock) => void]>([
    ['step', (clock) => (clock.wallOffset += 100n * MS)],
    ['suspend', (clock) => clock.suspend(2n * SECOND)],
    ['vm-disruption', (clock) => (clock.marker = 7n)],
  ])(
    '%s: disrupted at the next check, in-flight samples discarded, then synchronized again',
    (kind, jump) => {
      const s = stage();
      s.clock.marker = -7n;
      s.clock.advance(SECOND);
      s.round();
      const source = s.sources[0] as ScriptedSource;
      const inFlight = source.exchange(s.clock, { theta: s.theta });
      jump(s.clock);
      // now() does not read the wall clock, read() does.
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

  it('samples leave the boot clock alone, which is slow to read, until the wall clock moves', () => {
    const s = stage(3);
    s.round();
    s.clock.advance(SECOND);
    let reads = 0;
    s.clock.onRead = (which) => {
      if (which === 'boot') reads++;
    };
    for (let i = 0; i < 10; i++) s.round();
    expect(reads).toBe(0);
    s.clock.suspend(SECOND);
    s.round();
    expect(reads).toBeGreaterThan(0);
    expect(s.events.at(-1)).toMatchObject({ status: 'disrupted', reason: 'suspend' });
  });

  it('a jump between two checks is seen by the tick, and by a sample', () => {
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

  it('a pause is not a disruption', () => {
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

  it.each([990n, 500n, 10n, 0n])(
    'a deleted second: %i ms before the month would have ended no reading excludes the truth',
    (leftMs) => {
      const monthEnd = 1_798_761_600n * SECOND;
      const start = 1000n * SECOND;
      const clock = new HandClock({ monotonic: start, wall: monthEnd - 10n * SECOND });
      const sources = ['a', 'b', 'c'].map((name) => new ScriptedSource(name));
      const bounded = BoundedClock.start({ sources, clock });
      for (const source of sources) {
        source.reply(clock, { theta: clock.wallOffset, serverError: MS, leap: 'delete' });
      }
      clock.advance(8990n * MS);
      expect(bounded.now().latest < monthEnd - SECOND).toBe(true);
      clock.advance(1010n * MS - leftMs * MS);
      // Time went from 23:59:58 to 00:00:00, so it is a second ahead of what was known.
      const truth = unixNs(monthEnd - leftMs * MS + SECOND);
      expect(bounded.before(truth)).toBe(false);
      expect(bounded.read()).toEqual({ status: 'unsynchronized', reason: 'leap-second' });
    },
  );
});

describe('tryNow and tryReadInto', () => {
  it('answer instead of throwing, and leave the target alone without a bound', () => {
    const s = stage();
    const slots = new BigInt64Array([7n, 8n, 9n]);
    expect(s.bounded.tryNow()).toBeUndefined();
    expect(s.bounded.tryReadInto(slots, 1)).toBe(false);
    expect([...slots]).toEqual([7n, 8n, 9n]);
    s.round();
    const interval = s.bounded.tryNow();
    expect(interval).toEqual(s.bounded.now());
    expect(s.bounded.tryReadInto(slots, 1)).toBe(true);
    expect([...slots]).toEqual([7n, interval?.earliest, interval?.latest]);
    expect(() => s.bounded.tryReadInto(slots, 2)).toThrow(ArgumentRangeError);
    s.bounded.stop();
    expect(s.bounded.tryNow()).toBeUndefined();
  });
});

describe('onChange', () => {
  it('calls a listener until its signal is aborted, or it is ended', () => {
    const s = stage();
    const controller = new AbortController();
    const heard: string[] = [];
    s.bounded.onChange(() => heard.push('a'), { signal: controller.signal });
    const end = s.bounded.onChange(() => heard.push('b'), { signal: controller.signal });
    s.bounded.onChange(() => heard.push('never'), { signal: AbortSignal.abort() });
    s.round();
    expect(heard).toEqual(['a', 'b']);
    end();
    controller.abort();
    s.bounded.stop();
    expect(heard).toEqual(['a', 'b']);
  });
});

describe('waitSynced in an attached reader', () => {
  const attached = (s: Stage) => BoundedClock.attach(s.bounded.share(), { clock: s.clock });

  it('resolves within 5 ms of the bound', async () => {
    const s = stage();
    let synced = false;
    const waiting = attached(s)
      .waitSynced()
      .then(() => {
        synced = true;
      });
    await s.clock.elapse(20);
    expect(synced).toBe(false);
    s.round();
    await s.clock.elapse(5);
    expect(synced).toBe(true);
    await waiting;
    expect(s.clock.pending().foreground).toBe(0);
  });

  it('rejects after its time limit, when the publisher stops, and on abort', async () => {
    const s = stage();
    const late = attached(s).waitSynced({ timeoutMs: 7 });
    const aborted = attached(s).waitSynced({ signal: AbortSignal.abort(new Error('enough')) });
    const stopped = attached(s).waitSynced();
    const ends = Promise.allSettled([late, aborted, stopped]);
    await s.clock.elapse(8);
    s.bounded.stop();
    await s.clock.elapse(5);
    expect(await ends).toMatchObject([
      { reason: { code: 'ERR_CLOCK_UNSYNCHRONIZED', reason: 'starting' } },
      { reason: { message: 'enough' } },
      { reason: { code: 'ERR_CLOCK_UNSYNCHRONIZED', reason: 'stopped' } },
    ]);
    expect(s.clock.pending().foreground).toBe(0);
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

  it('does not accept a bound that ended since the last tick', async () => {
    const s = stage(1, { expireAfterMs: 100 });
    s.round();
    s.clock.advance(500n * MS);
    const waiting = s.bounded.waitSynced({ timeoutMs: 1 });
    s.clock.advance(10n * MS);
    await expect(waiting).rejects.toMatchObject({ reason: 'expired' });
  });

  it('refuses a bad timeout', async () => {
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
    // What a source says after the stop is ignored.
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

describe('certainlyBefore, for leases', () => {
  const kinds: readonly [string, () => HandClock][] = [
    ['a clock that is looked at closely', () => new HandClock()],
    [
      'a clock with wallMs',
      () => {
        const clock = new HandClock({ wallGridNs: MS });
        const wallMs = () => Math.floor(Number(clock.monotonic + clock.wallOffset) / 1e6);
        return Object.assign(clock, { wallMs, disruptionMarker: undefined as never });
      },
    ],
  ];
  it.each(kinds)('%s: sees a suspend and a step before the next tick', (_, make) => {
    for (const jump of [50n, 3600_000n, -50n]) {
      const clock = make();
      const source = new ScriptedSource('s0');
      const bounded = BoundedClock.start({ sources: [source], clock });
      source.reply(clock, { theta: clock.wallOffset });
      clock.advance(100n * MS);
      const end = asUnixNs(bounded.now().latest + 3600n * SECOND);
      expect(bounded.certainlyBefore(end)).toBe(true);
      expect(bounded.certainlyBefore(bounded.now().latest)).toBe(false);
      clock.wallOffset += jump * MS;
      expect(bounded.before(end)).toBe(true);
      expect(bounded.certainlyBefore(end)).toBe(false);
      expect(bounded.before(end)).toBe(false); // the clock has noticed, too
      bounded.stop();
    }
  });

  it('while the wall clock cannot be read, nothing is certain', () => {
    const clock = new HandClock();
    const source = new ScriptedSource('s0');
    const bounded = BoundedClock.start({ sources: [source], clock });
    source.reply(clock, { theta: clock.wallOffset });
    const end = asUnixNs(bounded.now().latest + 3600n * SECOND);
    expect(bounded.certainlyBefore(end)).toBe(true);
    clock.onRead = (which) => {
      if (which === 'wall') clock.monotonic += 2n * MS;
    };
    expect([bounded.before(end), bounded.certainlyBefore(end)]).toEqual([true, false]);
    clock.onRead = () => {};
    expect(bounded.certainlyBefore(end)).toBe(true);
    bounded.stop();
  });

  it('a bound that is lost during the look is not held against it', () => {
    const clock = new HandClock();
    const source = new ScriptedSource('s0');
    const bounded = BoundedClock.start({ sources: [source], clock });
    source.reply(clock, { theta: clock.wallOffset });
    const end = asUnixNs(bounded.now().latest + 3600n * SECOND);
    clock.onRead = (which) => {
      if (which !== 'wall') return;
      clock.onRead = () => {};
      bounded.stop(); // as another thread would, between two lines
    };
    expect(bounded.certainlyBefore(end)).toBe(false);
  });

  it.each(kinds)('%s: a pause between two reads is no jump', (_, make) => {
    const clock = make();
    const source = new ScriptedSource('s0');
    const bounded = BoundedClock.start({ sources: [source], clock });
    source.reply(clock, { theta: clock.wallOffset });
    const end = asUnixNs(bounded.now().latest + 3600n * SECOND);
    let reads = 0;
    clock.onRead = (which) => {
      if (which === 'monotonic' && reads++ === 0) clock.monotonic += 40n * MS;
    };
    expect(bounded.certainlyBefore(end)).toBe(true);
    bounded.stop();
  });
});

describe('attached readers', () => {
  it('read the same interval, and see expiry when the publisher stops publishing', () => {
    const s = stage(1, { expireAfterMs: 60_000 });
    s.round();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: s.clock });
    expect(reader.now()).toEqual(s.bounded.now());
    // The publisher's thread hangs: time passes, but its timers do not fire.
    s.clock.monotonic += 60n * SECOND;
    expect(reader.read().status).toBe('holdover');
    s.clock.monotonic += 1n;
    expect(reader.read()).toEqual({ status: 'unsynchronized', reason: 'expired' });
    expect(() => reader.now()).toThrow(expect.objectContaining({ reason: 'expired' }));
  });

  it.each([50n, -1000n])(
    'that see a wall jump of %i ms say so and flag the publisher, which acts once',
    (jumpMs) => {
      const s = stage();
      s.round();
      const elsewhere = new HandClock();
      const reader = BoundedClock.attach(s.bounded.share(), { clock: elsewhere });
      elsewhere.wallOffset += jumpMs * MS;
      expect(reader.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
      s.clock.advance(SECOND);
      expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
      s.clock.advance(10n * MS);
      s.round();
      s.clock.advance(5n * SECOND);
      expect(s.bounded.read().status).toBe('synchronized');
    },
  );

  it('that see that the virtual machine was moved say so and flag the publisher', () => {
    const s = stage();
    const elsewhere = new HandClock();
    s.clock.marker = 1n;
    s.clock.advance(SECOND);
    s.round();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: elsewhere });
    expect(reader.read().status).toBe('synchronized'); // this thread cannot see a marker
    elsewhere.marker = 1n;
    expect(reader.read().status).toBe('synchronized');
    elsewhere.marker = 2n;
    expect(reader.read()).toEqual({ status: 'disrupted', reason: 'vm-disruption' });
    expect(s.bounded.read().status).toBe('synchronized'); // cannot see it yet
    s.clock.advance(SECOND);
    expect(s.bounded.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
  });

  it('do not compare markers with a publisher that has none', () => {
    const s = stage();
    s.round();
    const elsewhere = new HandClock();
    elsewhere.marker = 5n;
    const reader = BoundedClock.attach(s.bounded.share(), { clock: elsewhere });
    expect(reader.read().status).toBe('synchronized');
  });

  it('before there is a bound, see no jump and raise no alarm', () => {
    const s = stage();
    const elsewhere = new HandClock();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: elsewhere });
    elsewhere.wallOffset += SECOND;
    expect(reader.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    s.clock.advance(SECOND);
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
  });

  it('answer on a machine so busy that the wall clock cannot be read', () => {
    const s = stage();
    s.round();
    const busy = new HandClock();
    const reader = BoundedClock.attach(s.bounded.share(), { clock: busy });
    busy.onRead = (which) => which === 'wall' && busy.advance(2n * MS);
    busy.wallOffset += SECOND;
    expect(reader.read().status).toBe('synchronized');
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

  it('whose clock is a moment behind widen the bound towards the past, even where the guard makes it flat', () => {
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

  it('attach refuses a handle that share did not return', () => {
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
    const { parts, uncertaintyNs, reading, advice, toJSON, ...rest } = s.bounded.explain();
    if (parts === undefined || reading.interval === undefined) throw new Error('no parts');
    expect(parts.pathDelayNs).toBe((15n * MS) / 10n);
    expect(parts.serverErrorNs).toBe(70_000n);
    expect(parts.driftNs - 140_328n < 3n && parts.driftNs >= 140_328n).toBe(true);
    expect(parts.wallGuardNs + parts.suspicionNs).toBe(0n);
    expect(parts.agreementNs > -20n && parts.agreementNs < 20n).toBe(true);
    expect(sum(parts)).toBe(uncertaintyNs);
    const width = reading.interval.latest - reading.interval.earliest;
    expect(uncertaintyNs).toBe((width + 1n) / 2n);
    expect(advice).toEqual([]);
    expect(rest).toMatchObject({ maxFaulty: 0, voters: 1, refuted: undefined });
    const json = JSON.parse(JSON.stringify({ ...rest, parts, toJSON }));
    expect(json.parts.pathDelayNs).toBe('1500000');
  });

  it('names the wall clock when it makes the interval wide, and the setting that mends it', () => {
    const s = stage();
    s.round(s.theta - 137n * MS);
    const { parts, uncertaintyNs, advice, reading } = s.bounded.explain();
    if (parts === undefined || reading.interval === undefined) throw new Error('no parts');
    expect(sum(parts)).toBe(uncertaintyNs);
    expect(parts.wallGuardNs > 67n * MS && parts.wallGuardNs < 69n * MS).toBe(true);
    expect(reading.interval.latest >= truth(s)).toBe(true);
    expect(advice.join()).toMatch(/^hostClock: 'free-running'.*13\d\.?\d* ms outside/);
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

describe('a source of the user’s', () => {
  it('that throws when it is asked does not keep the others from being asked', async () => {
    const s = stage(3);
    s.round();
    const broken = s.sources[0]!;
    const fail = (what: string) => () => {
      throw new Error(what);
    };
    broken.discardInFlight = fail('discard');
    broken.burst = fail('burst');
    broken.stop = fail('stop');
    const unhandled = unhandledRejections(3);
    s.clock.suspend(SECOND);
    expect(s.bounded.read().status).toBe('disrupted');
    s.bounded.stop();
    expect(s.sources.map(({ discards, bursts, stops }) => [discards, bursts, stops])).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(await unhandled).toEqual(['discard', 'burst', 'stop'].map((what) => new Error(what)));
  });

  it.each([
    ['no object', () => undefined, 'sample must be an object; got undefined'],
    ['a number id', () => ({ sourceId: 5 }), 'sample.sourceId must be a string; got 5'],
    ['milliseconds', () => ({ sentAt: 5 }), 'sample.sentAt must be a bigint; got 5'],
    ['no lower edge', () => ({ lowerNs: undefined }), 'sample.lowerNs must be a bigint'],
    ['no error', () => ({ serverErrorNs: null }), 'sample.serverErrorNs must be a bigint'],
    ['another leap word', () => ({ leap: 'smear' }), "sample.leap must be 'none', 'insert'"],
    [
      'an id not listed',
      () => ({ sourceId: 'x' }),
      'sample.sourceId must be listed by endpoints()',
    ],
  ])(
    'that hands in a sample with %s is told so, and it counts for nothing',
    (_, wrong, message) => {
      const s = stage(1);
      const source = s.sources[0]!;
      const given = wrong();
      const sample = given && { ...source.exchange(s.clock, { theta: s.theta }), ...given };
      expect(() => source.sink.sample(sample as never)).toThrow(message);
      expect(s.bounded.read()).toMatchObject({ status: 'unsynchronized', reason: 'starting' });
      s.round();
      expect(s.bounded.read().status).toBe('synchronized');
    },
  );

  it('learns whether there is a bound, and is asked when it ends', () => {
    const s = stage(1, { expireAfterMs: 60_000 });
    const [source] = s.sources;
    expect(source?.sink.bounded).toBe(false);
    s.round();
    expect(source?.sink.bounded).toBe(true);
    s.clock.advance(59n * SECOND);
    expect(source?.bursts).toBe(0);
    s.clock.advance(3n * SECOND);
    expect(source?.sink.bounded).toBe(false);
    expect(source?.bursts).toBe(1);
  });

  it('is told that there is no agreement for as long as that lasts', () => {
    const s = stage(2);
    const redraws = [0, 0];
    s.sources.forEach((source, i) => {
      source.redraw = () => redraws[i]!++;
    });
    s.clock.advance(5n * SECOND);
    expect(redraws).toEqual([0, 0]);
    const apart = 400n * MS;
    const disagree = (): void => {
      s.sources.forEach((source, i) => {
        source.reply(s.clock, { theta: s.theta + BigInt(i) * apart });
      });
    };
    disagree();
    s.clock.advance(5n * SECOND);
    expect(s.bounded.read()).toMatchObject({ reason: 'no-agreement' });
    expect(redraws).toEqual([5, 5]);
    s.round();
    s.clock.advance(5n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
    expect(redraws).toEqual([5, 5]);
  });
});

describe('pollNow', () => {
  const settled = async (promise: Promise<unknown>): Promise<boolean> => {
    const pending = Symbol('pending');
    await new Promise<void>((resolve) => setImmediate(resolve));
    return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
  };

  it('asks every source and resolves with a reading when each has answered or was missed', async () => {
    const s = stage(3);
    const [a, b, c] = s.sources;
    const polled = s.bounded.pollNow();
    expect(s.sources.map(({ bursts }) => bursts)).toEqual([1, 1, 1]);
    s.clock.advance(2n * MS);
    a?.reply(s.clock, { theta: s.theta });
    a?.reply(s.clock, { theta: s.theta });
    b?.reply(s.clock, { theta: s.theta });
    expect(await settled(polled)).toBe(false);
    c?.miss();
    expect(await polled).toMatchObject({ status: 'synchronized' });
    expect(s.clock.pending().foreground).toBe(0);
  });

  it('calls pollNow of a source that has it, instead of burst', () => {
    const s = stage(1);
    const source = s.sources[0]!;
    let polls = 0;
    source.pollNow = () => polls++;
    void s.bounded.pollNow();
    expect([polls, source.bursts]).toEqual([1, 0]);
    expect(s.clock.pending().foreground).toBe(1);
  });

  it('does not count an exchange that had begun before', async () => {
    const s = stage(1);
    const source = s.sources[0]!;
    s.clock.advance(10n * MS);
    const before = s.clock.monotonicNs();
    s.clock.advance(1n * MS);
    const polled = s.bounded.pollNow();
    source.reply(s.clock, { theta: s.theta, delay: 2n * MS });
    source.sink.miss(source.name, 'timeout', { startedAt: before });
    expect(await settled(polled)).toBe(false);
    s.clock.advance(1n * MS);
    source.sink.miss(source.name, 'timeout', { startedAt: s.clock.monotonicNs() });
    expect(await polled).toMatchObject({ status: 'synchronized' });
  });

  it('waits for endpoints that replace others meanwhile', async () => {
    const s = stage(1);
    const source = s.sources[0]!;
    const polled = s.bounded.pollNow();
    source.sink.endpoints(['x', 'y']);
    source.sink.miss('x', 'timeout');
    expect(await settled(polled)).toBe(false);
    source.sink.miss('y', 'timeout');
    expect(await polled).toMatchObject({ status: 'unsynchronized' });
  });

  it('rejects with the signal’s reason, and resolves when the clock stops', async () => {
    const s = stage(1);
    await expect(s.bounded.pollNow({ signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const controller = new AbortController();
    const polled = s.bounded.pollNow({ signal: controller.signal });
    controller.abort('late');
    await expect(polled).rejects.toBe('late');
    expect(s.clock.pending().foreground).toBe(0);
    const last = s.bounded.pollNow();
    s.bounded.stop();
    expect(await last).toMatchObject({ reason: 'stopped' });
    expect(await s.bounded.pollNow()).toMatchObject({ reason: 'stopped' });
    await expect(s.bounded.pollNow(null as never)).rejects.toThrow(ArgumentTypeError);
    expect(s.clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('listeners', () => {
  it.each<[string, () => unknown, string | undefined]>([
    [
      'throws',
      () => {
        throw new Error('thrown');
      },
      'thrown',
    ],
    ['rejects', async () => Promise.reject(new Error('rejected')), 'rejected'],
    ['gives nonsense', () => 7, undefined],
    ['never settles', () => new Promise(() => {}), undefined],
  ])('one that %s disturbs neither the clock nor the others', async (_, listener, message) => {
    const s = stage();
    const heard: string[] = [];
    const endFirst = s.bounded.onChange(listener as () => void);
    const end = s.bounded.onChange((event) => heard.push(event.status));
    const unhandled = message === undefined ? undefined : unhandledRejections();
    s.round();
    expect(heard).toEqual(['synchronized']);
    expect(s.bounded.read().status).toBe('synchronized');
    expect(await unhandled).toEqual(message === undefined ? undefined : [new Error(message)]);
    expect(s.clock.turns()).toEqual([]);
    endFirst();
    end();
    s.bounded.stop();
    expect(heard).toEqual(['synchronized']);
  });

  it('all get the events in one order, even if one of them causes the next event', () => {
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

  it('one that another listener removes during an event is not called', () => {
    const s = stage();
    const heard: string[] = [];
    s.bounded.onChange(() => end());
    const end = s.bounded.onChange(({ status }) => heard.push(status));
    s.round();
    expect(heard).toEqual([]);
  });

  it('must be functions', () => {
    const s = stage();
    expect(() => s.bounded.onChange(undefined as never)).toThrow(/listener must be a function/);
  });

  it('are called after the new bound can be read', () => {
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
  it('must be given', () => {
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
    // An age times this rate would overflow int64 after 41 minutes. The default expiry is an hour.
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
