/**
 * When a name is resolved, and how a resolver is prevented from doing harm.
 *
 * The resolver is called once at a time, at once or after a pause. The pause doubles from attempt
 * to attempt until {@link Resolution.relax}. A clock that needs us cuts a long pause short
 * ({@link Resolution.hurry}).
 *
 * A resolver belongs to the user: it may throw, reject, answer nonsense or never answer. Each of
 * these counts as "no address", with the cause in words. A resolver that does not answer is
 * reported as overdue again and again: a clock must know that a source is silent, and must be told
 * again whenever it has started over.
 */
import type { Clock } from '../../time/clock.ts';
import { describeCause } from '../cause.ts';
import { canonicalAddress, type ZoneSpelling } from './address.ts';

/** Returns the addresses of `host`, best first. An IP address resolves to itself. */
export type NtpResolver = (host: string) => Promise<readonly string[]>;

/** Addresses after this many are ignored: the resolver's answer may be of any length. */
const MAX_ADDRESSES = 1024;
const MIN_PAUSE_MS = 1000;
/** The longest pause while the clock has no bound. Trying again costs no time server anything. */
const MAX_PAUSE_IN_NEED_MS = 8000;
const MAX_PAUSE_MS = 256_000;

export interface ResolutionSettings {
  readonly clock: Clock;
  readonly host: string;
  readonly resolve: NtpResolver;
  readonly zoneSpelling: ZoneSpelling | undefined;
  /** An answer that takes longer is reported as overdue. */
  readonly timeoutMs: number;
  /** Whether the clock has no bound now. */
  readonly inNeed: () => boolean;
  /** Called with canonical addresses, possibly none; `cause` says why there are none. */
  readonly onAnswer: (addresses: readonly string[], cause: string | undefined) => void;
  readonly onOverdue: () => void;
}

export class Resolution {
  readonly #settings: ResolutionSettings;
  #state: 'idle' | 'scheduled' | 'under way' | 'stopped' = 'idle';
  #pauseMs = MIN_PAUSE_MS;
  #scheduledMs = 0;
  /** Cancels the pause or the wait for an answer. */
  #cancelTimer: () => void = () => {};

  constructor(settings: ResolutionSettings) {
    this.#settings = settings;
  }

  /** Resolves now, unless a call of the resolver is under way. */
  begin(): void {
    if (this.#state === 'under way' || this.#state === 'stopped') return;
    this.#cancelTimer();
    this.#state = 'under way';
    this.#expectAnswer();
    const { host, resolve } = this.#settings;
    // The executor turns an exception into a rejection, and `done` accepts any value.
    new Promise<unknown>((done) => done(resolve(host))).then(
      (answer) => this.#settle(answer),
      (error: unknown) => this.#settle(undefined, describeCause(error)),
    );
  }

  /** Resolves once, after a pause that doubles from attempt to attempt. */
  later(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    const { clock, inNeed } = this.#settings;
    const pauseMs = Math.min(this.#pauseMs, inNeed() ? MAX_PAUSE_IN_NEED_MS : MAX_PAUSE_MS);
    this.#scheduledMs = pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    this.#cancelTimer = clock.setTimer(pauseMs, () => this.begin(), { background: true });
  }

  /** Cuts a long pause to the shortest one. A short pause is left to end by itself. */
  hurry(): void {
    this.relax();
    if (this.#state !== 'scheduled' || this.#scheduledMs <= 2 * MIN_PAUSE_MS) return;
    this.#cancelTimer();
    this.#state = 'idle';
    this.later();
  }

  /** Makes the next pause short again. */
  relax(): void {
    this.#pauseMs = MIN_PAUSE_MS;
  }

  stop(): void {
    this.#state = 'stopped';
    this.#cancelTimer();
  }

  #expectAnswer(): void {
    const { clock, timeoutMs, onOverdue } = this.#settings;
    const overdue = (): void => {
      this.#expectAnswer();
      onOverdue();
    };
    this.#cancelTimer = clock.setTimer(timeoutMs, overdue, { background: true });
  }

  #settle(answer: unknown, failure?: string): void {
    if (this.#state !== 'under way') return;
    this.#cancelTimer();
    this.#state = 'idle';
    const { onAnswer, zoneSpelling } = this.#settings;
    const addresses = addressesIn(answer, zoneSpelling);
    const nothing = failure ?? (addresses ? 'no address' : 'the resolver did not return a list');
    onAnswer(addresses ?? [], addresses?.length ? undefined : nothing);
  }
}

/**
 * The addresses in a resolver's answer, each in its one spelling; `undefined` when it is not a
 * list.
 */
function addressesIn(
  answer: unknown,
  zoneSpelling: ZoneSpelling | undefined,
): string[] | undefined {
  try {
    if (!Array.isArray(answer)) return undefined;
    return answer
      .slice(0, MAX_ADDRESSES)
      .map((each: unknown) =>
        typeof each === 'string' ? canonicalAddress(each, zoneSpelling) : undefined,
      )
      .filter((address) => address !== undefined);
  } catch {
    return undefined; // a list whose elements throw when they are read
  }
}
