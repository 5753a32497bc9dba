/** How logs are read: sorted within a window, only as far as needed, closed, and interrupted. */
import {
  inversions,
  type Log,
  type Merged,
  mergeLogs,
  narrow,
  type StampedEvent,
} from 'epsilon-clock/ordering';
import { describe, expect, it, test } from 'vitest';
import { collect } from '../kit/heap.ts';
import { event, stamp } from './events.ts';

const MS = 1_000_000;
const at = (...timestamps: number[]): StampedEvent[] =>
  timestamps.map((ms) => event('a', Math.round(ms * MS)));
const timestamps = (lines: Iterable<Merged<StampedEvent>>): number[] =>
  [...lines].map(({ timestamp }) => Number(timestamp) / MS);

describe('a log that is not quite sorted', () => {
  test.each([
    ['is sorted', [1, 3, 2, 5, 4], 2, [1, 2, 3, 4, 5]],
    [
      'also when it is late by the whole window',
      [1, 3, 1.5, 6, 3.5, 5],
      2.5,
      [1, 1.5, 3, 3.5, 5, 6],
    ],
    ['within the default window', [1, 5001, 2], undefined, [1, 2, 5001]],
    ['and needs no window when it is sorted', [1, 1.000001, 2], 0, [1, 1.000001, 2]],
  ])('%s', (_, log, windowMs, expected) => {
    expect(timestamps(mergeLogs([at(...log)], { windowMs }))).toEqual(expected);
  });

  test.each([
    ['a nanosecond later than the window', [1, 3.000001, 1], 2, 1, 3.000001],
    ['far later', [1, 2, 3, 90_000, 2.5], 5000, 2.5, 90_000],
    ['at all without a window', [2, 1], 0, 1, 2],
  ])('is an error when an event is %s', (_, log, windowMs, late, greatest) => {
    const logs = [at(1), at(...log)];
    expect(() => timestamps(mergeLogs(logs, { windowMs }))).toThrow(
      expect.objectContaining({
        code: 'ERR_LOG_UNSORTED',
        log: 1,
        timestamp: BigInt(Math.round(late * MS)),
        greatest: BigInt(Math.round(greatest * MS)),
      }),
    );
  });

  it('is the same error whatever it is merged with', () => {
    const log = at(1, 3.000001, 1);
    for (const other of [at(), at(0.5), at(900_000), at(1, 2, 3, 4, 5)]) {
      expect(() => timestamps(mergeLogs([other, log], { windowMs: 2 }))).toThrow(/log 1/);
    }
  });

  it('is an error beyond the limit of events, even within the window', () => {
    const sorted = Array.from({ length: 5000 }, (_, i) => event('a', i));
    expect([...mergeLogs([[...sorted, event('a', 1000)]])]).toHaveLength(5001);
    expect(() => [...mergeLogs([[...sorted, event('a', 10)]])]).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_UNSORTED', timestamp: 10n, greatest: 4999n }),
    );
  });

  it('is sorted by node where timestamps are equal', () => {
    const log = ['c', 'a', 'b'].map((nodeId) => event(nodeId, 7));
    const lines = [...mergeLogs([log, [event('B', 7)]], { windowMs: 0 })];
    expect(lines.map(({ nodeId }) => nodeId)).toEqual(['B', 'a', 'b', 'c']);
  });

  it('the same event in two logs stands in the order of the logs', () => {
    const twice = [0, 1, 2].map((id) => [{ ...event('a', 7), id }]);
    expect([...mergeLogs(twice)].map((line) => line.event.id)).toEqual([0, 1, 2]);
  });
});

/** A log that counts how far it was read, and whether it was closed. */
class Watched implements Iterable<StampedEvent>, AsyncIterable<StampedEvent> {
  read = 0;
  closed = 0;
  readonly #event: (i: number) => StampedEvent | undefined;

  constructor(event: (i: number) => StampedEvent | undefined) {
    this.#event = event;
  }

  *[Symbol.iterator](): Generator<StampedEvent> {
    try {
      for (;;) {
        const next = this.#event(this.read);
        if (next === undefined) return;
        this.read++;
        yield next;
      }
    } finally {
      this.closed++;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StampedEvent> {
    yield* this[Symbol.iterator]();
  }

  /** Only asynchronous. */
  get later(): AsyncIterable<StampedEvent> {
    return { [Symbol.asyncIterator]: () => this[Symbol.asyncIterator]() };
  }
}

const endless = (nodeId: string, stepMs: number): Watched =>
  new Watched((i) => {
    const ns = Math.round(i * stepMs * MS);
    return event(nodeId, ns, [ns, ns + 7]);
  });

describe('memory', () => {
  test.each([
    // At 1 ms a line, window and look-ahead decide: 5 s, and twice 0.5 s.
    ['as long as the windows', 1, 2 * (5000 + 1002)],
    // At 1 us a line, the limits decide: 4,096 events a log, 32,768 in all.
    ['as large as the limits', 0.001, 2 * 4097 + 32_768],
  ])('is %s, however long the logs are', (_, stepMs, limit) => {
    const logs = [endless('a', stepMs), endless('b', stepMs)];
    let lines = 0;
    let most = 0;
    for (const _line of mergeLogs(logs)) {
      const kept = logs[0]!.read + logs[1]!.read - lines++;
      if (kept > most) most = kept;
      if (lines === 100_000) break;
    }
    expect(most).toBeLessThanOrEqual(limit);
    expect(most).toBeGreaterThan(0.7 * limit);
  });

  test.each([
    ['mergeLogs', (log: Watched) => mergeLogs([log])],
    ['narrow', (log: Watched) => narrow(log)],
    ['inversions', (log: Watched) => inversions(log)],
  ])('no event is kept by %s after its turn', async (_, read) => {
    const alive: WeakRef<StampedEvent>[] = [];
    // Each event is the receipt of the other node's last one, and the wall clock of b is behind.
    const log = new Watched((i) => {
      const ns = i * MS;
      const next: StampedEvent = {
        ...event(i % 2 === 0 ? 'a' : 'b', ns, [ns, ns + 7], [], ns - 3 * MS * (i % 2) + 9 * MS),
        ...(i > 0 && { from: stamp(ns - MS, i % 2 === 0 ? 'b' : 'a') }),
      };
      alive.push(new WeakRef(next));
      return next;
    });
    const results = read(log)[Symbol.iterator]();
    for (let i = 0; i < 30_000; i++) expect(results.next().done).toBe(false);
    // Weak references hold their events until the end of the running job.
    await turns(1);
    collect();
    const kept = alive.filter((each) => each.deref() !== undefined).length;
    expect(kept).toBeLessThan(10_000);
    expect(results.next().done).toBe(false); // the iteration was still held
  });

  it('nothing is read before it is asked for', () => {
    const log = endless('a', 1);
    const lines = mergeLogs([log.later])[Symbol.asyncIterator]();
    expect(log.read).toBe(0);
    return lines.return?.();
  });
});

describe('closing', () => {
  const failing = new Error('no disk');

  it('every log is closed when the loop is left', async () => {
    const logs = [endless('a', 1), endless('b', 1)];
    for (const _ of mergeLogs(logs)) break;
    expect(logs.map(({ closed }) => closed)).toEqual([1, 1]);
    for await (const _ of mergeLogs(logs.map(({ later }) => later))) break;
    expect(logs.map(({ closed }) => closed)).toEqual([2, 2]);
  });

  it('and when one fails, whose error is thrown', async () => {
    const broken = new Watched((i) => {
      if (i === 3) throw failing;
      return event('a', i);
    });
    const other = endless('b', 1);
    expect(() => timestamps(mergeLogs([other, broken]))).toThrow(failing);
    expect(other.closed).toBe(1);
    const lines = mergeLogs([other.later, broken.later])[Symbol.asyncIterator]();
    await expect(lines.next()).rejects.toBe(failing);
    expect(other.closed).toBe(2);
    await expect(lines.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it('and when an event is malformed', () => {
    const log = endless('b', 1);
    const bad = [event('a', 1), { ...event('a', 2), timestamp: '2' as never }];
    expect(() => timestamps(mergeLogs([log, bad]))).toThrow(
      /^logs\[1\]: event.timestamp must be a bigint.*; got "2"/,
    );
    expect(log.closed).toBe(1);
  });

  it('a log that has ended is not closed again', () => {
    let returned = 0;
    const iterator = at(1, 2)[Symbol.iterator]();
    const log = {
      [Symbol.iterator]: () => ({
        next: () => iterator.next(),
        return: () => {
          returned++;
          return { done: true as const, value: undefined };
        },
      }),
    };
    expect(timestamps(mergeLogs([log]))).toEqual([1, 2]);
    expect(returned).toBe(0);
  });
});

/** Resolves after this number of turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a signal', () => {
  const reason = new Error('enough');

  it('ends a loop that waits for a log which never answers', async () => {
    let returned = 0;
    const silent: Log<StampedEvent> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          returned++;
          return new Promise(() => {});
        },
      }),
    };
    const other = endless('b', 1);
    const controller = new AbortController();
    const { signal } = controller;
    const lines = mergeLogs([silent, other.later], { signal })[Symbol.asyncIterator]();
    const next = lines.next().catch((error) => error);
    controller.abort(reason);
    expect(await Promise.race([next, turns(20)])).toBe(reason);
    expect([returned, other.closed]).toEqual([1, 1]);
  });

  it('ends a loop at the next line, even where lines are at hand', async () => {
    for (const log of [endless('a', 1), endless('a', 1).later]) {
      const controller = new AbortController();
      const lines = mergeLogs([log], { signal: controller.signal })[Symbol.asyncIterator]();
      await lines.next();
      controller.abort(reason);
      await expect(lines.next()).rejects.toBe(reason);
    }
    const controller = new AbortController();
    const lines = mergeLogs([endless('a', 1)], { signal: controller.signal })[Symbol.iterator]();
    lines.next();
    controller.abort(reason);
    expect(() => lines.next()).toThrow(reason);
  });

  it('that was aborted before reads nothing', async () => {
    const log = endless('a', 1);
    const signal = AbortSignal.abort(reason);
    const lines = mergeLogs([log.later], { signal })[Symbol.asyncIterator]();
    await expect(lines.next()).rejects.toBe(reason);
    expect(log.read).toBe(0);
  });

  it('keeps no listener', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => listeners.delete(listener);
    let lines = 0;
    for await (const _ of mergeLogs([endless('a', 1).later], { signal })) {
      if (lines++ === 3) break;
    }
    expect(listeners.size).toBe(0);
  });
});

describe('asynchronous logs', () => {
  it('give what the same logs give without promises', async () => {
    const logs = [at(1, 4, 9), at(2, 3, 5)];
    const later = logs.map((log) => ({
      async *[Symbol.asyncIterator]() {
        yield* log;
      },
    }));
    const lines: Merged<StampedEvent>[] = [];
    for await (const line of mergeLogs([...later, at(7)])) lines.push(line);
    expect(lines).toEqual([...mergeLogs([...logs, at(7)])]);
  });

  it('may answer without a promise', async () => {
    let promises = 0;
    const events = at(1, 2, 3, 4, 5, 6);
    const log: Log<StampedEvent> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          const value = events.shift();
          if (value === undefined) return { done: true, value };
          if (events.length % 3 > 0) return { value };
          promises++;
          return Promise.resolve({ value });
        },
      }),
    };
    const seen: number[] = [];
    for await (const { timestamp } of mergeLogs([log])) seen.push(Number(timestamp) / MS);
    expect([seen, promises]).toEqual([[1, 2, 3, 4, 5, 6], 2]);
  });

  it('are all asked before the first is awaited', async () => {
    const asked: string[] = [];
    const log = (name: string): Log<StampedEvent> => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          asked.push(name);
          await new Promise((resolve) => setImmediate(resolve));
          asked.push('answer');
          return { done: true, value: undefined };
        },
      }),
    });
    for await (const _ of mergeLogs([log('a'), log('b')])) expect.unreachable();
    expect(asked).toEqual(['a', 'b', 'answer', 'answer']);
  });

  it('are refused by a plain for', () => {
    const lines = mergeLogs([at(1), endless('a', 1).later]);
    expect(() => [...(lines as unknown as Iterable<unknown>)]).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringMatching(
          /^logs\[1\] must be an iterable, or iterated by `for await`/,
        ),
      }),
    );
  });
});

describe('what is refused', () => {
  const logs = [at(1)];
  test.each([
    ['a log that is a text', ['text'], {}, /^logs\[0\]/],
    ['a hole among the logs', new Array(2), {}, /^logs\[0\]/],
    ['a negative window', logs, { windowMs: -1 }, /^windowMs/],
    ['an endless window', logs, { windowMs: Infinity }, /^windowMs/],
    ['a lead that is no number', logs, { maxLeadMs: '5' }, /^maxLeadMs/],
    ['a signal that is none', logs, { signal: {} }, /^signal/],
    ['an option that there is not', logs, { window: 5 }, /did you mean windowMs/],
  ])('%s, at once', (_, given, options, message) => {
    expect(() => mergeLogs(given as never, options as never)).toThrow(message);
  });

  test.each([
    ['a timestamp that is a number', { timestamp: 1 }, 'ERR_INVALID_ARG_TYPE', /event.timestamp/],
    ['a negative timestamp', { timestamp: -1n }, 'ERR_OUT_OF_RANGE', /event.timestamp/],
    ['a timestamp of 64 bits', { timestamp: 2n ** 63n }, 'ERR_OUT_OF_RANGE', /event.timestamp/],
    ['earliest as text', { earliest: '1' }, 'ERR_INVALID_ARG_TYPE', /event.earliest/],
    ['latest beyond int64', { latest: 2n ** 63n }, 'ERR_OUT_OF_RANGE', /event.latest/],
    ['a time that is a Date', { time: new Date(0) }, 'ERR_INVALID_ARG_TYPE', /event.time/],
    [
      'an end before the beginning',
      { earliest: 2n, latest: 1n },
      'ERR_OUT_OF_RANGE',
      /event.earliest/,
    ],
    ['no node', { nodeId: undefined }, 'ERR_INVALID_ARG_TYPE', /event.nodeId/],
    ['a node with a space', { nodeId: 'a b' }, 'ERR_OUT_OF_RANGE', /event.nodeId/],
    [
      'a message without a node',
      { from: '0000000000000000001' },
      'ERR_TIMESTAMP_MALFORMED',
      /stamp/,
    ],
    [
      'a message of 18 digits',
      { from: '000000000000000001@a' },
      'ERR_TIMESTAMP_MALFORMED',
      /stamp/,
    ],
    ['a message that is a number', { from: 5 }, 'ERR_INVALID_ARG_TYPE', /event.from/],
    ['one of several messages', { from: [null] }, 'ERR_INVALID_ARG_TYPE', /event.from/],
  ])('an event with %s, in the loop', (_, fields, code, message) => {
    const lines = mergeLogs([[{ ...event('a', 1), ...(fields as object) }]]);
    expect(() => [...lines]).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('null among the events', () => {
    expect(() => [...mergeLogs([[null as never]])]).toThrow(/^logs\[0\]: event must be an object/);
  });
});

it('a line writes itself as JSON', () => {
  const [line] = [...mergeLogs([[{ ...event('a', 1, [5, 9], [], 3), id: 7n }]])];
  expect(JSON.parse(JSON.stringify({ line })).line).toMatchObject({
    event: { timestamp: '1', nodeId: 'a', earliest: '5', id: '7', time: '3' },
    ...{ earliest: '5', latest: '9', group: 0, watermark: 0 },
  });
  expect(line!.time).toBe(3n);
});

it('no logs, and empty logs, give no lines', () => {
  expect([...mergeLogs([]), ...mergeLogs([[], []])]).toEqual([]);
});
