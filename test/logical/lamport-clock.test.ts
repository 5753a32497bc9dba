import { compareStamps } from 'epsilon-clock';
import { formatLamportStamp, LamportClock, parseLamportStamp } from 'epsilon-clock/lamport';
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
  expect(clock.now()).toBe(1);
  expect(clock.receive(10)).toBe(11); // above the remote
  expect(clock.receive(11)).toBe(12); // above an equal one
  expect(clock.receive(3)).toBe(13); // a lower one is an event too
  expect(clock.stamp()).toBe('0000000000000014@a');
  expect(clock.peek()).toBe(14);
  expect([clock.tick(), clock.peek()]).toEqual([undefined, 15]);
  expect([clock.update(20), clock.peek()]).toEqual([undefined, 21]);
});

test('continues after a restart', () => {
  expect(new LamportClock({ nodeId: 'a', startAfter: 41 }).now()).toBe(42);
});

test('the order is total: number, then node; plain sorting and compareStamps agree', () => {
  const stamps = [
    formatLamportStamp(10, 'a'),
    formatLamportStamp(2, 'a'),
    formatLamportStamp(1, 'b'),
    formatLamportStamp(1, 'B'),
    formatLamportStamp(Number.MAX_SAFE_INTEGER, 'a'),
  ];
  const inOrder = [stamps[3], stamps[2], stamps[1], stamps[0], stamps[4]];
  expect([...stamps].sort(compareStamps)).toEqual(inOrder);
  expect([...stamps].sort()).toEqual(inOrder);
  expect(compareStamps(stamps[0]!, stamps[0]!)).toBe(0);
});

test('stamps as text and back', () => {
  expect(formatLamportStamp(8, 'a')).toBe('0000000000000008@a');
  expect(parseLamportStamp('0000000000000008@a')).toEqual({ time: 8, nodeId: 'a' });
  expect(parseLamportStamp('9007199254740991@x:1').time).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([
  ['2^53', '9007199254740992@a'],
  ['15 digits', '000000000000008@a'],
  ['a stamp of a hybrid clock', '1795227787534418003@a'],
  ['no node', '0000000000000008@'],
  ['nothing', ''],
  ['other digits', '٠000000000000008@a'],
])('not a Lamport stamp: %s', (_, text) => {
  expect(codeOf(() => parseLamportStamp(text))).toBe('ERR_TIMESTAMP_MALFORMED');
});

test('stamps of a Lamport clock and of a hybrid clock have no common order', () => {
  const both = ['0000000000000008@a', '1795227787534418003@a'] as const;
  expect(codeOf(() => compareStamps(both[0], both[1]))).toBe('ERR_TIMESTAMP_MALFORMED');
});

test('at the end of the safe integers it throws, and stays where it is', () => {
  const end = Number.MAX_SAFE_INTEGER;
  const clock = new LamportClock({ nodeId: 'a', startAfter: end - 2 });
  expect(codeOf(() => clock.receive(end))).toBe('ERR_TIMESTAMP_EXHAUSTED');
  expect(clock.peek()).toBe(end - 2);
  expect(clock.receive(end - 1)).toBe(end);
  expect(codeOf(() => clock.now())).toBe('ERR_TIMESTAMP_EXHAUSTED');
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
    expect(codeOf(() => new LamportClock({ nodeId: 'a', startAfter: remote as number }))).toBe(
      code,
    );
  }
});
