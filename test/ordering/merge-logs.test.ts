import { mergeLogs, type StampedEvent } from 'epsilon-clock/ordering';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { happenedBefore, laggingWorlds, type TrueEvent, type World, worlds } from './arbitrary.ts';
import { event } from './events.ts';

const WINDOW_MS = 0.001;

const merged = ({ logs, maxLeadMs }: World) => [
  ...mergeLogs(logs, { windowMs: WINDOW_MS, maxLeadMs }),
];

const max = (values: bigint[]): bigint => values.reduce((a, b) => (a > b ? a : b), -(2n ** 63n));
const min = (values: bigint[]): bigint => values.reduce((a, b) => (a < b ? a : b), 2n ** 63n);
/** As an event without an interval has it. */
const earliest = ({ earliest = -(2n ** 63n) }: StampedEvent): bigint => earliest;
const latest = ({ latest = 2n ** 63n - 1n }: StampedEvent): bigint => latest;

describe('in worlds whose truth is known', () => {
  const run = { seed: 1502, numRuns: 3000 };

  it('the order never breaks happened-before, and has every line once', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const lines = merged(world).map(({ event }) => event);
        expect(lines).toEqual(world.events);
        for (const [i, a] of lines.entries()) {
          for (const b of lines.slice(i + 1)) expect(happenedBefore(b, a)).toBe(false);
        }
      }),
      { ...run, numRuns: 500 },
    );
  });

  it('a watermark is never false', () => {
    fc.assert(
      fc.property(laggingWorlds, (world) => {
        const wrong = merged(world).filter(({ event, watermark }) =>
          world.events.slice(0, watermark).some(({ at }) => at >= event.at),
        );
        expect(wrong).toEqual([]);
      }),
      run,
    );
  });

  it('a watermark misses nothing that the intervals prove', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const missed = merged(world).filter(({ event, watermark }) => {
          const uncertain = world.events.findIndex((each) => latest(each) >= earliest(event));
          return watermark < uncertain;
        });
        expect(missed).toEqual([]);
      }),
      run,
    );
  });

  /** Where groups begin, as indices of lines. */
  const begins = (world: World): number[] => {
    const groups = merged(world).map(({ group }) => group);
    expect(groups[0] ?? 0).toBe(0);
    for (const [i, group] of groups.entries()) expect(group - (groups[i - 1] ?? 0) <= 1).toBe(true);
    return [...groups.keys()].filter((i) => i > 0 && groups[i] !== groups[i - 1]);
  };
  const instants = (part: readonly TrueEvent[]): bigint[] => part.map(({ at }) => at);

  it('a group is never false', () => {
    fc.assert(
      fc.property(laggingWorlds, (world) => {
        for (const i of begins(world)) {
          const below = min(instants(world.events.slice(i)));
          expect(max(instants(world.events.slice(0, i)))).toBeLessThan(below);
        }
      }),
      run,
    );
  });

  it('a group misses nothing that the intervals prove', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { events } = world;
        const proved = [...events.keys()].filter(
          (i) => i > 0 && max(events.slice(0, i).map(latest)) < min(events.slice(i).map(earliest)),
        );
        expect(begins(world)).toEqual(expect.arrayContaining(proved));
      }),
      run,
    );
  });

  it('a narrowed interval holds the truth, and is within the original', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const line of merged(world)) {
          expect(earliest(line)).toBeLessThanOrEqual(line.event.at);
          expect(latest(line)).toBeGreaterThanOrEqual(line.event.at);
          expect(earliest(line)).toBeGreaterThanOrEqual(earliest(line.event));
          expect(latest(line)).toBeLessThanOrEqual(latest(line.event));
        }
      }),
      run,
    );
  });
});

describe('the look-ahead', () => {
  /** The groups of these lines, with timestamps at most 100 ns ahead of the middle. */
  const groups = (...logs: StampedEvent[][]): number[] =>
    [...mergeLogs(logs, { windowMs: 0, maxLeadMs: 0.0001 })].map(({ group }) => group);
  // The hybrid clock of a is behind, so that a line ends late: at 1140.
  const early = event('w', 500, [480, 520]);
  const late = event('a', 1000, [1100, 1140]);
  const next = event('b', 1030, [1145, 1150]);

  it('leaves open what the last possible line makes uncertain', () => {
    const later = event('b', 1250, [1245, 1255]);
    // As far ahead as it may be, and as wide as the widest so far: it may be before `late`.
    const ahead = event('c', 1260, [1140, 1180]);
    expect(groups([early], [late], [next, later], [ahead])).toEqual([0, 1, 1, 1, 1]);
  });

  it('is no longer than that', () => {
    const later = event('b', 1261, [1256, 1266]);
    expect(groups([early], [late], [next, later])).toEqual([0, 1, 2, 3]);
  });
});

it('a line without a bound holds up certainty until its node has one', () => {
  const lines = [
    ...mergeLogs(
      [
        [event('a', 1, [1, 2]), event('a', 5000, [5000, 5001]), event('a', 9000, [9000, 9001])],
        [event('b', 1000), event('b', 7000, [7000, 7001])],
      ],
      { windowMs: 0, maxLeadMs: 0.0001 },
    ),
  ];
  expect(lines.map(({ nodeId, group, watermark }) => [nodeId, group, watermark])).toEqual([
    ['a', 0, 0],
    ['b', 0, 0],
    ['a', 0, 1],
    ['b', 0, 1],
    ['a', 1, 4],
  ]);
});
