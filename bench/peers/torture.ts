/**
 * The same five awkward cases for every library. `node torture.js <package> <case>` prints the
 * outcome as JSON. Each case has a process of its own, because some libraries have one clock per
 * process, and some cases leave it unusable. Physical time is `Date.now`, replaced by the case.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { systemClock } from 'epsilon-clock';
import { SharedHybridClock } from 'epsilon-clock/threads';
import { OURS, PEERS, type Peer } from './adapters.ts';

export const MANY = 100_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

let nowMs = Date.now();

/** Makes `count` stamps. Stops at the first failure and returns the stamps made before it. */
function take(peer: Peer, count: number): { stamps: unknown[]; failure: string | undefined } {
  const stamps: unknown[] = [];
  try {
    while (stamps.length < count) stamps.push(peer.stamp());
  } catch (error) {
    return { stamps, failure: nameOf(error) };
  }
  return { stamps, failure: undefined };
}

/** The name a user would look for: an error's code, its class, or its message when that is all. */
function nameOf(error: unknown): string {
  const { code, name, message } = error as Error & { code?: string };
  if (code !== undefined) return code;
  if (name !== 'Error') return name;
  const made = (error as Error).constructor;
  return made === Error ? message : made.name;
}

/** The order of the library that writes its counter in plain digits: by the numbers. */
function byNumbers(a: unknown, b: unknown): number {
  const [aMs = 0, aCount = 0] = (a as string).split(':').map(Number);
  const [bMs = 0, bCount = 0] = (b as string).split(':').map(Number);
  return aMs - bMs || aCount - bCount;
}

function orderOf(name: string, peer: Peer): (a: unknown, b: unknown) => number {
  if (name === '@tpp/hybrid-logical-clock') return byNumbers;
  return peer.compare ?? ((a, b) => ((a as string) < (b as string) ? -1 : a === b ? 0 : 1));
}

/** How many pairs of neighbours are not in strictly increasing order. */
function disorder<T>(values: readonly T[], compare: (a: T, b: T) => number): number {
  let count = 0;
  for (let i = 1; i < values.length; i++) {
    if (compare(values[i - 1] as T, values[i] as T) >= 0) count++;
  }
  return count;
}

const figure = (count: number): string => count.toLocaleString('en-US');

type Case = (name: string, peer: Peer) => string | Promise<string>;

const stepBack: Case = (name, peer) => {
  const before = take(peer, 1000);
  nowMs -= HOUR_MS;
  const after = take(peer, 1000);
  if (after.failure !== undefined) return `stamps fail: ${after.failure}`;
  const wrong = disorder([...before.stamps, ...after.stamps], orderOf(name, peer));
  return wrong === 0 ? 'goes on, in order' : `goes on; ${figure(wrong)} not in order`;
};

const stuck: Case = (name, peer) => {
  const { stamps, failure } = take(peer, MANY);
  if (failure !== undefined) return `stamps fail after ${figure(stamps.length)}: ${failure}`;
  const wrong = disorder(stamps, orderOf(name, peer));
  return wrong === 0 ? 'goes on, in order' : `goes on; ${figure(wrong)} not in order`;
};

const farFuture: Case = (_, peer) => {
  const { remote, receive, physicalMs } = peer;
  if (!remote || !receive || !physicalMs) return 'does not receive';
  peer.stamp();
  try {
    receive(remote(nowMs + YEAR_MS));
  } catch (error) {
    return `refused: ${nameOf(error)}`;
  }
  const ahead = physicalMs(peer.stamp()) - nowMs;
  return ahead > HOUR_MS ? 'followed: a year ahead from then on' : 'ignored';
};

/** Some milliseconds with a few stamps each, then one with many, so that counters get a digit. */
const textOrder: Case = (_, peer) => {
  const stamps: unknown[] = [];
  for (let ms = 0; ms < 100; ms++, nowMs++) stamps.push(...take(peer, 20).stamps);
  stamps.push(...take(peer, MANY).stamps);
  if (peer.text) {
    const wrong = disorder(stamps.map(peer.text), (a, b) => (a < b ? -1 : a === b ? 0 : 1));
    return wrong === 0
      ? 'text in order'
      : `${figure(wrong)} of ${figure(stamps.length)} not in order`;
  }
  const wrong = disorder(stamps.map(peer.bytes as (stamp: unknown) => Uint8Array), Buffer.compare);
  return wrong === 0 ? 'has no text; bytes in order' : `has no text; ${figure(wrong)} not in order`;
};

const twoWorkers: Case = async (name) => {
  const shared = new SharedHybridClock({ clock: systemClock(), nodeId: 'a' });
  const made = await Promise.all(
    [0, 1].map(async () => {
      const program = new URL('torture.worker.js', import.meta.url);
      const worker = new Worker(program, { workerData: { name, handle: shared.share() } });
      const [keys] = (await once(worker, 'message')) as [string[]];
      return keys;
    }),
  );
  const twice = 2 * MANY - new Set(made.flat()).size;
  const sequence = name === OURS ? 'one sequence' : 'a sequence each';
  return `${sequence}, ${twice === 0 ? 'none' : figure(twice)} twice`;
};

/** In the order of the table's columns. */
export const CASES: Readonly<Record<string, Case>> = {
  'clock steps back 1 h': stepBack,
  '1e5 stamps, clock stuck': stuck,
  'remote a year ahead': farFuture,
  'order of the text': textOrder,
  'two workers, 1e5 each': twoWorkers,
};

const [, , name, which] = process.argv;
if (name !== undefined && which !== undefined) {
  const real = Date.now;
  Date.now = () => nowMs;
  const peer = await (PEERS[name] as (fake: boolean) => Peer | Promise<Peer>)(true);
  const outcome = await (CASES[which] as Case)(name, peer);
  Date.now = real;
  console.log(JSON.stringify(outcome));
}
