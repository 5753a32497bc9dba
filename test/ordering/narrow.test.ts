import {
  explainOrder,
  mergeLogs,
  type Narrowed,
  narrow,
  relation,
  type StampedEvent,
} from 'epsilon-clock/ordering';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { happenedBefore, type TrueEvent, worlds } from './arbitrary.ts';
import { event, stamp } from './events.ts';

const DAY_MS = 86_400_000;
/** All events at once: nothing is settled before the end. */
const whole = <E extends StampedEvent>(events: readonly E[]): Narrowed<E>[] => [
  ...narrow(events, { maxLeadMs: DAY_MS }),
];
const ends = (events: readonly StampedEvent[]): unknown[] =>
  whole(events).map(({ earliest, latest }) => [earliest, latest]);

describe('narrow', () => {
  test.each<[string, StampedEvent[], [number | undefined, number | undefined][]]>([
    [
      'earliest, forwards along a node',
      [event('a', 1, [5, 9]), event('a', 2, [3, 20])],
      [
        [5, 9],
        [5, 20],
      ],
    ],
    [
      'latest, backwards along a node',
      [event('a', 1, [5, 9]), event('a', 2, [3, 7])],
      [
        [5, 7],
        [5, 7],
      ],
    ],
    // A later event says nothing about when an earlier one began, nor an earlier one about an end.
    [
      'neither the other way',
      [event('a', 1, [1, 9]), event('a', 2, [4, 20])],
      [
        [1, 9],
        [4, 20],
      ],
    ],
    [
      'no other node',
      [event('a', 1, [5, 9]), event('b', 2, [3, 7])],
      [
        [5, 9],
        [3, 7],
      ],
    ],
    [
      'a receipt by its sender',
      [event('a', 1, [5, 9]), event('b', 2, [3, 12], stamp(1, 'a'))],
      [
        [5, 9],
        [5, 12],
      ],
    ],
    [
      'a sender by its receipt',
      [event('a', 1, [5, 9]), event('b', 2, [3, 7], stamp(1, 'a'))],
      [
        [5, 7],
        [5, 7],
      ],
    ],
    [
      'what the sender did before',
      [event('a', 1, [5, 9]), event('b', 9, [3, 7], stamp(8, 'a'))],
      [
        [5, 7],
        [5, 7],
      ],
    ],
    [
      'not what the sender did after',
      [event('a', 1, [1, 9]), event('a', 5, [5, 9]), event('b', 9, [0, 7], stamp(4, 'a'))],
      [
        [1, 7],
        [5, 9],
        [1, 7],
      ],
    ],
    [
      'an event without an interval',
      [event('a', 1, [5, 9]), event('a', 2), event('a', 3, [6, 10])],
      [
        [5, 9],
        [5, 10],
        [6, 10],
      ],
    ],
    [
      'over several messages',
      [event('a', 1, [5, 9]), event('b', 2, [], stamp(1, 'a')), event('c', 3, [], stamp(2, 'b'))],
      [
        [5, 9],
        [5, undefined],
        [5, undefined],
      ],
    ],
    [
      'and back over several',
      [event('a', 1), event('b', 2, [], stamp(1, 'a')), event('c', 3, [1, 4], stamp(2, 'b'))],
      [
        [undefined, 4],
        [undefined, 4],
        [1, 4],
      ],
    ],
    // Two facts that cannot both be true: neither is carried to the other event, or beyond it.
    [
      'nothing by a contradiction',
      [event('a', 1, [8, 9]), event('a', 2, [3, 4]), event('a', 3, [2, 6])],
      [
        [8, 9],
        [3, 4],
        [3, 6],
      ],
    ],
  ])('%s', (_, events, expected) => {
    expect(ends(events)).toEqual(
      expected.map((interval) => [0, 1].map((i) => interval[i] && BigInt(interval[i]!))),
    );
  });

  it('gives every event the last stamp of each other node that is before it', () => {
    const events = [
      event('a', 1),
      event('b', 2, [], stamp(1, 'a')),
      event('b', 3),
      event('a', 4),
      event('c', 5, [], [stamp(3, 'b'), stamp(4, 'a')]),
      event('a', 6, [], stamp(5, 'c')),
      event('a', 7),
      event('b', 8, [], stamp(7, 'a')),
    ];
    const from = whole(events).map(({ from }) => [...(from ?? [])].sort());
    expect(from).toEqual([
      [],
      [stamp(1, 'a')],
      [stamp(1, 'a')],
      [],
      [stamp(3, 'b'), stamp(4, 'a')],
      [stamp(3, 'b'), stamp(5, 'c')],
      [stamp(3, 'b'), stamp(5, 'c')],
      [stamp(5, 'c'), stamp(7, 'a')],
    ]);
  });

  it('takes what mergeLogs gives', () => {
    const logs = [[event('a', 1, [5, 9])], [event('b', 2, [3, 12], stamp(1, 'a'))]];
    const [sent, received] = [...narrow(mergeLogs(logs))];
    expect(relation(sent!, received!)).toEqual({ order: 'before', because: 'message' });
    expect(received!.event.event).toBe(logs[1]![0]);
  });

  it('writes itself as JSON', () => {
    const [narrowed] = whole([{ ...event('a', 1, [5, 9]), id: 7n }]);
    expect(JSON.parse(JSON.stringify(narrowed))).toEqual({
      event: { timestamp: '1', nodeId: 'a', earliest: '5', latest: '9', id: '7' },
      earliest: '5',
      latest: '9',
    });
  });
});

describe('after narrowing, in worlds whose truth is known', () => {
  const run = { seed: 1503, numRuns: 1000 };
  /** Who is before whom, by `relation` of narrowed events. */
  const orders = (events: readonly TrueEvent[]) => {
    const narrowed = whole(events);
    return narrowed.map((a) => narrowed.map((b) => relation(a, b).order));
  };

  it('every order is true, and everything that happened before is before', () => {
    fc.assert(
      fc.property(worlds, ({ events }) => {
        const found = orders(events);
        const wrong = events.flatMap((a, i) =>
          events.filter((b, j) => {
            if (found[i]![j] !== 'before') return happenedBefore(a, b);
            return a.at > b.at || (a.at === b.at && !happenedBefore(a, b));
          }),
        );
        expect(wrong).toEqual([]);
      }),
      run,
    );
  });

  it('before is transitive', () => {
    fc.assert(
      fc.property(worlds, ({ events }) => {
        const found = orders(events);
        const all = [...events.keys()];
        const precedes = (i: number, j: number): boolean => found[i]![j] === 'before';
        const broken = all.flatMap((i) =>
          all
            .filter((j) => precedes(i, j))
            .flatMap((j) => all.filter((k) => precedes(j, k) && !precedes(i, k))),
        );
        expect(broken).toEqual([]);
      }),
      run,
    );
  });

  it('relation knows what a chain of proofs shows, and each step of the chain is one', () => {
    fc.assert(
      fc.property(worlds, ({ events }) => {
        const found = orders(events);
        for (const [i, a] of events.entries()) {
          for (const [j, b] of events.entries()) {
            const { order, steps } = explainOrder(events, a, b);
            expect(order).toBe(found[i]![j]);
            for (const { earlier, later, because } of steps) {
              expect(relation(earlier, later).order).toBe('before');
              if (because === 'interval') expect(earlier.latest).toBeLessThan(later.earliest!);
              if (because === 'same-node') expect(earlier.nodeId).toBe(later.nodeId);
            }
            const [from, to] = order === 'before' ? [a, b] : [b, a];
            const path = steps.flatMap(({ earlier, later }) => [earlier, later]);
            for (let k = 1; k + 1 < path.length; k += 2) expect(path[k]).toBe(path[k + 1]);
            expect([path[0], path.at(-1)]).toEqual(
              order === 'undecided' ? [undefined, undefined] : [from, to],
            );
          }
        }
      }),
      { ...run, numRuns: 60 },
    );
  });

  it('in a stream that is settled bit by bit, nothing false is said either', () => {
    fc.assert(
      fc.property(worlds, ({ events, maxLeadMs }) => {
        const streamed = [...narrow(events, { windowMs: 0.001, maxLeadMs })];
        const all = whole(events);
        const wrong = streamed.filter(
          (each, i) =>
            (each.earliest ?? each.event.at) > each.event.at ||
            (each.latest ?? each.event.at) < each.event.at ||
            (each.latest ?? 2n ** 63n) < (all[i]!.latest ?? 2n ** 63n) ||
            (each.earliest ?? -1n) > (all[i]!.earliest ?? -1n),
        );
        expect(wrong).toEqual([]);
      }),
      run,
    );
  });
});
