/**
 * The quality of service of failure detectors, by Chen, Toueg and Aguilera, "On the quality of
 * service of failure detectors" (IEEE Transactions on Computers 51(5), 2002): how long a crash goes
 * unnoticed, how often a peer that lives is suspected, and for how long.
 *
 * Each detector is watched continuously while its observer runs. At the end of a pause it is asked
 * first, then the pause meter's timer fires, then the heartbeats that waited are read. This is the
 * worst order for a detector that subtracts pauses.
 */
import { PauseMeter, PhiAccrualDetector } from 'epsilon-clock/failure-detection';
import { RoundTripModel } from '../../src/failure-detection/latency-models.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { drawHistory, type History, type World } from './detection-worlds.ts';

/** Judges one peer. */
interface Judge {
  heartbeat(sequence: number): void;
  suspects(): boolean;
}

interface Surroundings {
  readonly clock: HandClock;
  readonly pauses: PauseMeter;
  readonly intervalMs: number;
}

/** A detector with its settings. */
export interface Detector {
  readonly name: string;
  readonly make: (surroundings: Surroundings) => Judge;
}

type PhiOptions = Omit<ConstructorParameters<typeof PhiAccrualDetector>[0], 'clock' | 'pauses'>;

const elapsedMs = (clock: HandClock, since: bigint): number =>
  Number(clock.monotonic - since) / 1e6;

/** Ours, with the pause meter. */
export function ours(name: string, options: PhiOptions): Detector {
  return {
    name,
    make: ({ clock, pauses, intervalMs }) =>
      new PhiAccrualDetector({ clock, pauses, firstIntervalMs: intervalMs, ...options }),
  };
}

/** The same rule without the meter, as others have it. */
export function withoutMeter(name: string, options: PhiOptions): Detector {
  return {
    name,
    make: ({ clock, intervalMs }) =>
      new PhiAccrualDetector({ clock, firstIntervalMs: intervalMs, ...options }),
  };
}

/** Suspects after a silence of `timeoutMs`. */
export function fixedTimeout(name: string, timeoutMs: number): Detector {
  return {
    name,
    make: ({ clock }) => {
      let heardAt = clock.monotonic;
      return {
        heartbeat: () => {
          heardAt = clock.monotonic;
        },
        suspects: () => elapsedMs(clock, heardAt) >= timeoutMs,
      };
    },
  };
}

/** RFC 6298 on the gaps: suspects after the smoothed gap and four deviations, at least 200 ms. */
export function roundTrip(name: string): Detector {
  return {
    name,
    make: ({ clock, intervalMs }) => {
      const model = new RoundTripModel(200);
      model.observe(intervalMs);
      let heardAt = clock.monotonic;
      return {
        heartbeat: () => {
          model.observe(elapsedMs(clock, heardAt));
          heardAt = clock.monotonic;
        },
        suspects: () => elapsedMs(clock, heardAt) >= model.timeoutMs()!,
      };
    },
  };
}

const CHEN_WINDOW = 200;

/**
 * NFD-E of the paper: the next arrival is expected where the mean of the newest ones, each moved by
 * its place in the schedule, says. Suspects `marginMs` later.
 */
export function expectedArrival(name: string, marginMs: number): Detector {
  return {
    name,
    make: ({ clock, intervalMs }) => {
      const madeAt = clock.monotonic;
      const offsets: number[] = [];
      let sum = 0;
      let newest = 0;
      return {
        heartbeat(sequence) {
          if (sequence <= newest) return;
          newest = sequence;
          const offset = elapsedMs(clock, madeAt) - sequence * intervalMs;
          sum += offset;
          offsets.push(offset);
          if (offsets.length > CHEN_WINDOW) sum -= offsets.shift()!;
        },
        suspects() {
          const late = offsets.length === 0 ? 0 : sum / offsets.length;
          return elapsedMs(clock, madeAt) >= late + (newest + 1) * intervalMs + marginMs;
        },
      };
    },
  };
}

/** What one detector did, over all the seeds. */
export interface Quality {
  readonly name: string;
  /** From the crash to the suspicion that lasts, ms: one per seed. */
  readonly detectionMs: number[];
  mistakes: number;
  /** How long living peers were suspected in all, ms. */
  wrongMs: number;
}

export interface Measured {
  readonly qualities: readonly Quality[];
  /** For how long living peers were watched, ms. */
  readonly watchedMs: number;
  /** The silences that an observer without a meter saw, ms, each at its longest. */
  readonly silences: readonly number[];
}

export interface Setup {
  readonly seeds: readonly number[];
  readonly intervalMs: number;
}

/** Mistakes count from here on: then windows of 200 gaps of a second are full. */
const WARM_UP_MS = 300_000;
const LASTS_MS = WARM_UP_MS + 1_800_000;

export function measure(world: World, detectors: readonly Detector[], setup: Setup): Measured {
  const { intervalMs } = setup;
  const qualities = detectors.map(
    ({ name }): Quality => ({ name, detectionMs: [], mistakes: 0, wrongMs: 0 }),
  );
  const silences: number[] = [];
  let watchedMs = 0;
  for (const seed of setup.seeds) {
    const history = drawHistory(world, { seed, intervalMs, lastsMs: LASTS_MS });
    watchedMs += history.crashedAt - WARM_UP_MS;
    play(history, intervalMs, detectors, qualities, silences);
  }
  return { qualities, watchedMs, silences };
}

function play(
  history: History,
  intervalMs: number,
  detectors: readonly Detector[],
  qualities: readonly Quality[],
  silences: number[],
): void {
  const clock = new HandClock();
  const begunAt = clock.monotonic;
  const nsOf = (ms: number): bigint => begunAt + BigInt(Math.round(ms * 1e6));
  const pauses = PauseMeter.start({ clock });
  const judges = detectors.map(({ make }) => make({ clock, pauses, intervalMs }));
  /** Since when each judge suspects; NaN when it does not. */
  const since = judges.map(() => Number.NaN);
  let now = 0;
  let lastEventAt = 0;
  let heardAt = 0;

  /** When the judge began to suspect: after the last event, and not after now. */
  const onset = (judge: Judge): number => {
    let before = lastEventAt;
    let after = now;
    while (after - before > 0.01) {
      const middle = (before + after) / 2;
      clock.monotonic = nsOf(middle);
      if (judge.suspects()) after = middle;
      else before = middle;
    }
    clock.monotonic = nsOf(now);
    return after;
  };
  const look = (): void => {
    judges.forEach((judge, i) => {
      if (Number.isNaN(since[i]) && judge.suspects()) since[i] = onset(judge);
    });
    lastEventAt = now;
  };
  const runUntil = (ms: number): void => {
    now = ms;
    clock.advance(nsOf(ms) - clock.monotonic);
    look();
  };
  const hear = (sequence: number): void => {
    if (heardAt >= WARM_UP_MS && now <= history.crashedAt) silences.push(now - heardAt);
    heardAt = now;
    judges.forEach((judge, i) => {
      judge.heartbeat(sequence);
      if (Number.isNaN(since[i]) || judge.suspects()) return;
      const from = since[i]!;
      since[i] = Number.NaN;
      if (from < WARM_UP_MS || from >= history.crashedAt) return;
      qualities[i]!.mistakes++;
      qualities[i]!.wrongMs += Math.min(now, history.crashedAt) - from;
    });
  };

  let next = 0;
  const { arrivals, endsAt } = history;
  for (const { from, to } of [...history.pauses, { from: endsAt, to: endsAt }]) {
    for (; next < arrivals.length && arrivals[next]!.at < from; next++) {
      runUntil(arrivals[next]!.at);
      hear(arrivals[next]!.sequence);
    }
    runUntil(from);
    now = to;
    lastEventAt = to;
    clock.monotonic = nsOf(to);
    look();
    clock.advance(0n);
    for (; next < arrivals.length && arrivals[next]!.at < to; next++) {
      if (!history.loses) hear(arrivals[next]!.sequence);
    }
  }
  pauses.stop();
  judges.forEach((_, i) => {
    if (Number.isNaN(since[i])) throw new Error(`${qualities[i]!.name} never saw the crash`);
    qualities[i]!.detectionMs.push(Math.max(0, since[i]! - history.crashedAt));
  });
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mistakes of a fixed timeout that detects as soon as this, in the same worlds. */
export function fixedMistakes({ silences }: Measured, { detectionMs }: Quality): number {
  const timeoutMs = mean(detectionMs);
  return silences.filter((silence) => silence >= timeoutMs).length;
}
