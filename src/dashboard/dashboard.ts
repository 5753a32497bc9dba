/**
 * A page on which to watch the clock.
 *
 * Once a second it takes what `explain()` says, keeps the figures for an hour ({@link History}),
 * and tells the open pages. All of its memory is bounded: the rows are allocated once, changes and
 * texts are limited in number and length, and so are the streams and what waits for them.
 */
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { WaitHistogram } from '../metrics/wait-histogram.ts';
import type { Cancel } from '../time/clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { Elapsed } from './elapsed.ts';
import { frameOf, type Shown } from './frame.ts';
import { type DashboardHandler, handlerOf } from './handler.ts';
import { Happenings } from './happenings.ts';
import { History } from './history.ts';
import { eventText, Viewers } from './viewers.ts';
import type { Frame, Welcome } from './wire.ts';

/** Options of {@link Dashboard.start}. */
export interface DashboardOptions {
  /** The clock to show. It goes on when the dashboard is stopped. */
  readonly clock: BoundedClock;
  /** Shows how far this hybrid clock leads. */
  readonly hlc?: HybridClock | undefined;
  /** Shows how long commit waits lasted. */
  readonly waits?: WaitHistogram | undefined;
  /**
   * The host names under which browsers may ask for the page, without a port, such as
   * `clock.example.net`. Requests under other names are answered with 403, because a hostile page
   * could have its own name point here. `localhost` and IP addresses are always allowed.
   */
  readonly hosts?: readonly string[] | undefined;
}

/** The page, and the policy that fits it. The build puts both in: see dashboard.config.ts. */
declare const DASHBOARD_HTML: string;
declare const DASHBOARD_POLICY: string;

const OPTIONS: Readonly<Record<keyof DashboardOptions, true>> = {
  clock: true,
  hlc: true,
  waits: true,
  hosts: true,
};
const PERIOD_MS = 1000;
/** A page whose stream broke asks again after this. */
const RETRY_MS = 2000;
/** What happened is repeated for longer than a stream may be without room. */
const REPEAT_MS = 40_000;

/**
 * A page in the browser that shows a bounded clock as it runs: the interval over time, what each
 * source says, what the uncertainty is made of, and what happened.
 *
 * The page shows names of time servers, and how wrong the clock is. It has no login of its own: in
 * a service, mount the handler behind yours. Costs one `explain()` a second, and less than 1 MB.
 *
 * @example
 * const dashboard = Dashboard.start({ clock, hlc });
 * // createServer(dashboard.handler.node).listen(8080, '127.0.0.1');
 * const page = dashboard.handler.fetch(new Request('http://localhost/'));
 * page.status // 200
 * dashboard.stop();
 */
export class Dashboard {
  /** Answers requests for the page and for its stream. */
  readonly handler: DashboardHandler;
  readonly #shown: Shown;
  readonly #elapsed: Elapsed;
  readonly #history = new History();
  readonly #happenings = new Happenings();
  readonly #viewers = new Viewers();
  readonly #run: string;
  readonly #endListening: () => void;
  #cancelTick: Cancel = () => {};
  #stopped = false;

  private constructor({ clock, hlc, waits, hosts = [] }: DashboardOptions) {
    this.#shown = { clock, hlc, waits };
    this.#elapsed = new Elapsed(clock.localClock);
    this.#run = clock.localClock.wallNs().toString(36);
    this.#endListening = clock.onChange((event) =>
      this.#happenings.add(event, String(this.#now()), this.#elapsed.ms()),
    );
    this.handler = handlerOf({
      html: DASHBOARD_HTML,
      policy: DASHBOARD_POLICY,
      viewers: this.#viewers,
      hosts: new Set(hosts.map((host) => host.toLowerCase())),
      stopped: () => this.#stopped,
      welcome: (lastEventId) => this.#welcome(lastEventId),
    });
  }

  /**
   * Begins to record, and returns at once. Its timer does not keep the process alive. Serve
   * {@link Dashboard.handler} to show it.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option. Nothing is started then.
   * @example
   * const dashboard = Dashboard.start({ clock, hosts: ['clock.example.net'] });
   * dashboard.stop();
   */
  static start(options: DashboardOptions): Dashboard {
    const { clock, hlc, waits, hosts } = checkOptionNames(options, OPTIONS);
    if (!(clock instanceof BoundedClock)) {
      throw new ArgumentTypeError('clock', 'a BoundedClock, made by BoundedClock.start()', clock);
    }
    if (hlc !== undefined) checkHybridClock(hlc);
    if (waits !== undefined && !(waits instanceof WaitHistogram)) {
      throw new ArgumentTypeError('waits', 'a WaitHistogram', waits);
    }
    checkHosts(hosts);
    const dashboard = new Dashboard(options);
    dashboard.#tick();
    return dashboard;
  }

  /** Ends recording and every stream. From then on the handler answers 503. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    this.#endListening();
    this.#viewers.endAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #tick(): void {
    const { localClock } = this.#shown.clock;
    this.#cancelTick = localClock.setTimer(PERIOD_MS, () => this.#tick(), { background: true });
    const frame = this.#frame();
    // A listener of the clock, called by `explain()`, may have stopped us.
    if (this.#stopped) return;
    if (frame === undefined) {
      this.#viewers.idle();
      return;
    }
    this.#history.add(frame.row);
    this.#viewers.send(eventText('frame', frame, this.#lastId));
  }

  /**
   * The clock now; `undefined` while it cannot be read, such as under fake timers. Looking must not
   * end the process, whatever a source of the user's throws.
   */
  #frame(): Frame | undefined {
    try {
      const elapsedMs = this.#elapsed.ms();
      const frame = frameOf(this.#shown, elapsedMs);
      return { ...frame, happenings: this.#happenings.since(elapsedMs - REPEAT_MS) };
    } catch {
      return undefined;
    }
  }

  #welcome(lastEventId: string | undefined): string {
    const [run, row] = lastEventId?.split('.') ?? [];
    // The page already has the rows before this one.
    const first = run === this.#run && /^\d{1,15}$/.test(row ?? '') ? Number(row) : 0;
    const welcome: Welcome = {
      run: this.#run,
      ...this.#history.since(first),
      happenings: this.#happenings.all,
      frame: this.#frame(),
    };
    return `retry: ${RETRY_MS}\n${eventText('welcome', welcome, this.#lastId)}`;
  }

  get #lastId(): string {
    return `${this.#run}.${this.#history.count}`;
  }

  #now(): bigint {
    const { clock } = this.#shown;
    return clock.tryNow()?.midpoint ?? clock.localClock.wallNs();
  }
}

function checkHosts(hosts: readonly string[] | undefined): void {
  if (hosts === undefined) return;
  if (!Array.isArray(hosts)) throw new ArgumentTypeError('hosts', 'an array of names', hosts);
  for (const host of hosts) {
    if (typeof host !== 'string') throw new ArgumentTypeError('hosts', 'an array of names', host);
    const form = formMissedBy(host);
    if (form !== undefined) throw new ArgumentRangeError('hosts', form, host);
  }
}

/** What a host name has to be and is not. */
function formMissedBy(host: string): string | undefined {
  if (/^[0-9a-z_-]{1,63}(\.[0-9a-z_-]{1,63})*$/i.test(host)) return undefined;
  if (host.includes('*')) return 'names in full: there are no wildcards';
  if (/[^ -~]/.test(host)) return 'names in ASCII, such as xn--bcher-kva.example';
  if (host.endsWith('.')) return 'names without a dot at the end, which need not be said';
  return 'names without a port';
}
