import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { unixNs } from '../../src/time/instant.ts';

const NS_PER_SECOND = 1_000_000_000n;

test('events run by time, and in order of scheduling within one instant', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (times) => {
      const scheduler = new Scheduler();
      const ran: [number, number][] = [];
      times.forEach((at, i) => {
        scheduler.at(at, () => ran.push([scheduler.elapsedNs, i]));
      });
      scheduler.run(100);
      const expected = times.map((at, i): [number, number] => [at, i]);
      expected.sort(([a, i], [b, j]) => a - b || i - j); // an independent order: a stable sort
      expect(ran).toEqual(expected);
    }),
    { seed: 1 },
  );
});

test('an event may schedule another for the same instant; it runs after those already there', () => {
  const scheduler = new Scheduler();
  const ran: string[] = [];
  scheduler.at(5, () => {
    ran.push('first');
    scheduler.at(3, () => ran.push('in the past, so now')); // time never goes back
  });
  scheduler.at(5, () => ran.push('second'));
  scheduler.run(5);
  expect(ran).toEqual(['first', 'second', 'in the past, so now']);
  expect(scheduler.elapsedNs).toBe(5);
});

test('a cancelled event does not run and is not counted', () => {
  const scheduler = new Scheduler();
  const ran: number[] = [];
  const cancel = scheduler.at(1, () => ran.push(1));
  scheduler.at(2, () => ran.push(2));
  cancel();
  scheduler.run(10);
  expect(ran).toEqual([2]);
  expect(scheduler.eventIndex).toBe(1);
});

test('run stops at its end, keeps later events, and time stands there', () => {
  const scheduler = new Scheduler();
  const ran: number[] = [];
  scheduler.at(10, () => ran.push(10));
  scheduler.at(11, () => ran.push(11));
  scheduler.run(10);
  expect(ran).toEqual([10]);
  expect(scheduler.trueNs() - scheduler.originNs).toBe(10n);
  scheduler.run(20);
  expect(ran).toEqual([10, 11]);
  expect(scheduler.elapsedNs).toBe(20);
});

test('a stall moves time inside an event, and events during it still run at their own time', () => {
  const scheduler = new Scheduler();
  const seen: [string, number][] = [];
  scheduler.at(10, () => {
    scheduler.stall(100);
    seen.push(['stalled', scheduler.elapsedNs]);
    scheduler.after(1, () => seen.push(['later', scheduler.elapsedNs]));
  });
  scheduler.at(50, () => seen.push(['other node', scheduler.elapsedNs]));
  scheduler.run(1000);
  expect(seen).toEqual([
    ['stalled', 110],
    ['other node', 50],
    ['later', 111],
  ]);
});

test('promise continuations run at the instant of the event that resolved them', async () => {
  const scheduler = new Scheduler();
  const seen: number[] = [];
  const sleep = (ns: number) => new Promise<void>((done) => scheduler.after(ns, done));
  const work = async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(7);
      await Promise.resolve().then(() => {}); // a longer chain, still the same instant
      seen.push(scheduler.elapsedNs);
    }
  };
  const done = work();
  await scheduler.runAsync(100);
  await done;
  expect(seen).toEqual([7, 14, 21]);
});

test('an instant beyond 2^53 ns is refused, with nothing scheduled', () => {
  const scheduler = new Scheduler();
  expect(() => scheduler.at(2 ** 53, () => {})).toThrow(/104 days/);
  expect(() => scheduler.at(Number.NaN, () => {})).toThrow(RangeError);
  scheduler.run(10);
  expect(scheduler.eventIndex).toBe(0);
});

test.for([
  // A second before the end of the month, where nothing steps yet, and on each side of the step.
  ['insert', 100, -1n, -NS_PER_SECOND],
  ['delete', 99, -NS_PER_SECOND - 1n, 0n],
] as const)(
  'a leap second (%s): true time steps after %i s',
  ([leapSecondKind, afterS, before, then]) => {
    const leapSecondAtNs = unixNs(1_798_761_600n * NS_PER_SECOND);
    const originNs = unixNs(leapSecondAtNs - 100n * NS_PER_SECOND);
    const scheduler = new Scheduler({ originNs, leapSecondAtNs, leapSecondKind });
    scheduler.run(afterS * 1e9 - 1);
    expect(scheduler.trueNs() - leapSecondAtNs).toBe(before);
    scheduler.run(afterS * 1e9);
    expect(scheduler.trueNs() - leapSecondAtNs).toBe(then);
  },
);
