/**
 * Events whose timestamps do not order them within their node: they prove no order there, in any of
 * the functions.
 */
import {
  explainOrder,
  inversions,
  mergeLogs,
  narrow,
  relation,
  type StampedEvent,
} from 'epsilon-clock/ordering';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { event, stamp } from './events.ts';

type Ends = [earliest?: number, latest?: number];

const loose = (timestamp: number, ends: Ends = [], nodeId = 'a'): StampedEvent => ({
  ...event(nodeId, timestamp, ends),
  ordered: false,
});

describe('an event that is not ordered within its node', () => {
  it('is undecided beside others of the node, by `relation` and by `explainOrder`', () => {
    for (const other of [event('a', 2), loose(2), loose(1)]) {
      const first = loose(1);
      expect(relation(first, other).order).toBe('undecided');
      expect(relation(other, first).order).toBe('undecided');
      expect(explainOrder([first, other], first, other)).toMatchObject({ reason: 'overlap' });
    }
  });

  it('is still decided by intervals', () => {
    const [first, second] = [loose(9, [1, 2]), loose(3, [3, 4])];
    expect(relation(first, second)).toEqual({ order: 'before', because: 'interval' });
    expect(explainOrder([first, second], second, first).order).toBe('after');
  });

  it('is not what its node did before it sent a message', () => {
    const receipt = event('b', 9, [], stamp(7, 'a'));
    expect(relation(loose(1), receipt).order).toBe('undecided');
    expect(explainOrder([loose(1), receipt], loose(1), receipt).order).toBe('undecided');
    expect(relation(event('a', 1), receipt).order).toBe('before');
  });

  it('narrows no other, and is not narrowed, but by its own message', () => {
    const events = [event('a', 1, [10, 20]), loose(2, [5, 30]), event('a', 3, [0, 40])];
    const ends = [...narrow(events)].map(({ earliest, latest }) => [earliest, latest]);
    expect(ends).toEqual([
      [10n, 20n],
      [5n, 30n],
      [10n, 40n],
    ]);
    const receipt = { ...event('b', 4, [0, 50], stamp(1, 'a')), ordered: false };
    expect([...narrow([event('a', 1, [10, 20]), receipt])][1]!.earliest).toBe(10n);
  });

  it('without an interval it ends all certainty below, whatever its node logs later', () => {
    const rest = [event('a', 20, [20, 21]), event('a', 30, [30, 31])];
    const watermarks = (first: StampedEvent): number[] =>
      [...mergeLogs([[event('b', 1, [1, 2]), first, ...rest]])].map(({ watermark }) => watermark);
    expect(watermarks(event('a', 10))).toEqual([0, 0, 1, 3]);
    expect(watermarks(loose(10))).toEqual([0, 0, 1, 1]);
  });

  it('without an interval it is closed by no other unordered event', () => {
    const events = [loose(1), loose(2, [2, 3]), event('b', 9, [9, 10])];
    expect([...mergeLogs([events])].map(({ watermark }) => watermark)).toEqual([0, 0, 0]);
  });

  it('is no inversion of its node, and stays what it is through `narrow`', () => {
    const [first, second] = [event('a', 1, [8, 9]), event('a', 2, [3, 4])];
    const kinds = (events: StampedEvent[]): string[] =>
      [...inversions(events)].map(({ kind }) => kind);
    expect(kinds([first, second])).toEqual(['broken', 'lead']);
    const events = [{ ...first, ordered: false }, second];
    expect(kinds(events)).toEqual(['lead']);
    expect([...narrow(events)].map(({ ordered }) => ordered)).toEqual([false, undefined]);
  });

  it('no claim is false, when the node logs in another order than its timestamps', () => {
    // True instants, and timestamps that have nothing to do with them.
    const instants = fc.array(fc.tuple(fc.nat(200), fc.nat(200), fc.nat(20)), { maxLength: 20 });
    fc.assert(
      fc.property(instants, (drawn) => {
        const truth = new Map<StampedEvent, number>();
        for (const [t, timestamp, eps] of drawn) truth.set(loose(timestamp, [t - eps, t + eps]), t);
        const sorted = [...truth.keys()].sort((x, y) =>
          Number(BigInt(x.timestamp) - BigInt(y.timestamp)),
        );
        const options = { maxLeadMs: 86_400_000 };
        const lines = [...mergeLogs([sorted], options)];
        lines.forEach(({ event: line, watermark }) => {
          for (const above of lines.slice(0, watermark)) {
            expect(truth.get(above.event)).toBeLessThanOrEqual(truth.get(line)!);
          }
        });
        for (const x of sorted) {
          for (const y of sorted) {
            if (relation(x, y).order !== 'before') continue;
            expect(truth.get(x)).toBeLessThanOrEqual(truth.get(y)!);
          }
        }
      }),
    );
  });

  it('a field that is not a boolean is refused', () => {
    const wrong = { ...event('a', 1), ordered: 1 as unknown as boolean };
    expect(() => relation(wrong, event('a', 2))).toThrow('a.ordered must be a boolean; got 1');
    expect(() => [...mergeLogs([[wrong]])]).toThrow('ordered must be a boolean');
  });
});
