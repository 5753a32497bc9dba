/**
 * `epsilon-clock serve`: one clock for all processes of a host, as a daemon.
 *
 * One process asks the sources and keeps the bound. Everything else reads it: processes of this
 * host from the page, others as NTP or over HTTP. The daemon needs no privilege and never sets a
 * clock.
 *
 * - SIGHUP reads the configuration again. Everything is checked and started before anything is
 *   stopped, so a bad file changes nothing. The clock itself stays, and so do its assumptions: a
 *   bound that was proven with one drift bound says nothing under another. A file that changes them
 *   is refused, and says that it needs a restart.
 * - Sources that cannot be reached are not an error. The daemon goes on trying, and its log says
 *   what each of them said.
 * - SIGTERM ends it with 0. Readers of the page go on with the bound that they have; those that
 *   begin later are told that the clock has stopped.
 * - A log that nobody reads any more, or a full disk, does not end it.
 */
import { BoundedClock } from '../../bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../bounded-clock/change-events.ts';
import type { Cancel, Clock } from '../../time/clock.ts';
import { systemClock } from '../../time/system-clock.ts';
import { Interrupted } from '../exit.ts';
import type { Output } from '../output.ts';
import { version } from '../version.ts';
import { describeReason, widthAdvice } from '../wording.ts';
import { readConfig } from './config.ts';
import { type Fields, Log } from './log.ts';
import { Outputs } from './outputs.ts';
import type { ServeArguments } from './serve-arguments.ts';
import { type Assumptions, type ServeSettings, settingsFrom } from './settings.ts';
import { SourceChange } from './source-change.ts';

/** A clock without a bound says so after this long, ms. */
const LOOK_MS = 10_000;
/** After the first time, it says it again after this many looks. */
const LOOKS_PER_LINE = 60;

/**
 * Serves until `signal` aborts.
 *
 * @throws UsageError when the arguments or the file are wrong; UnavailableError when an output
 *   cannot be opened; the signal's reason on abort, unless it is SIGTERM
 */
export async function serve(
  args: ServeArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const settings = await settingsOf(args);
  const clock = systemClock();
  const daemon = await Daemon.start(args, settings, output, clock);
  const onHangUp = (): void => daemon.reload();
  if (args.config !== undefined) process.on('SIGHUP', onHangUp);
  try {
    await aborted(signal);
  } finally {
    process.off('SIGHUP', onHangUp);
    await daemon.stop(signal.reason);
  }
  if (signal.reason instanceof Interrupted && signal.reason.message === 'SIGTERM') return;
  throw signal.reason;
}

async function settingsOf({ config, choices }: ServeArguments): Promise<ServeSettings> {
  return settingsFrom(choices, config === undefined ? {} : await readConfig(config));
}

class Daemon {
  readonly #args: ServeArguments;
  readonly #bounded: BoundedClock;
  readonly #log: Log;
  readonly #outputs: Outputs;
  readonly #sources: SourceChange;
  #settings: ServeSettings;
  #reloading: Promise<void> = Promise.resolve();
  #cancelLook: Cancel = () => {};
  #looks = 0;

  private constructor(args: ServeArguments, settings: ServeSettings, output: Output, clock: Clock) {
    const { hostClock, maxDriftPpm, maxFaulty, maxUncertaintyMs } = settings.assumptions;
    const sources = settings.sources.map(({ source }) => source);
    const bounded = BoundedClock.start({
      sources,
      clock,
      hostClock,
      maxDriftPpm,
      maxFaulty,
      warnUncertaintyMs: maxUncertaintyMs,
    });
    this.#args = args;
    this.#settings = settings;
    this.#bounded = bounded;
    this.#log = new Log(
      (line) => output.print(line),
      clock,
      () => stateOf(bounded),
    );
    this.#outputs = new Outputs(bounded, maxUncertaintyMs, this.#log);
    this.#sources = new SourceChange(bounded, sources, maxFaulty);
  }

  /** Starts the clock, then every output. */
  static async start(
    args: ServeArguments,
    settings: ServeSettings,
    output: Output,
    clock: Clock,
  ): Promise<Daemon> {
    const daemon = new Daemon(args, settings, output, clock);
    try {
      await (await daemon.#outputs.prepare(settings.outputs)).commit();
    } catch (error) {
      daemon.#bounded.stop();
      throw error;
    }
    daemon.#started();
    return daemon;
  }

  #started(): void {
    const bounded = this.#bounded;
    const explanation = bounded.explain();
    this.#log.write('info', 'start', {
      version: version(),
      pid: process.pid,
      ...this.#served(),
      detected: explanation.profile.detected,
      ...stateOf(bounded),
      advice: widthAdvice(explanation)[0],
    });
    bounded.onChange((event) => this.#changed(event));
    this.#scheduleLook();
  }

  /** Reads the configuration again. Calls while one is under way are served one after another. */
  reload(): void {
    this.#reloading = this.#reloading.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    try {
      const settings = this.#keepSources(await settingsOf(this.#args));
      refuseOtherAssumptions(this.#settings.assumptions, settings.assumptions);
      const change = await this.#outputs.prepare(settings.outputs);
      try {
        this.#sources.to(settings.sources.map(({ source }) => source));
      } catch (error) {
        await change.rollback();
        throw error;
      }
      this.#settings = settings;
      await change.commit();
      this.#log.write('info', 'reload', this.#served());
    } catch (error) {
      this.#log.write('error', 'reload-failed', { message: (error as Error).message });
    }
  }

  /** The same settings, but sources that are asked already stay the objects that they are. */
  #keepSources(settings: ServeSettings): ServeSettings {
    const known = new Map(this.#settings.sources.map((each) => [each.key, each]));
    return { ...settings, sources: settings.sources.map((each) => known.get(each.key) ?? each) };
  }

  async stop(reason: unknown): Promise<void> {
    await this.#reloading;
    this.#cancelLook();
    this.#sources.stop();
    this.#log.close();
    // Outputs first, so that the page's last word is that its writer stopped.
    await this.#outputs.stop();
    this.#bounded.stop();
    this.#log.write('info', 'stop', {
      signal: reason instanceof Interrupted ? reason.message : undefined,
    });
  }

  #served(): Fields {
    const { sources, assumptions } = this.#settings;
    return {
      sources: sources.map(({ source }) => source.name),
      ...assumptions,
      serves: this.#outputs.where,
    };
  }

  #changed(event: ClockEvent): void {
    const { type, status, ...rest } = event;
    if (status === 'unsynchronized' && 'reason' in event && event.reason === 'stopped') return;
    const fields = type === 'status' ? { ...rest, ...stateOf(this.#bounded) } : { status, ...rest };
    const wide = type === 'status' || (type === 'widening' && event.inMs !== undefined);
    const [advice] = wide ? widthAdvice(this.#bounded.explain()) : [];
    this.#log.writeLimited(levelOf(event), type, { ...fields, advice });
  }

  #scheduleLook(): void {
    const { localClock } = this.#bounded;
    this.#cancelLook = localClock.setTimer(LOOK_MS, () => this.#look(), { background: true });
  }

  /** What each source said, while there is no bound: that it is missing alone helps nobody. */
  #look(): void {
    this.#scheduleLook();
    const { reading, sources } = this.#bounded.explain();
    if (reading.interval !== undefined) {
      this.#looks = 0;
    } else if (this.#looks++ % LOOKS_PER_LINE === 0) {
      const said = sources.map((source) => ({
        source: source.sourceId,
        verdict: source.verdict,
        reason: describeReason(source) || undefined,
      }));
      const { status, reason } = reading;
      this.#log.writeLimited('warn', 'no-bound', { status, reason, sources: said });
    }
  }
}

/** The status now, and the uncertainty if there is a bound. */
function stateOf(bounded: BoundedClock): Fields {
  const { status, reason, interval } = bounded.read();
  return { status, reason, uncertaintyNs: interval?.uncertaintyNs };
}

function levelOf(event: ClockEvent): 'info' | 'warn' {
  switch (event.type) {
    case 'status':
      return event.status === 'synchronized' ? 'info' : 'warn';
    case 'falseticker':
      return event.present ? 'warn' : 'info';
    case 'widening':
      return event.inMs === undefined ? 'info' : 'warn';
    default:
      return 'warn';
  }
}

/** What was proven under one assumption is not proven under another, so the clock would go. */
function refuseOtherAssumptions(before: Assumptions, after: Assumptions): void {
  for (const name of Object.keys(before) as (keyof Assumptions)[]) {
    if (before[name] === after[name]) continue;
    throw new Error(`${name} has changed: that needs a restart, and nothing was reloaded`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  // A timer that keeps the process alive: without an output of the network nothing else does.
  const alive = setInterval(() => {}, LOOK_MS * LOOKS_PER_LINE);
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
