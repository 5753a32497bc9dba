import { BoundedClock, type ClockSample, type SourceSink } from 'epsilon-clock';
import { describe, expect, it, test } from 'vitest';
import { type HttpTimeOptions, httpTimeOf } from '../../../src/sources/http/http-time.ts';
import type { TimingEntry } from '../../../src/sources/http/page.ts';
import { isDirect } from '../../../src/sources/http/resource-timing.ts';
import { bodyOf, descriptionOf, type Statement } from '../../../src/sources/http/statement.ts';
import { asUnixNs } from '../../../src/time/instant.ts';
import { FakePage } from '../../kit/fake-page.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const MS = 1_000_000n;
const TIME_URL = 'https://shop.example/time';

/** One question at 5000 ms of the page's clock, whose reply has been read at 5100 ms. */
class Exchange {
  readonly clock = new HandClock({ monotonic: 5000n * MS });
  readonly page = new FakePage(this.clock);
  readonly sink = new RecordingSink(this.clock);
  readonly urls: string[] = [];
  readonly inits: RequestInit[] = [];
  /** How the server answers. */
  reply: (url: string, signal: AbortSignal) => Promise<Response> = (url) => this.honest(url);
  readonly source;
  readonly running;

  constructor(options: HttpTimeOptions = {}, hidden = false) {
    if (hidden) this.page.document.visibilityState = 'hidden';
    this.page.fetch = (async (url: string, init: RequestInit) => {
      this.urls.push(url);
      this.inits.push(init);
      return this.reply(url, init.signal!);
    }) as typeof fetch;
    this.source = httpTimeOf(this.page, '/time', options);
    this.running = this.source.start(this.sink);
  }

  get url(): string {
    return this.urls.at(-1) ?? '';
  }

  said: Statement = {
    receivedNs: asUnixNs(this.clock.wallNs() + 40n * MS),
    sentNs: asUnixNs(this.clock.wallNs() + 60n * MS),
    errorNs: 3n * MS,
    leap: 'none',
    basis: 'bound',
  };

  async honest(url: string): Promise<Response> {
    await this.pass(100);
    return json(bodyOf(this.said, new URL(url).searchParams.get('nonce')!));
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(ms, resolve));
  }

  /** Lets the question be asked and answered, then tells of its entry. */
  async told(changes: Partial<TimingEntry> = {}): Promise<ClockSample> {
    await this.clock.elapse(100);
    this.page.tell({ ...this.entry(), ...changes });
    await this.clock.elapse(0);
    const [sample] = this.sink.samples;
    expect(sample).toBeDefined();
    return sample!;
  }

  /** The request left at 5030 ms, the final reply began at 5080 ms. */
  entry(): TimingEntry {
    return {
      name: this.url,
      requestStart: 5030,
      responseStart: 5080,
      finalResponseHeadersStart: 5080,
      responseEnd: 5090,
      workerStart: 0,
      redirectStart: 0,
      deliveryType: '',
      transferSize: 500,
      serverTiming: [{ name: 'epsilon', description: descriptionOf(this.said) }],
    };
  }
}

const json = (text: string, init: ResponseInit = {}): Response =>
  new Response(text, { ...init, headers: { 'content-type': 'application/json', ...init.headers } });

const brackets = ({ sentAt, receivedAt }: ClockSample): number[] => [
  Number(sentAt / MS),
  Number(receivedAt / MS),
];

describe('a question', () => {
  it('has a new nonce each time, and may not be answered from a store', async () => {
    const exchange = new Exchange();
    for (let i = 0; i < 4; i++) await exchange.clock.elapse(1000);
    const nonces = exchange.urls.map((url) => new URL(url).searchParams.get('nonce'));
    expect(new Set(nonces).size).toBe(4);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(exchange.inits[0]).toMatchObject({ cache: 'no-store', redirect: 'manual' });
  });

  it('comes four times a second apart, then every 30 s', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(3500);
    expect(exchange.urls.length).toBe(4);
    await exchange.clock.elapse(29_000);
    expect(exchange.urls.length).toBe(4);
    await exchange.clock.elapse(1000);
    expect(exchange.urls.length).toBe(5);
  });

  it('keeps the parameters that the address has, and drops its fragment', async () => {
    const clock = new HandClock({ monotonic: 5000n * MS });
    const page = new FakePage(clock);
    const urls: string[] = [];
    page.fetch = (async (url: string) => {
      urls.push(url);
      return json('');
    }) as typeof fetch;
    const source = httpTimeOf(page, new URL('https://a.example/t?tenant=7#x'));
    const running = source.start(new RecordingSink(clock));
    await clock.elapse(0);
    running.stop();
    expect(source.name).toBe('https://a.example/t?tenant=7');
    expect(urls[0]).toMatch(/^https:\/\/a\.example\/t\?tenant=7&nonce=[0-9a-f]{32}$/);
  });
});

describe('the bracket', () => {
  it('is that of Resource Timing where all of it is certain', async () => {
    const sample = await new Exchange().told();
    expect(brackets(sample)).toEqual([5030, 5080]);
  });

  it.each<[string, Partial<TimingEntry>]>([
    ['zeros, as for another origin', { requestStart: 0, finalResponseHeadersStart: 0 }],
    ['a service worker', { workerStart: 5010 }],
    ['a redirect', { redirectStart: 5010 }],
    ['the browser’s cache', { deliveryType: 'cache' }],
    ['nothing from the network', { transferSize: 0 }],
    ['a beginning before the call', { requestStart: 4999 }],
    ['a reply after it was read', { finalResponseHeadersStart: 5101 }],
    ['a reply before its request', { finalResponseHeadersStart: 5029 }],
  ])('is the page’s own with %s', async (_, changes) => {
    const sample = await new Exchange().told(changes);
    expect(brackets(sample)).toEqual([5000, 5100]);
  });

  it.each<[string, Partial<TimingEntry>]>([
    // 103 Early Hints: `responseStart` is that of the interim reply.
    ['a browser that does not tell it', { responseStart: 5040, finalResponseHeadersStart: 0 }],
    ['a head without the stamps', { serverTiming: [] }],
    [
      'a head with the stamps of another reply',
      { serverTiming: [{ name: 'epsilon', description: '1 5 5 5 none bound' }] },
    ],
    ['another metric', { serverTiming: [{ name: 'db', description: '1' }] }],
  ])('ends when the reply was read with %s', async (_, changes) => {
    const sample = await new Exchange().told(changes);
    expect(brackets(sample)).toEqual([5030, 5100]);
  });

  it('an entry whose times are withheld is not taken for one of the network', () => {
    const entry = new Exchange().entry();
    expect(isDirect(entry)).toBe(true);
    expect(isDirect({ ...entry, requestStart: 0 })).toBe(false);
  });

  it('after an interim reply is that of the final one', async () => {
    const sample = await new Exchange().told({ responseStart: 5035 });
    expect(brackets(sample)).toEqual([5030, 5080]);
  });

  it('is never that of an earlier request', async () => {
    const exchange = new Exchange();
    await exchange.told({});
    const before = exchange.entry();
    exchange.said = { ...exchange.said, receivedNs: asUnixNs(exchange.clock.wallNs() + 940n * MS) };
    exchange.said = { ...exchange.said, sentNs: asUnixNs(exchange.clock.wallNs() + 960n * MS) };
    await exchange.clock.elapse(1000); // the second reply was read at 6100 ms
    exchange.page.tell({ ...before, requestStart: 6030, finalResponseHeadersStart: 6080 });
    await exchange.clock.elapse(300);
    expect(brackets(exchange.sink.samples[1]!)).toEqual([6000, 6100]);
  });

  it('of an entry that never comes is the page’s own, and only the sample comes later', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(349);
    expect(exchange.sink.samples).toEqual([]);
    await exchange.clock.elapse(1);
    expect(brackets(exchange.sink.samples[0]!)).toEqual([5000, 5100]);
  });

  it('is the page’s own where a runtime observes other things only', async () => {
    const exchange = new Exchange();
    Object.assign(exchange.page, {
      PerformanceObserver: class {
        observe(): void {
          throw new TypeError('unsupported');
        }
        disconnect(): void {}
      },
    });
    await exchange.clock.elapse(100);
    expect(brackets(exchange.sink.samples[0]!)).toEqual([5000, 5100]);
  });

  it('of a body that came long after its head ends with the body', async () => {
    const exchange = new Exchange();
    exchange.reply = async (url) => {
      const text = honestText(exchange, url);
      await exchange.pass(20);
      const body = new ReadableStream({
        start(controller) {
          exchange.clock.setTimer(80, () => {
            controller.enqueue(new TextEncoder().encode(text));
            controller.close();
          });
        },
      });
      return json(body as unknown as string);
    };
    // The proxy sent the head at 5020 ms, before the server had answered it.
    const sample = await exchange.told({ finalResponseHeadersStart: 5020, serverTiming: [] });
    expect(brackets(sample)).toEqual([5030, 5100]);
  });

  it('has no end after the reply was read, however late its entry comes', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(200);
    exchange.page.tell({ ...exchange.entry(), finalResponseHeadersStart: 5150 });
    await exchange.clock.elapse(0);
    expect(brackets(exchange.sink.samples[0]!)).toEqual([5000, 5100]);
  });

  it('is the page’s own where the clock is not that of the page', async () => {
    const exchange = new Exchange();
    Object.assign(exchange.page.performance, { now: () => 17 });
    await exchange.clock.elapse(100);
    expect(brackets(exchange.sink.samples[0]!)).toEqual([5000, 5100]);
  });

  it('is the page’s own without Resource Timing, as in React Native', async () => {
    const exchange = new Exchange();
    Object.assign(exchange.page, { PerformanceObserver: undefined });
    await exchange.clock.elapse(100);
    expect(brackets(exchange.sink.samples[0]!)).toEqual([5000, 5100]);
  });

  it('holds true time, in whatever order the ends are known', async () => {
    const exchange = new Exchange();
    const { upperNs, lowerNs } = await exchange.told();
    const theta = exchange.clock.wallOffset;
    // The receipt at 5040 by the server's clock, the request at 5030; both stated errors are 3 ms.
    expect(upperNs).toBe(theta + 10n * MS + 3n * MS);
    expect(lowerNs).toBe(theta - 20n * MS - 3n * MS);
  });
});

const honestText = (exchange: Exchange, url: string): string =>
  bodyOf(exchange.said, new URL(url).searchParams.get('nonce')!);

/** A body that never ends, and how much of it was taken. */
function endless(): { body: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 1024;
      controller.enqueue(new Uint8Array(1024).fill(32));
    },
  });
  return { body, taken: () => taken };
}

describe('a miss with a reason of its own', () => {
  type Reply = (exchange: Exchange, url: string) => Response | Promise<Response>;
  const typed = (type: Response['type'], status: number): Response =>
    Object.defineProperties(new Response(null), {
      type: { value: type },
      status: { value: status },
      ok: { value: false },
    });

  it.each<[string, Reply, string]>([
    ['the nonce of another request', (e) => json(bodyOf(e.said, 'ab')), 'nonce'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: '/' } }),
      'redirected',
    ],
    ['a redirect that a page sees', () => typed('opaqueredirect', 0), 'redirected'],
    [
      'a redirect that was followed',
      (e, url) => Object.defineProperty(json(honestText(e, url)), 'redirected', { value: true }),
      'redirected',
    ],
    ['an opaque reply', () => typed('opaque', 0), 'opaque'],
    ['an error reply', () => Response.error(), 'opaque'],
    ['a 404', () => new Response('', { status: 404 }), 'http-404'],
    ['a 500 with a good body', (e, url) => json(honestText(e, url), { status: 500 }), 'http-500'],
    ['a 429', () => new Response('', { status: 429 }), 'http-429'],
    ['a 503 of a proxy', () => new Response('busy', { status: 503 }), 'http-503'],
    [
      'HTML',
      () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
      'content-type',
    ],
    ['no type', (e, url) => untyped(honestText(e, url)), 'content-type'],
    [
      'a type that only begins like it',
      (e, url) => json(honestText(e, url), { headers: { 'content-type': 'application/jsonx' } }),
      'content-type',
    ],
    ['a long body', () => json('x'.repeat(5000)), 'too-long'],
    [
      'a length that says so',
      (e, url) => json(honestText(e, url), { headers: { 'content-length': '5000' } }),
      'too-long',
    ],
    ['half a body', (e, url) => json(honestText(e, url).slice(0, 50)), 'malformed'],
    ['a server without a bound', (_, url) => unsynchronized(url), 'unsynchronized'],
    ['nobody', () => Promise.reject(new TypeError('Failed to fetch')), 'unreachable'],
    ['a fetch that gives nonsense', () => undefined as unknown as Response, 'failed'],
    [
      'a body that breaks off',
      () =>
        json(
          new ReadableStream({
            start: (controller) => controller.error(new Error('reset')),
          }) as unknown as string,
        ),
      'cut-off',
    ],
  ])('%s', async (_, reply, reason) => {
    const exchange = new Exchange();
    exchange.reply = async (url) => {
      const given = await reply(exchange, url);
      await exchange.pass(100);
      return given;
    };
    await exchange.clock.elapse(500);
    expect(exchange.sink.log.slice(1)).toEqual([`miss ${TIME_URL} ${reason}`]);
  });

  it('an endless body, of which a few kilobytes are taken', async () => {
    const exchange = new Exchange();
    const { body, taken } = endless();
    exchange.reply = async () => json(body as unknown as string);
    await exchange.clock.elapse(500);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} too-long`);
    expect(taken()).toBeLessThan(10_000);
  });

  it('a body of endless empty pieces, which would leave no time for anything else', async () => {
    const exchange = new Exchange();
    const pull = (controller: ReadableStreamDefaultController): void =>
      controller.enqueue(new Uint8Array(0));
    exchange.reply = async () => json(new ReadableStream({ pull }) as unknown as string);
    await exchange.clock.elapse(500);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} too-long`);
  });

  it('a body that never comes: the request is ended at the time limit', async () => {
    const exchange = new Exchange({ timeoutMs: 300 });
    let ended = false;
    const cancel = (): void => {
      ended = true;
    };
    exchange.reply = async () => json(new ReadableStream({ cancel }) as unknown as string);
    await exchange.clock.elapse(500);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} timeout`);
    expect([exchange.inits[0]!.signal!.aborted, ended]).toEqual([true, true]);
  });

  it('the hold time is longer than the bracket: the stamps are not of this exchange', async () => {
    const exchange = new Exchange();
    exchange.said = { ...exchange.said, sentNs: asUnixNs(exchange.said.receivedNs + 60n * MS) };
    await exchange.clock.elapse(100);
    exchange.page.tell(exchange.entry());
    await exchange.clock.elapse(0);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} hold-time`);
  });

  it('no fetch', async () => {
    const exchange = new Exchange();
    Object.assign(exchange.page, { fetch: undefined });
    await exchange.clock.elapse(0);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} local-error`);
  });
});

const untyped = (text: string): Response => {
  const reply = new Response(text);
  reply.headers.delete('content-type');
  return reply;
};

const unsynchronized = (url: string): Response =>
  json(bodyOf({ unsynchronized: 'starting' }, new URL(url).searchParams.get('nonce')!), {
    status: 503,
  });

describe('a server that asks not to be asked', () => {
  it.each<[string, ResponseInit, number]>([
    ['in seconds', { status: 503, headers: { 'retry-after': '90' } }, 90],
    ['with 429 and nothing else', { status: 429 }, 60],
    [
      'by a date, which counts from the reply’s own',
      {
        status: 429,
        headers: {
          date: 'Sun, 29 Nov 2026 19:00:00 GMT',
          'retry-after': 'Sun, 29 Nov 2026 19:02:00 GMT',
        },
      },
      120,
    ],
    [
      'in JSON of its own',
      { status: 503, headers: { 'retry-after': '90', 'content-type': 'application/json' } },
      90,
    ],
    ['for ever: an hour at most', { status: 503, headers: { 'retry-after': '999999999' } }, 3600],
  ])('%s is left alone', async (_, init, seconds) => {
    const exchange = new Exchange();
    exchange.reply = async () => new Response('', init);
    await exchange.clock.elapse(1);
    for (let s = 0; s < seconds - 1; s++) {
      exchange.running.pollNow!();
      await exchange.clock.elapse(1000);
    }
    expect(exchange.urls.length).toBe(1);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} held-back`);
    exchange.reply = (url) => exchange.honest(url);
    await exchange.clock.elapse(130_000);
    expect(exchange.urls.length).toBeGreaterThan(1);
  });
});

describe('a page that nobody looks at', () => {
  it('asks nothing', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(3500);
    exchange.page.hide();
    await exchange.clock.elapse(600_000);
    expect(exchange.urls.length).toBe(4);
    expect(exchange.sink.log.at(-1)).toBe(`miss ${TIME_URL} hidden`);
  });

  it('asks at once when it is shown, and a few times if the clock has no bound', async () => {
    const exchange = new Exchange({}, true);
    exchange.sink.bounded = false;
    await exchange.clock.elapse(60_000);
    expect(exchange.urls.length).toBe(0);
    exchange.page.show();
    await exchange.clock.elapse(3500);
    expect(exchange.urls.length).toBe(4);
  });

  it.each<[string, (page: FakePage) => void]>([
    ['shown', (page) => page.show()],
    ['thawed', (page) => page.document.fire('resume')],
    ['back from the back/forward cache', (page) => page.fire('pageshow')],
    ['online again', (page) => page.fire('online')],
  ])('asks again when it is %s', async (_, event) => {
    const exchange = new Exchange();
    await exchange.clock.elapse(10_000);
    const before = exchange.urls.length;
    event(exchange.page);
    await exchange.clock.elapse(0);
    expect(exchange.urls.length).toBe(before + 1);
  });

  it('is asked for a jump of the clocks first of all', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(10_000);
    const checked: number[] = [];
    Object.assign(exchange.sink, { checkJump: () => checked.push(exchange.urls.length) });
    exchange.page.document.fire('resume');
    await exchange.clock.elapse(0);
    expect(checked).toEqual([4]);
  });

  it('after `stop` listens to nothing', async () => {
    const exchange = new Exchange();
    await exchange.clock.elapse(50);
    exchange.running.stop();
    await exchange.clock.elapse(10_000);
    expect(exchange.page.attached).toBe(0);
    exchange.page.show();
    await exchange.clock.elapse(10_000);
    expect(exchange.urls.length).toBe(1);
  });
});

test('explain can say whose claim it is', async () => {
  const exchange = new Exchange();
  expect(exchange.source.restsOn).toBe(`the claim of ${TIME_URL} about its own clock`);
  await exchange.told();
  expect(exchange.source.restsOn).toBe(
    `the bound that ${TIME_URL} claims for its own clock, which rests on the sources of that clock`,
  );
  exchange.said = { ...exchange.said, basis: 'operator' };
  await exchange.clock.elapse(1500);
  expect(exchange.source.restsOn).toBe(
    `the word of the operator of ${TIME_URL} on how wrong its clock is`,
  );
});

test('without a source of chance, as in React Native, each question still has its nonce', async () => {
  const exchange = new Exchange();
  Object.assign(exchange.page, { crypto: undefined });
  await exchange.clock.elapse(1500);
  expect(new Set(exchange.urls).size).toBe(2);
});

test('a fetch of the program’s own is used', async () => {
  const asked: unknown[] = [];
  const own = (async (url: unknown) => {
    asked.push(url);
    return new Response('', { status: 404 });
  }) as typeof fetch;
  const exchange = new Exchange({ fetch: own });
  await exchange.clock.elapse(0);
  expect([asked.length, exchange.urls.length]).toEqual([1, 0]);
});

describe('refuses', () => {
  const page = new FakePage(new HandClock());
  it.each<[string, unknown, object, string]>([
    ['no address', undefined, {}, 'url must be a string or a URL'],
    ['an empty one', '', {}, 'url must be http://'],
    ['another scheme', 'ftp://a.example/', {}, 'url must be http://'],
    ['a password in it', 'https://a:b@a.example/', {}, 'url must be http://'],
    ['a very long one', `https://a.example/${'x'.repeat(300)}`, {}, 'url must be http://'],
    ['a fetch that is not a function', '/time', { fetch: 5 }, 'fetch must be a function'],
    ['an unknown option', '/time', { pollMs: 5 }, 'pollIntervalMs'],
    ['an interval of 0', '/time', { pollIntervalMs: 0 }, 'pollIntervalMs'],
  ])('%s', (_, url, options, message) => {
    expect(() => httpTimeOf(page, url as string, options)).toThrow(message);
  });

  it('a relative address where there is no page', () => {
    expect(() => httpTimeOf({}, '/time')).toThrow('url must be http://… or https://…; got');
  });
});

test('a machine that wakes up says so before anything else, and soon knows the time again', async () => {
  const clock = new HandClock({ monotonic: 5000n * MS });
  const page = new FakePage(clock);
  page.fetch = (async (url: string) => {
    const nonce = new URL(url).searchParams.get('nonce')!;
    const at = clock.wallNs();
    const said: Statement = {
      receivedNs: at,
      sentNs: at,
      errorNs: MS,
      leap: 'none',
      basis: 'bound',
    };
    return json(bodyOf(said, nonce));
  }) as typeof fetch;
  const bounded = BoundedClock.start({ sources: [httpTimeOf(page, '/time')], clock });
  const holds = (): boolean => {
    const { earliest, latest } = bounded.now();
    return earliest <= clock.wallNs() && clock.wallNs() <= latest;
  };
  await clock.elapse(10_000);
  expect(holds()).toBe(true);
  page.hide();
  clock.suspend(3_600_000n * MS);
  page.show();
  expect(bounded.tryNow()).toBe(undefined);
  expect(bounded.read()).toMatchObject({ status: 'disrupted' });
  await clock.elapse(1300);
  expect(holds()).toBe(true);
  bounded.stop();
  expect(page.attached).toBe(0);
});

test('a sink tells its drift bound, which is what is configured and the conversion', () => {
  const told: unknown[] = [];
  const source = {
    name: 's',
    start: (sink: SourceSink) => {
      told.push(sink.maxDriftPpm);
      return { pollIntervalMs: 1000, burst() {}, discardInFlight() {}, stop() {} };
    },
  };
  BoundedClock.start({ sources: [source], clock: new HandClock(), maxDriftPpm: 200 }).stop();
  expect(told).toEqual([expect.closeTo(200.04, 3)]);
});
