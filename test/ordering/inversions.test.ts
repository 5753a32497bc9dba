import { type Inversion, inversions, narrow, type StampedEvent } from 'epsilon-clock/ordering';
import { parseStamp } from 'epsilon-clock/timestamps';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compareEvents } from '../../src/ordering/event.ts';
import { events, happenedBefore, worlds } from './arbitrary.ts';
import { event, stamp } from './events.ts';

/** All at once: nothing is settled before the end. */
const OPTIONS = { maxLeadMs: 86_400_000 };

const find = (given: readonly StampedEvent[]): Inversion<StampedEvent>[] => [
  ...inversions(given, OPTIONS),
];
const name = (each: StampedEvent | undefined): string =>
  each === undefined ? '?' : `${each.nodeId}${each.timestamp}`;
const text = ({ kind, earlier, later, because, sizeNs }: Inversion<StampedEvent>): string =>
  `${kind}: ${name(earlier)} before ${name(later)}, ${because}, ${sizeNs}`;

describe('inversions', () => {
  test.each<[string, StampedEvent[], string[]]>([
    ['none', [event('a', 1, [1, 2], [], 5), event('b', 3, [3, 4], [], 6)], []],
    // time
    [
      'a wrong wall clock',
      [event('a', 1, [1, 2], [], 50), event('b', 3, [3, 4], [], 6)],
      ['time: a1 before b3, interval, 44'],
    ],
    [
      'a wall clock that was set',
      [event('a', 1, [], [], 50), event('a', 2, [], [], 20)],
      ['time: a1 before a2, same-node, 30'],
    ],
    [
      'a receipt before its message',
      [event('a', 1, [], [], 50), event('b', 2, [], stamp(1, 'a'), 20)],
      ['time: a1 before b2, message, 30'],
    ],
    ['the same time', [event('a', 1, [1, 2], [], 50), event('b', 3, [3, 4], [], 50)], []],
    [
      'times of touching intervals',
      [event('a', 1, [1, 3], [], 50), event('b', 3, [3, 4], [], 6)],
      [],
    ],
    [
      'the worst of several',
      [event('a', 1, [1, 2], [], 50), event('c', 2, [1, 2], [], 70), event('b', 3, [3, 4], [], 6)],
      ['time: c2 before b3, interval, 64'],
    ],
    [
      'not of an event that may be later',
      [event('a', 1, [1, 2], [], 50), event('c', 2, [1, 3], [], 70), event('b', 3, [3, 4], [], 6)],
      ['time: a1 before b3, interval, 44'],
    ],
    // lead
    [
      'a clock that was ahead',
      [event('b', 3, [3, 4]), event('a', 9, [1, 2])],
      ['lead: a9 before b3, interval, 6'],
    ],
    ['a lead that may be none', [event('b', 3, [2, 4]), event('a', 9, [1, 2])], []],
    // broken
    [
      'a receipt at its message',
      [event('a', 3), event('b', 3, [], stamp(3, 'a'))],
      ['broken: a3 before b3, message, 0'],
    ],
    [
      'a receipt below its message',
      [event('a', 3), event('b', 4, [], stamp(9, 'a'))],
      ['broken: a3 before b4, message, 5'],
    ],
    [
      'of which nothing else is known',
      [event('b', 4, [], stamp(9, 'a'))],
      ['broken: ? before b4, message, 5'],
    ],
    [
      'a receipt certainly before the send',
      [event('a', 1, [8, 9]), event('b', 2, [3, 4], stamp(1, 'a'))],
      ['broken: b2 before a1, interval, 4', 'lead: b2 before a1, interval, 1'],
    ],
    [
      'a node whose timestamps went back',
      [event('a', 1, [8, 9]), event('a', 2, [3, 4])],
      ['broken: a2 before a1, interval, 4', 'lead: a2 before a1, interval, 1'],
    ],
    [
      'or did before',
      [event('a', 1, [8, 9]), event('a', 2, [7, 20]), event('a', 3, [3, 4])],
      [
        'broken: a3 before a1, interval, 4',
        'lead: a3 before a1, interval, 2',
        'lead: a3 before a2, interval, 1',
      ],
    ],
    ['touching intervals of a node', [event('a', 1, [4, 9]), event('a', 2, [3, 4])], []],
  ])('%s', (_, given, expected) => {
    expect(find(given).map(text)).toEqual(expected);
  });

  it('writes itself as JSON', () => {
    const [inversion] = find([event('a', 3), event('b', 3, [], stamp(3, 'a'))]);
    expect(JSON.parse(JSON.stringify(inversion))).toEqual({
      kind: 'broken',
      earlier: { timestamp: '3', nodeId: 'a' },
      later: { timestamp: '3', nodeId: 'b', from: stamp(3, 'a') },
      because: 'message',
      sizeNs: '0',
    });
  });
});

/** What a comparison of all pairs finds, as `kind event size`. */
function bruteForce(sorted: readonly StampedEvent[]): string[] {
  const narrowed = [...narrow(sorted, OPTIONS)];
  const found: string[] = [];
  sorted.forEach((b, i) => {
    const upTo = (nodeId: string, timestamp: bigint): StampedEvent[] =>
      sorted.slice(0, i).filter((a) => a.nodeId === nodeId && a.timestamp <= timestamp);
    const messages = [b.from ?? []].flat().map((each) => parseStamp(each as string));
    const causes = [
      upTo(b.nodeId, b.timestamp),
      ...messages.map(({ timestamp, nodeId }) => upTo(nodeId, timestamp)),
    ].filter((events) => events.length > 0);
    const certain = sorted.filter(
      (_, j) => (narrowed[j]!.latest ?? 2n ** 63n) < (narrowed[i]!.earliest ?? -1n),
    );
    const times = [...causes.flat(), ...certain].flatMap(({ time }) => time ?? []);
    const leads = certain.map(({ timestamp }) => timestamp);
    const worst = (values: bigint[]): bigint => values.reduce((x, y) => (x > y ? x : y), -1n);
    if (b.time !== undefined && worst(times) > b.time) {
      found.push(`time ${name(b)} ${worst(times) - b.time}`);
    }
    if (worst(leads) > b.timestamp) {
      found.push(`lead ${name(b)} ${worst(leads) - b.timestamp}`);
    }
    for (const { timestamp } of messages) {
      if (timestamp >= b.timestamp) found.push(`message ${name(b)} ${timestamp - b.timestamp}`);
    }
    for (const events of causes) {
      const gap = worst(events.map(({ earliest }) => earliest ?? -1n)) - (b.latest ?? 99n);
      if (gap > 0n) found.push(`interval ${name(b)} ${gap}`);
    }
  });
  return found.sort();
}

it('an event is reported exactly when a comparison with all others finds it, with the worst pair', () => {
  const timed = fc
    .tuple(events, fc.array(fc.option(fc.bigInt({ min: 0n, max: 9n }), { nil: undefined })))
    .map(([given, times]) => {
      const unique = new Map(given.map((each, i) => [name(each), { ...each, time: times[i] }]));
      return [...unique.values()].sort(compareEvents);
    });
  let reported = 0;
  fc.assert(
    fc.property(timed, (sorted) => {
      const found = find(sorted).map(({ kind, earlier, later, because, sizeNs }) => {
        const what = kind === 'broken' ? because : kind;
        return `${what} ${name(what === 'interval' ? earlier : later)} ${sizeNs}`;
      });
      expect(found.sort()).toEqual(bruteForce(sorted));
      reported += found.length;
    }),
    { seed: 1507, numRuns: 5000 },
  );
  expect(reported).toBeGreaterThan(5000);
});

it('in a stream that is settled bit by bit, none is false, and none that intervals prove is missed', () => {
  const seen = { time: 0, lead: 0 };
  fc.assert(
    fc.property(worlds, ({ events: given, maxLeadMs }) => {
      const found = [...inversions(given, { windowMs: 0.001, maxLeadMs })];
      const wrong = found.filter(
        ({ kind, earlier, later }) =>
          kind === 'broken' ||
          earlier!.at > later.at ||
          (earlier!.at === later.at && !happenedBefore(earlier!, later)),
      );
      expect(wrong).toEqual([]);
      for (const later of given) {
        const certain = given.filter(
          ({ latest }) => (latest ?? 2n ** 63n) < (later.earliest ?? -1n),
        );
        for (const [kind, field] of [
          ['time', 'time'],
          ['lead', 'timestamp'],
        ] as const) {
          const sizes = certain.map((earlier) => earlier[field]! - later[field]!);
          const worst = sizes.reduce((x, y) => (x > y ? x : y), 0n);
          if (worst === 0n) continue;
          seen[kind]++;
          const pair = found.find((each) => each.later === later && each.kind === kind);
          expect(pair?.sizeNs ?? 0n).toBeGreaterThanOrEqual(worst);
        }
      }
    }),
    { seed: 1508, numRuns: 2000 },
  );
  expect(seen.time).toBeGreaterThan(1000);
  expect(seen.lead).toBeGreaterThan(100);
});

it('misses no lead in a log with 24,000 lines within the look-ahead', () => {
  const stepNs = 500e6 / 24_000;
  const AHEAD = 23_900;
  const lines = Array.from({ length: 60_000 }, (_, i) => {
    const ns = Math.round(i * stepNs);
    return event('b', ns, [ns - 1000, ns + 1000]);
  });
  // It happened beside line 20,000, and its clock was ahead of 23,900 lines.
  const ns = Math.round((20_000 + AHEAD) * stepNs) + 1;
  const happened = Math.round(20_000 * stepNs);
  lines.splice(20_000 + AHEAD + 1, 0, event('a', ns, [happened - 1000, happened + 1000]));
  const found = [...inversions(lines, { windowMs: 0 })];
  expect(found.every(({ kind, earlier }) => kind === 'lead' && earlier?.nodeId === 'a')).toBe(true);
  expect(found.map(({ later }) => later)).toEqual(lines.slice(20_001, 20_001 + AHEAD));
});
