import { explainOrder, type StampedEvent } from 'epsilon-clock/ordering';
import { describe, expect, it, test } from 'vitest';
import { event, stamp } from './events.ts';

const name = ({ nodeId, timestamp }: StampedEvent): string => `${nodeId}${timestamp}`;

/** The order of the first and the last event, and its steps. */
function explain(events: readonly StampedEvent[]): string[] {
  const { order, reason, steps } = explainOrder(events, events[0]!, events.at(-1)!);
  const chain = steps.map(
    ({ earlier, later, because }) => `${name(earlier)} ${because} ${name(later)}`,
  );
  return [reason ?? order, ...chain];
}

describe('explainOrder', () => {
  test.each<[string, StampedEvent[], string[]]>([
    ['one node', [event('a', 1), event('a', 2), event('a', 3)], ['before', 'a1 same-node a3']],
    ['backwards', [event('a', 3), event('a', 2), event('a', 1)], ['after', 'a1 same-node a3']],
    ['a message', [event('a', 1), event('b', 2, [], stamp(1, 'a'))], ['before', 'a1 message b2']],
    [
      'messages over three nodes',
      [
        event('a', 1),
        event('a', 2),
        event('b', 5, [], stamp(3, 'a')),
        event('b', 6),
        event('c', 9, [], stamp(8, 'b')),
        event('c', 10),
      ],
      [
        'before',
        'a1 same-node a2',
        'a2 message b5',
        'b5 same-node b6',
        'b6 message c9',
        'c9 same-node c10',
      ],
    ],
    ['an interval', [event('a', 1, [1, 2]), event('b', 2, [3, 4])], ['before', 'a1 interval b2']],
    ['touching intervals', [event('a', 1, [1, 3]), event('b', 2, [3, 4])], ['overlap']],
    ['nothing', [event('a', 1), event('b', 2)], ['overlap']],
    // The receipt of a's message ends before b's event that c's one follows begins.
    [
      'an interval between two chains',
      [
        event('a', 1),
        event('x', 2, [3, 4], stamp(1, 'a')),
        event('b', 3, [5, 6]),
        event('c', 4, [], stamp(3, 'b')),
      ],
      ['before', 'a1 message x2', 'x2 interval b3', 'b3 message c4'],
    ],
    // The chain is as short as it can be: neither end is left where the intervals decide at once.
    [
      'no detour',
      [event('a', 1, [1, 2]), event('a', 2, [1, 2]), event('b', 3, [9, 9]), event('b', 4, [8, 9])],
      ['before', 'a1 interval b4'],
    ],
    [
      'the direct proof before a longer one',
      [
        event('a', 1, [1, 2]),
        event('b', 2, [], stamp(1, 'a')),
        event('c', 3, [5, 6], stamp(2, 'b')),
      ],
      ['before', 'a1 interval c3'],
    ],
    [
      'causes before an interval that is no shorter',
      [event('a', 1, [1, 2]), event('b', 2, [5, 6], stamp(1, 'a'))],
      ['before', 'a1 message b2'],
    ],
    ['what contradicts itself', [event('a', 1, [5, 6]), event('a', 2, [1, 2])], ['contradiction']],
  ])('%s', (_, events, expected) => {
    expect(explain(events)).toEqual(expected);
  });

  it('an event and itself', () => {
    const events = [event('a', 1)];
    expect(explainOrder(events, events[0]!, event('a', 1)).reason).toBe('same-event');
  });

  it('takes any iterable, in any order', () => {
    const events = [event('b', 2, [], stamp(1, 'a')), event('a', 1)];
    expect(explainOrder(new Set(events), events[1]!, events[0]!).order).toBe('before');
  });

  it('refuses what is not among the events, and malformed ones by their place', () => {
    const events = [event('a', 1), { ...event('b', 2), nodeId: '' }];
    const [a] = events;
    expect(() => explainOrder([a!], a!, event('b', 2))).toThrow(/^b must be one of the events/);
    expect(() => explainOrder(events, a!, a!)).toThrow(/^events\[1\].nodeId must be/);
  });

  it('writes its steps as JSON', () => {
    const events = [event('a', 1), event('a', 2)];
    const { steps } = explainOrder(events, events[0]!, events[1]!);
    expect(JSON.parse(JSON.stringify(steps))).toEqual([
      {
        earlier: { timestamp: '1', nodeId: 'a' },
        later: { timestamp: '2', nodeId: 'a' },
        because: 'same-node',
      },
    ]);
  });
});
