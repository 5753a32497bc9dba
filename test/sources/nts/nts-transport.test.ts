import type { RunningSource } from 'epsilon-clock';
import { describe, expect, test } from 'vitest';
import type { KeyExchangeOutcome } from '../../../src/sources/nts/key-exchange.ts';
import type { NtsOptions } from '../../../src/sources/nts/nts.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';
import { type Answered, ScriptedNts } from '../../kit/scripted-nts.ts';

/** The session of a client: when keys are exchanged, and which replies count. No network. */

const ID = 'nts://10.0.0.7:4460';

interface World {
  readonly clock: HandClock;
  readonly server: ScriptedNts;
  readonly sink: RecordingSink;
  readonly source: RunningSource;
}

function run(
  script: (server: ScriptedNts) => void,
  { bounded, ...options }: NtsOptions & { bounded?: boolean } = {},
): World {
  const clock = new HandClock();
  const server = new ScriptedNts(clock);
  script(server);
  const sink = new RecordingSink(clock);
  sink.bounded = bounded;
  const source = server.source(options).start(sink);
  return { clock, server, sink, source };
}

const failed = (failure: string, { reached = false, sent = true } = {}): KeyExchangeOutcome => ({
  failure,
  cause: 'WHY',
  reached,
  sent,
});
const reasons = ({ sink }: World): string[] => sink.misses.map(({ reason }) => reason);
const distinct = (world: World): string[] => [...new Set(reasons(world))];

describe('an honest server', () => {
  test('yields samples under the id of its key exchange, with one key exchange', async () => {
    const world = run(() => {});
    await world.clock.elapse(50 * 16_000);
    expect(world.sink.listings).toEqual([['nts://nts.test:4460'], [ID]]);
    expect(world.sink.samples.length).toBeGreaterThan(45);
    expect(world.sink.samples.every(({ sourceId }) => sourceId === ID)).toBe(true);
    expect(world.sink.misses).toEqual([]);
    expect(world.server.keyExchanges).toEqual([0]);
    expect(world.server.guard.repeatedCookies).toBe(0);
    // Eight cookies all the time: no request needs a placeholder, so all are of one length.
    expect(new Set(world.server.requests.map(({ bytes }) => bytes.length)).size).toBe(1);
    expect(new Set(world.server.requests.map(({ to }) => to))).toEqual(new Set(['10.0.0.7:123']));
  });

  test('that is lost now and then fills the ring again', async () => {
    let n = 0;
    const world = run((server) => {
      server.deliver = ({ reply }) => (n++ % 3 === 0 ? [reply] : []);
    });
    await world.clock.elapse(60 * 16_000);
    expect(world.server.keyExchanges).toEqual([0]);
    expect(world.server.guard.repeatedCookies).toBe(0);
    const lengths = world.server.requests.map(({ bytes }) => bytes.length);
    const placeholders = lengths.map((length) => (length - lengths[0]!) / 100);
    // After a reply the ring is full; each request that is not answered leaves it one shorter.
    expect(placeholders.slice(0, 7)).toEqual([0, 0, 1, 2, 0, 1, 2]);
  });

  test('whose kiss is authenticated is obeyed', async () => {
    const world = run((server) => {
      server.state = { kiss: 'DENY' };
    });
    await world.clock.elapse(3_600_000);
    expect(reasons(world)).toContain('kiss-deny');
    expect(world.server.requests).toHaveLength(1);
  });

  test('that is not synchronised is refused by the rules of NTP', async () => {
    const world = run((server) => {
      server.state = { leap: 3 };
    });
    await world.clock.elapse(10_000);
    expect(distinct(world)).toEqual(['unsynchronized']);
  });
});

describe('a datagram that', () => {
  const plainOf = ({ reply }: Answered): Uint8Array => reply.slice(0, 48);
  let earlier: Uint8Array[] = [];
  const cases: readonly (readonly [string, (answered: Answered) => Uint8Array[], string])[] = [
    ['is a plain NTP reply', (a) => [plainOf(a)], 'unique-id'],
    [
      'is a plain kiss',
      (a) => {
        const kiss = plainOf(a);
        kiss[1] = 0;
        kiss.set(Buffer.from('DENY'), 12);
        return [kiss];
      },
      'unique-id',
    ],
    [
      'was changed in one bit',
      ({ reply }) => {
        const changed = reply.slice();
        changed[40]! ^= 1;
        return [changed];
      },
      'authenticator',
    ],
    [
      'is a reply to an earlier request',
      ({ reply }) => {
        earlier.push(reply);
        return [earlier[0]!].filter((each) => each !== reply);
      },
      'unique-id',
    ],
    ['is not NTP', () => [new Uint8Array(20)], 'malformed'],
    ['is huge', () => [new Uint8Array(60_000)], 'reply-length'],
    ['never comes', () => [], 'timeout'],
  ];

  test.each(cases)('%s yields no sample, for a reason', async (_, deliver, reason) => {
    earlier = [];
    const world = run((server) => {
      server.deliver = deliver;
    });
    await world.clock.elapse(4000);
    expect(world.sink.samples).toEqual([]);
    expect(reasons(world).at(-1)).toBe(reason);
    expect(world.server.keyExchanges).toHaveLength(1);
  });

  test.each(cases)('%s does not keep the true reply from counting', async (_, deliver) => {
    earlier = [];
    const world = run((server) => {
      server.deliver = (answered) => [...deliver(answered), answered.reply];
    });
    await world.clock.elapse(4000);
    expect(world.sink.samples.length).toBeGreaterThanOrEqual(3);
    expect(world.sink.misses).toEqual([]);
  });
});

describe('NTSN', () => {
  /** What the server says once it has forgotten its keys. */
  const nakTo = ({ request, reply }: Answered): Uint8Array => {
    const other = new ScriptedNts(new HandClock());
    return other.guard.open(request)!(reply.slice(0, 48));
  };

  test('by itself changes nothing: the true reply counts, and no keys are exchanged', async () => {
    const world = run((server) => {
      server.deliver = (answered) => [nakTo(answered), answered.reply];
    });
    await world.clock.elapse(20 * 16_000);
    expect(world.sink.samples.length).toBeGreaterThan(15);
    expect(world.sink.misses).toEqual([]);
    expect(world.server.keyExchanges).toEqual([0]);
  });

  test('waits for the timeout before keys are exchanged', async () => {
    const world = run((server) => {
      server.deliver = (answered) =>
        server.requests.length > 4 ? [nakTo(answered)] : [answered.reply];
    });
    await world.clock.elapse(4000);
    expect(world.sink.samples).toHaveLength(4);
    const before = world.server.requests.length;
    world.source.pollNow?.();
    await world.clock.elapse(500);
    expect(world.server.requests.length).toBe(before + 1);
    expect(world.server.keyExchanges).toEqual([0]);
    await world.clock.elapse(20_000);
    expect(reasons(world)[0]).toBe('nts-nak');
    expect(world.server.keyExchanges.length).toBe(2);
  });

  test('of a server that forgot its keys is recovered from at the next poll', async () => {
    const world = run(() => {});
    await world.clock.elapse(60_000);
    const before = world.sink.samples.length;
    world.server.guard.rotateKeys();
    await world.clock.elapse(60_000);
    expect(reasons(world)).toEqual(['nts-nak']);
    expect(world.server.keyExchanges).toHaveLength(2);
    expect(world.sink.samples.length).toBeGreaterThan(before + 1);
    expect(world.server.guard.refused).toBe(1);
  });

  test('to every request leads to few key exchanges', async () => {
    const world = run((server) => {
      server.deliver = (answered) => [nakTo(answered)];
    });
    await world.clock.elapse(24 * 3_600_000);
    // 1024 s, then twice that each time: 0, 17 min, 51 min, 2 h, 4.3 h, 8.8 h, 17.9 h.
    expect(world.server.keyExchanges.length).toBe(7);
    expect(distinct(world)).toEqual(['nts-nak']);
    const waits = world.server.keyExchanges.map((at, i, all) => at - (all[i - 1] ?? 0)).slice(1);
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(1_024_000 * (1 << i));
    }
  });
});

describe('a key exchange that', () => {
  const attempts = async (
    outcome: (attempt: number) => KeyExchangeOutcome | undefined,
    ms: number,
    options: { bounded?: boolean } = {},
  ): Promise<World> => {
    const world = run((server) => {
      server.outcome = outcome;
    }, options);
    await world.clock.elapse(ms);
    return world;
  };

  test('fails in TLS waits 1024 s and then twice as long, each poll being a miss', async () => {
    const world = await attempts(
      () => failed('certificate-name', { reached: true }),
      4 * 3_600_000,
    );
    expect(world.server.keyExchanges).toHaveLength(4);
    expect(world.server.requests).toEqual([]);
    expect(distinct(world)).toEqual(['certificate-name']);
    expect(new Set(world.sink.causes)).toEqual(new Set(['WHY']));
    expect(world.sink.misses.length).toBeGreaterThan(800);
  });

  test.each(['certificate-not-yet-valid', 'certificate-expired'])(
    'fails for its dates (%s) is tried at once when the wall clock was set',
    async (failure) => {
      const HOUR_NS = 3_600_000_000_000n;
      const outcome = (attempt: number) =>
        attempt === 1 ? failed(failure, { reached: true }) : undefined;
      const world = await attempts(outcome, 60_000);
      world.clock.wallOffset += HOUR_NS / 2n;
      await world.clock.elapse(60_000);
      expect(world.server.keyExchanges).toHaveLength(1);
      world.clock.wallOffset += 24n * HOUR_NS;
      await world.clock.elapse(20_000);
      expect(world.server.keyExchanges).toHaveLength(2);
      expect(world.sink.samples.length).toBeGreaterThan(0);
    },
  );

  test('fails for another reason is not tried again because the wall clock was set', async () => {
    const outcome = () => failed('certificate-name', { reached: true });
    const world = await attempts(outcome, 60_000);
    world.clock.wallOffset -= 365n * 24n * 3_600_000_000_000n;
    await world.clock.elapse(600_000);
    expect(world.server.keyExchanges).toHaveLength(1);
  });

  test('does not connect waits 16 s and then longer, up to 256 s', async () => {
    const world = await attempts(() => failed('unreachable'), 3_600_000, { bounded: true });
    const waits = world.server.keyExchanges.map((at, i, all) => at - (all[i - 1] ?? 0)).slice(1);
    expect(waits[0]).toBeGreaterThanOrEqual(16_000);
    expect(waits[1]).toBeGreaterThanOrEqual(32_000);
    expect(Math.max(...waits)).toBeLessThan(256_000 + 18_000);
    expect(world.server.keyExchanges.length).toBeGreaterThan(12);
  });

  test('does not connect is tried again soon while the clock has no bound', async () => {
    const down = await attempts(() => failed('unreachable'), 3_600_000, { bounded: false });
    down.server.outcome = () => undefined;
    const since = down.sink.samples.length;
    // A poll every 10 s, lengthened by up to 8 %, and the pause: docs/guarantees/ntp-servers.md.
    await down.clock.elapse(27_500);
    expect(down.sink.samples.length).toBeGreaterThan(since);
  });

  test('sent nothing is tried at each poll', async () => {
    const world = await attempts(() => failed('unreachable', { sent: false }), 60_000, {
      bounded: false,
    });
    expect(world.server.keyExchanges.length).toBe(world.sink.misses.length);
    expect(world.server.keyExchanges.length).toBeGreaterThanOrEqual(8);
  });

  test('fails in another way begins with a short pause again', async () => {
    const world = await attempts(
      (attempt) => (attempt <= 5 ? failed('unreachable') : failed('tls', { reached: true })),
      3_600_000,
      { bounded: true },
    );
    const [fifth, sixth, seventh] = world.server.keyExchanges.slice(4);
    expect(sixth! - fifth!).toBeGreaterThanOrEqual(256_000);
    expect(seventh! - sixth!).toBeLessThan(1_024_000 + 18_000);
  });

  test('works once forgets its failures as soon as a reply is authenticated', async () => {
    const world = await attempts(
      (attempt) => (attempt <= 2 ? failed('tls', { reached: true }) : undefined),
      2 * 3_600_000,
    );
    expect(world.server.keyExchanges).toHaveLength(3);
    world.server.guard.rotateKeys();
    await world.clock.elapse(60_000);
    expect(world.server.keyExchanges).toHaveLength(4);
    expect(world.sink.misses.at(-1)?.reason).toBe('nts-nak');
  });

  test('is followed by silence spends eight cookies, and waits', async () => {
    const world = run((server) => {
      server.deliver = () => [];
    });
    await world.clock.elapse(1_000_000);
    expect(world.server.keyExchanges).toHaveLength(1);
    expect(world.server.requests).toHaveLength(8);
    expect(distinct(world)).toEqual(['timeout', 'out-of-cookies']);
  });

  test('is followed by eight lost replies later on is repeated at once', async () => {
    const world = run(() => {});
    await world.clock.elapse(60_000);
    world.server.deliver = () => [];
    await world.clock.elapse(8 * 18_000);
    world.server.deliver = ({ reply }) => [reply];
    await world.clock.elapse(60_000);
    expect(world.server.keyExchanges).toHaveLength(2);
    expect(world.sink.misses.length).toBeLessThanOrEqual(9);
    expect(world.sink.log.at(-1)).toBe(`sample ${ID}`);
  });

  test('never ends is a timeout, and is given up', async () => {
    let aborted = 0;
    const world = run((server) => {
      const exchangeKeys = ({ signal }: { signal: AbortSignal }) =>
        new Promise<KeyExchangeOutcome>(() => {
          signal.addEventListener('abort', () => aborted++);
        });
      Object.defineProperty(server, 'exchangeKeys', { value: exchangeKeys });
    });
    await world.clock.elapse(60_000);
    expect(distinct(world)).toEqual(['timeout']);
    expect(aborted).toBeGreaterThan(0);
    world.source.stop();
    expect(world.clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test.each<[string, string | undefined, (host: string) => unknown, string]>([
    ['gives an address', '10.9.8.7', async () => [], '10.9.8.7:4123'],
    ['gives a name', 'ntp.test', async () => ['10.9.8.7', '10.9.8.6'], '10.9.8.7:4123'],
    ['gives an IPv6 address', '2001:db8::7', async () => [], '2001:db8::7:4123'],
    ['gives nothing', undefined, async () => [], '10.0.0.7:4123'],
  ])('%s says where requests go', async (_, name, answer, to) => {
    const asked: string[] = [];
    const world = run(
      (server) => {
        const { exchangeKeys } = server;
        const renamed = async (...args: Parameters<typeof exchangeKeys>) => {
          const outcome = await exchangeKeys(...args);
          if ('failure' in outcome) return outcome;
          return { ...outcome, agreement: { ...outcome.agreement, server: name, port: 4123 } };
        };
        Object.defineProperty(server, 'exchangeKeys', { value: renamed });
      },
      {
        resolve: async (host) => {
          asked.push(host);
          return (host === 'nts.test' ? ['10.0.0.7'] : await answer(host)) as string[];
        },
      },
    );
    await world.clock.elapse(4000);
    expect(new Set(world.server.requests.map((request) => request.to))).toEqual(new Set([to]));
    expect(world.sink.samples.length).toBeGreaterThan(2);
    // The name is complete as it is: no search domain of this machine may be appended.
    expect(asked).toEqual(name === 'ntp.test' ? ['nts.test', 'ntp.test.'] : ['nts.test']);
  });

  test.each<[string, () => unknown]>([
    ['no address', async () => []],
    ['nonsense', async () => 'ntp'],
    ['an exception', () => Promise.reject(new Error('boom'))],
  ])('gives a name with %s is unresolved', async (_, answer) => {
    let known = false;
    const world = run(
      (server) => {
        const { exchangeKeys } = server;
        const renamed = async (...args: Parameters<typeof exchangeKeys>) => {
          const outcome = await exchangeKeys(...args);
          if ('failure' in outcome) return outcome;
          return { ...outcome, agreement: { ...outcome.agreement, server: 'ntp.test' } };
        };
        Object.defineProperty(server, 'exchangeKeys', { value: renamed });
      },
      {
        resolve: async (host) =>
          (known || host === 'nts.test' ? ['10.0.0.7'] : await answer()) as string[],
      },
    );
    await world.clock.elapse(4000);
    expect(world.sink.misses[0]).toEqual({ sourceId: ID, reason: 'unresolved' });
    expect(world.sink.causes[0]).toContain('ntp.test');
    expect(world.server.requests).toEqual([]);
    // The keys are kept, so only the name is asked for again.
    known = true;
    await world.clock.elapse(20_000);
    expect(world.sink.samples.length).toBeGreaterThan(0);
    expect(world.server.keyExchanges).toHaveLength(1);
  });
});

test('a library that cannot be loaded is a local error, with the cause', async () => {
  const world = run((server) => {
    server.aead = () =>
      Promise.reject(Object.assign(new Error(), { code: 'ERR_MODULE_NOT_FOUND' }));
  });
  await world.clock.elapse(20_000);
  expect(distinct(world)).toEqual(['local-error']);
  expect(world.sink.causes[0]).toBe('ERR_MODULE_NOT_FOUND');
  expect(world.server.keyExchanges).toEqual([]);
});

test('an address that was given up keeps its session and its pause', async () => {
  // Two addresses that fail in TLS: each is asked for keys once in 1024 s, however often visited.
  const world = run(
    (server) => {
      server.outcome = () => failed('certificate-expired', { reached: true });
    },
    { resolve: async () => ['10.0.0.7', '10.0.0.8'] },
  );
  await world.clock.elapse(1_000_000);
  expect(world.sink.misses.length).toBeGreaterThan(20);
  expect(world.server.keyExchanges).toHaveLength(2);
});

test('a jump of the clock drops the exchange, and the session lives on', async () => {
  const world = run(() => {});
  await world.clock.elapse(3500);
  world.server.deliver = () => [];
  world.source.pollNow?.();
  await world.clock.elapse(100);
  world.source.discardInFlight();
  world.server.deliver = ({ reply }) => [reply];
  await world.clock.elapse(3000);
  expect(world.sink.misses).toEqual([]);
  expect(world.sink.log.at(-1)).toBe(`sample ${ID}`);
  expect(world.server.keyExchanges).toEqual([0]);
});

test('after stop nothing is heard and no timer is left', async () => {
  const world = run(() => {});
  await world.clock.elapse(3000);
  world.source.stop();
  const told = world.sink.log.length;
  await world.clock.elapse(60_000);
  expect(world.sink.log.length).toBe(told);
  expect(world.clock.pending()).toEqual({ foreground: 0, background: 0 });
});
