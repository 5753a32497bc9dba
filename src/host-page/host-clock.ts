/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A bounded clock of another process of this host, read from its page.
 *
 * A reader copies the page out of the file into a page of its own, and answers from that as an
 * attached thread does (bounded-clock/bounded-reader.ts): the price is one clock read, and an old
 * copy is as true as a new one, only wider. It looks at the file ten times a second, and before
 * `read()` and the checks of leases where the last look is older than that.
 *
 * What is different from an attached thread: between the processes there is time in which nobody
 * watches the clocks. A bound is about the monotonic clock, and what happens to that clock after
 * the writer last looked is the reader's to find out.
 *
 * - Each look compares the reader's clocks with how they were at the look before, as the writer's
 *   tick does. A jump ends the bound at once, whether or not the writer is alive.
 * - From the writer's last look to the reader's first one, the comparison is with the offset of the
 *   wall clock that the writer wrote down. That is sharp only while it is young, so a reader takes
 *   up no page that the writer left for more than 2.5 s: of a writer that died before the reader
 *   began, nothing is believed.
 * - After a jump, a page with a bound is believed once the writer has looked at the clocks twice
 *   since. Once is not enough: on a busy machine its check for jumps may come to nothing, and be
 *   made good by the next one.
 *
 * A writer that dies, hangs or is stopped is like sources that fall silent. The bound grows, and
 * ends when the page says. A new writer that has heard no source yet says nothing against that
 * bound, so a daemon can be started again without a gap. Its own bound begins an era: nothing that
 * `after` said of the old one is carried into it.
 *
 * A reader may sleep while the bound that it has is refuted, and then see a new writer that knows
 * nothing of it. So each page has a number that is handed on from writer to writer, and is another
 * one as soon as something is found against a bound. A bound with another number ends.
 */
import { type Disruption, NO_BOUND_REASONS } from '../bound/bound.ts';
import { BoundedReader } from '../bounded-clock/bounded-reader.ts';
import {
  BOUNDED,
  DISRUPTED,
  ERA,
  EVER_BOUNDED,
  MAX_RATE,
  MIDDLE,
  NO_BOUND,
  PAGE_SLOTS,
  Page,
  REASON,
  STATE,
  WALL_READ_AT,
} from '../bounded-clock/page/page.ts';
import { type ClockReading, ClockUnsynchronizedError } from '../bounded-clock/reading.ts';
import type { WaitSyncedInput } from '../bounded-clock/wait-synced.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { checkMethods } from '../time/errors.ts';
import { withJson } from '../time/json.ts';
import { JumpDetector } from '../time/jump-detector.ts';
import { checkOptionNames } from '../time/options.ts';
import { systemClock } from '../time/system-clock.ts';
import { type HostClockRefusal, HostClockRefusedError } from './errors.ts';
import type { Publication } from './page-bytes.ts';
import { PageFile } from './page-file.ts';
import { checkPath } from './path.ts';
import { isClockOwn, thisHost } from './this-host.ts';

/** Options of {@link HostClock}. */
export interface HostClockOptions {
  /** The file that a `HostClockPublisher`, or `epsilon-clock serve`, keeps. */
  readonly path: string;
  /**
   * This process's clock; default a fresh `systemClock()`. Its monotonic readings must be those of
   * the writer's clock, as `process.hrtime` has them in each process of a machine on Node.
   */
  readonly clock?: Clock | undefined;
}

/** What {@link HostClock.explain} says. Has a JSON form. */
export interface HostClockExplanation {
  /** The reading that is explained. */
  readonly reading: ClockReading;
  /** Half the width of the interval, rounded up; absent without a bound. */
  readonly uncertaintyNs: bigint | undefined;
  /** How fast the bound may grow, ppm; absent before the first page. */
  readonly maxDriftPpm: number | undefined;
  /** The process that wrote the page; absent before the first page. */
  readonly writerPid: number | undefined;
  /** How long ago the writer last looked at the clocks, ns; absent before the first page. */
  readonly writtenAgoNs: bigint | undefined;
  /** How many pages were taken up since the start. */
  readonly taken: number;
  /**
   * Why the last look gave no page: `missing` while nothing is there, `stale` when its writer had
   * left it before this clock began, or why it is refused. Absent when it gave one.
   */
  readonly refused: HostClockRefusal | 'missing' | 'stale' | undefined;
  /** Advice in sentences. */
  readonly advice: readonly string[];
  /** The explanation as JSON has it. */
  toJSON(): unknown;
}

const NAMES: Readonly<Record<keyof HostClockOptions, true>> = { path: true, clock: true };

/** How long after it was written a page reaches its readers at most, but for late timers. */
const LOOK_MS = 100;
const LOOK_NS = 100_000_000n;
/** Two and a half ticks of a writer. */
const STALE_NS = 2_500_000_000n;
/** How often the writer must have looked at the clocks after a jump. */
const LOOKS_AFTER_JUMP = 2;

/**
 * A clock that another process of this host runs: a `BoundedReader` with all that one can do. Made
 * by {@link HostClock.open}, ended by {@link HostClock.close}.
 *
 * @example
 * const clock = await HostClock.open({ path });
 * // await clock.waitSynced();
 * const hlc = new HybridClock({ clock, nodeId: hostNodeId('orders') });
 * await clock.close();
 */
export class HostClock extends BoundedReader implements AsyncDisposable {
  /** @internal */
  override readonly publishListeners: Set<() => void> = new Set();
  /** The file, from the root directory. */
  readonly path: string;
  readonly #page: Page;
  readonly #slots = new BigInt64Array(PAGE_SLOTS);
  readonly #file: PageFile;
  readonly #host = thisHost();
  readonly #detector: JumpDetector;
  /** The monotonic reading when this clock began to watch for jumps. */
  readonly #watchedSince: bigint;
  #lookedAt: bigint;
  #cancelLook: Cancel = () => {};
  /** The publication that was taken up last. */
  #last: Publication | undefined;
  #taken = 0;
  #era = 0n;
  /** The writer's name for that era; `undefined` when nothing of it is to go on. */
  #writersEra: string | undefined;
  /** The number that the bound was taken up with. */
  #standing: bigint | undefined;
  #refused: HostClockExplanation['refused'];
  /** What says why, with the file or directory at fault. */
  #refusal: HostClockRefusedError | undefined;
  /** When the writer of the page that is there last looked at the clocks. */
  #writtenAt = 0n;
  /** How many looks of the writer, each after `#lookAfter`, are awaited since a jump. */
  #looksAwaited = 0;
  #lookAfter = 0n;
  #closed = false;

  private constructor(page: Page, file: PageFile, clock: Clock) {
    super(page, clock);
    this.path = file.path;
    this.#page = page;
    this.#file = file;
    this.#detector = new JumpDetector(clock);
    this.#watchedSince = clock.monotonicNs();
    this.#lookedAt = this.#watchedSince;
  }

  /**
   * Opens the page. While the file is missing, or its writer is gone, the clock has no bound and
   * waits for one ({@link BoundedReader.waitSynced}): a service may start before the daemon does.
   * It does not keep the process alive.
   *
   * Costs a file read of some microseconds, ten times a second. A reading costs what it costs in
   * the process that writes.
   *
   * Rejects with a HostClockRefusedError (`ERR_HOST_CLOCK_REFUSED`) when there is a page that must
   * not be believed; with an ArgumentTypeError or ArgumentRangeError on a bad option.
   */
  static async open(options: HostClockOptions): Promise<HostClock> {
    const { path: given, clock = systemClock() } = checkOptionNames(options, NAMES);
    const path = checkPath(given);
    checkMethods('clock', 'a Clock', clock, ['monotonicNs', 'wallReadNs', 'setTimer']);
    const opened = new HostClock(Page.create(), new PageFile(path), clock);
    opened.#take(opened.#file.read());
    opened.#scheduleLook();
    return opened;
  }

  /**
   * Why there is a bound or none, as far as a reader can know. What the sources say is known where
   * the clock runs: `epsilon-clock serve` shows that, and `BoundedClock.explain()`.
   *
   * @throws FakeTimersError as {@link BoundedReader.read}
   */
  explain(): HostClockExplanation {
    const reading = this.read();
    const last = this.#last;
    return withJson({
      reading,
      uncertaintyNs: reading.interval?.uncertaintyNs,
      maxDriftPpm: last && (Number(last.slots[MAX_RATE]!) / 2 ** 34) * 1e6,
      writerPid: last?.writer.pid,
      writtenAgoNs: last && this.localClock.monotonicNs() - last.slots[WALL_READ_AT]!,
      taken: this.#taken,
      refused: this.#refused,
      advice: this.#advice(reading),
    });
  }

  /** Ends looking. From then on there is no bound. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLook();
    this.#publishNoBound('stopped');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override read(): ClockReading {
    this.refuseFakeTimers();
    this.#lookIfOld();
    return super.read();
  }

  /** @internal */
  override certainlyBefore(t: bigint): boolean {
    this.#lookIfOld();
    return super.certainlyBefore(t);
  }

  protected override syncing(): WaitSyncedInput {
    const input = super.syncing();
    return {
      ...input,
      publishListeners: this.publishListeners,
      stopped: () => this.#closed,
      refresh: () => {
        this.refuseFakeTimers();
        this.#look();
      },
      error: () => this.#notSynced(input.error()),
    };
  }

  /**
   * Besides what an attached reader compares, the clocks as they were at the last look. Here nobody
   * else acts on what is found.
   */
  protected override checkWall(): Disruption | undefined {
    if (this.#closed) return undefined;
    const jump = this.#detector.mayHaveJumped() ? this.#detector.check()?.kind : undefined;
    const found = jump ?? super.checkWall();
    if (found !== undefined) this.#disrupt(found);
    return found;
  }

  #scheduleLook(): void {
    const look = (): void => {
      this.#scheduleLook();
      this.#look();
    };
    this.#cancelLook = this.localClock.setTimer(LOOK_MS, look, { background: true });
  }

  #lookIfOld(): void {
    if (this.localClock.monotonicNs() - this.#lookedAt > LOOK_NS) this.#look();
  }

  /** First at the clocks: what the page says is older than this reading of them. */
  #look(): void {
    if (this.#closed) return;
    this.#lookedAt = this.localClock.monotonicNs();
    this.checkWall();
    try {
      this.#take(this.#file.read());
    } catch (error) {
      // What was taken up before ages on. It was true, and stays so.
      if (!(error instanceof HostClockRefusedError)) throw error;
      this.#refused = error.reason;
      this.#refusal = error;
    }
    // When a bound ends by itself, its writer being dead, nobody says so. Waits must learn of it.
    if (this.#state === BOUNDED && this.tryNow() === undefined) this.#announce();
  }

  /** @throws HostClockRefusedError when the page is of another clock */
  #take(found: Publication | undefined): void {
    this.#refused = found === undefined ? 'missing' : undefined;
    this.#refusal = undefined;
    const last = this.#last;
    if (found === undefined) return;
    // An older one comes where a write overtakes the reading of the file, and hides the newer.
    if (found.writer.id === last?.writer.id && found.version <= last.version) return;
    this.#checkClock(found);
    const lookedAt = found.slots[WALL_READ_AT]!;
    this.#writtenAt = lookedAt;
    if (found.slots[STATE] === BOUNDED) {
      if (lookedAt < this.#watchedSince - STALE_NS) {
        this.#refused = 'stale';
        return;
      }
      if (this.#awaitsLooks(lookedAt)) return;
      const writersEra = `${found.writer.id} ${found.slots[ERA]}`;
      if (writersEra !== this.#writersEra) this.#era++;
      this.#writersEra = writersEra;
      this.#standing = found.standing;
    } else if (this.#state === BOUNDED && found.standing === this.#standing) {
      return; // nothing was found against the bound here
    }
    this.#last = found;
    this.#taken++;
    const middle = this.#slots[MIDDLE]!;
    this.#slots.set(found.slots);
    this.#slots[ERA] = this.#era;
    if (this.#era > 0n && found.slots[EVER_BOUNDED] === 0n) {
      // A new writer has no middle yet. Single instants go on from the last one.
      this.#slots[EVER_BOUNDED] = 1n;
      this.#slots[MIDDLE] = middle;
    }
    this.#page.publish(this.#slots);
    // Who watched the clocks between the writer's look and the first one here?
    this.checkWall();
    this.#announce();
  }

  get #state(): bigint {
    return this.#slots[STATE]!;
  }

  /** Whether the writer has yet to look at the clocks after a jump; it last did at `lookedAt`. */
  #awaitsLooks(lookedAt: bigint): boolean {
    if (this.#looksAwaited > 0 && lookedAt > this.#lookAfter) {
      this.#lookAfter = lookedAt;
      this.#looksAwaited--;
    }
    return this.#looksAwaited > 0;
  }

  #checkClock({ writer, slots }: Publication): void {
    const { bootId, timeNamespace } = this.#host;
    const refuse = (reason: HostClockRefusal): never => {
      throw new HostClockRefusedError(this.path, reason);
    };
    if (writer.bootId.some((half, i) => half !== bootId[i])) refuse('other-boot');
    if (writer.timeNamespace !== timeNamespace) refuse('other-time-namespace');
    if (slots[WALL_READ_AT]! > this.localClock.monotonicNs()) refuse('other-clock');
    if (writer.pid !== process.pid && isClockOwn()) refuse('other-clock');
  }

  #disrupt(kind: Disruption): void {
    this.#lookAfter = this.localClock.monotonicNs();
    this.#looksAwaited = LOOKS_AFTER_JUMP;
    this.#writersEra = undefined;
    if (this.#state === BOUNDED) this.#publishNoBound(kind);
  }

  #publishNoBound(reason: Disruption | 'stopped'): void {
    this.#slots[STATE] = reason === 'stopped' ? NO_BOUND : DISRUPTED;
    this.#slots[REASON] = BigInt(NO_BOUND_REASONS.indexOf(reason));
    this.#page.publish(this.#slots);
    this.#announce();
  }

  #announce(): void {
    for (const listener of [...this.publishListeners]) listener();
  }

  #advice(reading: ClockReading): string[] {
    if (this.#refusal !== undefined) return [this.#refusal.message];
    if (this.#refused === 'missing') {
      return [`there is no file ${this.path}: nobody publishes a clock there`];
    }
    if (reading.status === 'synchronized' || this.#closed) return [];
    if (this.localClock.monotonicNs() - this.#writtenAt > STALE_NS) {
      return ['the writer of the page has gone, or hangs; a new one is taken up when it comes'];
    }
    return reading.status === 'holdover' ? ['the writer hears no source'] : [];
  }

  #notSynced({ status, reason }: ClockUnsynchronizedError): ClockUnsynchronizedError {
    const advice = this.#advice(super.toJSON());
    return new ClockUnsynchronizedError(status, reason, advice[0]);
  }
}
