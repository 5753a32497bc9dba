import { compareLamportStamps, LamportClock } from 'epsilon-clock';
import { expect, test } from 'vitest';

function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

test('counts events, and jumps above what it receives', () => {
  const clock = new LamportClock({ nodeId: 'a' });
  expect(clock.peek()).toBe(0);
  expect(clock.tick()).toBe(1);
  expect(clock.receive(10)).toBe(11); // above the remote
  expect(clock.receive(11)).toBe(12); // above an equal one
  expect(clock.receive(3)).toBe(13); // the past counts as an event
  expect(clock.stamp()).toEqual({ time: 14, nodeId: 'a' });
  expect(clock.peek()).toBe(14);
});

test('continues after a restart', () => {
  expect(new LamportClock({ nodeId: 'a', after: 41 }).tick()).toBe(42);
});

test('the order is total: number, then node', () => {
  const stamps = [
    { time: 2, nodeId: 'a' },
    { time: 1, nodeId: 'b' },
    { time: 1, nodeId: 'a' },
  ];
  expect(stamps.sort(compareLamportStamps).map((s) => `${s.time}${s.nodeId}`)).toEqual([
    '1a',
    '1b',
    '2a',
  ]);
  expect(compareLamportStamps(stamps[0]!, { ...stamps[0]! })).toBe(0);
});

test('at the end of the safe integers it throws, and stays where it is', () => {
  const end = Number.MAX_SAFE_INTEGER;
  const clock = new LamportClock({ nodeId: 'a', after: end - 2 });
  expect(codeOf(() => clock.receive(end))).toBe('ERR_TIMESTAMP_EXHAUSTED');
  expect(clock.peek()).toBe(end - 2);
  expect(clock.receive(end - 1)).toBe(end);
  expect(codeOf(() => clock.tick())).toBe('ERR_TIMESTAMP_EXHAUSTED');
  expect(codeOf(() => clock.receive(1))).toBe('ERR_TIMESTAMP_EXHAUSTED');
  expect(clock.peek()).toBe(end);
});

test.each([
  ['a bigint', 5n, 'ERR_INVALID_ARG_TYPE'],
  ['text', '5', 'ERR_INVALID_ARG_TYPE'],
  ['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
  ['NaN', Number.NaN, 'ERR_OUT_OF_RANGE'],
  ['a negative', -1, 'ERR_OUT_OF_RANGE'],
  ['a fraction', 1.5, 'ERR_OUT_OF_RANGE'],
  ['2^53', 2 ** 53, 'ERR_OUT_OF_RANGE'],
])('refused: %s', (_, remote, code) => {
  const clock = new LamportClock({ nodeId: 'a' });
  expect(codeOf(() => clock.receive(remote as number))).toBe(code);
  expect(clock.peek()).toBe(0);
  if (remote !== undefined) {
    expect(codeOf(() => new LamportClock({ nodeId: 'a', after: remote as number }))).toBe(code);
  }
});
