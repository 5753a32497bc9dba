import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BoundedClock } from 'epsilon-clock';
import { serverTiming, timeHandler } from 'epsilon-clock/http';
import { TestClock } from 'epsilon-clock/testing';
import { describe, expect, it, test } from 'vitest';
import { readBody } from '../../../src/sources/http/statement.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { ScriptedSource } from '../../kit/scripted-source.ts';

const MS = 1_000_000n;
const URL_OF = (nonce: string) => `http://localhost/time?nonce=${nonce}`;

const ask = (handler: ReturnType<typeof timeHandler>, url = URL_OF('n1'), method = 'GET') =>
  handler.fetch(new Request(url, { method }));

/** A bounded clock on a clock moved by hand, and its one source. */
function bounded(): { clock: BoundedClock; hand: HandClock; source: ScriptedSource } {
  const hand = new HandClock();
  const source = new ScriptedSource('a');
  const clock = BoundedClock.start({ sources: [source], clock: hand });
  return { clock, hand, source };
}

describe('a reply', () => {
  it('holds true time at its receipt and at its sending', async () => {
    const clock = new TestClock({ uncertaintyMs: 3 });
    const reply = ask(timeHandler({ clock }));
    expect(reply.status).toBe(200);
    const { receivedNs, sentNs, errorNs, basis } = readBody(await reply.text(), 'n1');
    const { earliest, latest } = clock.now();
    expect(receivedNs + errorNs).toBeGreaterThanOrEqual(latest);
    expect(sentNs - errorNs).toBeLessThanOrEqual(earliest);
    expect(errorNs).toBeLessThanOrEqual(3n * MS + 10_000n);
    expect(basis).toBe('bound');
  });

  it('may not be stored, and has its stamps in the head too', async () => {
    const reply = ask(timeHandler({ clock: new TestClock() }));
    const { sentNs } = readBody(await reply.text(), 'n1');
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.headers.get('server-timing')).toContain(` ${sentNs} `);
    expect(reply.headers.get('access-control-allow-origin')).toBe(null);
  });

  it('lets pages of another origin in, if it is told to', () => {
    const { headers } = ask(timeHandler({ clock: new TestClock(), allowOrigin: '*' }));
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('timing-allow-origin')).toBe('*');
  });

  it('without a bound says so, and why', async () => {
    const reply = ask(timeHandler({ clock: new TestClock({ synchronized: false }) }));
    expect(reply.status).toBe(503);
    expect(JSON.parse(await reply.text())).toEqual({
      v: 1,
      nonce: 'n1',
      timescale: 'utc',
      unsynchronized: 'starting',
    });
  });

  it('without a nonce is for people', async () => {
    const reply = ask(timeHandler({ clock: new TestClock() }), 'http://localhost/time');
    expect(JSON.parse(await reply.text())).toMatchObject({ v: 1, timescale: 'utc' });
  });

  it.each([
    ['a nonce with quotes', `${URL_OF('a%22b')}`, 'GET', 400],
    ['an empty nonce', URL_OF(''), 'GET', 400],
    ['a long nonce', URL_OF('a'.repeat(65)), 'GET', 400],
    ['a POST', URL_OF('a'), 'POST', 405],
    ['a HEAD', URL_OF('a'), 'HEAD', 200],
  ])('to %s', async (_, url, method, status) => {
    const reply = ask(timeHandler({ clock: new TestClock() }), url, method);
    expect(reply.status).toBe(status);
    expect(await reply.text()).not.toContain('receivedNs');
  });

  it('announces a leap second', async () => {
    const { clock, hand, source } = bounded();
    source.reply(hand, { theta: hand.wallOffset, leap: 'insert' });
    const { leap } = readBody(await ask(timeHandler({ clock })).text(), 'n1');
    expect(leap).toBe('insert');
    source.reply(hand, { theta: hand.wallOffset });
    expect(readBody(await ask(timeHandler({ clock })).text(), 'n1').leap).toBe('none');
    clock.stop();
  });

  it('after a sleep of the server says that, not an old time', async () => {
    const { clock, hand, source } = bounded();
    source.reply(hand, { theta: hand.wallOffset });
    expect(ask(timeHandler({ clock })).status).toBe(200);
    hand.suspend(5000n * MS);
    const reply = ask(timeHandler({ clock }));
    expect(reply.status).toBe(503);
    expect(JSON.parse(await reply.text())).toMatchObject({ unsynchronized: 'suspend' });
    clock.stop();
  });

  it('of a clock that throws is 500, and the process goes on', () => {
    const { clock, hand } = bounded();
    hand.onRead = () => {
      throw new Error('no clock');
    };
    expect(ask(timeHandler({ clock })).status).toBe(500);
    hand.onRead = () => {};
    clock.stop();
  });
});

test('the same over a server of Node', async () => {
  const server = createServer(timeHandler({ clock: new TestClock() }).node);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const reply = await fetch(`http://127.0.0.1:${port}/time?nonce=n2`);
  expect(reply.status).toBe(200);
  expect(readBody(await reply.text(), 'n2').basis).toBe('bound');
  const head = await fetch(`http://127.0.0.1:${port}/time?nonce=n2`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('with the word of an operator', () => {
  it('its grid counts on one side, and it says whose word it is', async () => {
    const clock = new HandClock({ wallGridNs: MS });
    const handler = timeHandler({ clock, errorMs: 20 });
    const said = readBody(await ask(handler).text(), 'n1');
    expect(said).toMatchObject({ errorNs: 20n * MS, basis: 'operator' });
    expect(said.receivedNs).toBe(said.sentNs + MS);
    expect(said.sentNs <= clock.wallNs() && clock.wallNs() <= said.receivedNs).toBe(true);
  });

  // At the edge, clocks stand still between input and output: a handler that computes for a while
  // sees the instant at which its request came.
  it('a clock that stands still between input and output stays sound', async () => {
    let truth = 1_795_000_000_000_000_000n;
    const frozen = new HandClock({ wall: truth, wallGridNs: MS });
    const input = (): void => {
      frozen.wallOffset = truth - frozen.monotonic;
    };
    const handler = timeHandler({ clock: frozen, errorMs: 0 });
    for (let i = 0n; i < 500n; i++) {
      const sent = truth;
      truth += (i * 7_919_003n) % (80n * MS); // the request travels
      const arrived = truth;
      input();
      truth += (i * 104_729_001n) % (300n * MS); // other work, during which the clock stands still
      const { receivedNs, sentNs } = readBody(await ask(handler).text(), 'n1');
      const left = truth;
      truth += (i * 1_299_709n) % (80n * MS); // the reply travels
      expect(receivedNs >= arrived && sentNs <= left).toBe(true);
      // What the client concludes: true time when it sent, and when it received.
      expect(sent <= receivedNs && sentNs <= truth).toBe(true);
    }
  });
});

test('a header for any reply', () => {
  const clock = new TestClock({ uncertaintyMs: 2 });
  const value = serverTiming({ clock })();
  expect(value).toMatch(/^epsilon;desc="1 \d{19} \d{19} \d{7} none bound"$/);
  expect(serverTiming({ clock: new TestClock({ synchronized: false }) })()).toBe(
    'epsilon;desc="1 unsynchronized starting"',
  );
});

test('a header holds the time of the receipt and that of the sending', async () => {
  const clock = new TestClock({ uncertaintyMs: 2 });
  const timing = serverTiming({ clock });
  const arrived = clock.now();
  await clock.advance(50);
  const [, received = '', sent = '', error = ''] = /1 (\d+) (\d+) (\d+) /.exec(timing()) ?? [];
  const leaving = clock.now();
  expect(BigInt(received) + BigInt(error)).toBeGreaterThanOrEqual(arrived.latest);
  expect(BigInt(received) + BigInt(error)).toBeLessThan(arrived.latest + MS);
  expect(BigInt(sent) - BigInt(error)).toBeLessThanOrEqual(leaving.earliest);
  expect(BigInt(sent) - BigInt(error)).toBeGreaterThan(leaving.earliest - MS);
});

describe('a header does not tell an old time after', () => {
  it('a sleep before the request, although there is a bound again when the reply leaves', () => {
    const { clock, hand, source } = bounded();
    source.reply(hand, { theta: hand.wallOffset });
    hand.suspend(5000n * MS);
    const timing = serverTiming({ clock });
    hand.advance(1000n * MS);
    source.reply(hand, { theta: hand.wallOffset });
    expect(clock.tryNow()).toBeDefined();
    expect(timing()).toBe('epsilon;desc="1 unsynchronized suspend"');
    clock.stop();
  });

  it('a sleep during the work', () => {
    const { clock, hand, source } = bounded();
    source.reply(hand, { theta: hand.wallOffset });
    const timing = serverTiming({ clock });
    hand.suspend(5000n * MS);
    expect(timing()).toBe('epsilon;desc="1 unsynchronized suspend"');
    clock.stop();
  });
});

test.each<[string, object, string]>([
  ['a bounded clock and an error', { clock: new TestClock(), errorMs: 5 }, 'errorMs must be left'],
  ['a plain clock and no error', { clock: new HandClock() }, 'errorMs must be a number'],
  ['a large error', { clock: new HandClock(), errorMs: 1501 }, 'errorMs must be from 0 to 1500'],
  ['no clock', { clock: {} }, 'clock must be a BoundedClock, or a Clock'],
  [
    'an origin with a newline',
    { clock: new TestClock(), allowOrigin: 'http://a\n' },
    'allowOrigin',
  ],
  ...['https://a.example/', 'https://A.example', 'https://a.example:443', 'ftp://a', 'a'].map(
    (origin): [string, object, string] => [
      `what is not an origin as browsers write it: ${origin}`,
      { clock: new TestClock(), allowOrigin: origin },
      'allowOrigin',
    ],
  ),
  ['an unknown option', { clock: new TestClock(), alowOrigin: '*' }, 'did you mean allowOrigin'],
])('refuses %s', (_, options, message) => {
  expect(() => timeHandler(options as never)).toThrow(message);
});
