import { BoundedClock } from 'epsilon-clock';
import { describe, expect, it, test } from 'vitest';
import type { TimingEntry } from '../../../src/sources/http/page.ts';
import { serverTimingSourceOf } from '../../../src/sources/http/server-timing-source.ts';
import { descriptionOf } from '../../../src/sources/http/statement.ts';
import { asUnixNs } from '../../../src/time/instant.ts';
import { FakePage } from '../../kit/fake-page.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const MS = 1_000_000n;
const NAME = 'server-timing:https://shop.example';

class World {
  readonly clock = new HandClock({ monotonic: 5000n * MS });
  readonly page = new FakePage(this.clock);
  readonly sink = new RecordingSink(this.clock);
  readonly source = serverTimingSourceOf(this.page);
  readonly running = this.source.start(this.sink);

  /** True time is the page's wall clock. */
  at(ms: number): bigint {
    return this.clock.wallOffset + BigInt(ms) * MS;
  }

  /** A reply to a request at `sent`, whose head came at `came`, with the server's own stamps. */
  entry(sent: number, received: number, left: number, came: number): TimingEntry {
    const description = descriptionOf({
      receivedNs: asUnixNs(this.at(received)),
      sentNs: asUnixNs(this.at(left)),
      errorNs: MS,
      leap: 'none',
      basis: 'bound',
    });
    return {
      name: 'https://shop.example/api/cart',
      requestStart: sent,
      responseStart: came,
      finalResponseHeadersStart: came,
      responseEnd: came + 50,
      workerStart: 0,
      transferSize: 900,
      serverTiming: [
        { name: 'db', description: '' },
        { name: 'epsilon', description },
      ],
    };
  }

  async tell(entry: Partial<TimingEntry>): Promise<void> {
    await this.clock.elapse(0);
    this.page.tell(entry);
  }
}

test('an ordinary reply is a sample', async () => {
  const world = new World();
  await world.clock.elapse(200);
  await world.tell(world.entry(5010, 5040, 5060, 5100));
  const [sample] = world.sink.samples;
  expect(sample).toMatchObject({ sourceId: NAME, sentAt: 5010n * MS, receivedAt: 5100n * MS });
  const theta = world.clock.wallOffset;
  expect(sample!.upperNs).toBe(theta + 31n * MS);
  expect(sample!.lowerNs).toBe(theta - 41n * MS);
  expect(world.source.restsOn).toContain('the bound that https://shop.example claims');
});

test.each([
  [5088, 'sample'],
  [5090, 'miss'],
])('a server whose clock was corrected meanwhile, stamps 5010 to %i: %s', async (left, kind) => {
  const world = new World();
  await world.clock.elapse(200);
  await world.tell(world.entry(5010, 5010, left, 5086));
  expect(world.sink.log.at(-1)).toMatch(kind);
});

test('it asks nobody, and says that it has heard nothing', async () => {
  const world = new World();
  world.page.fetch = () => {
    throw new Error('asked');
  };
  await world.clock.elapse(60_000);
  expect(world.sink.log).toEqual([`endpoints ${NAME}`, `miss ${NAME} quiet`]);
  world.running.burst();
  world.running.burst();
  await world.clock.elapse(0);
  expect(world.sink.log.slice(2)).toEqual([`miss ${NAME} quiet`]);
});

test('asked before it has begun, it begins', async () => {
  const world = new World();
  world.running.burst();
  await world.clock.elapse(200);
  expect(world.sink.log).toEqual([`endpoints ${NAME}`, `miss ${NAME} quiet`]);
  await world.tell(world.entry(5010, 5040, 5060, 5100));
  expect(world.sink.samples.length).toBe(1);
});

test('a clock that asks all its sources does not wait for it', async () => {
  const clock = new HandClock({ monotonic: 5000n * MS });
  const source = serverTimingSourceOf(new FakePage(clock));
  const bounded = BoundedClock.start({ sources: [source], clock });
  await clock.elapse(10);
  const asked = bounded.pollNow();
  await clock.elapse(10);
  expect(await asked).toMatchObject({ status: 'unsynchronized' });
  bounded.stop();
});

test('a page that is looked at again first checks its clocks, and asks nobody', async () => {
  const world = new World();
  await world.clock.elapse(200);
  let checked = 0;
  Object.assign(world.sink, { checkJump: () => checked++ });
  world.page.show();
  await world.clock.elapse(200);
  expect([checked, world.sink.log.length]).toEqual([1, 2]);
});

describe('an entry does not count', () => {
  it.each<[string, Partial<TimingEntry>]>([
    ['of another origin', { name: 'https://other.example/api' }],
    ['of an origin that begins like ours', { name: 'https://shop.example.evil/api' }],
    ['without the stamp', { serverTiming: [] }],
    ['of a browser that tells none', { serverTiming: undefined as never }],
    ['with its times withheld', { requestStart: 0 }],
    ['from the browser’s cache', { deliveryType: 'cache' }],
    ['with nothing from the network', { transferSize: 0 }],
    ['through a service worker', { workerStart: 5005 }],
    ['after a redirect', { redirectStart: 5001 }],
  ])('%s', async (_, changes) => {
    const world = new World();
    await world.clock.elapse(200);
    await world.tell({ ...world.entry(5010, 5040, 5060, 5100), ...changes });
    expect(world.sink.log).toEqual([`endpoints ${NAME}`, `miss ${NAME} quiet`]);
  });
});

describe('a miss', () => {
  const metric = (description: string) => ({ serverTiming: [{ name: 'epsilon', description }] });
  it.each<[string, Partial<TimingEntry>, string]>([
    ['a server without a bound', metric('1 unsynchronized starting'), 'unsynchronized'],
    ['another version', metric('9 whatever'), 'version'],
    ['nonsense', metric('1 a b c'), 'malformed'],
    ['a reply before its request', { finalResponseHeadersStart: 5005 }, 'malformed'],
    ['a hold time longer than the round trip', { finalResponseHeadersStart: 5020 }, 'hold-time'],
  ])('%s', async (_, changes, reason) => {
    const world = new World();
    await world.clock.elapse(200);
    await world.tell({ ...world.entry(5010, 5040, 5060, 5100), ...changes });
    expect(world.sink.log.at(-1)).toBe(`miss ${NAME} ${reason}`);
    expect(world.sink.samples).toEqual([]);
  });

  it('a stored reply: its upper fact would be false', async () => {
    const world = new World();
    await world.clock.elapse(200);
    await world.tell(world.entry(5010, 5040, 5060, 5100));
    await world.clock.elapse(60_000);
    const stored = world.entry(5010, 5040, 5060, 5100);
    await world.tell({ ...stored, requestStart: 65_110, finalResponseHeadersStart: 65_190 });
    expect(world.sink.log.at(-1)).toBe(`miss ${NAME} stale`);
    await world.tell(world.entry(65_110, 65_150, 65_150, 65_190));
    expect(world.sink.samples.length).toBe(2);
  });

  it('a stored reply that came first is found out by the next, which counts', async () => {
    const world = new World();
    await world.clock.elapse(60_200);
    const stored = world.entry(5010, 5040, 5060, 5100);
    await world.tell({ ...stored, requestStart: 65_110, finalResponseHeadersStart: 65_190 });
    await world.tell(world.entry(65_110, 65_150, 65_150, 65_190));
    await world.tell({ ...stored, requestStart: 65_110, finalResponseHeadersStart: 65_190 });
    expect(world.sink.log.slice(2)).toEqual([
      `sample ${NAME}`,
      `sample ${NAME}`,
      `miss ${NAME} stale`,
    ]);
  });

  it('where there is no Resource Timing', async () => {
    const clock = new HandClock();
    const page = new FakePage(clock);
    Object.assign(page, { PerformanceObserver: undefined });
    const sink = new RecordingSink(clock);
    serverTimingSourceOf(page).start(sink);
    await clock.elapse(0);
    expect(sink.log.at(-1)).toBe(`miss ${NAME} no-resource-timing`);
  });

  it('where a runtime observes other things only', async () => {
    const clock = new HandClock({ monotonic: 5000n * MS });
    const page = new FakePage(clock);
    Object.assign(page, {
      PerformanceObserver: class {
        observe(): void {
          throw new TypeError('unsupported');
        }
        disconnect(): void {}
      },
    });
    const sink = new RecordingSink(clock);
    const running = serverTimingSourceOf(page).start(sink);
    await clock.elapse(0);
    running.burst();
    await clock.elapse(0);
    const miss = `miss ${NAME} no-resource-timing`;
    expect(sink.log).toEqual([`endpoints ${NAME}`, miss, miss]);
  });

  it('where the clock is not that of the page', async () => {
    const world = new World();
    Object.assign(world.page.performance, { now: () => 17 });
    await world.clock.elapse(0);
    expect(world.sink.log.at(-1)).toBe(`miss ${NAME} no-resource-timing`);
  });
});

test('a browser that does not tell when the final reply began: the end of it counts', async () => {
  const world = new World();
  await world.clock.elapse(200);
  const { finalResponseHeadersStart, ...entry } = world.entry(5010, 5040, 5060, 5100);
  await world.tell(entry);
  expect(finalResponseHeadersStart).toBe(5100);
  expect(world.sink.samples[0]!.receivedAt).toBe(5150n * MS);
});

test('a request that began before a jump of the clocks, or before the source, proves nothing', async () => {
  const world = new World();
  await world.clock.elapse(200);
  await world.tell(world.entry(4990, 5040, 5060, 5100));
  world.running.discardInFlight();
  await world.clock.elapse(100);
  await world.tell(world.entry(5190, 5240, 5260, 5290));
  expect(world.sink.samples).toEqual([]);
  await world.tell(world.entry(5210, 5240, 5260, 5290));
  expect(world.sink.samples.length).toBe(1);
});

test('after a leap second nothing old makes a reply stale', async () => {
  const world = new World();
  await world.clock.elapse(200);
  await world.tell(world.entry(5010, 5040, 5060, 5100));
  world.clock.wallOffset -= 1000n * MS;
  await world.tell(world.entry(5110, 5140, 5160, 5190));
  expect(world.sink.log.at(-1)).toBe(`miss ${NAME} stale`);
  world.running.burst();
  await world.tell(world.entry(5110, 5140, 5160, 5190));
  expect(world.sink.samples.length).toBe(2);
});

test('after a jump of the clocks nothing old makes a reply stale', async () => {
  const world = new World();
  await world.clock.elapse(100);
  await world.tell(world.entry(5010, 5040, 5060, 5100));
  world.running.discardInFlight();
  await world.clock.elapse(100);
  world.clock.wallOffset -= 3_600_000n * MS;
  await world.tell(world.entry(5110, 5140, 5160, 5190));
  expect(world.sink.samples.length).toBe(2);
});

test('after `stop` nothing is heard', async () => {
  const world = new World();
  await world.clock.elapse(200);
  world.running.stop();
  expect(world.page.attached).toBe(0);
  await world.tell(world.entry(5010, 5040, 5060, 5100));
  expect(world.sink.samples).toEqual([]);
});

test.each<[unknown, string]>([
  [5, 'origin must be a string'],
  ['shop.example', "origin must be such as 'https"],
  ['https://shop.example/api', "origin must be such as 'https"],
  ['ftp://shop.example', "origin must be such as 'https"],
  ['https://[', "origin must be such as 'https"],
])('refuses %s as an origin', (origin, message) => {
  const page = new FakePage(new HandClock());
  expect(() => serverTimingSourceOf(page, { origin: origin as string })).toThrow(message);
});

test('without a page the origin has to be said', () => {
  expect(() => serverTimingSourceOf({})).toThrow('origin must be a string');
});
