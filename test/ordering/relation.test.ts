import { relation, type StampedEvent } from 'epsilon-clock/ordering';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { events } from './arbitrary.ts';
import { event, stamp } from './events.ts';

describe('relation', () => {
  test.each<[string, StampedEvent, StampedEvent, string]>([
    ['one node, in the order of its timestamps', event('a', 1), event('a', 2), 'before same-node'],
    ['one node, backwards', event('a', 2), event('a', 1), 'after same-node'],
    ['an event and itself', event('a', 1, [5, 9]), event('a', 1, [5, 9]), 'undecided'],
    // The order of timestamps alone is never proof.
    ['two nodes without anything else', event('a', 1), event('b', 2), 'undecided'],
    ['two nodes far apart', event('a', 1), event('b', 10 ** 15), 'undecided'],
    ['disjoint intervals', event('a', 1, [5, 9]), event('b', 2, [10, 12]), 'before interval'],
    // A clock that is ahead: the timestamps say otherwise, and the intervals are believed.
    ['against timestamps', event('a', 9, [5, 9]), event('b', 2, [10, 12]), 'before interval'],
    ['touching intervals', event('a', 1, [5, 9]), event('b', 2, [9, 12]), 'undecided'],
    ['overlapping intervals', event('a', 1, [5, 9]), event('b', 2, [7, 12]), 'undecided'],
    ['nested intervals', event('a', 1, [5, 9]), event('b', 2, [0, 20]), 'undecided'],
    [
      'only the two ends that matter',
      event('a', 1, [undefined, 9]),
      event('b', 2, [10]),
      'before interval',
    ],
    ['only the two other ends', event('a', 1, [5]), event('b', 2, [undefined, 12]), 'undecided'],
    ['one interval', event('a', 1, [5, 9]), event('b', 20), 'undecided'],
    ['a receipt', event('a', 1), event('b', 2, [], stamp(1, 'a')), 'before message'],
    // The stamp of a message need not be that of a line: all that its sender did before counts.
    ['an event before the send', event('a', 1), event('b', 9, [], stamp(7, 'a')), 'before message'],
    ['an event after the send', event('a', 8), event('b', 9, [], stamp(7, 'a')), 'undecided'],
    ['a message of another node', event('a', 1), event('b', 9, [], stamp(7, 'c')), 'undecided'],
    [
      'one of several messages',
      event('a', 1),
      event('b', 9, [], [stamp(7, 'c'), stamp(1, 'a')]),
      'before message',
    ],
    [
      'a receipt that came first by interval',
      event('a', 1, [5, 6]),
      event('b', 2, [1, 2], stamp(1, 'a')),
      'before message',
    ],
    [
      'each the receipt of the other',
      event('a', 1, [], stamp(5, 'b')),
      event('b', 2, [], stamp(5, 'a')),
      'undecided',
    ],
    [
      'the same node against its intervals',
      event('a', 1, [5, 6]),
      event('a', 2, [1, 2]),
      'before same-node',
    ],
  ])('%s', (_, a, b, expected) => {
    const [order, because] = expected.split(' ');
    expect(relation(a, b)).toEqual(because === undefined ? { order } : { order, because });
  });

  it('is antisymmetric', () => {
    const opposite = { before: 'after', after: 'before', undecided: 'undecided' };
    fc.assert(
      fc.property(events, ([a, b]) => {
        const forth = relation(a!, b!);
        const back = relation(b!, a!);
        expect(back.order).toBe(opposite[forth.order]);
        expect(back.because).toBe(forth.because);
      }),
      { seed: 1511, numRuns: 5000 },
    );
  });
});
