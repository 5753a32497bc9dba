import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DurableHybridClock } from 'epsilon-clock/node';
import { SharedHybridClock } from 'epsilon-clock/threads';
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../../src/logical/hybrid-clock.ts';
import { INT64_MAX } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';

const T = 1_795_227_787_534_418_003n;

const consecutive = (first: bigint, count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => first + BigInt(i));

describe('reserve', () => {
  it('gives consecutive timestamps, from physical time or from above the last', () => {
    const clock = new HandClock({ wall: T });
    const hlc = new HybridClock({ clock, nodeId: 'a' });
    expect([...hlc.reserve(3)]).toEqual(consecutive(T, 3));
    expect(hlc.peek()).toBe(T + 2n);
    expect([...hlc.reserve(2)]).toEqual(consecutive(T + 3n, 2));
    expect(hlc.now()).toBe(T + 5n);
    clock.advance(1000n);
    expect([...hlc.reserve(1)]).toEqual([T + 1000n]);
  });

  it('counts as `count` events in the lead, and calls onLead', async () => {
    const leads: bigint[] = [];
    const clock = new HandClock({ wall: T });
    const hlc = new HybridClock({
      clock,
      nodeId: 'a',
      maxLeadMs: 0.5,
      onLead: (ns) => leads.push(ns),
    });
    const ids = hlc.reserve(1_000_000);
    expect(ids.length).toBe(1_000_000);
    expect(ids[999_999]).toBe(T + 999_999n);
    expect(hlc.leadNs()).toBe(999_999n);
    await Promise.resolve();
    expect(leads).toEqual([999_999n]);
  });

  it.each([7, 8, 9, 100])('%i timestamps are consecutive', (count) => {
    const hlc = new HybridClock({ clock: new HandClock({ wall: T }), nodeId: 'a' });
    expect([...hlc.reserve(count)]).toEqual(consecutive(T, count));
  });

  it('reserveInto fills a given array', () => {
    const hlc = new HybridClock({ clock: new HandClock({ wall: T }), nodeId: 'a' });
    const slots = new BigInt64Array(4);
    hlc.reserveInto(slots.subarray(1, 3));
    expect([...slots]).toEqual([0n, T, T + 1n, 0n]);
  });

  it('at the end of int64 it is refused, and the clock is as it was', () => {
    const clock = new HandClock({ wall: T });
    const hlc = new HybridClock({ clock, nodeId: 'a', startAfter: INT64_MAX - 5n });
    for (const count of [6, 1_000_000]) {
      expect(() => hlc.reserve(count)).toThrow(
        expect.objectContaining({ code: 'ERR_TIMESTAMP_EXHAUSTED' }),
      );
      expect(hlc.peek()).toBe(INT64_MAX - 5n);
    }
    expect([...hlc.reserve(5)]).toEqual(consecutive(INT64_MAX - 4n, 5));
    expect(() => hlc.reserve(1)).toThrow(
      expect.objectContaining({ code: 'ERR_TIMESTAMP_EXHAUSTED' }),
    );
  });

  it.each([0, -1, 1.5, 1_000_001, Number.NaN])('refuses to reserve %s', (count) => {
    const hlc = new HybridClock({ clock: new HandClock({ wall: T }), nodeId: 'a' });
    expect(() => hlc.reserve(count)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    expect(hlc.peek()).toBe(0n);
  });

  it.each([
    ['none', new BigInt64Array(0), 'target.length must be from 1 to 1000000; got 0'],
    ['too many', new BigInt64Array(1_000_001), 'target.length must be from 1 to 1000000'],
    ['doubles', new Float64Array(2), 'target must be a BigInt64Array; got an object'],
    ['nothing', undefined, 'target must be a BigInt64Array; got undefined'],
  ])('reserveInto refuses to fill %s', (_, target, message) => {
    const hlc = new HybridClock({ clock: new HandClock({ wall: T }), nodeId: 'a' });
    expect(() => hlc.reserveInto(target as BigInt64Array)).toThrow(message);
    expect(hlc.peek()).toBe(0n);
  });

  it('of a shared clock is one step: no timestamp of another thread lies inside', () => {
    const clock = new HandClock({ wall: T });
    const a = new SharedHybridClock({ clock, nodeId: 'a' });
    const b = SharedHybridClock.attach(a.share(), { clock });
    const got = [a.reserve(3), b.reserve(2), a.reserve(1)].flatMap((ids) => [...ids]);
    expect(got).toEqual(consecutive(T, 6));
    expect(b.now()).toBe(T + 6n);
    const last = new SharedHybridClock({ clock, nodeId: 'a', startAfter: INT64_MAX - 2n });
    expect(() => last.reserve(3)).toThrow(
      expect.objectContaining({ code: 'ERR_TIMESTAMP_EXHAUSTED' }),
    );
    expect([...last.reserve(2)]).toEqual([INT64_MAX - 1n, INT64_MAX]);
  });

  it('of a durable clock: the ceiling covers all timestamps', async () => {
    const clock = new HandClock({ wall: T });
    const folder = mkdtempSync(join(tmpdir(), 'reserve-'));
    const hlc = await DurableHybridClock.open({
      clock,
      nodeId: 'a',
      path: join(folder, 'hlc'),
      windowMs: 10,
      lock: async () => () => {},
    });
    const before = hlc.stats().ceilingNs;
    let last = 0n;
    // Each takes a tenth of the window; no time passes.
    for (let i = 0; i < 25; i++) last = hlc.reserve(1_000_000).at(-1) as bigint;
    expect(last).toBe(T + 24_999_999n);
    expect(last > before).toBe(true);
    expect(hlc.stats().ceilingNs >= last).toBe(true);
    expect(hlc.stats().urgentWrites).toBeGreaterThan(0);
    await hlc.close();
    rmSync(folder, { recursive: true });
  });
});
