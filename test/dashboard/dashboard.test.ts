/** What the dashboard tells, over its stream, on clocks that are moved by hand. */
import { afterEach, describe, expect, test } from 'vitest';
import { Dashboard } from '../../src/dashboard/dashboard.ts';
import { HybridClock } from '../../src/logical/hybrid-clock.ts';
import { WaitHistogram } from '../../src/metrics/wait-histogram.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import {
  type DashboardWorld,
  dashboardWorld,
  type Message,
  MS,
  SECOND,
  StreamReader,
} from '../kit/dashboard-world.ts';
import { held, heldObjects } from '../kit/heap.ts';

let open: DashboardWorld | undefined;
afterEach(() => {
  open?.dashboard.stop();
  open?.bounded.stop();
});

function world(...given: Parameters<typeof dashboardWorld>): DashboardWorld {
  open = dashboardWorld(...given);
  return open;
}

const frames = (messages: readonly Message[]) =>
  messages.flatMap((message) => (message.event === 'frame' ? [message.data] : []));

test('tells each second what explain() says', async () => {
  const { clock, bounded, dashboard, hear, pass } = world();
  const stream = new StreamReader(dashboard);
  hear();
  await pass(1);
  const frame = frames(await stream.messages()).at(-1)!;
  const { reading, uncertaintyNs, parts } = bounded.explain();
  expect(frame.status).toBe('synchronized');
  expect(frame.earliest).toBe(String(reading.interval!.earliest));
  expect(frame.at).toBe(String(reading.interval!.midpoint));
  expect(frame.row.uncertaintyNs).toBe(Number(uncertaintyNs));
  const { row } = frame;
  const sum = Object.keys(parts!).reduce(
    (total, part) => total + row[part as keyof typeof parts]!,
    0,
  );
  expect(sum).toBe(row.uncertaintyNs);
  expect(row.wallNs).toBe(Number(clock.wallNs() - reading.interval!.midpoint));
  expect(frame.sources).toHaveLength(5);
  await pass(2);
  expect(frames(await stream.messages())).toHaveLength(3);
});

test('a liar is marked within two polls, and its interval is told', async () => {
  const { dashboard, hear, pass } = world();
  const stream = new StreamReader(dashboard);
  for (let poll = 1; poll <= 2; poll++) {
    hear(250n * MS);
    await pass(1);
  }
  const liar = frames(await stream.messages()).at(-1)!.sources[4]!;
  expect(liar.verdict).toBe('falseticker');
  expect(liar.polls).toBe(2);
  expect((liar.lowerNs! + liar.upperNs!) / 2).toBeGreaterThan(249e6);
  const { data } = await stream.last();
  expect('happenings' in data && data.happenings.map(({ event }) => event.type)).toEqual([
    'status',
    'falseticker',
  ]);
});

test('a disruption is told and does not end the stream', async () => {
  const { clock, dashboard, hear, pass } = world();
  const stream = new StreamReader(dashboard);
  hear();
  await pass(2);
  clock.wallOffset += 60n * SECOND;
  await pass(2);
  const disrupted = frames(await stream.messages()).at(-1)!;
  expect([disrupted.status, disrupted.reason]).toEqual(['disrupted', 'step']);
  expect([disrupted.row.uncertaintyNs, disrupted.earliest]).toEqual([null, undefined]);
  hear();
  await pass(1);
  const after = frames(await stream.messages()).at(-1)!;
  expect(after.status).toBe('synchronized');
  expect(after.row.elapsedMs).toBe(5000);
  const told = after.happenings.map(({ event: { type, status } }) => `${type} ${status}`);
  expect(told).toEqual([
    'status synchronized',
    'refuted disrupted',
    'status disrupted',
    'status synchronized',
  ]);
  expect(stream.ended).toBe(false);
});

test('a page that opens gets what was before', async () => {
  const { dashboard, hear, pass } = world();
  hear();
  await pass(30);
  const { event, data } = await new StreamReader(dashboard).last();
  if (event !== 'welcome') throw new Error(`a welcome expected, not ${event}`);
  expect(data.everyS).toBe(1);
  expect(data.history.elapsedMs).toEqual(Array.from({ length: 31 }, (_, i) => i * 1000));
  expect(data.history.uncertaintyNs[0]).toBeNull();
  expect(data.history.uncertaintyNs[30]).toBeGreaterThan(2e6);
  expect(data.frame?.status).toBe('synchronized');
});

test('a page that comes back gets the rows that it missed', async () => {
  const { dashboard, pass } = world();
  await pass(5);
  const first = new StreamReader(dashboard);
  const { id } = await first.last();
  await first.cancel();
  await pass(3);
  const welcomed = async (lastEventId: string): Promise<unknown> => {
    const { data } = await new StreamReader(dashboard, { 'last-event-id': lastEventId }).last();
    return 'history' in data && data.history.elapsedMs;
  };
  expect(await welcomed(id)).toEqual([6000, 7000, 8000]);
  // A page that opened a new stream says the id in the address.
  const again = new StreamReader(dashboard, {}, id);
  expect('history' in (await again.last()).data && (await again.last()).data).toMatchObject({
    history: { elapsedMs: [6000, 7000, 8000] },
  });
  // An id of another run, or of nobody, means all of them.
  const all = [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000];
  for (const other of [
    'other.6',
    '',
    '.',
    `${id.split('.')[0]}.-1`,
    `${id}9e9`,
    'x'.repeat(9000),
  ]) {
    expect(await welcomed(other)).toEqual(all);
  }
});

test('names from outside travel as text, and are cut', async () => {
  const hostile = '<img src=x onerror=alert(1)>\n\ndata: {}\n\n\u2028"';
  const { dashboard, hear, pass } = world([hostile, 'x'.repeat(100_000)]);
  const stream = new StreamReader(dashboard);
  hear();
  await pass(1);
  const [first, second] = frames(await stream.messages()).at(-1)!.sources;
  expect(first!.id).toBe(hostile);
  expect(second!.id).toHaveLength(201);
  expect(stream.text.split('\n').filter((line) => line.startsWith('data: {}'))).toEqual([]);
});

test('of a flood of changes the newest 100 are kept', async () => {
  const { clock, dashboard, hear } = world(['a']);
  for (let i = 0; i < 60; i++) {
    hear();
    clock.wallOffset += 60n * SECOND;
    clock.advance(2n * SECOND);
  }
  const { data } = await new StreamReader(dashboard).last();
  expect(data.happenings).toHaveLength(100);
  expect(data.happenings.at(-1)?.event).toMatchObject({ type: 'status', status: 'disrupted' });
});

test('of many sources the first 64 are listed', async () => {
  const { dashboard, pass } = world(Array.from({ length: 70 }, (_, i) => `s${i}`));
  const stream = new StreamReader(dashboard);
  await pass(1);
  const frame = frames(await stream.messages()).at(-1)!;
  expect([frame.sources.length, frame.unlisted]).toEqual([64, 6]);
});

test('the lead of a hybrid clock and the waits, when they are given', async () => {
  const clocks = dashboardWorld();
  clocks.dashboard.stop();
  const hlc = new HybridClock({ clock: clocks.bounded, nodeId: 'a' });
  const waits = new WaitHistogram();
  const dashboard = Dashboard.start({ clock: clocks.bounded, hlc, waits });
  open = { ...clocks, dashboard };
  const stream = new StreamReader(dashboard);
  await clocks.pass(1);
  // Without the time there is no lead.
  expect(frames(await stream.messages()).at(-1)!.row.leadNs).toBeNull();
  clocks.hear();
  hlc.receive(asUnixNs(clocks.bounded.now().midpoint + 100n * MS));
  await waits.measure(Promise.resolve({ waitedNs: 3n * MS }));
  await clocks.pass(1);
  const frame = frames(await stream.messages()).at(-1)!;
  // A second later the clock is no longer ahead.
  expect(frame.row.leadNs).toBe(0);
  expect(frame.waits?.counts.at(-1)).toBe(1);
  hlc.receive(asUnixNs(clocks.bounded.now().midpoint + 300n * MS));
  const { data } = await new StreamReader(dashboard).last();
  expect('frame' in data && data.frame?.row.leadNs).toBe(300e6 + 1);
});

test('under fake timers the stream goes on, and says why there is nothing to see', async () => {
  const { clock, dashboard, hear, pass } = world();
  const stream = new StreamReader(dashboard);
  hear();
  await pass(1);
  const before = (await stream.messages()).length;
  Object.assign(clock, { faked: () => true });
  await pass(16);
  expect(await stream.messages()).toHaveLength(before);
  expect(stream.text.endsWith(': alive\n\n')).toBe(true);
  const { data } = await new StreamReader(dashboard).last();
  expect('frame' in data).toBe(false);
  expect(data.happenings.at(-1)?.event).toMatchObject({ code: 'ERR_FAKE_TIMERS' });
  Object.assign(clock, { faked: () => false });
  await pass(1);
  expect(await stream.messages()).toHaveLength(before + 1);
});

test('whatever a getter of a source throws, the process and the stream go on', async () => {
  const { bounded, dashboard, sources, hear, pass } = world();
  const stream = new StreamReader(dashboard);
  hear();
  const thrower = (field: string): void => {
    Object.defineProperty(sources[0], field, {
      get: () => {
        throw new Error(`no ${field}`);
      },
    });
  };
  thrower('restsOn');
  await pass(1);
  expect(bounded.explain().sources[0]!.restsOn).toBeUndefined();
  expect(frames(await stream.messages()).at(-1)!.sources[0]!.restsOn).toBeUndefined();
  const before = frames(await stream.messages()).length;
  thrower('name');
  expect(() => bounded.explain()).toThrow('no name');
  await pass(2);
  expect(frames(await stream.messages())).toHaveLength(before);
  const { data } = await new StreamReader(dashboard).last();
  expect('frame' in data).toBe(false);
});

test.each([
  ['*.example.net', /in full: there are no wildcards/],
  ['clock.example.net.', /without a dot at the end/],
  ['bücher.example', /in ASCII/],
  ['clock.example.net:80', /without a port/],
  ['', /without a port/],
])('the host name %j is refused, and why', (host, why) => {
  const { bounded } = world();
  expect(() => Dashboard.start({ clock: bounded, hosts: [host] })).toThrow(why);
});

describe('stop', () => {
  test('ends the streams, the timer and the listening, and may be called again', async () => {
    const { clock, bounded, dashboard } = world();
    const stream = new StreamReader(dashboard);
    bounded.stop();
    expect(clock.pending().background).toBe(1);
    dashboard.stop();
    dashboard.stop();
    await stream.messages();
    expect(stream.ended).toBe(true);
    expect(clock.pending()).toEqual({ background: 0, foreground: 0 });
  });

  test('by a listener, in the middle of a tick', async () => {
    const { clock, bounded, dashboard, hear, pass } = world();
    const stream = new StreamReader(dashboard);
    bounded.onChange(({ status }) => status === 'synchronized' && dashboard.stop());
    clock.advance(SECOND / 2n);
    hear();
    await pass(5);
    await stream.messages();
    expect(stream.ended).toBe(true);
    bounded.stop();
    expect(clock.pending().background).toBe(0);
  });

  test('of the clock is shown, and leaves the dashboard running', async () => {
    const { bounded, dashboard, pass } = world();
    const stream = new StreamReader(dashboard);
    bounded.stop();
    await pass(1);
    expect(frames(await stream.messages()).at(-1)!.reason).toBe('stopped');
  });

  test('is also the end of `await using`', async () => {
    const { clock, bounded, dashboard } = world();
    bounded.stop();
    await dashboard[Symbol.asyncDispose]();
    expect(clock.pending().background).toBe(0);
  });
});

test('three hours hold no more than an hour', async () => {
  const { clock, dashboard, hear } = world(['a', 'b', 'c']);
  const stream = new StreamReader(dashboard);
  const live = async (minutes: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute++) {
      // A change a minute: the liar comes and goes.
      hear(minute % 2 === 0 ? 250n * MS : 0n);
      for (let i = 0; i < 3; i++) {
        clock.advance(20n * SECOND);
        await stream.messages();
        stream.forget();
      }
    }
  };
  await live(60);
  const objects = heldObjects();
  const bytes = held();
  await live(120);
  // Had the rows of two hours been kept, they would be 7,200 objects, or 630 kB as numbers
  // in a row. What the engine keeps of the code comes and goes: up to 310 kB were seen, but no
  // objects.
  const grown = { objects: heldObjects() - objects, bytes: held() - bytes };
  expect(grown.objects).toBeLessThan(500);
  expect(grown.bytes).toBeLessThan(470_000);
  expect(stream.ended).toBe(false);
});
