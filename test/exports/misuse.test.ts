import { EpsilonClockError, HybridClock } from 'epsilon-clock';
import { contains } from 'epsilon-clock/interval';
import { LamportClock } from 'epsilon-clock/lamport';
import { DurableHybridClock } from 'epsilon-clock/node';
import { msFromNsDown, msFromNsUp, unixNs } from 'epsilon-clock/time';
import { hlcTimestamp } from 'epsilon-clock/timestamps';
import { describe, expect, test } from 'vitest';
import { ENTRIES, ERRORS, NO_ARGUMENTS, NONSENSE, type Row, rows, world } from './rows.ts';

const MISUSE = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE'];

/** The outcome of a call: `'typed'` (a typed error), `'answered'`, or any other error itself. */
async function outcome(row: Row, args: readonly unknown[]): Promise<unknown> {
  try {
    await row.call(...(args as never[]));
    return 'answered';
  } catch (error) {
    const { code } = error as { code?: string };
    return error instanceof EpsilonClockError || MISUSE.includes(code!) ? 'typed' : error;
  }
}

test('every value that is exported has a row', () => {
  const named = new Set(rows().map(({ name }) => name.split('.')[0]));
  const known = [...named, ...NO_ARGUMENTS, ...ERRORS.map(([name]) => name)].sort();
  const exported = Object.values(ENTRIES).flatMap((entry) => Object.keys(entry));
  expect([...new Set(exported)].sort()).toEqual(known);
});

describe('nonsense in the place of one argument', () => {
  test.each(rows().map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const wrong: string[] = [];
    const places = Math.max(1, row.args.length);
    for (let place = 0; place < places; place++) {
      for (const [label, value] of NONSENSE) {
        const args: unknown[] = [...row.args];
        args[place] = structuredClone(value); // `inject` writes into it
        const fine = row.fine?.[place]?.includes(label) === true;
        const came = await outcome(row, args);
        if (came === (fine ? 'answered' : 'typed')) continue;
        wrong.push(`${label} at ${place}: ${came}`);
      }
    }
    const mayBeCalledBare = row.args.every((_, place) => row.fine?.[place]?.includes('undefined'));
    if (!mayBeCalledBare) {
      const came = await outcome(row, []);
      if (came !== 'typed') wrong.push(`no argument: ${came}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(
    rows().flatMap((row) =>
      row.args.length > 0 && row.refused !== true ? [[row.name, row] as const] : [],
    ),
  )('and what is right is answered: %s', async (_, row) => {
    expect(await outcome(row, row.args)).toBe('answered');
  });
});

test.each<[string, unknown, string]>([
  ['text', '1795227787534418003', 'parseTimestamp reads text, parseStamp a stamp'],
  ['a number', 1_795_227_787_534, 'unixNsFromMs converts ms'],
  ['a date', new Date(0), 'unixNsFromMs converts date.getTime()'],
])('%s in place of Unix ns: the error names the conversion', (_, value, conversion) => {
  const { bounded, hlc } = world();
  const said = conversion;
  expect(() => hlc.receive(value as bigint)).toThrow(said);
  expect(() => hlc.nowAtLeast(value as bigint)).toThrow(said);
  expect(() => bounded.after(value as bigint)).toThrow(said);
  expect(() => unixNs(value as bigint)).toThrow(said);
  expect(() => hlcTimestamp(value as bigint)).toThrow(said);
  expect(() => contains(bounded.now(), value as bigint)).toThrow(said);
});

test('a Proxy that throws in place of Unix ns is a type error', () => {
  const hostile = new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error('looked at');
      },
    },
  );
  expect(() => world().hlc.receive(hostile as never)).toThrow(
    'remote must be a bigint; got an object',
  );
});

test('an object without a clock in place of one: the error names a clock', () => {
  expect(() => new HybridClock({ clock: {} as never, nodeId: 'a' })).toThrow(
    'such as systemClock()',
  );
});

test('a durable clock made without open is refused even with valid options', () => {
  const { clock } = world();
  const Durable = DurableHybridClock as unknown as new (options: object) => unknown;
  expect(() => new Durable({ clock, nodeId: 'a' })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
});

test('a detached method throws and changes nothing', () => {
  const { bounded, hlc } = world();
  const lamport = new LamportClock({ nodeId: 'a' });
  const before = [bounded.read().status, hlc.peek(), lamport.peek()];
  for (const object of [bounded, hlc, lamport]) {
    for (const name of methodsOf(object)) {
      const method = (object as unknown as Record<string, () => unknown>)[name]!;
      expect(() => method.call(undefined), name).toThrow();
    }
  }
  expect([bounded.read().status, hlc.peek(), lamport.peek()]).toEqual(before);
});

/** The synchronous methods. Asynchronous ones reject instead of throwing. */
function methodsOf(object: object): string[] {
  const names = new Set<string>();
  for (
    let p = Object.getPrototypeOf(object);
    p !== Object.prototype;
    p = Object.getPrototypeOf(p)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  for (const name of ['waitSynced', 'pollNow']) names.delete(name);
  return [...names];
}

test('nanoseconds beyond the range of a double are refused, without an endless loop', () => {
  for (const convert of [msFromNsDown, msFromNsUp]) {
    expect(() => convert(10n ** 400n)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    expect(convert(2n ** 64n)).toBeCloseTo(2 ** 64 / 1e6, 0);
  }
});
