/**
 * Worlds in which failure detectors are compared: a peer sends heartbeats over a network until it
 * crashes, and an observer hears them. Either may pause.
 *
 * A world is drawn from a seed before it is played, so every detector meets the same one.
 */
import { readFileSync } from 'node:fs';
import { Random } from '../../src/sim/random.ts';

/** A stretch in which a process does not run, ms. */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

export interface World {
  readonly name: string;
  /** What the page says of it. */
  readonly what: string;
  /** How long a heartbeat is on its way, ms; infinite when it is lost. */
  readonly delayMs: (random: Random, sentAt: number) => number;
  readonly peer?: PauseSource;
  readonly observer?: PauseSource;
  /** Whether heartbeats that arrive in a pause of the observer are lost, as in a full buffer. */
  readonly loses?: boolean;
}

/** The pauses up to `untilMs`, in order. They do not overlap. */
type PauseSource = (random: Random, untilMs: number) => Pause[];

/** What happens in a world, ms from its beginning. */
export interface History {
  /** Heartbeats by arrival: the sequence number tells which was sent first. */
  readonly arrivals: readonly { readonly at: number; readonly sequence: number }[];
  /** The observer's. */
  readonly pauses: readonly Pause[];
  readonly loses: boolean;
  /** The peer crashes right after it has sent a heartbeat. */
  readonly crashedAt: number;
  readonly endsAt: number;
}

/** What docs/scripts/loop-delays.ts writes. */
interface Recording {
  readonly recorded: {
    readonly node: string;
    readonly cpu: string;
    readonly cores: number;
    readonly date: string;
    readonly lastsMs: number;
    readonly requests: number;
  };
  readonly delays: readonly (readonly [atMs: number, delayMs: number])[];
}

export const RECORDING: Recording = JSON.parse(
  readFileSync(new URL('loop-delays.json', import.meta.url), 'utf8'),
);

/** How long after the crash the observer is watched, ms. */
const AFTERMATH_MS = 240_000;

export function drawHistory(
  world: World,
  { seed, intervalMs, lastsMs }: { seed: number; intervalMs: number; lastsMs: number },
): History {
  const random = new Random(seed).fork(world.name);
  const endsAt = lastsMs + AFTERMATH_MS;
  const ownPauses = world.peer?.(random.fork('peer'), lastsMs) ?? [];
  const network = random.fork('network');
  const arrivals: { at: number; sequence: number }[] = [];
  let crashedAt = 0;
  let pause = 0;
  for (let sequence = 1; sequence * intervalMs <= lastsMs; sequence++) {
    const dueAt = sequence * intervalMs;
    while (pause < ownPauses.length && ownPauses[pause]!.to <= dueAt) pause++;
    const own = ownPauses[pause];
    const sentAt = own !== undefined && own.from <= dueAt ? own.to : dueAt;
    // One timer fires once after a pause, however many heartbeats were due in it.
    if (sentAt === crashedAt) continue;
    crashedAt = sentAt;
    const at = sentAt + world.delayMs(network, sentAt);
    if (at < endsAt) arrivals.push({ at, sequence });
  }
  return {
    arrivals: arrivals.sort((a, b) => a.at - b.at),
    pauses: world.observer?.(random.fork('observer'), endsAt) ?? [],
    loses: world.loses === true,
    crashedAt,
    endsAt,
  };
}

/** Pauses at random moments, `everyMs` apart in the mean, each as long as `lengthMs` draws. */
function randomPauses(everyMs: number, lengthMs: (random: Random) => number): PauseSource {
  return (random, untilMs) => {
    const pauses: Pause[] = [];
    for (let from = random.exponential(everyMs); from < untilMs; ) {
      const to = from + lengthMs(random);
      pauses.push({ from, to });
      from = to + random.exponential(everyMs);
    }
    return pauses;
  };
}

/** Pauses that were recorded, from a random moment of the record on, again and again. */
function recordedPauses({ recorded, delays }: Recording): PauseSource {
  return (random, untilMs) => {
    const shift = random.between(0, recorded.lastsMs);
    const pauses: Pause[] = [];
    for (let begin = -shift; begin < untilMs; begin += recorded.lastsMs) {
      for (const [atMs, delayMs] of delays) {
        const from = begin + atMs;
        if (atMs + delayMs > recorded.lastsMs) continue; // it would reach into the next round
        if (from >= 0 && from < untilMs) pauses.push({ from, to: from + delayMs });
      }
    }
    return pauses;
  };
}

/** Exponential lengths from 0.2 s on, cut off at `mostMs`. */
const lengths = (meanMs: number, mostMs: number) => (random: Random) =>
  Math.min(200 + random.exponential(meanMs - 200), mostMs);

const lan = (random: Random): number => 0.2 + random.exponential(0.3);

/** One heartbeat in a thousand waits in a queue, one in ten thousand is lost. */
function cloud(random: Random): number {
  const delay = 0.5 + random.exponential(1);
  if (random.chance(0.0001)) return Number.POSITIVE_INFINITY;
  return random.chance(0.001) ? delay + random.exponential(150) : delay;
}

/** Half a percent is lost. For 5 s in every 10 min the path is congested. */
function internet(random: Random, sentAt: number): number {
  const congested = sentAt % 600_000 < 5000;
  const delay = 40 + random.exponential(congested ? 300 : 15);
  return random.chance(congested ? 0.1 : 0.005) ? Number.POSITIVE_INFINITY : delay;
}

export const CALM: readonly World[] = [
  { name: 'LAN', what: 'delays of 0.5 ms in the mean, nothing is lost', delayMs: lan },
  {
    name: 'cloud',
    what: '1.5 ms; 1 heartbeat in 1000 is 150 ms late in the mean, 1 in 10,000 is lost',
    delayMs: cloud,
  },
  {
    name: 'internet',
    what: '55 ms, 0.5 % are lost; for 5 s in every 10 min 340 ms and 10 %',
    delayMs: internet,
  },
];

/** The worlds in which the observer pauses: what the pause meter is for. */
export const OBSERVER_PAUSES: readonly World[] = [
  {
    name: 'observer collects garbage',
    what: 'LAN; the observer pauses about every 20 s, for 0.2 to 10 s, 1 s in the mean',
    delayMs: lan,
    observer: randomPauses(20_000, lengths(1000, 10_000)),
  },
  {
    name: 'observer has a noisy neighbour',
    what: 'cloud; the observer is stalled about once a minute, for 0.2 to 20 s, 3 s in the mean, and loses what arrives meanwhile',
    delayMs: cloud,
    observer: randomPauses(60_000, lengths(3000, 20_000)),
    loses: true,
  },
  {
    name: 'observer is a loaded service',
    what: 'cloud; the observer pauses as the event loop of a loaded Node service did (see below)',
    delayMs: cloud,
    observer: recordedPauses(RECORDING),
  },
];

export const PEER_PAUSES: readonly World[] = [
  {
    name: 'peer collects garbage',
    what: 'LAN; the peer pauses about every 20 s, for 0.2 to 10 s, 1 s in the mean',
    delayMs: lan,
    peer: randomPauses(20_000, lengths(1000, 10_000)),
  },
];

export const WORLDS: readonly World[] = [...CALM, ...OBSERVER_PAUSES, ...PEER_PAUSES];
