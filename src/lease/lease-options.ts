/** The options of a lease, checked. */
import { BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import type { Clock } from '../time/clock.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  checkMethods,
  checkNumber,
} from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { nsFromMsDown } from '../time/rounding.ts';
import { Duration } from './duration.ts';
import type { LeaseKind } from './lease-kind.ts';
import type { LeaseStore } from './lease-store.ts';
import { TrueTime } from './true-time.ts';

/** Options of {@link Lease.acquire} and {@link Election.start}. */
export interface LeaseOptions {
  /** Where the lease is kept. All who want it use one store. */
  readonly store: LeaseStore;
  /**
   * The clock by which the lease ends. Each who wants it has one of its own. For the kind
   * `'duration'` it may also be a `Clock` such as `systemClock()`, which needs no time servers.
   */
  readonly clock: BoundedReader | Clock;
  /** What the lease is for: 1 to 256 characters. */
  readonly name: string;
  /** Who wants it, for people: 1 to 256 characters. Need not be unique. */
  readonly holder: string;
  /**
   * How long the lease lasts from each renewal on, 100 ms to a day. A longer one survives longer
   * troubles of the store, and a holder that died is replaced later.
   */
  readonly ttlMs: number;
  /**
   * Who counts the time. All who want one lease use one kind.
   *
   * - `'true-time'` (default): its end is an instant of true time, told by bounded clocks. The next
   *   holder takes over as soon as it has certainly passed. Any store will do.
   * - `'duration'`: the store counts by itself, and the holder counts less on its monotonic clock.
   *   No clock needs to be right: it rests on `maxDriftPpm` here and of the store. For stores with
   *   `durations`: `etcdLeases`, `redisLeases`, and `memoryLeases({ clock })`.
   */
  readonly kind?: 'true-time' | 'duration' | undefined;
  /**
   * For the kind `'duration'`: how much slower than true time the monotonic clock of this machine
   * may run, ppm. 0 to 100,000, which is the default: more than any usual time daemon slews it. A
   * tenth of `ttlMs` is lost to it; where you know your daemon, a smaller one makes leases longer.
   */
  readonly maxDriftPpm?: number | undefined;
  /**
   * How long before the end `signal` is aborted, ms: the time that your work needs to stop. 0 to
   * half of the time for which it is held; default a tenth of that. (That is `ttlMs`, and with
   * `kind: 'duration'` somewhat less.)
   */
  readonly marginMs?: number | undefined;
  /**
   * `'automatic'` (default): renewed in the background whenever a third of `ttlMs` has passed.
   * `'manual'`: by `renew()` only.
   */
  readonly renewal?: 'automatic' | 'manual' | undefined;
}

/** What ends waiting. */
export interface AcquireOptions extends LeaseOptions {
  /** Ends the attempt: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Give up after this long, ms. Default `Infinity`. */
  readonly timeoutMs?: number | undefined;
}

/** An election ends by `stop()`, and never by itself. */
export const ELECTION_OPTIONS: Readonly<Record<keyof LeaseOptions, true>> = {
  store: true,
  clock: true,
  name: true,
  holder: true,
  ttlMs: true,
  kind: true,
  maxDriftPpm: true,
  marginMs: true,
  renewal: true,
};

type OptionNames = Readonly<Record<keyof AcquireOptions, true>>;

const ACQUIRE_OPTIONS: OptionNames = {
  ...ELECTION_OPTIONS,
  signal: true,
  timeoutMs: true,
};

const MAX_TEXT = 256;
/** What not every database can keep apart. */
const UNFIT = /[\0\ud800-\udfff]/u;
const DAY_MS = 86_400_000;
/** The longest time that a store has to answer, ms; a quarter of a short lease. */
const MAX_ANSWER_MS = 5000;
/** Above the 83,333 ppm of chrony and the 50,000 ppm of timesyncd, with their crystal. */
export const MAX_DRIFT_PPM = 100_000;

/** The checked options. */
export class LeaseSettings {
  readonly store: LeaseStore;
  readonly kind: LeaseKind;
  /** Where timers are set. */
  readonly localClock: Clock;
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
  readonly marginMs: number;
  readonly automatic: boolean;
  /** How long the store has to answer, ms. */
  readonly answerMs: number;

  /** @throws ArgumentTypeError, ArgumentRangeError naming the option at fault */
  constructor(options: AcquireOptions, names: Partial<OptionNames> = ACQUIRE_OPTIONS) {
    const known = names as OptionNames;
    const { store, clock, name, holder, ttlMs, renewal } = checkOptionNames(options, known);
    checkMethods('store', 'a LeaseStore', store, ['take', 'extend', 'end']);
    this.store = store;
    this.name = checkText('name', name);
    this.holder = checkText('holder', holder);
    this.ttlMs = checkNumber('ttlMs', ttlMs, 100, DAY_MS);
    this.kind = kindOf(options);
    this.localClock = clock instanceof BoundedReader ? clock.localClock : clock;
    const { lastsMs } = this.kind;
    this.marginMs = checkNumber('marginMs', options.marginMs ?? lastsMs / 10, 0, lastsMs / 2);
    if (renewal !== undefined && renewal !== 'automatic' && renewal !== 'manual') {
      throw new ArgumentRangeError('renewal', "'automatic' or 'manual'", renewal);
    }
    this.automatic = renewal !== 'manual';
    this.answerMs = Math.min(ttlMs / 4, MAX_ANSWER_MS);
  }
}

function kindOf({ kind = 'true-time', clock, store, ttlMs, maxDriftPpm }: LeaseOptions): LeaseKind {
  if (kind === 'true-time') {
    if (maxDriftPpm !== undefined) {
      throw new ArgumentRangeError(
        'maxDriftPpm',
        "left out unless kind is 'duration'",
        maxDriftPpm,
      );
    }
    checkReader(clock as BoundedReader);
    return new TrueTime(store, clock as BoundedReader, nsFromMsDown(ttlMs, 'ttlMs'));
  }
  if (kind !== 'duration') throw new ArgumentRangeError('kind', "'true-time' or 'duration'", kind);
  const { durations } = store;
  if (durations === undefined) {
    const expected = "one that counts time by itself, for kind 'duration'";
    throw new ArgumentTypeError('store', expected, store.name);
  }
  checkMethods('store.durations', 'a DurationStore', durations, ['take', 'extend', 'end']);
  const { maxDriftPpm: storePpm, gridMs } = durations;
  const rates = {
    holderPpm: checkNumber('maxDriftPpm', maxDriftPpm ?? MAX_DRIFT_PPM, 0, MAX_DRIFT_PPM),
    storePpm: checkNumber('store.durations.maxDriftPpm', storePpm, 0, MAX_DRIFT_PPM),
    gridMs: checkNumber('store.durations.gridMs', gridMs, 0, DAY_MS),
  };
  const localClock = clock instanceof BoundedReader ? clock.localClock : clock;
  const methods = ['monotonicNs', 'wallReadNs', 'wallNs', 'setTimer'];
  checkMethods('clock', 'a BoundedClock or a Clock', localClock, methods);
  checkGrid('clock.monotonicGridNs', localClock.monotonicGridNs);
  checkGrid('clock.wallGridNs', localClock.wallGridNs);
  const made = new Duration(store.name, durations, localClock, ttlMs, rates);
  if (made.lastsMs <= 0) {
    throw new ArgumentRangeError('ttlMs', 'longer than the grids of store and clock allow', ttlMs);
  }
  return made;
}

/** @throws ArgumentTypeError, ArgumentRangeError unless it is a grid of a Clock */
export function checkGrid(name: string, gridNs: unknown): bigint {
  if (typeof gridNs !== 'bigint') throw new ArgumentTypeError(name, 'a bigint', gridNs);
  if (gridNs < 0n) throw new ArgumentRangeError(name, '0n or more', gridNs);
  return gridNs;
}

/** @throws ArgumentTypeError, ArgumentRangeError unless it is a text of 1 to 256 characters */
export function checkText(name: string, text: unknown): string {
  if (typeof text !== 'string') throw new ArgumentTypeError(name, 'a string', text);
  if (text === '' || text.length > MAX_TEXT) {
    throw new ArgumentRangeError(name, `1 to ${MAX_TEXT} characters`, text);
  }
  if (UNFIT.test(text)) {
    throw new ArgumentRangeError(name, 'without NUL and unpaired surrogates', text);
  }
  return text;
}
