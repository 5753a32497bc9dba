import { BoundedClock } from 'epsilon-clock';
import { describe, expect, it, test } from 'vitest';
import type {
  RunningSource,
  SourceSink,
  TimeSource,
} from '../../../src/bounded-clock/time-source.ts';
import { acrossTabsOf } from '../../../src/sources/http/across-tabs.ts';
import { AgedFacts } from '../../../src/sources/http/aged-facts.ts';
import { sampleFrom } from '../../../src/sources/sample-from.ts';
import { asMonotonicNs, asUnixNs } from '../../../src/time/instant.ts';
import { FakeBrowser, FakePage } from '../../kit/fake-page.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const MS = 1_000_000n;
const SERVER = 'https://shop.example/time';

/** The server of all tabs, which is asked every 30 s by each source that runs. */
class Server implements TimeSource {
  readonly name = SERVER;
  readonly maxEndpoints = 1;
  readonly restsOn = 'the server';
  /** How often it was asked. */
  asked = 0;
  /** How many sources run. */
  running = 0;
  errorNs = MS;

  start(sink: SourceSink): RunningSource {
    this.running++;
    let cancel = (): void => {};
    const ask = (): void => {
      this.asked++;
      const now = sink.clock.monotonicNs();
      const serverReceivedAt = asUnixNs(truthOf(sink.clock as HandClock));
      const facts = {
        serverReceivedAt,
        serverSentAt: serverReceivedAt,
        serverErrorNs: this.errorNs,
      };
      const bracket = { sentAt: now, receivedAt: now, localGridNs: 0n };
      sink.sample(sampleFrom({ sourceId: SERVER, ...bracket, ...facts }));
    };
    const next = (delayMs: number): void => {
      cancel();
      cancel = sink.clock.setTimer(delayMs, () => {
        next(30_000);
        ask();
      });
    };
    next(0);
    return {
      pollIntervalMs: 30_000,
      burst: () => next(0),
      discardInFlight: () => {},
      stop: () => {
        this.running--;
        cancel();
      },
    };
  }
}

/** True time is the wall clock of the tabs' machine. */
const truthOf = (clock: HandClock): bigint => clock.monotonic + clock.wallOffset;

/** A tab: its monotonic clock has an origin of its own. */
class Tab {
  readonly hand: HandClock;
  readonly page: FakePage;
  readonly clock: BoundedClock;

  constructor(browser: FakeBrowser, server: TimeSource, origin: bigint, hidden = false) {
    this.hand = new HandClock({ monotonic: origin });
    this.page = new FakePage(this.hand, browser);
    if (hidden) this.page.document.visibilityState = 'hidden';
    const source = acrossTabsOf(this.page, server, { name: 'shop' });
    this.clock = BoundedClock.start({ sources: [source], clock: this.hand });
  }

  get holds(): boolean {
    const interval = this.clock.tryNow();
    const truth = truthOf(this.hand);
    return interval !== undefined && interval.earliest <= truth && truth <= interval.latest;
  }

  get endpoint() {
    return this.clock.explain().sources[0]!;
  }
}

/** Time passes for all tabs alike. */
async function elapse(tabs: readonly Tab[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    for (const { hand } of tabs) await hand.elapse(Math.min(250, ms - passed));
    // Messages take a turn, and answers another one.
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { hand } of tabs) await hand.elapse(0);
    }
  }
}

function browserWith(count: number, hidden: readonly number[] = []) {
  const browser = new FakeBrowser();
  const server = new Server();
  const tabs = Array.from(
    { length: count },
    (_, i) => new Tab(browser, server, BigInt(i + 1) * 7_777_777n * MS, hidden.includes(i)),
  );
  return { browser, server, tabs };
}

describe('three tabs', () => {
  it('are one client of the server, and each holds true time', async () => {
    const { server, tabs } = browserWith(3);
    await elapse(tabs, 20_000);
    expect(server.running).toBe(1);
    expect(server.asked).toBe(1);
    expect(tabs.map((tab) => tab.holds)).toEqual([true, true, true]);
    expect(tabs[1]!.endpoint).toMatchObject({
      sourceId: SERVER,
      verdict: 'agrees',
      restsOn: 'the server, as one tab of this browser hears it',
    });
    for (const { clock } of tabs) clock.stop();
  });

  it('ask by another tab when the one that asks is hidden, and when it is closed', async () => {
    const { server, tabs } = browserWith(3);
    await elapse(tabs, 10_000);
    tabs[0]!.page.hide();
    await elapse(tabs, 10_000);
    expect([server.running, server.asked]).toEqual([1, 2]);
    tabs[1]!.clock.stop();
    await elapse(tabs, 10_000);
    expect([server.running, server.asked]).toEqual([1, 3]);
    expect(tabs[0]!.endpoint.lastReason).toBe('hidden');
    expect(tabs[0]!.holds && tabs[2]!.holds).toBe(true);
    for (const { clock } of tabs) clock.stop();
  });

  it('all hidden: nobody asks', async () => {
    const { server, tabs } = browserWith(3);
    await elapse(tabs, 10_000);
    for (const { page } of tabs) page.hide();
    await elapse(tabs, 1000);
    const { asked } = server;
    await elapse(tabs, 60_000);
    expect([server.running, server.asked]).toEqual([0, asked]);
    tabs[2]!.page.show();
    await elapse(tabs, 1000);
    expect([server.running, server.asked]).toEqual([1, asked + 1]);
    for (const { clock } of tabs) clock.stop();
  });

  it('that open hidden wait until they are shown', async () => {
    const { server, tabs } = browserWith(2, [0, 1]);
    await elapse(tabs, 10_000);
    expect([server.running, server.asked]).toEqual([0, 0]);
    tabs[1]!.page.show();
    await elapse(tabs, 2000);
    expect([server.running, tabs[1]!.holds]).toEqual([1, true]);
    for (const { clock } of tabs) clock.stop();
  });
});

test('what one tab hands on is aged by its drift bound', async () => {
  const { tabs } = browserWith(2);
  await elapse(tabs, 500);
  const [first, second] = tabs as [Tab, Tab];
  const asked = first.endpoint.lastServerErrorNs!;
  await elapse(tabs, 25_000);
  const aged = second.endpoint.lastServerErrorNs!;
  // 200 ppm of the 20 to 25 s since the tab heard from the server.
  expect(aged - asked).toBeGreaterThan(3n * MS);
  expect(aged - asked).toBeLessThan(6n * MS);
  for (const { clock } of tabs) clock.stop();
});

test('after a sleep a tab that asks answers nothing old, although it has not noticed', async () => {
  const { server, tabs } = browserWith(2);
  await elapse(tabs, 10_000);
  for (const { hand } of tabs) hand.suspend(3_600_000n * MS);
  const [, second] = tabs as [Tab, Tab];
  // The second tab notices first, and asks the first, whose tick has not come yet.
  expect(second.clock.read()).toMatchObject({ status: 'disrupted', reason: 'suspend' });
  await second.hand.elapse(0);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  await second.hand.elapse(0);
  expect(second.clock.tryNow() === undefined || second.holds).toBe(true);
  await elapse(tabs, 5000);
  expect(tabs.map((tab) => tab.holds)).toEqual([true, true]);
  expect(server.running).toBe(1);
  for (const { clock } of tabs) clock.stop();
});

test.each([
  ['has lost its bound', 'burst', true],
  ['has jumped', 'discardInFlight', false],
] as const)('a tab whose clock %s answers nothing old', async (_, call, asksAnew) => {
  const browser = new FakeBrowser();
  const clock = new HandClock({ monotonic: 5n * MS });
  const sink = new RecordingSink(clock);
  const running = acrossTabsOf(new FakePage(clock, browser), new Server(), { name: 'shop' }).start(
    sink,
  );
  await clock.elapse(10);
  await clock.elapse(10);
  const answers: unknown[] = [];
  const channel = new browser.BroadcastChannel(`epsilon-clock/1:shop:${SERVER}`);
  channel.onmessage = ({ data }) => answers.push((data as { knows?: boolean }).knows);
  const asked = async (): Promise<unknown> => {
    channel.postMessage({ ask: 'n' });
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    return answers.at(-1);
  };
  expect(await asked()).toBe(true);
  running[call]();
  expect(await asked()).toBe(false);
  await clock.elapse(10);
  expect(await asked()).toBe(asksAnew);
  running.stop();
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['text', 'ask'],
  ['a number', 5],
  ['a question without a nonce', { ask: 5 }],
  ['an answer to nobody', { answer: 'x', knows: true, earliest: 5, latest: 5 }],
])('a message that is %s disturbs nobody', async (_, message) => {
  const { browser, tabs } = browserWith(2);
  await elapse(tabs, 5000);
  new browser.BroadcastChannel(`epsilon-clock/1:shop:${SERVER}`).postMessage(message);
  await elapse(tabs, 10_000);
  expect(tabs.map((tab) => tab.holds)).toEqual([true, true]);
  for (const { clock } of tabs) clock.stop();
});

test.each<[string, object, string]>([
  ['numbers', { earliest: 5, latest: 6, leap: 'none' }, 'malformed'],
  ['ends in the wrong order', { earliest: 9n, latest: 5n, leap: 'none' }, 'malformed'],
  ['another leap', { earliest: 5n, latest: 9n, leap: 7 }, 'malformed'],
])('an answer with %s is a miss', async (_, answer, reason) => {
  const browser = new FakeBrowser();
  const channel = new browser.BroadcastChannel(`epsilon-clock/1:shop:${SERVER}`);
  channel.onmessage = ({ data }) => {
    const { ask } = data as { ask: string };
    channel.postMessage({ answer: ask, knows: true, ...answer });
  };
  // Another context has the lock, and answers with nonsense.
  void browser.locks.request(
    `epsilon-clock/1:shop:${SERVER}`,
    { signal: new AbortController().signal },
    () => new Promise(() => {}),
  );
  const tab = new Tab(browser, new Server(), 5n * MS);
  await elapse([tab], 900);
  expect(tab.endpoint.lastReason).toBe(reason);
  tab.clock.stop();
});

test('no fact outlives its month, because a leap second may end it', () => {
  const monthEnd = 1_893_456_000_000n * MS; // 2030-01-01T00:00:00Z
  const theta = monthEnd - 10_000n * MS;
  const sampleAt = (ms: bigint) => {
    const bracket = { sentAt: asMonotonicNs(ms * MS), receivedAt: asMonotonicNs(ms * MS) };
    const said = asUnixNs(theta + ms * MS);
    const server = { serverReceivedAt: said, serverSentAt: said, serverErrorNs: MS };
    return sampleFrom({ ...bracket, ...server, sourceId: SERVER, localGridNs: 0n });
  };
  const facts = new AgedFacts({});
  facts.take(sampleAt(0n));
  expect(facts.at(7900n * MS)).toBeDefined();
  expect(facts.at(9000n * MS)).toBeUndefined();
  expect(facts.at(30_000n * MS)).toBeUndefined();
  // Nor does it narrow, or refuse, what is heard in the new month.
  const later = { ...sampleAt(15_000n), upperNs: theta - 900n * MS, lowerNs: theta - 1100n * MS };
  expect(facts.isStale(later)).toBe(false);
  facts.take(later);
  expect(facts.at(15_000n * MS)).toMatchObject({ upperNs: later.upperNs + 1n });
});

test('the answer to the question of another tab counts for nothing', async () => {
  const browser = new FakeBrowser();
  const channel = new browser.BroadcastChannel(`epsilon-clock/1:shop:${SERVER}`);
  const tab = new Tab(browser, new Server(), 5n * MS, false);
  channel.onmessage = ({ data }) => {
    const { ask } = data as { ask: string };
    const truth = truthOf(tab.hand);
    const right = { earliest: truth - MS, latest: truth + MS, leap: 'none' };
    channel.postMessage({ ...right, answer: 'another', knows: true, latest: 9n, earliest: 5n });
    channel.postMessage({ ...right, answer: ask, knows: true });
  };
  void browser.locks.request(
    `epsilon-clock/1:shop:${SERVER}`,
    { signal: new AbortController().signal },
    () => new Promise(() => {}),
  );
  await elapse([tab], 900);
  expect([tab.endpoint.accepted, tab.holds]).toEqual([1, true]);
  tab.clock.stop();
});

test('a page that may not have locks asks on its own, while it is visible', async () => {
  const browser = new FakeBrowser();
  Object.assign(browser.locks, { request: () => Promise.reject(new Error('SecurityError')) });
  const server = new Server();
  const tab = new Tab(browser, server, 5n * MS);
  await elapse([tab], 1000);
  expect([server.running, tab.holds]).toEqual([1, true]);
  tab.page.hide();
  await elapse([tab], 1000);
  expect(server.running).toBe(0);
  tab.page.show();
  await elapse([tab], 1000);
  expect(server.running).toBe(1);
  tab.clock.stop();
  expect([server.running, browser.channels]).toEqual([0, 0]);
});

test('nothing is left after `stop`, at whatever point it comes', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { browser, server, tabs } = browserWith(1);
    const [tab] = tabs as [Tab];
    for (let turn = 0; turn < turns; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      tab.hand.turns();
    }
    tab.clock.stop();
    await elapse(tabs, 2000);
    expect([server.running, browser.channels, tab.page.attached]).toEqual([0, 0, 0]);
    expect(tab.hand.pending()).toEqual({ foreground: 0, background: 0 });
  }
});

describe('without what it needs', () => {
  it('it is the source itself', () => {
    const server = new Server();
    const page = new FakePage(new HandClock());
    Object.assign(page, { navigator: {} });
    expect(acrossTabsOf(page, server, { name: 'shop' })).toBe(server);
    const worker = new FakePage(new HandClock());
    Object.assign(worker, { document: undefined });
    expect(acrossTabsOf(worker, server, { name: 'shop' })).toBe(server);
    expect(acrossTabsOf({}, server, { name: 'shop' })).toBe(server);
  });

  const page = new FakePage(new HandClock());
  it.each<[string, unknown, unknown, string]>([
    ['a source', {}, { name: 'a' }, 'source must be a TimeSource'],
    ['one vote', { name: 'a', start() {} }, { name: 'a' }, 'source must be one with a single vote'],
    ['a vote', { ...new Server(), start() {}, role: 'witness' }, { name: 'a' }, 'single vote'],
    ['a name', new Server(), {}, 'name must be a string'],
    ['a name that is not empty', new Server(), { name: '' }, 'name must be 1 to 64'],
    ['a short name', new Server(), { name: 'a'.repeat(65) }, 'name must be 1 to 64'],
  ])('it refuses to be without %s', (_, source, options, message) => {
    expect(() => acrossTabsOf(page, source as TimeSource, options as { name: string })).toThrow(
      message,
    );
  });
});
