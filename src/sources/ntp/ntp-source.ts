/**
 * NTP servers as a source of time, on any transport: which servers a name stands for, and what becomes
 * of them. (`poller.ts` has the polling of each, `exchange.ts` what a reply proves, `ntp.ts` the wiring
 * to Node's sockets and resolver.)
 *
 * A name is resolved to addresses, and an *address* is what votes: the source id is `ntp://address:port`,
 * so two names that lead to one server count once, and a server that moves starts afresh. An ordinary
 * name yields one server at a time, a pool name several. Until a name has an address, the source still
 * counts as one endpoint, under its name, and reports its misses there: a clock must know that a
 * configured source has not spoken yet.
 *
 * Servers that do not answer make the name be resolved again (at first after three exchanges, then ever
 * less often). Those that answer are kept, whatever the name says by now, since a pool's names rotate;
 * the silent ones give way to addresses not yet tried. A server that denied us service is never asked
 * again; its vote ages out.
 */
import type { RunningSource, SourceSink, TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { canonicalAddress, isPublic, ntpUrl } from './address.ts';
import { Poller } from './poller.ts';
import type { NtpTransport } from './transport.ts';

/** The addresses of `host`, best first. An IP address resolves to itself. */
export type NtpResolver = (host: string) => Promise<readonly string[]>;

export interface NtpOptions {
  /** UDP port. Default 123. */
  readonly port?: number;
  /**
   * Take several servers from the name, each with a vote of its own: for names like
   * `pool.ntp.org`, whose addresses belong to different operators. Default `false`.
   */
  readonly pool?: boolean;
  /** How many servers a pool yields at most, 1 to 16. Default 4. */
  readonly maxServers?: number;
  /**
   * Interval between polls of one server, 1 ms to 1 h. Default 16 s on private and loopback addresses,
   * 64 s on public ones. Below 16 s it is raised to 16 s on public addresses (which is known only once
   * the name is resolved; `pollIntervalMs` of the running source tells), unless `force` is set.
   */
  readonly pollIntervalMs?: number;
  /** Poll public servers as often as `pollIntervalMs` says. Only with their operators' consent. */
  readonly force?: boolean;
  /** How long to wait for a reply, 1 ms to 60 s. Default 1 s. */
  readonly timeoutMs?: number;
}

/** What the source needs from its surroundings. */
export interface NtpEnvironment {
  readonly transport: NtpTransport;
  readonly resolve: NtpResolver;
  /** 64 random bits, unpredictable to others. Default: `globalThis.crypto`. */
  readonly randomBits?: () => bigint;
}

const PRIVATE_POLL_MS = 16_000;
const PUBLIC_POLL_MS = 64_000;
/** Without `force`, no public server is polled more often. */
const MIN_PUBLIC_POLL_MS = 16_000;
/** Pauses between attempts to resolve, doubling from the first to the last. */
const MIN_RESOLVE_PAUSE_MS = 1000;
const MAX_RESOLVE_PAUSE_MS = 256_000;

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly maxServers: number;
  readonly pollIntervalMs: number | undefined;
  readonly force: boolean;
  readonly timeoutMs: number;
  readonly transport: NtpTransport;
  readonly resolve: NtpResolver;
  readonly randomBits: () => bigint;
}

/**
 * The NTP server (or pool) `host` as a source of time.
 *
 * @throws ArgumentTypeError, ArgumentRangeError on bad options
 */
export function ntpSource(host: string, options: NtpOptions & NtpEnvironment): TimeSource {
  const settings = checkSettings(host, options);
  return {
    name: ntpUrl(settings.host, settings.port),
    start: (sink) => new RunningNtp(settings, sink),
  };
}

function checkSettings(host: string, options: NtpOptions & NtpEnvironment): Settings {
  if (typeof host !== 'string') throw new ArgumentTypeError('host', 'a string', host);
  if (host === '' || host.length > 253 || /[\s/[\]@?#]/.test(host)) {
    throw new ArgumentRangeError('host', 'a name or an IP address, without brackets or port', host);
  }
  const { port = 123, pool = false, maxServers = 4, force = false, timeoutMs = 1000 } = options;
  checkInteger('port', port, 1, 65_535);
  checkInteger('maxServers', maxServers, 1, 16);
  checkNumber('timeoutMs', timeoutMs, 1, 60_000);
  if (options.pollIntervalMs !== undefined) {
    checkNumber('pollIntervalMs', options.pollIntervalMs, 1, 3_600_000);
  }
  if (typeof pool !== 'boolean') throw new ArgumentTypeError('pool', 'a boolean', pool);
  if (typeof force !== 'boolean') throw new ArgumentTypeError('force', 'a boolean', force);
  return {
    host,
    port,
    maxServers: pool ? maxServers : 1,
    pollIntervalMs: options.pollIntervalMs,
    force,
    timeoutMs,
    transport: options.transport,
    resolve: options.resolve,
    randomBits: options.randomBits ?? cryptoBits,
  };
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  checkNumber(name, value, min, max);
  if (!Number.isInteger(value)) throw new ArgumentRangeError(name, 'a whole number', value);
}

function cryptoBits(): bigint {
  return globalThis.crypto.getRandomValues(new BigUint64Array(1))[0]!;
}

class RunningNtp implements RunningSource {
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  /** Stands in for the source until its name has an address. */
  readonly #unresolvedId: string;
  readonly #denied = new Set<string>();
  #pollers: Poller[] = [];
  #stopped = false;
  #resolution: 'idle' | 'scheduled' | 'under way' = 'scheduled';
  #resolvePauseMs = MIN_RESOLVE_PAUSE_MS;
  /** Of whatever the resolution waits for. */
  #cancelTimer: () => void;

  constructor(settings: Settings, sink: SourceSink) {
    this.#settings = settings;
    this.#sink = sink;
    this.#unresolvedId = ntpUrl(settings.host, settings.port);
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancelTimer = sink.clock.nextTurn(() => {
      sink.endpoints([this.#unresolvedId]);
      if (!this.#stopped) this.#resolve();
    });
  }

  get pollIntervalMs(): number {
    const { pollIntervalMs = PRIVATE_POLL_MS } = this.#settings;
    const inUse = this.#pollers.filter((poller) => !poller.denied);
    return inUse.length === 0 ? pollIntervalMs : Math.max(...inUse.map((p) => p.intervalMs));
  }

  burst(): void {
    for (const poller of this.#pollers) poller.burst();
    // A clock that needs us should not sit out a long pause; a short one is left to end by itself.
    const pauseIsLong = this.#resolvePauseMs > 2 * MIN_RESOLVE_PAUSE_MS;
    if (this.#pollers.length === 0 && this.#resolution === 'scheduled' && pauseIsLong) {
      this.#cancelTimer();
      this.#resolution = 'idle';
      this.#resolvePauseMs = MIN_RESOLVE_PAUSE_MS;
      this.#resolveLater();
    }
  }

  discardInFlight(): void {
    for (const poller of this.#pollers) poller.discardInFlight();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    for (const poller of this.#pollers) poller.stop();
  }

  #resolve(): void {
    this.#resolution = 'under way';
    const { host, resolve, timeoutMs } = this.#settings;
    const { clock } = this.#sink;
    // A resolver may take half a minute to give up, or for ever. Meanwhile the clock must know that we are
    // silent, and know it again whenever it has started over.
    const overdue = (): void => {
      this.#cancelTimer = clock.setTimer(timeoutMs, overdue, { background: true });
      this.#missUnresolved();
    };
    this.#cancelTimer = clock.setTimer(timeoutMs, overdue, { background: true });
    const settle = (addresses: readonly string[]): void => {
      if (this.#stopped) return;
      this.#cancelTimer();
      this.#resolution = 'idle';
      this.#adopt(addresses);
    };
    resolve(host).then(settle, () => settle([]));
  }

  /** Once, after a pause that doubles from attempt to attempt while servers stay silent. */
  #resolveLater(): void {
    if (this.#stopped || this.#resolution !== 'idle') return;
    this.#resolution = 'scheduled';
    const pauseMs = this.#resolvePauseMs;
    this.#resolvePauseMs = Math.min(pauseMs * 2, MAX_RESOLVE_PAUSE_MS);
    const resolve = (): void => this.#resolve();
    this.#cancelTimer = this.#sink.clock.setTimer(pauseMs, resolve, { background: true });
  }

  #missUnresolved(): void {
    if (this.#pollers.length === 0) this.#sink.miss(this.#unresolvedId, 'unresolved');
  }

  /** Chooses the servers to ask from now on: those that answer, then new ones, then the silent. */
  #adopt(resolved: readonly string[]): void {
    const { maxServers } = this.#settings;
    const inUse = new Set(this.#pollers.map((poller) => poller.address));
    const fresh = new Set<string>();
    for (const text of resolved) {
      const address = canonicalAddress(text);
      if (address !== undefined && !this.#denied.has(address) && !inUse.has(address)) {
        fresh.add(address);
      }
    }
    const answering = this.#pollers.filter((poller) => !poller.silent);
    const added = [...fresh]
      .slice(0, maxServers - answering.length)
      .map((a) => this.#startPoller(a));
    // Where nothing better is known, a silent server stays: it may come back, and it keeps its vote.
    const silent = this.#pollers
      .filter((poller) => poller.silent)
      .sort((a, b) => +a.denied - +b.denied);
    const chosen = [...answering, ...added, ...silent].slice(0, maxServers);
    for (const poller of this.#pollers) if (!chosen.includes(poller)) poller.stop();
    this.#pollers = chosen;
    // Nobody but us asks on behalf of a name without a server, or of a server that is not to be asked.
    if (chosen.every((poller) => poller.denied)) this.#resolveLater();
    if (added.length > 0) this.#sink.endpoints(chosen.map((poller) => poller.sourceId));
    else this.#missUnresolved();
  }

  #startPoller(address: string): Poller {
    const { port, timeoutMs, transport, randomBits, pollIntervalMs, force } = this.#settings;
    const inPublic = isPublic(address);
    const wantedMs = pollIntervalMs ?? (inPublic ? PUBLIC_POLL_MS : PRIVATE_POLL_MS);
    return new Poller({
      sink: this.#sink,
      transport,
      randomBits,
      endpoint: { address, port },
      sourceId: ntpUrl(address, port),
      intervalMs: inPublic && !force ? Math.max(wantedMs, MIN_PUBLIC_POLL_MS) : wantedMs,
      timeoutMs,
      onOutcome: (poller) => this.#onOutcome(poller),
    });
  }

  #onOutcome(poller: Poller): void {
    if (poller.denied) this.#denied.add(poller.address);
    if (poller.silent) this.#resolveLater();
    else if (poller.answering) this.#resolvePauseMs = MIN_RESOLVE_PAUSE_MS;
  }
}
