import { describe, expect, test } from 'vitest';
import { Trail } from '../../src/bounded-clock/trail.ts';

const OWN = 0xf000_0001;
const A = 0xf000_000a;
const B = 0xf000_000b;
const HOUR = 3_600_000_000_000n;

function served(): Trail {
  const trail = new Trail();
  trail.serve(() => 1);
  return trail;
}

/** All ids that are announced at `now`, in ascending order. */
const announced = (trail: Trail, now = 0n): number[] =>
  [...new Set(Array.from({ length: 64 }, (_, i) => trail.announce(i, now)))].sort((a, b) => a - b);

test('a clock that is not served has no id, so no server can be part of a loop', () => {
  const trail = new Trail();
  expect(trail.hear('a', OWN, 0n)).toBe(false);
  expect(announced(trail)).toEqual([OWN]);
  expect(announced(new Trail())).toEqual([0]);
});

test('a second server of the same clock announces the same id', () => {
  const trail = served();
  trail.serve(() => 2);
  expect(announced(trail)).toEqual([OWN]);
});

test('it announces its own id and all that it heard', () => {
  const trail = served();
  expect(trail.hear('a', A, 0n)).toBe(false);
  expect(trail.hear('b', B, 0n)).toBe(false);
  expect(trail.hear('b', A, 0n)).toBe(false);
  expect(announced(trail)).toEqual([OWN, A, B]);
});

test('what is no id is not handed on: an address, four letters, nothing', () => {
  const trail = served();
  for (const other of [0x7f00_0001, 0x4750_5300, 0, 0xe000_0001]) {
    expect(trail.hear('a', other, 0n)).toBe(false);
  }
  expect(announced(trail)).toEqual([OWN]);
});

test('an id is forgotten an hour after it was heard last', () => {
  const trail = served();
  trail.hear('a', A, 0n);
  trail.hear('b', B, 0n);
  trail.hear('a', A, HOUR / 2n);
  expect(announced(trail, HOUR - 1n)).toEqual([OWN, A, B]);
  expect(announced(trail, HOUR)).toEqual([OWN, A]);
  expect(announced(trail, HOUR + HOUR / 2n)).toEqual([OWN]);
});

describe('a server that announces our own id', () => {
  test('is refused, also when it announces another one next', () => {
    const trail = served();
    expect(trail.hear('a', OWN, 0n)).toBe(true);
    expect(trail.hear('a', A, 1n)).toBe(true);
    expect(trail.hear('b', B, 1n)).toBe(false);
  });

  test('may come back an hour after the last time', () => {
    const trail = served();
    trail.hear('a', OWN, 0n);
    trail.hear('a', OWN, HOUR / 2n);
    expect(trail.hear('a', A, HOUR)).toBe(true);
    expect(trail.hear('a', A, HOUR + HOUR / 2n)).toBe(false);
  });

  test('leaves nothing behind of what it announced before', () => {
    const trail = served();
    trail.hear('a', A, 0n);
    trail.hear('b', A, 0n);
    trail.hear('b', B, 0n);
    trail.hear('b', OWN, 1n);
    expect(announced(trail)).toEqual([OWN, A]);
  });
});

test('whatever is heard, little is kept', () => {
  const trail = served();
  for (let i = 0; i < 1000; i++) trail.hear(`server ${i}`, 0xf100_0000 + i, 0n);
  expect(announced(trail)).toHaveLength(16);
  for (let i = 0; i < 1000; i++) trail.hear(`server ${i}`, OWN, 1n);
  const remembered = Array.from({ length: 1000 }, (_, i) => trail.hear(`server ${i}`, 1, 2n));
  expect(remembered.filter(Boolean)).toHaveLength(64);
  expect(remembered.at(-1)).toBe(true);
});
