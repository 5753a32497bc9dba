import { Metadata } from '@grpc/grpc-js';
import { formatStamp, HybridClock, type UnixNs } from 'epsilon-clock';
import {
  type Carrier,
  type Extracted,
  extract,
  hlcHeader,
  inject,
  PropagationCounts,
} from 'epsilon-clock/propagation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const T = 1_795_227_787_534_418_003n;
const MS = 1_000_000n;
/** The stamp of a peer whose clock is 100 ms fast: below the limit of 500. */
const PEER = formatStamp(T + 100n * MS, 'billing-1');

function clockAt(ns: bigint, nodeId = 'orders-3'): HybridClock {
  return new HybridClock({ clock: { wallNs: () => ns as UnixNs }, nodeId });
}

/** NATS: case matters, and what is not there is `''`. */
class NatsHeaders {
  readonly #headers = new Map<string, string>();
  get(name: string): string {
    return this.#headers.get(name) ?? '';
  }
  has(name: string): boolean {
    return this.#headers.has(name);
  }
  set(name: string, value: string): void {
    this.#headers.set(name, value);
  }
}

const CARRIERS: readonly (readonly [string, () => Carrier])[] = [
  ['a plain object', () => ({})],
  ['an object without a prototype', () => Object.create(null)],
  ['Headers', () => new Headers()],
  ['a Map', () => new Map<string, string>()],
  ['metadata of gRPC', () => new Metadata()],
  ['headers of NATS', () => new NatsHeaders()],
];

describe.each(CARRIERS)('%s', (_, make) => {
  test('carries a stamp, which the receiver then is above', () => {
    const sender = clockAt(T + 100n * MS, 'billing-1');
    const receiver = clockAt(T);
    const carrier = make();
    const stamp = inject(sender, carrier);
    expect(stamp).toBe(PEER);
    const received = extract(receiver, carrier, { trust: true });
    expect(received).toMatchObject({ status: 'received', from: stamp });
    expect(received.timestamp).toBe(T + 100n * MS + 1n);
    expect(receiver.peek()).toBe(received.timestamp);
  });

  test('a second stamp replaces the first', () => {
    const hlc = clockAt(T);
    const carrier = make();
    inject(hlc, carrier);
    const second = inject(hlc, carrier);
    expect(extract(clockAt(T), carrier, { trust: true }).from).toBe(second);
  });

  test('without a header it is absent, by any name', () => {
    const counts = new PropagationCounts();
    const hlc = clockAt(T);
    for (const header of ['epsilon-hlc', 'x-other', 'constructor', 'tostring']) {
      expect(extract(hlc, make(), { trust: true, header, counts }).status).toBe('absent');
    }
    expect([counts.absent, hlc.peek()]).toEqual([4, 0n]);
  });

  test('a header of another name', () => {
    const carrier = make();
    const stamp = inject(clockAt(T), carrier, { header: 'epsilonhlc' });
    expect(extract(clockAt(T), carrier, { trust: true }).status).toBe('absent');
    expect(extract(clockAt(T), carrier, { trust: true, header: 'epsilonhlc' }).from).toBe(stamp);
  });
});

describe('what messages carry', () => {
  const read = (carrier: Carrier | null | undefined): Extracted =>
    extract(clockAt(T), carrier, { trust: true });

  test.each([
    ['Kafka: a Buffer', { [hlcHeader]: Buffer.from(PEER) }],
    ['AMQP: text', { [hlcHeader]: PEER }],
    ['bytes within a larger buffer', { [hlcHeader]: Buffer.from(`..${PEER}..`).subarray(2, -2) }],
    ['an array of one', { [hlcHeader]: [PEER] }],
    ['an array of one Buffer', { [hlcHeader]: [Buffer.from(PEER)] }],
    ['another letter case', { 'Epsilon-HLC': PEER }],
  ] as [string, Carrier][])('%s', (_, carrier) => {
    expect(read(carrier)).toMatchObject({ status: 'received', from: PEER });
  });

  test.each([
    ['a message without headers', undefined],
    ['null', null],
    ['an empty array of gRPC', { get: () => [], set: () => {} }],
    ['null of Headers', { get: () => null, set: () => {} }],
    ['a property that is undefined', { [hlcHeader]: undefined }],
    ['something that is no carrier', 5 as never],
  ] as [string, Carrier | null | undefined][])('%s: absent', (_, carrier) => {
    expect(read(carrier)).toEqual({ status: 'absent' });
  });

  test('what an object inherits is not in it', () => {
    const inherited = Object.create({ [hlcHeader]: PEER, 'Epsilon-Hlc': PEER });
    expect(read(inherited).status).toBe('absent');
    const polluted = JSON.parse(`{"__proto__":{"${hlcHeader}":"${PEER}"}}`);
    expect(read(polluted).status).toBe('absent');
    expect(read({ ...polluted, [hlcHeader]: PEER }).status).toBe('received');
  });

  test('a stamp replaces one of another letter case', () => {
    const headers = { 'Epsilon-HLC': 'of the request', other: 'x' };
    const stamp = inject(clockAt(T), headers);
    expect(headers).toEqual({ 'Epsilon-HLC': stamp, other: 'x' });
  });
});

/** Everything that is refused, and how it is counted. */
const GARBAGE: readonly (readonly [string, unknown, 'malformed' | 'ahead' | 'failed'])[] = [
  ['empty', '', 'malformed'],
  ['digits alone', String(T), 'malformed'],
  ['18 digits', `${T}`.slice(1).concat('@a'), 'malformed'],
  ['20 digits', `0${T}@a`, 'malformed'],
  ['negative', `-${String(T).slice(1)}@a`, 'malformed'],
  ['beyond int64', '9223372036854775808@a', 'malformed'],
  ['the end of int64', '9223372036854775807@a', 'ahead'],
  ['1 MB', '1'.repeat(1_000_000), 'malformed'],
  ['1 MB behind a stamp', PEER.concat('x'.repeat(1_000_000)), 'malformed'],
  ['1 MB of bytes', Buffer.alloc(1_000_000, '1'), 'malformed'],
  ['twice', [PEER, PEER], 'malformed'],
  ['twice, as Node joins them', `${PEER}, ${PEER}`, 'malformed'],
  ['Arabic digits', '١٧٩٥٢٢٧٧٨٧٥٣٤٤١٨٠٠٣@a', 'malformed'],
  ['full-width digits', `${'１'.repeat(19)}@a`, 'malformed'],
  ['Arabic digits, as bytes', Buffer.from('١٧٩٥٢٢٧٧٨٧٥٣٤٤١٨٠٠٣@a'), 'malformed'],
  ['blanks around it', ` ${PEER}`, 'malformed'],
  ['a node id of 65', `${T}@${'a'.repeat(65)}`, 'malformed'],
  ['no node id', `${T}@`, 'malformed'],
  ['a line break', `${T}@a\n`, 'malformed'],
  ['a number', Number(T), 'malformed'],
  ['an object that would be text', { toString: () => PEER }, 'malformed'],
  ['an hour ahead', formatStamp(T + 3_600_000n * MS, 'b'), 'ahead'],
];

describe('what is refused', () => {
  test.each(GARBAGE)('%s', (_, value, reason) => {
    const counts = new PropagationCounts();
    const errors: Error[] = [];
    const hlc = clockAt(T);
    const before = hlc.now();
    const options = { trust: true, counts, onRefused: (error: Error) => void errors.push(error) };
    for (const carrier of [{ [hlcHeader]: value }, { get: () => value, set: () => {} }]) {
      const refused = extract(hlc, carrier, options);
      expect(refused.status).toBe('refused');
      expect(refused.error).toBe(errors.at(-1));
    }
    expect(hlc.peek()).toBe(before);
    expect(counts).toEqual({ ...new PropagationCounts(), [reason]: 2 });
    expect(errors.map((error) => (error as { code?: string }).code)).toEqual(
      Array(2).fill(reason === 'ahead' ? 'ERR_TIMESTAMP_AHEAD' : 'ERR_TIMESTAMP_MALFORMED'),
    );
  });

  test('a text that is too long is not taken, and the error does not repeat it', () => {
    const long = `${T}@${'a'.repeat(64)}`;
    expect(long).toHaveLength(84);
    expect(extract(clockAt(T), { [hlcHeader]: long }, { trust: true }).from).toBe(long);
    const { error } = extract(clockAt(T), { [hlcHeader]: `${long}a` }, { trust: true });
    expect(error?.message).toBe(
      'malformed stamp: expected at most 84 characters, as text or bytes',
    );
  });

  test('a value that is too long is not read', () => {
    let read = 0;
    const long = new Proxy(Object.assign([], { length: 1_000_000 }), {
      get(target, key) {
        read++;
        return Reflect.get(target, key);
      },
    });
    expect(extract(clockAt(T), { [hlcHeader]: long }, { trust: true }).status).toBe('refused');
    expect(read).toBeLessThan(5);
  });

  const boom = (): never => {
    throw new Error('boom');
  };
  test.each([
    ['a getter', Object.defineProperty({}, hlcHeader, { get: boom, enumerable: true })],
    ['get', { get: boom, set: boom }],
    ['the property get', Object.defineProperty({}, 'get', { get: boom })],
    ['has', { get: () => '', set: boom, has: boom }],
    ['a Proxy', new Proxy({}, { get: boom, has: boom, ownKeys: boom })],
  ] as [string, Carrier][])('%s that throws', (_, carrier) => {
    const counts = new PropagationCounts();
    const hlc = clockAt(T);
    const { status, error } = extract(hlc, carrier, { trust: true, counts });
    expect([status, error instanceof Error, hlc.peek()]).toEqual(['refused', true, 0n]);
    expect(counts.failed).toBe(1);
  });

  test('something thrown that is not an error', () => {
    const carrier = {
      get() {
        throw { at: 5n };
      },
      set() {},
    };
    const refused = extract(clockAt(T), carrier, { trust: true });
    expect(refused.error).toBeInstanceOf(Error);
    expect(refused.error?.cause).toEqual({ at: 5n });
  });

  test('something thrown that throws when it is looked at', () => {
    const thrown = new Proxy({}, { getPrototypeOf: boom });
    const carrier = {
      get() {
        throw thrown;
      },
      set() {},
    };
    const { status, error } = extract(clockAt(T), carrier, { trust: true });
    expect([status, error?.cause === thrown]).toEqual(['refused', true]);
  });

  test('our own clock has no time', () => {
    const counts = new PropagationCounts();
    const broken = new HybridClock({
      clock: {
        wallNs() {
          throw Object.assign(new Error('not yet'), { code: 'ERR_CLOCK_UNSYNCHRONIZED' });
        },
      },
      nodeId: 'a',
    });
    const { status, error } = extract(broken, { [hlcHeader]: PEER }, { trust: true, counts });
    expect([status, (error as { code?: string }).code]).toEqual([
      'refused',
      'ERR_CLOCK_UNSYNCHRONIZED',
    ]);
    expect(counts.failed).toBe(1);
    const headers = {};
    expect(() => inject(broken, headers, { counts })).toThrow('not yet');
    expect([headers, counts.sent]).toEqual([{}, 0]);
  });
});

describe('trust', () => {
  const headers = { [hlcHeader]: PEER };

  test('nobody is trusted unless the caller says so', () => {
    const counts = new PropagationCounts();
    const hlc = clockAt(T);
    expect(extract(hlc, headers)).toEqual({ status: 'untrusted' });
    expect(extract(hlc, headers, { counts })).toEqual({ status: 'untrusted' });
    expect(extract(hlc, headers, { trust: false, counts })).toEqual({ status: 'untrusted' });
    expect([counts.untrusted, hlc.peek()]).toEqual([2, 0n]);
  });

  test('a function judges the carrier, and is asked only where there is a header', () => {
    const asked: unknown[] = [];
    const trust = (carrier: unknown): boolean => {
      asked.push(carrier);
      return carrier === headers;
    };
    const other = { ...headers };
    expect(extract(clockAt(T), headers, { trust }).status).toBe('received');
    expect(extract(clockAt(T), other, { trust }).status).toBe('untrusted');
    expect(extract(clockAt(T), {}, { trust }).status).toBe('absent');
    expect(asked).toEqual([headers, other]);
  });

  test('garbage of those who are not trusted is not looked at', () => {
    const errors: Error[] = [];
    const onRefused = (error: Error): void => void errors.push(error);
    expect(extract(clockAt(T), { [hlcHeader]: 'garbage' }, { onRefused }).status).toBe('untrusted');
    expect(errors).toEqual([]);
  });

  test.each([
    ['throws', () => fail(new Error('boom'))],
    ['throws what is not an error', () => fail(undefined)],
    ['answers 1', () => 1],
    ['answers nothing', () => undefined],
    ['answers later', () => Promise.resolve(true)],
    ['fails later', () => Promise.reject(new Error('boom'))],
  ])('a function that %s trusts nobody, and that is reported', async (_, trust) => {
    const counts = new PropagationCounts();
    const errors: Error[] = [];
    const onRefused = (error: Error): void => void errors.push(error);
    const hlc = clockAt(T);
    const options = { trust: trust as never, onRefused, counts };
    const unhandled = await unhandledAfter(() => {
      expect(extract(hlc, headers, options)).toEqual({ status: 'untrusted' });
    });
    expect(unhandled).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(Error);
    expect([counts.untrusted, hlc.peek()]).toEqual([1, 0n]);
  });
});

function fail(thrown: unknown): never {
  throw thrown;
}

/** Runs `act`. Resolves to the promise rejections that nobody has handled some turns later. */
async function unhandledAfter(act: () => void): Promise<unknown[]> {
  const others = process.listeners('unhandledRejection');
  const reasons: unknown[] = [];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => reasons.push(reason));
  act();
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  process.removeAllListeners('unhandledRejection');
  for (const other of others) process.on('unhandledRejection', other);
  return reasons;
}

describe('onRefused', () => {
  test.each([
    ['throws', () => fail(new Error('boom'))],
    ['rejects', () => Promise.reject(new Error('boom'))],
    [
      'answers with a broken promise',
      () => Object.defineProperty({}, 'then', { get: () => fail(5) }),
    ],
  ])('one that %s harms nothing', async (_, onRefused) => {
    const options = { trust: true, onRefused: onRefused as never };
    const unhandled = await unhandledAfter(() => {
      const { status } = extract(clockAt(T), { [hlcHeader]: 'garbage' }, options);
      expect(status).toBe('refused');
    });
    expect(unhandled).toEqual([]);
  });
});

describe('misuse', () => {
  const hlc = clockAt(T);
  test.each([
    ['hlc', () => extract({} as never, {})],
    ['hlc', () => inject(undefined as never, {})],
    ['carrier', () => inject(hlc, undefined as never)],
    ['carrier', () => inject(hlc, [] as never)],
    ['trust', () => extract(hlc, {}, { trust: 'yes' as never })],
    ['onRefused', () => extract(hlc, {}, { onRefused: 5 as never })],
    ['counts', () => extract(hlc, {}, { counts: {} as never })],
    ['header', () => extract(hlc, {}, { header: 5 as never })],
    ['header', () => inject(hlc, {}, { header: '__proto__' })],
    ['header', () => inject(hlc, {}, { header: 'a b' })],
    ['header', () => inject(hlc, {}, { header: '' })],
    ['header', () => inject(hlc, {}, { header: 'x'.repeat(65) })],
    ['header', () => inject(hlc, {}, { header: 'a\r\nb' })],
  ])('a wrong %s is named', (name, call) => {
    const code = expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/);
    expect(call).toThrow(expect.objectContaining({ code }));
    expect(call).toThrow(new RegExp(`^${name} `));
    expect(hlc.peek()).toBe(0n);
  });

  test('a header in capitals is written in small letters', () => {
    const headers = {};
    const stamp = inject(hlc, headers, { header: 'X-HLC' });
    expect(headers).toEqual({ 'x-hlc': stamp });
  });
});

test('what comes of a receipt has a JSON form', () => {
  const json = (carrier: Carrier, trust = true): unknown =>
    JSON.parse(JSON.stringify(extract(clockAt(T), carrier, { trust })));
  expect(json({ [hlcHeader]: PEER })).toEqual({
    status: 'received',
    timestamp: String(T + 100n * MS + 1n),
    from: PEER,
  });
  expect(json({})).toEqual({ status: 'absent' });
  expect(json({ [hlcHeader]: PEER }, false)).toEqual({ status: 'untrusted' });
  const ahead = json({ [hlcHeader]: '9223372036854775807@a' });
  expect(ahead).toMatchObject({
    status: 'refused',
    error: { code: 'ERR_TIMESTAMP_AHEAD', timestamp: '9223372036854775807' },
  });
  const odd = Object.assign(new Error('boom'), { at: 5n });
  const thrown = json({ get: () => fail(odd), set() {} });
  expect(thrown).toEqual({ status: 'refused', error: { name: 'Error', message: 'boom' } });
});

describe('properties', () => {
  const nodeId = fc.stringMatching(/^[0-9A-Za-z._:-]{1,64}$/);
  const physical = fc.bigInt(1n, 2n ** 62n);
  const carrier = fc.constantFrom(...CARRIERS).map(([, make]) => make);

  test('a receipt is above the send, whatever the clocks are, or is refused as too far ahead', () => {
    fc.assert(
      fc.property(physical, physical, nodeId, carrier, (ours, theirs, node, make) => {
        const sender = clockAt(theirs, node);
        const receiver = clockAt(ours);
        const before = receiver.now();
        const message = make();
        const stamp = inject(sender, message);
        const received = extract(receiver, message, { trust: true });
        expect(stamp).toBe(formatStamp(theirs, node));
        if (theirs - ours > 500n * MS && theirs > before) {
          expect(received.status).toBe('refused');
          expect(receiver.peek()).toBe(before);
        } else {
          expect(received).toMatchObject({ status: 'received', from: stamp });
          const floor = before > theirs ? before : theirs;
          expect(received.timestamp).toBe(floor + 1n);
        }
      }),
    );
  });

  /** The grammar again, in another way. */
  const isStamp = (text: string): boolean =>
    /^[0-9]{19}@[0-9A-Za-z._:-]{1,64}$/.test(text) && BigInt(text.slice(0, 19)) < 2n ** 63n;
  const digits = fc.stringMatching(/^[0-9]{18,20}$/);
  const nearly = fc
    .tuple(digits, fc.constantFrom('@', '', '@@', ' '), fc.oneof(nodeId, fc.string()))
    .map((parts) => parts.join(''));

  test('exactly stamps are accepted, and what is refused changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string(), fc.anything()), (value) => {
        const hlc = new HybridClock({
          clock: { wallNs: () => T as UnixNs },
          nodeId: 'a',
          maxRemoteAheadMs: Number.POSITIVE_INFINITY,
        });
        const counts = new PropagationCounts();
        const { status } = extract(hlc, { [hlcHeader]: value }, { trust: true, counts });
        const only = Array.isArray(value) && value.length <= 1 ? value[0] : value;
        if (only === undefined || only === null) expect(status).toBe('absent');
        else if (typeof only === 'string' && isStamp(only)) {
          const end = only.startsWith('9223372036854775807@');
          expect(status).toBe(end ? 'refused' : 'received');
        } else if (!ArrayBuffer.isView(only)) expect(status).toBe('refused');
        expect(hlc.peek() === 0n).toBe(status !== 'received');
        const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
        expect(total).toBe(1);
      }),
      { numRuns: 2000 },
    );
  });

  test('any carrier: no throw, and the clock moves only with what is received', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withMap: true }), (carrier) => {
        const hlc = clockAt(T);
        const { status } = extract(hlc, carrier as Carrier, { trust: true });
        expect(hlc.peek() === 0n).toBe(status !== 'received');
      }),
    );
  });
});
