import {
  BoundedClock,
  ClockUnsynchronizedError,
  HybridClock,
  type HybridClockOptions,
  parseStamp,
  type UnixNs,
} from 'epsilon-clock';
import { LamportClock } from 'epsilon-clock/lamport';
import { SharedHybridClock } from 'epsilon-clock/threads';
import { unixNs } from 'epsilon-clock/time';
import { bytesFromTimestamp, parseUuidv7 } from 'epsilon-clock/timestamps';
import { describe, expect, test } from 'vitest';
import { checkHybridClock } from '../../src/logical/hybrid-clock.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';
import { unhandledRejections } from '../kit/unhandled.ts';

const T = 1_795_227_787_534_418_003n;
const MS = 1_000_000n;

/** A physical clock whose reading the test sets. */
class Dial {
  ns: bigint;
  constructor(ns: bigint = T) {
    this.ns = ns;
  }
  wallNs(): UnixNs {
    return this.ns as UnixNs;
  }
}

function setUp(options: Partial<HybridClockOptions> = {}, start = T) {
  const dial = new Dial(start);
  return { dial, hlc: new HybridClock({ clock: dial, nodeId: 'a', ...options }) };
}

/** The code of what `act` throws, or what it returned. */
function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

describe('local events', () => {
  test('follow physical time, and count in nanoseconds while it stands still or goes back', () => {
    const { dial, hlc } = setUp();
    expect(hlc.peek()).toBe(0n);
    expect(hlc.now()).toBe(T); // physical time itself
    expect(hlc.now()).toBe(T + 1n); // the physical clock did not move: one more
    dial.ns = T + 1n;
    expect(hlc.now()).toBe(T + 2n); // still behind us
    dial.ns = T + 10n;
    expect(hlc.now()).toBe(T + 10n); // it overtook us: no counter any more
    dial.ns = T - 3_600_000n * MS;
    expect(hlc.now()).toBe(T + 11n); // an hour back: sends go on
    expect(hlc.peek()).toBe(T + 11n);
    expect(hlc.leadNs()).toBe(3_600_000n * MS + 11n);
    dial.ns = T + 11n;
    expect(hlc.leadNs()).toBe(0n);
    dial.ns = T + 12n;
    expect(hlc.leadNs()).toBe(0n); // behind physical time there is no lead
  });

  test('are the same in every form', () => {
    const { hlc } = setUp({ nodeId: 'orders-3' });
    const slots = new BigInt64Array(3);
    const view = new DataView(new ArrayBuffer(16), 2);
    hlc.tick();
    hlc.nowInto(slots, 2);
    hlc.writeTo(view, 5);
    expect(slots).toEqual(BigInt64Array.of(0n, 0n, T + 1n));
    expect(view.getBigInt64(5)).toBe(T + 2n);
    expect(hlc.now()).toBe(T + 3n);
    expect(hlc.stamp()).toBe(`${T + 4n}@orders-3`);
    expect(parseStamp(hlc.stamp())).toEqual({ timestamp: T + 5n, nodeId: 'orders-3' });
  });

  test('a commit is at least its floor, greater than the last timestamp, and at least now', () => {
    const { dial, hlc } = setUp();
    expect(hlc.nowAtLeast(T + 50n)).toBe(T + 50n);
    expect(hlc.nowAtLeast(T + 50n)).toBe(T + 51n);
    expect(hlc.nowAtLeast(0n)).toBe(T + 52n);
    dial.ns = T + 99n;
    expect(hlc.nowAtLeast(T + 98n)).toBe(T + 99n);
    // The limit for remotes does not apply to a floor, which is our own.
    expect(hlc.nowAtLeast(T + 10_000n * MS)).toBe(T + 10_000n * MS);
  });

  test('continue after a given timestamp', () => {
    const { hlc } = setUp({ startAfter: T + 7n });
    expect(hlc.peek()).toBe(T + 7n);
    expect(hlc.now()).toBe(T + 8n);
  });
});

describe('receive', () => {
  test('is above the remote and above our last timestamp, or physical time if that is greater', () => {
    const { dial, hlc } = setUp();
    expect(hlc.receive(T - 3_600_000n * MS)).toBe(T); // a remote of the past is harmless
    dial.ns = T + 3n;
    expect(hlc.receive(T + 1n)).toBe(T + 3n);
    dial.ns = T;
    expect(hlc.receive(T + 100n)).toBe(T + 101n); // above the remote
    expect(hlc.receive(T + 101n)).toBe(T + 102n); // equal to ours: above both
    expect(hlc.receive(T + 50n)).toBe(T + 103n); // above us
    expect(hlc.receive(0n)).toBe(T + 104n);
    dial.ns = T + 200n;
    expect(hlc.receive(T + 198n)).toBe(T + 200n); // now is greater
    expect(hlc.receive(T + 200n)).toBe(T + 201n); // a remote at now, exactly
  });

  test('has a state-only form, and one from bytes', () => {
    const { hlc } = setUp({ maxRemoteAheadMs: 10_000 });
    hlc.update(T + 100n);
    expect(hlc.peek()).toBe(T + 101n);
    const view = new DataView(new ArrayBuffer(24));
    view.setBigInt64(9, T + 0x1_0000_0000n);
    hlc.updateFrom(view, 9);
    expect(hlc.peek()).toBe(T + 0x1_0000_0001n);
  });

  test('of many: one event above all of them', () => {
    const { dial, hlc } = setUp();
    expect(hlc.receiveAll([T + 5n, T + 9n, T - 1n])).toBe(T + 10n);
    expect(hlc.receiveAll(BigInt64Array.of(1n, T + 20n))).toBe(T + 21n);
    expect(hlc.receiveAll([])).toBe(T + 22n);
    dial.ns = T + 1000n;
    expect(hlc.receiveAll([T + 999n])).toBe(T + 1000n);
  });

  test('of many, when reading one makes an event: still above all of them', () => {
    const { hlc } = setUp();
    const remotes = {
      length: 2,
      0: T + 100n,
      get 1() {
        hlc.now();
        return 1n;
      },
    };
    expect(hlc.receiveAll(remotes)).toBe(T + 101n);
  });
});

describe('limits', () => {
  test('a remote at the limit is accepted, one nanosecond further is refused', () => {
    const { hlc } = setUp();
    expect(hlc.receive(T + 500n * MS)).toBe(T + 500n * MS + 1n);
    let error: unknown;
    try {
      hlc.receive(T + 500n * MS + 2n);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      name: 'TimestampAheadError',
      message: expect.stringContaining('the limit is 500000000 ns (maxRemoteAheadMs)'),
      code: 'ERR_TIMESTAMP_AHEAD',
      timestamp: T + 500n * MS + 2n,
      aheadNs: 500n * MS + 2n,
      limitNs: 500n * MS,
    });
    expect(hlc.peek()).toBe(T + 500n * MS + 1n);
  });

  test('a ratchet attack moves us to the limit and one nanosecond per event, no further', () => {
    const { dial, hlc } = setUp();
    hlc.tick();
    let refused = 0;
    for (let i = 0; i < 100_000; i++) {
      // The attacker always sends the greatest timestamp that is accepted.
      const greedy = hlc.peek() + 500n * MS;
      if (i > 0 && codeOf(() => hlc.receive(greedy)) === 'ERR_TIMESTAMP_AHEAD') refused++;
      hlc.receive(dial.ns + 500n * MS);
    }
    expect(refused).toBe(99_999);
    expect(hlc.peek()).toBe(T + 500n * MS + 100_000n);
    dial.ns += 501n * MS;
    expect(hlc.now()).toBe(dial.ns); // and physical time catches up
  });

  test('the limit counts from physical time, also when that stepped back an hour', () => {
    const { dial, hlc } = setUp();
    hlc.tick();
    dial.ns -= 3_600_000n * MS;
    // A peer whose clock is right seems an hour ahead. We can't tell that from an attack.
    expect(codeOf(() => hlc.receive(T + 1n))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(hlc.receive(dial.ns + 500n * MS)).toBe(T + 1n);
  });

  test.each([
    ['HybridClock', (options: HybridClockOptions) => new HybridClock(options)],
    ['SharedHybridClock', (options: HybridClockOptions) => new SharedHybridClock(options)],
  ])('after a step back a %s refuses nothing at or below what it shows', (_, make) => {
    const dial = new Dial();
    const hlc = make({ clock: dial, nodeId: 'a' });
    hlc.nowAtLeast(T + 5n);
    dial.ns -= 3_600_000n * MS;
    expect(hlc.receive(T + 5n)).toBe(T + 6n); // our own last timestamp, sent back to us
    expect(hlc.receive(T)).toBe(T + 7n);
    expect(hlc.receiveAll([T + 7n, T - 1n])).toBe(T + 8n);
    expect(codeOf(() => hlc.receive(T + 9n))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(codeOf(() => hlc.receiveAll([T, T + 9n]))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(hlc.peek()).toBe(T + 8n);
  });

  test('a remote below the last timestamp of another thread is never refused', () => {
    const dial = new Dial();
    const first = new SharedHybridClock({ clock: dial, nodeId: 'a' });
    const second = SharedHybridClock.attach(first.share(), { clock: dial });
    first.tick();
    dial.ns -= 3_600_000n * MS;
    expect(second.receive(T)).toBe(T + 1n);
  });

  test.each([
    ['zero refuses any remote ahead', 0, 1n, 0n],
    ['fractions count, rounded down', 0.0015, 1501n, 1500n],
    ['half a minute', 30_000, 30_000n * MS + 1n, 30_000n * MS],
  ])('%s', (_, maxRemoteAheadMs, refused, taken) => {
    const { hlc } = setUp({ maxRemoteAheadMs });
    expect(codeOf(() => hlc.receive(T + refused))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(hlc.receive(T + taken)).toBe(T + taken + 1n);
  });

  test('without a limit a forged remote takes the clock to its end, and it stays there', () => {
    const { hlc } = setUp({ maxRemoteAheadMs: Number.POSITIVE_INFINITY });
    const end = 2n ** 63n - 1n;
    expect(codeOf(() => hlc.receive(end))).toBe('ERR_TIMESTAMP_EXHAUSTED'); // none is above it
    expect(hlc.peek()).toBe(0n);
    expect(hlc.receive(end - 1n)).toBe(end);
    expect(codeOf(() => hlc.now())).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(codeOf(() => hlc.receive(T))).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(codeOf(() => hlc.nowAtLeast(end))).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(hlc.peek()).toBe(end);
  });

  test('a physical clock before 1970 or at the end of int64 overflows nothing', () => {
    const { dial, hlc } = setUp({}, -(2n ** 63n));
    expect(hlc.now()).toBe(1n);
    expect(codeOf(() => hlc.receive(2n ** 63n - 1n))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(hlc.leadNs()).toBe(1n);
    dial.ns = 2n ** 63n - 1n;
    expect(hlc.receive(5n)).toBe(2n ** 63n - 1n);
    expect(codeOf(() => hlc.now())).toBe('ERR_TIMESTAMP_EXHAUSTED');
  });
});

describe('onLead', () => {
  /** Lets queued microtasks run. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test('is called once per crossing, with the lead, after the event', async () => {
    const leads: bigint[] = [];
    const { dial, hlc } = setUp({ maxLeadMs: 2, onLead: (lead) => leads.push(lead) });
    hlc.tick();
    dial.ns = T - 2n * MS + 1n;
    hlc.tick(); // leads by exactly 2 ms: not above
    await turn();
    expect(leads).toEqual([]);
    hlc.tick();
    expect(leads).toEqual([]); // never inside the event
    hlc.tick();
    await turn();
    expect(leads).toEqual([2n * MS + 1n]);
    dial.ns = T;
    hlc.tick(); // back below the limit: the next crossing counts again
    dial.ns = T - 3n * MS;
    hlc.tick();
    await turn();
    expect(leads).toEqual([2n * MS + 1n, 3n * MS + 5n]);
  });

  test('is called by the first event of a clock that starts ahead', async () => {
    const leads: bigint[] = [];
    const { hlc } = setUp({ startAfter: T + 5000n * MS, onLead: (lead) => leads.push(lead) });
    await turn();
    expect(leads).toEqual([]); // nothing has happened yet
    hlc.tick();
    await turn();
    expect(leads).toEqual([5000n * MS + 1n]);
  });

  test('may use the clock, and its error becomes an unhandled rejection', async () => {
    const boom = new Error('from onLead');
    const { dial, hlc } = setUp({
      maxLeadMs: 1,
      onLead: () => {
        hlc.now();
        throw boom;
      },
    });
    hlc.tick();
    dial.ns = T - 2n * MS;
    const unhandled = unhandledRejections();
    expect(hlc.now()).toBe(T + 1n);
    expect(await unhandled).toEqual([boom]);
    expect(hlc.now()).toBe(T + 3n); // onLead took T + 2
  });

  test.each<[string, () => unknown]>([
    ['gives nonsense', () => 7],
    ['never settles', () => new Promise(() => {})],
  ])('that %s harms nothing', async (_, onLead) => {
    const { dial, hlc } = setUp({ maxLeadMs: 1, onLead: onLead as () => void });
    hlc.tick();
    dial.ns = T - 2n * MS;
    expect(hlc.now()).toBe(T + 1n);
    await turn();
    expect(hlc.now()).toBe(T + 2n);
  });

  test('that rejects becomes an unhandled rejection too', async () => {
    const boom = new Error('async onLead');
    const { dial, hlc } = setUp({ maxLeadMs: 1, onLead: async () => Promise.reject(boom) });
    hlc.tick();
    dial.ns = T - 2n * MS;
    const unhandled = unhandledRejections();
    expect(hlc.now()).toBe(T + 1n);
    expect(await unhandled).toEqual([boom]);
    expect(hlc.now()).toBe(T + 2n);
  });

  test('may be left out', () => {
    const { dial, hlc } = setUp({ maxLeadMs: 0 });
    hlc.tick();
    dial.ns = 0n;
    expect(hlc.now()).toBe(T + 1n);
  });
});

describe('bytes', () => {
  test.each([
    ['a DataView', () => new DataView(new ArrayBuffer(12))],
    ['a Uint8Array', () => new Uint8Array(12)],
    ['a Buffer', () => Buffer.alloc(12)],
  ])('written to %s and read from it, at an offset and without', (_, make) => {
    const { hlc } = setUp();
    const other = setUp().hlc;
    for (const offset of [undefined, 3]) {
      const target = make();
      hlc.writeTo(target, offset);
      const bytes = new Uint8Array(target.buffer, target.byteOffset + (offset ?? 0), 8);
      expect([...bytes]).toEqual([...bytesFromTimestamp(hlc.peek())]);
      other.updateFrom(target, offset);
      expect(other.peek()).toBeGreaterThan(hlc.peek());
    }
    const poisoned = make();
    new Uint8Array(poisoned.buffer, poisoned.byteOffset, 1)[0] = 0x80;
    expect(codeOf(() => hlc.updateFrom(poisoned))).toBe('ERR_TIMESTAMP_MALFORMED');
  });
});

test('bytes of a small timestamp, whose upper half is 0', () => {
  const { hlc } = setUp({}, 0n);
  for (const make of [() => new DataView(new ArrayBuffer(8)), () => new Uint8Array(8)]) {
    const source = make();
    new Uint8Array(source.buffer)[7] = 200;
    hlc.updateFrom(source);
  }
  expect(hlc.peek()).toBe(202n);
});

describe('a ceiling', () => {
  /** A clock that must ask before it hands out a timestamp above its ceiling. */
  class Asking extends HybridClock {
    readonly asked: bigint[] = [];
    raisedBy: bigint | undefined = 10n;

    constructor(clock: Dial, ceilingNs: bigint) {
      super({ clock, nodeId: 'a' });
      this.ceilingNs = ceilingNs;
    }

    protected override raiseCeiling(needed: bigint): void {
      this.asked.push(needed);
      if (this.raisedBy === undefined) super.raiseCeiling(needed);
      this.ceilingNs = needed + this.raisedBy!;
    }
  }

  test('is asked about for each timestamp above it, and for no other', () => {
    const dial = new Dial();
    const hlc = new Asking(dial, T + 1n);
    expect([hlc.now(), hlc.now()]).toEqual([T, T + 1n]);
    expect(hlc.asked).toEqual([]);
    expect(hlc.now()).toBe(T + 2n);
    expect(hlc.asked).toEqual([T + 2n]);
    dial.ns = T + 12n;
    expect(hlc.now()).toBe(T + 12n);
    expect(hlc.asked).toEqual([T + 2n]);
    dial.ns = T + 13n;
    expect(hlc.now()).toBe(T + 13n);
    expect(hlc.asked).toEqual([T + 2n, T + 13n]);
    // A whole reservation is below it, or asks once for its last timestamp.
    hlc.reserve(10);
    expect([hlc.peek(), hlc.asked.length]).toEqual([T + 23n, 2]);
    hlc.reserve(3);
    expect([hlc.peek(), hlc.asked.at(-1)]).toEqual([T + 26n, T + 26n]);
  });

  test('that cannot be raised leaves the clock as it was', () => {
    const dial = new Dial();
    const hlc = new Asking(dial, T + 1n);
    hlc.raisedBy = undefined;
    hlc.tick();
    hlc.tick();
    for (const event of [() => hlc.now(), () => hlc.reserve(1), () => hlc.receive(T + 5n)]) {
      expect(codeOf(event)).toBe('ERR_TIMESTAMP_EXHAUSTED');
    }
    dial.ns = T + 2n;
    expect(codeOf(() => hlc.now())).toBe('ERR_TIMESTAMP_EXHAUSTED');
    expect(hlc.peek()).toBe(T + 1n);
  });
});

test('is shown by its node id and its last timestamp', () => {
  const { hlc } = setUp({ nodeId: 'orders-3' });
  hlc.tick();
  expect(JSON.stringify(hlc)).toBe(`{"nodeId":"orders-3","timestamp":"${T}"}`);
  expect(String(hlc)).toBe(`HybridClock { orders-3, ${T} }`);
});

test('is told from anything else', () => {
  const { hlc, dial } = setUp();
  expect(checkHybridClock(hlc)).toBe(hlc);
  for (const bad of [undefined, {}, dial, new LamportClock({ nodeId: 'a' })]) {
    expect(codeOf(() => checkHybridClock(bad as never))).toBe('ERR_INVALID_ARG_TYPE');
  }
});

test('says how far ahead a remote may be', () => {
  expect(setUp().hlc.maxRemoteAheadNs).toBe(500n * MS);
  expect(setUp({ maxRemoteAheadMs: 0.0000019 }).hlc.maxRemoteAheadNs).toBe(1n);
});

test('counts the remotes that it refuses', () => {
  const { hlc } = setUp();
  expect(hlc.refused).toBe(0);
  const far = hlc.now() + 10_000n * MS;
  for (let i = 0; i < 3; i++) codeOf(() => hlc.receive(far));
  hlc.receive(hlc.peek());
  expect(hlc.refused).toBe(3);
});

describe('uuidv7', () => {
  test('has the timestamp and the node bits of the clock, in order', () => {
    const { hlc } = setUp({ nodeBits: 7n });
    const uuids = Array.from({ length: 5 }, () => hlc.uuidv7());
    expect([...uuids].sort()).toEqual(uuids);
    expect(parseUuidv7(uuids[4]!)).toEqual({ timestamp: hlc.peek(), nodeBits: 7n });
    const drawn = setUp().hlc;
    const [a, b] = [drawn.uuidv7(), drawn.uuidv7()].map((uuid) => parseUuidv7(uuid).nodeBits);
    expect(a).toBe(b);
    expect(a).not.toBe(parseUuidv7(setUp().hlc.uuidv7()).nodeBits);
  });
});

describe('refused, state untouched', () => {
  const garbage: [string, unknown, string][] = [
    ['a number', 5, 'ERR_INVALID_ARG_TYPE'],
    ['NaN', Number.NaN, 'ERR_INVALID_ARG_TYPE'],
    ['digits', '1795227787534418003', 'ERR_INVALID_ARG_TYPE'],
    ['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['an object that converts', { valueOf: () => T }, 'ERR_INVALID_ARG_TYPE'],
    ['a negative', -1n, 'ERR_OUT_OF_RANGE'],
    ['2^63', 2n ** 63n, 'ERR_OUT_OF_RANGE'],
    ['2^64, which is 0 in 64 bits', 2n ** 64n, 'ERR_OUT_OF_RANGE'],
    ['2^64 + now', 2n ** 64n + T, 'ERR_OUT_OF_RANGE'],
    ['a year ahead', T + 365n * 86_400_000n * MS, 'ERR_TIMESTAMP_AHEAD'],
  ];

  test.each(garbage)('remote: %s', (_, value, code) => {
    const remote = value as bigint;
    const { hlc } = setUp();
    const before = hlc.now();
    expect(codeOf(() => hlc.receive(remote))).toBe(code);
    expect(codeOf(() => hlc.update(remote))).toBe(code);
    // In a batch, the good ones around it don't count either.
    expect(codeOf(() => hlc.receiveAll([T + 9n, remote]))).toBe(code);
    expect(codeOf(() => hlc.receiveAll([remote, T + 9n]))).toBe(code);
    if (code !== 'ERR_TIMESTAMP_AHEAD') expect(codeOf(() => hlc.nowAtLeast(remote))).toBe(code);
    expect(hlc.peek()).toBe(before);
    expect(hlc.now()).toBe(before + 1n);
  });

  test('a batch that is not an array', () => {
    const { hlc } = setUp();
    for (const batch of [undefined, null, 5n, new Set([T]), '5', '', () => T]) {
      expect(codeOf(() => hlc.receiveAll(batch as never))).toBe('ERR_INVALID_ARG_TYPE');
    }
    expect(hlc.peek()).toBe(0n);
  });

  test('what cannot hold a reservation', () => {
    const { hlc } = setUp();
    for (const target of [undefined, [0n], new BigUint64Array(2)]) {
      expect(codeOf(() => hlc.reserveInto(target as never))).toBe('ERR_INVALID_ARG_TYPE');
    }
    for (const length of [0, 1_000_001]) {
      expect(codeOf(() => hlc.reserveInto(new BigInt64Array(length)))).toBe('ERR_OUT_OF_RANGE');
    }
    expect(hlc.peek()).toBe(0n);
  });

  test.each([undefined, null, 'orders-3'])('options that are %o', (options) => {
    expect(codeOf(() => new HybridClock(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new LamportClock(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new SharedHybridClock(options as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('targets without room', () => {
    const { hlc } = setUp();
    const view = new DataView(new ArrayBuffer(16), 4, 9);
    for (const offset of [2, -1, 0.5, Number.NaN, 2 ** 32]) {
      expect(codeOf(() => hlc.writeTo(view, offset))).toBe('ERR_OUT_OF_RANGE');
      expect(codeOf(() => hlc.updateFrom(view, offset))).toBe('ERR_OUT_OF_RANGE');
    }
    for (const index of [3, -1, 0.5, Number.NaN, 2 ** 32]) {
      expect(codeOf(() => hlc.nowInto(new BigInt64Array(3), index))).toBe('ERR_OUT_OF_RANGE');
    }
    const bytes = new Uint8Array(16).subarray(4, 13);
    for (const offset of [2, -1, 0.5, Number.NaN, 2 ** 32]) {
      expect(codeOf(() => hlc.writeTo(bytes, offset))).toBe('ERR_OUT_OF_RANGE');
      expect(codeOf(() => hlc.updateFrom(bytes, offset))).toBe('ERR_OUT_OF_RANGE');
    }
    const other = new Uint16Array(8) as unknown as DataView;
    expect(codeOf(() => hlc.writeTo(other))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => hlc.updateFrom(other))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => hlc.nowInto([0n] as unknown as BigInt64Array, 0))).toBe(
      'ERR_INVALID_ARG_TYPE',
    );
    view.setUint32(0, 0x8000_0000);
    // A negative int64.
    expect(codeOf(() => hlc.updateFrom(view, 0))).toBe('ERR_TIMESTAMP_MALFORMED');
    view.setUint32(0, 0x7fff_0000);
    expect(codeOf(() => hlc.updateFrom(view, 0))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(hlc.peek()).toBe(0n);
  });

  test('a physical clock that throws or returns nonsense', () => {
    const boom = new Error('no clock');
    let answer: () => unknown = () => T;
    const hlc = new HybridClock({ clock: { wallNs: () => answer() as UnixNs }, nodeId: 'a' });
    hlc.tick();
    answer = () => {
      throw boom;
    };
    expect(codeOf(() => hlc.now())).toBe(boom);
    expect(codeOf(() => hlc.receive(T + 9n))).toBe(boom);
    answer = () => Date.now();
    expect(codeOf(() => hlc.now())).toBeInstanceOf(TypeError);
    expect(hlc.peek()).toBe(T);
  });

  test.each([
    ['no node id', { nodeId: undefined }, 'ERR_INVALID_ARG_TYPE'],
    ['an empty node id', { nodeId: '' }, 'ERR_OUT_OF_RANGE'],
    ['a node id with @', { nodeId: 'a@b' }, 'ERR_OUT_OF_RANGE'],
    ['a long node id', { nodeId: 'a'.repeat(65) }, 'ERR_OUT_OF_RANGE'],
    ['a node id with a line end', { nodeId: 'a\n' }, 'ERR_OUT_OF_RANGE'],
    ['a clock that has no time', { clock: {} }, 'ERR_INVALID_ARG_TYPE'],
    ['no clock', { clock: undefined }, 'ERR_INVALID_ARG_TYPE'],
    ['a negative limit', { maxRemoteAheadMs: -1 }, 'ERR_OUT_OF_RANGE'],
    ['a limit that is NaN', { maxRemoteAheadMs: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    ['a limit as text', { maxRemoteAheadMs: '500' }, 'ERR_INVALID_ARG_TYPE'],
    ['a lead limit beyond int64', { maxLeadMs: 1e13 }, 'ERR_OUT_OF_RANGE'],
    ['an onLead that is no function', { onLead: 'log' }, 'ERR_INVALID_ARG_TYPE'],
    ['node bits as number', { nodeBits: 7 }, 'ERR_INVALID_ARG_TYPE'],
    ['node bits beyond 54', { nodeBits: 2n ** 54n }, 'ERR_OUT_OF_RANGE'],
    ['an option that does not exist', { maxLeadNs: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ['a negative start', { startAfter: -1n }, 'ERR_OUT_OF_RANGE'],
    ['a start as number', { startAfter: 0 }, 'ERR_INVALID_ARG_TYPE'],
  ])('option: %s', (_, options, code) => {
    expect(codeOf(() => setUp(options as unknown as HybridClockOptions))).toBe(code);
  });
});

describe('on a clock that may be unsynchronised', () => {
  /** A stand-in for a bounded clock: `physicalNs` throws until the test synchronises it. */
  class Bounded {
    ns: bigint | undefined = undefined;
    physicalNs(): UnixNs {
      if (this.ns === undefined) {
        throw new ClockUnsynchronizedError('unsynchronized', 'starting');
      }
      return unixNs(this.ns);
    }
  }

  test('gives no timestamp before the first synchronisation', () => {
    const clock = new Bounded();
    const hlc = new HybridClock({ clock, nodeId: 'a' });
    expect(codeOf(() => hlc.now())).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(codeOf(() => hlc.receive(T))).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(hlc.peek()).toBe(0n);
    clock.ns = T;
    expect(hlc.now()).toBe(T);
  });

  test('unless an option names a wall clock to read until then', () => {
    const clock = new Bounded();
    const dial = new Dial(T + 1000n);
    const hlc = new HybridClock({ clock, nodeId: 'a', beforeSync: dial });
    expect(hlc.now()).toBe(T + 1000n);
    clock.ns = T;
    expect(hlc.now()).toBe(T + 1001n); // the order holds across the switch
    clock.ns = T + 5000n;
    dial.ns = T + 9000n;
    expect(hlc.now()).toBe(T + 5000n); // the wall clock is not read any more
    expect(
      codeOf(() => new HybridClock({ clock, nodeId: 'a', beforeSync: 'wall' as 'throw' })),
    ).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('on a BoundedClock', () => {
  /** A machine whose wall clock is 3 s slow, a time server, and the clocks above them. */
  function harness() {
    const hand = new HandClock();
    const source = new ScriptedSource('s');
    const bounded = BoundedClock.start({
      sources: [source],
      clock: hand,
      hostClock: 'free-running',
      expireAfterMs: 60_000,
    });
    const theta = hand.wallOffset + 3000n * MS;
    return {
      hand,
      bounded,
      truth: () => hand.monotonic + theta,
      /** The server replies; its clock is off by `error`. Without delay the middle is exact. */
      reply: (error = 0n) => source.reply(hand, { theta: theta + error, delay: 0n }),
      hlc: new HybridClock({ clock: bounded, nodeId: 'a' }),
    };
  }

  test('follows true time, not the wall clock, once synchronised; before that it refuses', () => {
    const s = harness();
    expect(codeOf(() => s.hlc.now())).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(codeOf(() => s.hlc.receive(5n))).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    expect(s.hlc.peek()).toBe(0n);
    s.reply();
    expect(s.hlc.now()).toBe(s.truth());
    s.hand.advance(7n * MS);
    expect(s.hlc.now()).toBe(s.truth());
    // The limit counts from the same time.
    expect(codeOf(() => s.hlc.receive(s.truth() + 500n * MS + 1n))).toBe('ERR_TIMESTAMP_AHEAD');
    expect(s.hlc.receive(s.truth() + 500n * MS)).toBe(s.truth() + 500n * MS + 1n);
  });

  test.each<[string, (s: ReturnType<typeof harness>) => void, string]>([
    ['expired', (s) => s.hand.advance(61_000n * MS), 'unsynchronized'],
    ['a wall clock that was set', (s) => s.hand.suspend(3_600_000n * MS), 'disrupted'],
    ['stopped', (s) => s.bounded.stop(), 'unsynchronized'],
  ])('goes on from the last middle when the bound is lost: %s', (_, lose, status) => {
    const s = harness();
    s.reply();
    const before = s.hlc.now();
    lose(s);
    expect(s.bounded.read().status).toBe(status);
    expect(codeOf(() => s.bounded.now())).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    s.hand.advance(MS);
    expect(s.hlc.now()).toBe(s.truth());
    expect(s.hlc.now()).toBe(s.truth() + 1n);
    expect(s.hlc.receive(s.truth() + 9n)).toBe(s.truth() + 10n);
    expect(s.hlc.peek()).toBeGreaterThan(before);
  });

  test('keeps its order when the middle moves back', () => {
    const s = harness();
    s.reply();
    s.hand.suspend(10_000n * MS); // a jump: the bound starts anew
    s.bounded.read();
    s.hand.advance(MS);
    const last = s.hlc.now();
    s.reply(-2000n * MS);
    expect(s.bounded.physicalNs()).toBe(s.truth() - 2000n * MS);
    expect(s.hlc.now()).toBe(last + 1n);
    expect(s.hlc.leadNs()).toBe(2000n * MS + 1n);
    s.hand.advance(2001n * MS);
    expect(s.hlc.now()).toBe(s.truth() - 2000n * MS);
  });

  test('reads a bounded clock of another thread in the same way', () => {
    const s = harness();
    const clock = BoundedClock.attach(s.bounded.share(), { clock: s.hand });
    const hlc = new HybridClock({ clock, nodeId: 'b' });
    expect(codeOf(() => hlc.now())).toBe('ERR_CLOCK_UNSYNCHRONIZED');
    s.reply();
    expect(hlc.now()).toBe(s.truth());
    s.bounded.stop();
    s.hand.advance(MS);
    expect(hlc.now()).toBe(s.truth());
  });
});
