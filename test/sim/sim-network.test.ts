import { expect, test } from 'vitest';
import {
  cloudDelay,
  congested,
  constantDelay,
  type DelayModel,
  internetDelay,
  lanDelay,
  routeChange,
  uniformDelay,
} from '../../src/sim/delay-models.ts';
import { Random } from '../../src/sim/random.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { type LinkOptions, SimNetwork } from '../../src/sim/sim-network.ts';

const NS_PER_MS = 1_000_000;
const at = (host: string) => ({ host, port: 1 });

function world(seed = 1) {
  const scheduler = new Scheduler();
  return { scheduler, network: new SimNetwork(scheduler, new Random(seed)) };
}

/**
 * Sends `count` packets 1 ms apart over one link. Returns when each copy of each packet arrived.
 */
function arrivals(options: LinkOptions, count: number) {
  const { scheduler, network } = world();
  const seen: { id: number; afterMs: number }[] = [];
  network.attach(at('b'), (bytes) => {
    const id = bytes[0]! * 256 + bytes[1]!;
    seen.push({ id, afterMs: scheduler.elapsedNs / NS_PER_MS - id });
  });
  network.link('a', 'b', options);
  for (let id = 0; id < count; id++) {
    scheduler.at(id * NS_PER_MS, () =>
      network.send(at('a'), at('b'), Uint8Array.of(id >> 8, id & 255)),
    );
  }
  scheduler.run(3600e9);
  return seen;
}

test('each direction has its own delay', () => {
  const { scheduler, network } = world();
  const seen: [string, number][] = [];
  network.link('a', 'b', { delay: constantDelay(3) });
  network.link('b', 'a', { delay: constantDelay(40) });
  network.attach(at('a'), (_, from) => seen.push([from.host, scheduler.elapsedNs]));
  network.attach(at('b'), (_, from) => {
    seen.push([from.host, scheduler.elapsedNs]);
    network.send(at('b'), at('a'), new Uint8Array(1));
  });
  network.send(at('a'), at('b'), new Uint8Array(1));
  scheduler.run(1e9);
  expect(seen).toEqual([
    ['a', 3 * NS_PER_MS],
    ['b', 43 * NS_PER_MS],
  ]);
});

test('a packet arrives as it was sent, even when the sender reuses its buffer', () => {
  const { scheduler, network } = world();
  const seen: number[][] = [];
  network.attach(at('b'), (bytes) => seen.push([...bytes]));
  const buffer = Uint8Array.of(1, 2, 3);
  network.send(at('a'), at('b'), buffer);
  buffer.fill(9);
  scheduler.run(1e9);
  expect(seen).toEqual([[1, 2, 3]]);
});

test('loss loses that share, duplication repeats that share', () => {
  const delay = constantDelay(1);
  expect(arrivals({ delay, loss: 1 }, 100)).toHaveLength(0);
  expect(arrivals({ delay, loss: 0.25 }, 4000).length / 4000).toBeCloseTo(0.75, 1);
  expect(arrivals({ delay, duplication: 1 }, 100)).toHaveLength(200);
});

test('packets overtake each other unless the direction keeps their order', () => {
  const overtakes = (inOrder: boolean) => {
    const ids = arrivals({ delay: uniformDelay(1, 30), inOrder }, 500).map((a) => a.id);
    return ids.filter((id, i) => i > 0 && id < ids[i - 1]!).length;
  };
  expect(overtakes(false)).toBeGreaterThan(100);
  expect(overtakes(true)).toBe(0);
});

test('nothing passes a link that is down, or an isolated node, also when it was under way', () => {
  const down = (ns: number) => ns >= 10 * NS_PER_MS && ns < 20 * NS_PER_MS;
  const seen = arrivals({ delay: constantDelay(1), isDown: down }, 30).map((a) => a.id);
  expect(seen).toEqual([...Array(10).keys(), ...Array.from({ length: 10 }, (_, i) => i + 20)]);

  const { scheduler, network } = world();
  let got = 0;
  network.attach(at('b'), () => got++);
  network.send(at('a'), at('b'), new Uint8Array(1));
  network.isolate('b');
  scheduler.run(5 * NS_PER_MS);
  expect(got).toBe(0);
  network.rejoin('b');
  network.send(at('a'), at('b'), new Uint8Array(1));
  scheduler.run(10 * NS_PER_MS);
  expect(got).toBe(1);
});

test('a socket receives what was sent to its port, until it is closed', () => {
  const { scheduler, network } = world();
  let got = 0;
  network.attach({ host: 'b', port: 2 }, () => {
    got += 100;
  });
  const detach = network.attach(at('b'), () => got++);
  network.send(at('a'), at('b'), new Uint8Array(1));
  detach();
  scheduler.run(5 * NS_PER_MS);
  expect(got).toBe(0);
});

// Half the packets fall between these, ms one way: the ranges that the models are named after.
test.for([
  ['lan', lanDelay, 0.1, 0.4],
  ['cloud', cloudDelay, 0.5, 2.5],
  ['internet', internetDelay, 10, 90],
] as const)(
  '%s delays are of the stated size, differ per link, and have a tail',
  ([, make, low, high]) => {
    const draw = new Random(11);
    const medians = new Set<number>();
    for (let link = 0; link < 20; link++) {
      const model = make(draw);
      const sample = Array.from({ length: 2000 }, () => model(draw, 0) / NS_PER_MS).sort(
        (a, b) => a - b,
      );
      expect(sample[0]).toBeGreaterThanOrEqual(low);
      expect(sample[1000]).toBeLessThan(high);
      expect(sample[1999]! - sample[0]!).toBeGreaterThan(3 * (sample[1000]! - sample[0]!));
      medians.add(sample[1000]!);
    }
    expect(medians.size).toBe(20);
  },
);

test('a route change happens when it is due; congestion comes and goes', () => {
  const random = new Random(2);
  const route = routeChange(constantDelay(5), constantDelay(25), 1000);
  expect([999, 1000].map((ms) => route(random, ms * NS_PER_MS) / NS_PER_MS)).toEqual([5, 25]);

  const model: DelayModel = congested(constantDelay(5), {
    everyMs: 10_000,
    lastsMs: 1000,
    extraMs: 30,
  });
  const delays = Array.from(
    { length: 60_000 },
    (_, i) => model(random, i * 10 * NS_PER_MS) / NS_PER_MS,
  );
  const slow = delays.filter((d) => d > 5.001).length / delays.length;
  expect(slow).toBeGreaterThan(0.05); // the path is congested for 1 s of every 11 s
  expect(slow).toBeLessThan(0.15);
  const changes = delays.filter((d, i) => i > 0 && d > 5.001 !== delays[i - 1]! > 5.001).length;
  expect(changes).toBeLessThan(250); // in bursts of about 100 packets
});

test('equal seeds give equal arrivals; a further link does not change the others', () => {
  const run = (extra: boolean) => {
    const { scheduler, network } = world(5);
    const seen: number[] = [];
    network.attach(at('b'), () => seen.push(scheduler.elapsedNs));
    network.link('a', 'b', { delay: uniformDelay(1, 9), loss: 0.1 });
    for (let i = 0; i < 100; i++) {
      scheduler.at(i * NS_PER_MS, () => {
        if (extra) network.send(at('c'), at('b2'), new Uint8Array(1));
        network.send(at('a'), at('b'), new Uint8Array(1));
      });
    }
    scheduler.run(1e9);
    return seen;
  };
  expect(run(false)).toEqual(run(true));
});
