import { BoundedClock, systemClock } from 'epsilon-clock';
import { type PollingSourceOptions, pollingSource, type ServerFacts } from 'epsilon-clock/sources';
import { describe, expect, it, test } from 'vitest';
import { asMonotonicNs, asUnixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { RecordingSink } from '../kit/recording-sink.ts';

const MS = 1_000_000n;

type Ask = PollingSourceOptions['ask'];

/** A source that is running on a clock moved by hand, and a server that it asks. */
class World {
  readonly clock = new HandClock();
  readonly sink = new RecordingSink(this.clock);
  /** When each question was asked, ms since the start. */
  readonly asked: number[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #begin = this.clock.monotonic;
  answer: Ask = async () => this.facts();
  readonly running;

  constructor(options: Partial<PollingSourceOptions> = {}) {
    this.running = pollingSource({
      name: 's',
      ask: (given) => {
        this.asked.push(Number((this.clock.monotonic - this.#begin) / MS));
        this.signals.push(given.signal);
        return this.answer(given);
      },
      ...options,
    }).start(this.sink);
  }

  /** The answer of a server that is right, asked at this instant. */
  facts(): ServerFacts {
    const now = this.clock.wallNs();
    return { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 1n };
  }

  /** Answers after `ms`. */
  slow(ms: number): Ask {
    return () =>
      new Promise((resolve) => {
        const facts = this.facts();
        this.clock.setTimer(ms, () => resolve(facts));
      });
  }

  get last(): string | undefined {
    return this.sink.log.at(-1);
  }
}

describe('when it asks', () => {
  it('lists its one vote before it asks, and not from within start', async () => {
    const world = new World();
    expect(world.sink.log).toEqual([]);
    await world.clock.elapse(0);
    expect(world.sink.log).toEqual(['endpoints s', 'sample s']);
  });

  it('four times a second apart, then once per interval', async () => {
    const world = new World();
    await world.clock.elapse(40_000);
    expect(world.asked).toEqual([0, 1000, 2000, 3000, 19_000, 35_000]);
  });

  it('counts from the question, so that a slow answer does not lengthen the interval', async () => {
    const world = new World({ pollIntervalMs: 4000 });
    world.answer = world.slow(700);
    await world.clock.elapse(12_000);
    expect(world.asked).toEqual([0, 1000, 2000, 3000, 7000, 11_000]);
  });

  it('asks again after 10 s while the clock has no bound', async () => {
    const world = new World();
    await world.clock.elapse(3500);
    world.answer = () => Promise.reject(new Error('down'));
    world.sink.bounded = false;
    await world.clock.elapse(40_000);
    expect(world.asked.slice(4)).toEqual([19_000, 29_000, 39_000]);
    world.sink.bounded = true;
    await world.clock.elapse(30_000);
    expect(world.asked.slice(7)).toEqual([49_000, 65_000]);
  });

  it('a burst asks four times, `pollNow` once, and at least a second apart', async () => {
    const world = new World();
    await world.clock.elapse(3500);
    world.running.burst();
    await world.clock.elapse(8000);
    expect(world.asked.slice(4)).toEqual([4000, 5000, 6000, 7000]);
    world.running.pollNow!();
    await world.clock.elapse(1000);
    expect(world.asked.slice(8)).toEqual([11_500]);
  });

  it('keeps to its allowance, whatever the clock asks for', async () => {
    const world = new World();
    for (let i = 0; i < 36_000; i++) {
      if (i % 2 === 0) world.running.burst();
      else world.running.discardInFlight();
      await world.clock.elapse(100);
    }
    for (let i = 0; i < world.asked.length; i++) {
      for (let k = i + 1; k < Math.min(i + 40, world.asked.length); k++) {
        const spanMs = world.asked[k]! - world.asked[i]!;
        expect(k - i + 1).toBeLessThanOrEqual(16 + spanMs / 8000);
      }
    }
    expect(world.asked.length).toBeGreaterThan(400);
  });

  it('one question at a time', async () => {
    const world = new World();
    world.answer = world.slow(900);
    await world.clock.elapse(500);
    world.running.burst();
    world.running.pollNow!();
    await world.clock.elapse(300);
    expect(world.asked).toEqual([0]);
  });
});

it('is given the clock on which it runs', async () => {
  const world = new World();
  const given: unknown[] = [];
  world.answer = async ({ clock }) => {
    given.push(clock);
    return world.facts();
  };
  await world.clock.elapse(0);
  expect(given).toEqual([world.clock]);
});

describe('readings that `ask` knows better', () => {
  const at = (world: World, ms: number) => asMonotonicNs(world.clock.monotonic + BigInt(ms) * MS);

  it.each<[string, number, number, number, number]>([
    ['are used when they lie inside', 10, 20, 10, 20],
    ['at the very ends too', 0, 30, 0, 30],
    ['are not when the first is before the call', -1, 20, 0, 30],
    ['are not when the last is after the answer', 10, 31, 0, 30],
    ['are not in the wrong order', 20, 10, 0, 30],
  ])('%s', async (_, sent, received, sentAt, receivedAt) => {
    const world = new World();
    const begin = world.clock.monotonic;
    const inner = { sentAt: at(world, sent), receivedAt: at(world, received) };
    world.answer = () =>
      new Promise((resolve) => {
        const facts = world.facts();
        world.clock.setTimer(30, () => resolve({ ...facts, ...inner }));
      });
    await world.clock.elapse(100);
    expect(world.sink.samples[0]).toMatchObject({
      sentAt: begin + BigInt(sentAt) * MS,
      receivedAt: begin + BigInt(receivedAt) * MS,
    });
  });

  it('make a stated hold time impossible that the outer ones would allow', async () => {
    const world = new World();
    const inner = { sentAt: at(world, 10), receivedAt: at(world, 12) };
    world.answer = () =>
      new Promise((resolve) => {
        const now = world.clock.wallNs();
        const facts = { serverReceivedAt: now, serverSentAt: asUnixNs(now + 3n * MS) };
        world.clock.setTimer(30, () => resolve({ ...facts, serverErrorNs: 1n, ...inner }));
      });
    await world.clock.elapse(100);
    expect(world.last).toBe('miss s hold-time');
  });
});

it.each([
  [3n * MS, 'sample s'],
  [3n * MS + 1n, 'miss s hold-time'],
])(
  'a server whose clock is corrected between its stamps, held for %i ns: %s',
  async (held, last) => {
    const world = new World();
    const start = world.clock.monotonic;
    const inner = { sentAt: asMonotonicNs(start), receivedAt: asMonotonicNs(start + MS) };
    world.answer = () =>
      new Promise((resolve) => {
        const now = world.clock.wallNs();
        const stamps = { serverReceivedAt: now, serverSentAt: asUnixNs(now + held) };
        world.clock.setTimer(1, () => resolve({ ...stamps, serverErrorNs: MS, ...inner }));
      });
    await world.clock.elapse(100);
    expect(world.last).toBe(last);
  },
);

test('started again and again on one clock, a source keeps to one allowance', async () => {
  const clock = new HandClock();
  let asked = 0;
  const source = pollingSource({
    name: 's',
    ask: async () => {
      asked++;
      throw new Error('down');
    },
  });
  for (let s = 0; s < 200; s++) {
    const running = source.start(new RecordingSink(clock));
    await clock.elapse(1000);
    running.stop();
  }
  expect(asked).toBeLessThanOrEqual(16 + 200 / 8);
  expect(asked).toBeGreaterThan(30);
});

describe('a question ends', () => {
  it('with a sample stamped around the call', async () => {
    const world = new World();
    const begin = world.clock.monotonic;
    world.answer = world.slow(30);
    await world.clock.elapse(100);
    const [sample] = world.sink.samples;
    expect(sample).toMatchObject({ sourceId: 's', sentAt: begin, receivedAt: begin + 30n * MS });
    expect(sample!.upperNs - sample!.lowerNs).toBe(30n * MS + 2n);
  });

  it.each<[string, Ask, string, string | undefined]>([
    ['never', () => new Promise(() => {}), 'timeout', undefined],
    ['with a rejection', () => Promise.reject(new Error('down')), 'failed', 'Error: down'],
    [
      'with a code',
      () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })),
      'failed',
      'ECONNREFUSED',
    ],
    [
      'with an exception',
      () => {
        throw new Error('bug');
      },
      'failed',
      'Error: bug',
    ],
    [
      'with a reason of its own',
      () => Promise.reject(Object.assign(new Error('no satellites'), { reason: 'no-fix' })),
      'no-fix',
      'Error: no satellites',
    ],
    [
      'with a reason that is no word',
      () => Promise.reject(Object.assign(new Error('x'), { reason: 'No fix!' })),
      'failed',
      'Error: x',
    ],
    [
      'with a reason that throws',
      () =>
        Promise.reject(
          Object.defineProperty(new Error('x'), 'reason', {
            get() {
              throw new Error('looked at');
            },
          }),
        ),
      'failed',
      'Error: x',
    ],
    [
      'with a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return Promise.reject(proxy);
      },
      'failed',
      'threw something that cannot be described',
    ],
    ['with nothing', async () => undefined as unknown as ServerFacts, 'malformed', undefined],
    ['with nonsense', async () => ({}) as ServerFacts, 'malformed', undefined],
    [
      'with a hold time that is longer than the round trip',
      async () => ({ serverReceivedAt: 10n, serverSentAt: 20n, serverErrorNs: 0n }),
      'hold-time',
      undefined,
    ],
  ])('%s: a miss, and it goes on', async (_, answer, reason, cause) => {
    const world = new World();
    world.answer = answer;
    await world.clock.elapse(1000);
    expect(world.last).toBe(`miss s ${reason}`);
    if (cause !== undefined) expect(world.sink.causes).toContain(cause);
    world.answer = async () => world.facts();
    await world.clock.elapse(2000);
    expect(world.last).toBe('sample s');
  });

  it('with facts that are read once: a getter may throw the second time', async () => {
    const world = new World();
    world.answer = async () => {
      const { serverReceivedAt, ...facts } = world.facts();
      let reads = 0;
      return {
        ...facts,
        get serverReceivedAt() {
          if (++reads > 1) throw new Error('read twice');
          return serverReceivedAt;
        },
      };
    };
    await world.clock.elapse(0);
    expect(world.last).toBe('sample s');
  });

  it('the signal is aborted when it is over, and a late answer counts for nothing', async () => {
    const world = new World({ timeoutMs: 100 });
    world.answer = world.slow(500);
    await world.clock.elapse(50);
    expect(world.signals[0]!.aborted).toBe(false);
    await world.clock.elapse(50);
    expect(world.signals[0]!.aborted).toBe(true);
    expect(world.last).toBe('miss s timeout');
    await world.clock.elapse(800);
    expect(world.sink.samples).toEqual([]);
  });

  it('the signal is not aborted when the answer has come, but when it is refused', async () => {
    const world = new World();
    await world.clock.elapse(0);
    expect(world.last).toBe('sample s');
    expect(world.signals[0]!.aborted).toBe(false);
    world.answer = () => Promise.reject(new Error('no'));
    await world.clock.elapse(1000);
    expect(world.last).toBe('miss s failed');
    expect(world.signals[1]!.aborted).toBe(true);
    world.running.stop();
    expect(world.signals[0]!.aborted).toBe(false);
  });

  it('discarded, it is neither sample nor miss, and the server is asked again', async () => {
    const world = new World();
    await world.clock.elapse(3500);
    world.answer = world.slow(500);
    await world.clock.elapse(15_700);
    world.running.discardInFlight();
    expect(world.signals.at(-1)!.aborted).toBe(true);
    const before = world.sink.log.length;
    await world.clock.elapse(700);
    expect(world.sink.log.length).toBe(before);
    await world.clock.elapse(1000);
    expect(world.asked.slice(4)).toEqual([19_000, 20_000]);
    expect(world.last).toBe('sample s');
  });

  it('without a question under way, a disruption asks nothing', async () => {
    const world = new World();
    await world.clock.elapse(3500);
    world.running.discardInFlight();
    await world.clock.elapse(10_000);
    expect(world.asked.length).toBe(4);
  });

  it('nothing follows `stop`, which ends the question', async () => {
    const world = new World();
    world.answer = world.slow(500);
    await world.clock.elapse(100);
    world.running.stop();
    expect(world.signals[0]!.aborted).toBe(true);
    await world.clock.elapse(60_000);
    expect(world.sink.log).toEqual(['endpoints s']);
    expect(world.clock.pending().background).toBe(0);
  });

  it('stopped before its first turn, it never speaks', async () => {
    const world = new World();
    world.running.stop();
    await world.clock.elapse(60_000);
    expect(world.sink.log).toEqual([]);
  });
});

test('explain says whose claim it rests on', () => {
  const source = pollingSource({ name: 's', ask: async () => ({}) as ServerFacts, restsOn: 'GPS' });
  const clock = BoundedClock.start({ sources: [source], clock: new HandClock() });
  expect(clock.explain().sources[0]!.restsOn).toBe('GPS');
  clock.stop();
  expect(() =>
    pollingSource({ name: 's', ask: async () => ({}) as ServerFacts, restsOn: 5 as never }),
  ).toThrow('restsOn must be a string');
});

test('a bounded clock on such a source holds true time', async () => {
  const clock = new HandClock();
  const ask = async (): Promise<ServerFacts> => {
    const now = clock.wallNs();
    return { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 1000n };
  };
  const bounded = BoundedClock.start({ clock, sources: [pollingSource({ name: 'gps', ask })] });
  await clock.elapse(5000);
  const { earliest, latest } = bounded.now();
  expect(earliest <= clock.wallNs() && clock.wallNs() <= latest).toBe(true);
  expect(latest - earliest).toBeLessThan(1_000_000n);
  bounded.stop();
});

test.each<[string, object, string]>([
  ['an empty name', { name: '' }, 'name must be 1 to 256 characters'],
  ['no function', { ask: 5 }, 'ask must be a function'],
  ['an interval of 0', { pollIntervalMs: 0 }, 'pollIntervalMs'],
  ['no time at all', { timeoutMs: Number.NaN }, 'timeoutMs'],
  ['an unknown option', { pollInterval: 5 }, 'pollIntervalMs'],
])('refuses %s', (_, wrong, message) => {
  const options = { name: 'a', ask: async () => ({}) as ServerFacts, ...wrong };
  expect(() => pollingSource(options as PollingSourceOptions)).toThrow(message);
});

test('what an answer tells people is repeated by explain(), cut to what is kept', async () => {
  const now = systemClock().wallNs();
  const facts = { serverReceivedAt: now, serverSentAt: now, serverErrorNs: 1_000_000_000n };
  let details: unknown = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(300)}`);
  const source = pollingSource({
    name: 's',
    pollIntervalMs: 1,
    ask: async () => ({ ...facts, details }) as ServerFacts,
  });
  const clock = BoundedClock.start({ sources: [source] });
  const shown = () => clock.explain().sources[0]!;
  await clock.waitSynced();
  expect(shown().details).toHaveLength(32);
  expect(shown().details.every((line) => line.length === 256)).toBe(true);
  details = ['one'];
  await clock.pollNow();
  expect(shown().details).toEqual(['one']);
  details = undefined; // nothing new
  await clock.pollNow();
  expect(shown().details).toEqual(['one']);
  for (details of [null, 'one', [1], {}]) {
    const before = shown().misses.malformed ?? 0;
    await clock.pollNow();
    expect(shown().misses.malformed ?? 0).toBeGreaterThan(before);
  }
  clock.stop();
});
