import { HybridClock } from 'epsilon-clock';
import {
  Membership,
  type MembershipEvent,
  type MembershipOptions,
} from 'epsilon-clock/failure-detection';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { decodeHeartbeat, encodeHeartbeat } from '../../src/failure-detection/heartbeat-bytes.ts';
import { LocalHealth } from '../../src/failure-detection/local-health.ts';
import { constantDelay, queueingDelay } from '../../src/sim/delay-models.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { unhandledRejections } from '../kit/unhandled.ts';

const MS = 1_000_000n;

function membership(options: Partial<MembershipOptions> = {}) {
  const clock = new HandClock();
  const hlc = new HybridClock({ clock, nodeId: 'me' });
  const sent: Uint8Array[] = [];
  const refused: unknown[] = [];
  const members = Membership.start({
    ...{ clock, hlc, send: (bytes) => void sent.push(bytes) },
    onRefused: (error) => void refused.push(error),
    ...options,
  });
  const events: string[] = [];
  members.onChange(({ type, nodeId }) => events.push(`${nodeId} ${type}`));
  return { clock, hlc, sent, refused, members, events };
}

/** The heartbeats of a peer. */
function peer(nodeId: string, incarnation = 1) {
  let sequence = 0;
  return (timestamp = 0n): Uint8Array =>
    encodeHeartbeat({ nodeId, incarnation, sequence: ++sequence, timestamp });
}

describe('a heartbeat', () => {
  const heartbeat = fc.record({
    nodeId: fc.stringMatching(/^[0-9A-Za-z._:-]{1,64}$/),
    incarnation: fc.integer({ min: 0, max: 0xffff_ffff }),
    sequence: fc.integer({ min: 1, max: 0xffff_ffff }),
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  });

  it('comes back from its bytes, whatever lies around them', () => {
    fc.assert(
      fc.property(heartbeat, (given) => {
        const bytes = encodeHeartbeat(given);
        const within = new Uint8Array(bytes.length + 7);
        within.set(bytes, 3);
        expect(decodeHeartbeat(within.subarray(3, 3 + bytes.length))).toEqual(given);
      }),
    );
  });

  it('has one encoding: bytes that are read are those that would be written', () => {
    fc.assert(
      fc.property(heartbeat, fc.nat(90), fc.nat(255), (given, at, value) => {
        const bytes = encodeHeartbeat(given);
        if (at < bytes.length) bytes[at] = value;
        let read: ReturnType<typeof decodeHeartbeat>;
        try {
          read = decodeHeartbeat(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_TIMESTAMP_MALFORMED' });
          return;
        }
        expect(encodeHeartbeat(read)).toEqual(bytes);
      }),
    );
  });

  it('has the bytes that are written down', () => {
    const given = { nodeId: 'a1', incarnation: 2, sequence: 3, timestamp: 4n };
    const hex = [...encodeHeartbeat(given)].map((byte) => byte.toString(16).padStart(2, '0'));
    expect(hex.join('')).toBe('454301020000000200000003000000000000000461' + '31');
  });
});

describe('a peer', () => {
  it('is suspected, then convicted, and returns', () => {
    const { clock, members, events } = membership();
    const beat = peer('a');
    for (let i = 0; i < 20; i++) {
      members.receive(beat());
      clock.advance(1000n * MS);
    }
    expect(members.statusOf('a')).toBe('alive');
    clock.advance(2000n * MS);
    expect(members.statusOf('a')).toBe('suspected');
    expect(events).toEqual(['a suspected']);
    clock.advance(5000n * MS);
    expect(members.statusOf('a')).toBe('convicted');
    members.receive(beat());
    expect(events).toEqual(['a suspected', 'a convicted', 'a returned']);
    expect(members.members()).toEqual({ alive: ['a'], suspected: [], convicted: [] });
    members.stop();
  });

  it('that was named and never came is suspected; one that was not is unknown', () => {
    const { clock, members, events } = membership({ peers: ['a'] });
    expect(members.statusOf('a')).toBe('alive');
    expect(members.statusOf('b')).toBe('unknown');
    clock.advance(20_000n * MS);
    expect(events).toEqual(['a suspected', 'a convicted']);
    members.stop();
  });

  it('is not kept alive by copies of its last heartbeat, nor by one that was overtaken', () => {
    const { clock, members } = membership();
    const beat = peer('a');
    const [first, second] = [beat(), beat()];
    members.receive(second);
    for (let i = 0; i < 20; i++) {
      clock.advance(1000n * MS);
      members.receive(first);
      members.receive(second);
    }
    expect(members.statusOf('a')).toBe('convicted');
    expect(members.stats()).toMatchObject({ received: 1, stale: 40 });
    members.stop();
  });

  it('is not kept alive by copies of its last starts, one after the other', () => {
    const { clock, members } = membership();
    const copies = [1, 2, 3, 4].map((incarnation) => peer('a', incarnation)());
    for (let i = 0; i < 40; i++) {
      members.receive(copies[i % 4]!);
      clock.advance(1000n * MS);
    }
    expect(members.statusOf('a')).toBe('convicted');
    expect(members.stats()).toMatchObject({ received: 4, stale: 36 });
    members.stop();
  });

  it('whose sequence wraps is heard on', () => {
    const { clock, members, events } = membership();
    const first = 0xffff_fff0;
    for (let i = 0; i < 40; i++) {
      const wrapped = first + i > 0xffff_ffff ? first + i - 0xffff_ffff : first + i;
      const heartbeat = { nodeId: 'a', incarnation: 1, sequence: wrapped, timestamp: 0n };
      members.receive(encodeHeartbeat(heartbeat));
      clock.advance(1000n * MS);
    }
    expect(members.stats()).toMatchObject({ received: 40, stale: 0 });
    expect(events).toEqual([]);
    members.stop();
  });

  it('may be heard by an ArrayBuffer, as a WebSocket gives it; a text frame is misuse', () => {
    const { members } = membership();
    members.receive(peer('a')().slice().buffer as ArrayBuffer);
    expect(members.stats().received).toBe(1);
    expect(() => members.receive('hello' as never)).toThrow('heartbeat must be a Uint8Array or an');
    members.stop();
  });

  it('that starts again begins its sequence again', () => {
    const { members } = membership();
    const before = peer('a', 1);
    for (let i = 0; i < 5; i++) members.receive(before());
    members.receive(peer('a', 2)());
    expect(members.stats()).toMatchObject({ received: 6, stale: 0 });
    members.stop();
  });
});

describe('the hybrid clock', () => {
  it('advances by what a heartbeat carries, and its own heartbeats carry it', () => {
    const { clock, hlc, sent, members } = membership();
    const remote = clock.wallNs() + 300n * MS;
    members.receive(peer('a')(remote));
    expect(hlc.peek()).toBeGreaterThan(remote);
    clock.advance(0n);
    const own = decodeHeartbeat(sent[0]!);
    expect(own).toMatchObject({ nodeId: 'me', sequence: 1, timestamp: hlc.peek() });
    members.stop();
  });

  it('is not moved by a timestamp far ahead, which is told; the peer is alive nevertheless', () => {
    const { clock, hlc, refused, members } = membership();
    const before = hlc.peek();
    const beat = peer('a');
    for (let i = 0; i < 10; i++) {
      members.receive(beat(clock.wallNs() + 3_600_000n * MS));
      clock.advance(1000n * MS);
    }
    expect(hlc.peek() - before).toBeLessThan(clock.wallNs() + 1000n * MS - before);
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ code: 'ERR_TIMESTAMP_AHEAD' });
    expect(members.stats()).toMatchObject({ received: 10, timestampsRefused: 10 });
    expect(members.statusOf('a')).toBe('alive');
    members.stop();
  });

  it('may not know the time: heartbeats are sent without a timestamp', () => {
    const clock = new HandClock();
    const hlc = new HybridClock({ clock, nodeId: 'me', startAfter: 2n ** 63n - 1n });
    const { sent, refused, members } = membership({ clock, hlc });
    clock.advance(0n);
    expect(decodeHeartbeat(sent[0]!).timestamp).toBe(0n);
    expect(refused).toMatchObject([{ code: 'ERR_TIMESTAMP_EXHAUSTED' }]);
    members.stop();
  });
});

describe('hostile input', () => {
  it('of any bytes neither throws nor grows anything', () => {
    const { members, refused } = membership({ maxMembers: 3 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        members.receive(bytes);
        expect(members.stats().received).toBe(0);
      }),
    );
    expect(members.stats().malformed).toBe(refused.length);
    members.stop();
  });

  it('of very many peers: no more are kept than there is room for; those that are named stay', () => {
    const { clock, members } = membership({ maxMembers: 10, peers: ['named'] });
    for (let i = 0; i < 5000; i++) members.receive(peer(`n${i}`)());
    expect(members.members().alive).toHaveLength(10);
    expect(members.stats()).toMatchObject({ noRoom: 4991, received: 9 });
    clock.advance(60_000n * MS);
    expect(members.members().convicted).toHaveLength(10);
    for (let i = 0; i < 20; i++) members.receive(peer(`m${i}`)());
    expect(members.members().alive).toHaveLength(9);
    expect(members.statusOf('named')).toBe('convicted');
    members.stop();
  });

  it('of a listener that drops whom it is told of: there is never more than there is room for', () => {
    const { clock, members } = membership({ maxMembers: 3, suspicionMs: 0 });
    members.onChange(({ nodeId }) => members.forget(nodeId));
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) members.receive(peer(`n${round}.${i}`)());
      expect(members.members().alive.length).toBeLessThanOrEqual(3);
      clock.advance(20_000n * MS);
      expect(members.members()).toEqual({ alive: [], suspected: [], convicted: [] });
    }
    members.stop();
  });

  it('under our own node id is counted: two processes share it', () => {
    const { clock, sent, members } = membership();
    clock.advance(0n);
    members.receive(sent[0]!); // what a multicast brings back
    members.receive(peer('me', 77)());
    expect(members.stats()).toMatchObject({ sameNodeId: 1, received: 0 });
    expect(members.statusOf('me')).toBe('unknown');
    members.stop();
  });
});

describe('a callback that fails', () => {
  it('of sending does not end the heartbeats, nor speed them up', async () => {
    let calls = 0;
    const { clock, refused, members } = membership({
      send: () => {
        if (++calls % 2 === 0) throw new Error('no network');
        return Promise.reject(new Error('no network'));
      },
    });
    await clock.elapse(9_999);
    expect(calls).toBe(10);
    expect(refused).toHaveLength(10);
    expect(members.stats()).toMatchObject({ sent: 0, unsent: 10 });
    members.stop();
  });

  it('of refusals is dropped', async () => {
    const { members } = membership({
      onRefused: (() => Promise.reject(new Error('mine'))) as () => void,
    });
    members.receive(new Uint8Array(3));
    const throwing = membership({
      onRefused: () => {
        throw new Error('mine');
      },
    });
    throwing.members.receive(new Uint8Array(3));
    await new Promise((resolve) => setImmediate(resolve));
    expect(throwing.members.stats().malformed).toBe(1);
    members.stop();
    throwing.members.stop();
  });

  it('of changes disturbs neither the others nor the judging, and may stop it all', async () => {
    const { clock, members, events } = membership({ peers: ['a', 'b'] });
    const rejections = unhandledRejections();
    members.onChange(() => {
      members.stop();
      throw new Error('mine');
    });
    clock.advance(60_000n * MS);
    expect(await rejections).toEqual([new Error('mine')]);
    expect(events).toEqual(['a suspected']);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('in the simulator', () => {
  /** Nodes that send to each other over a network, and what each of them told. */
  function cluster(seed: number, names: readonly string[]) {
    const world = new SimWorld({ seed });
    const told: Record<string, MembershipEvent[]> = {};
    const nodes = names.map((name) => {
      const process = world.process(name, { clock: { timerLateMs: 1 } });
      const random = world.random.fork(name);
      const delay =
        seed === 0
          ? constantDelay(1)
          : queueingDelay({ baseMs: 1, jitterMs: 2, tailShare: 0.01, tailMs: 20 });
      const hlc = new HybridClock({ clock: process.clock, nodeId: name });
      const members = Membership.start({
        ...{ clock: process.clock, hlc, peers: names.filter((each) => each !== name) },
        send: (bytes) => {
          for (const { process: other, members: theirs } of nodes) {
            if (theirs === members) continue;
            const receive = other.bind(() => theirs.receive(bytes));
            world.scheduler.after(delay(random, world.scheduler.elapsedNs), receive);
          }
        },
      });
      told[name] = [];
      members.onChange((event) => told[name]!.push(event));
      return { process, members };
    });
    return { world, nodes, told };
  }

  it('one that pauses or sleeps accuses nobody; the others suspect it, and it returns', async () => {
    for (const kind of ['pause', 'suspend'] as const) {
      for (let seed = 1; seed <= 2; seed++) {
        const { world, nodes, told } = cluster(seed, ['a', 'b', 'c']);
        await world.run(30_000 + world.random.between(0, 1000));
        nodes[0]!.process[kind](10_000);
        await world.run(30_000);
        expect(told.a).toEqual([]);
        for (const name of ['b', 'c']) {
          expect(told[name]!.map(({ type, nodeId }) => `${nodeId} ${type}`)).toEqual([
            ...['a suspected', 'a convicted', 'a returned'],
          ]);
        }
        for (const { members } of nodes) members.stop();
      }
    }
  });

  it('one that crashes is convicted by all, and by all alike', async () => {
    const { world, nodes, told } = cluster(7, ['a', 'b', 'c', 'd']);
    await world.run(20_000);
    nodes[0]!.process.crash();
    await world.run(20_000);
    for (const name of ['b', 'c', 'd']) {
      expect(told[name]!.map(({ type }) => type)).toEqual(['suspected', 'convicted']);
    }
    for (const { members } of nodes) members.stop();
  });
});

test('local health: slower to convict after trouble, up to nine times, and back', () => {
  const health = new LocalHealth();
  for (let i = 0; i < 20; i++) health.trouble();
  expect(health.multiplier).toBe(9);
  health.intervalPassed(); // the one with the trouble in it
  expect(health.multiplier).toBe(9);
  for (let i = 0; i < 20; i++) health.intervalPassed();
  expect(health.multiplier).toBe(1);
});

test('after our own trouble a conviction takes longer', () => {
  const convictedAfterMs = (pauses: number): number => {
    const { clock, members } = membership({ peers: ['a', 'b'] });
    const [a, b] = [peer('a'), peer('b')];
    for (let i = 0; i < 20; i++) {
      members.receive(a());
      members.receive(b());
      clock.advance(1000n * MS);
    }
    for (let i = 0; i < pauses; i++) clock.pause(2000n * MS);
    let ms = 0;
    for (; members.statusOf('b') !== 'convicted'; ms += 250) {
      if (ms % 1000 === 0) members.receive(a());
      clock.advance(250n * MS);
    }
    members.stop();
    return ms;
  };
  expect(convictedAfterMs(8)).toBeGreaterThan(convictedAfterMs(0) + 2000);
});

test('heartbeats are sent by due times: what a timer was late is not added up', () => {
  const { clock, sent, members } = membership();
  const sentAtMs: number[] = [];
  for (let ms = 0; ms <= 60_000; ms += 240) {
    while (sentAtMs.length < sent.length) sentAtMs.push(ms);
    clock.pause(240n * MS); // a task of 240 ms after the other
  }
  for (const [i, at] of sentAtMs.entries()) expect(at - i * 1000).toBeLessThanOrEqual(240);
  expect(sentAtMs.length).toBeGreaterThan(58);
  members.stop();
});

test('a clock that throws once ends neither the heartbeats nor the judging', () => {
  const { clock, sent, members } = membership({ peers: ['a'] });
  clock.onRead = () => {
    throw new Error('no clock');
  };
  expect(() => clock.advance(0n)).toThrow('no clock');
  clock.onRead = () => {};
  clock.advance(30_000n * MS);
  expect(sent.length).toBeGreaterThan(28);
  expect(members.statusOf('a')).toBe('convicted');
  members.stop();
});

test('its timers are in the background, and none is left', () => {
  const { clock, members } = membership();
  expect(clock.pending().foreground).toBe(0);
  clock.advance(5000n * MS);
  members.stop();
  members.stop();
  expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  members.receive(peer('a')());
  expect(members.statusOf('a')).toBe('unknown');
});

test.each([
  [{ send: 5 }, 'send must be a function'],
  [{ peers: ['me'] }, 'peers must be the ids of others'],
  [{ peers: ['not an id'] }, 'each of peers must be'],
  [{ peers: ['a', 'b'], maxMembers: 1 }, 'peers must be at most 1 ids'],
  [{ threshold: 0 }, 'threshold must be'],
  [{ maxMembers: 1.5 }, 'maxMembers must be a whole number'],
  [{ heartbeatMs: 1 }, 'heartbeatMs must be'],
  [{ hlc: {} }, 'hlc must be a HybridClock'],
])('refused, and nothing is started: %o', (options, message) => {
  const clock = new HandClock();
  const hlc = new HybridClock({ clock, nodeId: 'me' });
  const start = () => Membership.start({ clock, hlc, send: () => {}, ...(options as object) });
  expect(start).toThrow(message);
  expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
});
