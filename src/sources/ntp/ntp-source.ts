/**
 * NTP servers as a source of time, on any transport: which servers a name stands for, and when they
 * are replaced.
 *
 * Each question is answered by one file. This file only ties them together:
 *
 * | question                                | file            |
 * |-----------------------------------------|-----------------|
 * | When is the name resolved?              | `resolution.ts` |
 * | Which address is asked next?            | `rotation.ts`   |
 * | When is a server polled?                | `poller.ts`     |
 * | May a request be sent?                  | `allowance.ts`  |
 * | What does a reply prove?                | `exchange.ts`   |
 * | What do Node's sockets and resolver do? | `ntp.ts`        |
 *
 * Plain NTP and Network Time Security (`../nts`) differ in the transport alone. So all that this
 * file decides holds for both.
 *
 * **Identity.** A name is resolved to addresses, and an *address* is what votes: the source id is
 * `ntp://address:port` (`nts://` for the other kind). So two names that lead to one server count
 * once, and a server that moves starts afresh. An ordinary name yields one server at a time, a pool
 * name several. Until a name has an address, the source still counts as one endpoint, under its
 * name, and reports its misses there: a clock must know that a configured source has not spoken
 * yet.
 *
 * **When a server is replaced.** A *miss* is a poll without a sample: the server was silent, or its
 * answer had to be refused.
 * - A server that has never yielded a sample gives way at its first miss, to an address not yet
 *   asked in this round. When all were asked, the last server stays.
 * - After three misses in a row the name is resolved again, after a pause that doubles. The answer
 *   begins a new round, and addresses from it replace the servers that fail. Servers that yield
 *   samples are kept, even when the name does not list them now, because a pool's names rotate.
 *   Where nothing better is known, a failing server stays: it may come back, and it keeps its vote.
 * - A server that denied us service is never asked again; its vote ages out.
 * - The members of a pool that does not agree are all replaced ({@link RunningSource.redraw}).
 *
 * This file has more than 400 lines because a quarter of it documents the rules and the options.
 */
import { checkTimescale, type Timescale } from '../../bound/timescale.ts';
import type { RunningSource, SourceSink, TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentRangeError, ArgumentTypeError, checkNumber } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { Allowance } from '../allowance.ts';
import { canonicalAddress, isPublic, serverUrl, type ZoneSpelling } from './address.ts';
import { MAX_ROOT_DISTANCE_MS } from './exchange.ts';
import { Poller } from './poller.ts';
import { type NtpResolver, Resolution } from './resolution.ts';
import { Rotation } from './rotation.ts';
import type { NtpEndpoint, NtpTransport } from './transport.ts';

export type { NtpResolver };

/** Options of `ntp`. Each absent option has its default. */
export interface NtpOptions {
  /** UDP port. Default 123. */
  readonly port?: number | undefined;
  /**
   * Take several servers from the name, each with a vote of its own: for names like `pool.ntp.org`,
   * whose addresses belong to different operators. Default `false`.
   */
  readonly pool?: boolean | undefined;
  /** The largest number of servers that a pool yields, 1 to 16. Default 4. */
  readonly maxServers?: number | undefined;
  /**
   * Interval between polls of one server, 1 ms to 1 h. Default 16 s on private and loopback
   * addresses, 64 s on public ones.
   *
   * On public addresses, less than 16 s is raised to 16 s unless `force` is set. Whether an address
   * is public is known only once the name is resolved: `pollIntervalMs` of the running source tells
   * the interval in use.
   */
  readonly pollIntervalMs?: number | undefined;
  /**
   * Poll public servers as often as `pollIntervalMs` says, without the minimum of 16 s. Only with
   * their operators' consent. Default `false`.
   */
  readonly force?: boolean | undefined;
  /** How long to wait for a reply, 1 ms to 60 s. Default 1 s. */
  readonly timeoutMs?: number | undefined;
  /**
   * The largest root distance (half the root delay plus the root dispersion) that a server may
   * claim, 1 ms to 60 s. A server that claims more is refused with `root-distance`. Default 1.5 s.
   *
   * A server's claim is added to the width of what its replies prove, so a larger limit never makes
   * a bound wrong, only wide. For example, a Windows domain controller claims 10 s and yields a
   * bound of ±10 s.
   */
  readonly maxRootDistanceMs?: number | undefined;
  /**
   * What the server does at a leap second: `'utc'`, as most do, `'smear-24h'` like those of Google
   * and Amazon, or `'unknown'`. Default `'unknown'`.
   *
   * With `'unknown'` it counts as UTC if it announces the leap second, and has no vote on the days
   * around it if it does not.
   */
  readonly timescale?: Timescale | undefined;
}

/** The parts of the surroundings that the source needs. */
export interface NtpEnvironment {
  /** Sends requests and receives replies. */
  readonly transport: NtpTransport;
  /** Resolves names to addresses. */
  readonly resolve: NtpResolver;
  /**
   * Returns 64 random bits that others cannot predict. Default, and whenever it fails:
   * `globalThis.crypto`.
   */
  readonly randomBits?: (() => bigint) | undefined;
  /**
   * Returns the one spelling of an interface that has both a name and an index. Default: unchanged.
   */
  readonly zoneSpelling?: ((zone: string) => string) | undefined;
}

/** The default interval on private and loopback addresses. */
const PRIVATE_POLL_MS = 16_000;
/** The default interval on public addresses. */
const PUBLIC_POLL_MS = 64_000;
/** The shortest interval for public servers without `force`. */
const MIN_PUBLIC_POLL_MS = 16_000;
/**
 * A private server can bear one request per this time in the long run, even where its poll interval
 * is longer.
 */
const PRIVATE_REFILL_MS = 8000;
/**
 * How long a pool that disagrees keeps its members the first time. The time doubles up to
 * `MAX_PATIENCE_MS`.
 */
const MIN_PATIENCE_MS = 8000;
/** The longest time that a pool which disagrees keeps its members. */
const MAX_PATIENCE_MS = 512_000;

/** A way to ask servers: plain NTP, or Network Time Security. */
export interface ServerKind {
  /** The scheme of a server's URL, and the name of the function that makes such a source. */
  readonly scheme: 'ntp' | 'nts';
  readonly defaultPort: number;
  /** How long a transport may take before it sends the request and the timeout begins, ms. */
  readonly preparationMs: number;
  /**
   * Called at each start. Returns a function that is called when an address is first asked, and
   * that returns the transport for all visits to that address.
   */
  readonly open: (sink: SourceSink) => (endpoint: NtpEndpoint) => NtpTransport;
}

const CLAIM = 'root delay / 2 + root dispersion';
const RESTS_ON: Readonly<Record<ServerKind['scheme'], string>> = {
  ntp: `the server's claim: ${CLAIM}`,
  nts: `the authenticated server's claim: ${CLAIM}`,
};

interface Settings {
  readonly kind: ServerKind;
  readonly host: string;
  readonly port: number;
  readonly maxServers: number;
  readonly pollIntervalMs: number | undefined;
  readonly force: boolean;
  readonly timeoutMs: number;
  readonly maxRootDistanceMs: number;
  readonly resolve: NtpResolver;
  readonly randomBits: () => bigint;
  readonly zoneSpelling: ZoneSpelling | undefined;
}

/**
 * The NTP server (or pool) `host` as a source of time.
 *
 * @throws ArgumentTypeError, ArgumentRangeError on bad options
 */
export function ntpSource(host: string, options: NtpOptions & NtpEnvironment): TimeSource {
  checkOptionNames(options, NTP_OPTIONS);
  const { transport } = options;
  if (typeof (transport as Partial<NtpTransport> | undefined)?.exchange !== 'function') {
    throw new ArgumentTypeError('transport', 'an NtpTransport', transport);
  }
  const open: ServerKind['open'] = () => () => transport;
  return serverSource({ scheme: 'ntp', defaultPort: 123, preparationMs: 0, open }, host, options);
}

/**
 * The servers that `host` stands for as a source of time. It does not check the names of options.
 *
 * @throws ArgumentTypeError, ArgumentRangeError on bad options
 */
export function serverSource(
  kind: ServerKind,
  host: string,
  options: NtpOptions & Omit<NtpEnvironment, 'transport'>,
): TimeSource {
  const settings = checkSettings(kind, host, options);
  return {
    name: serverUrl(kind.scheme, settings.host, settings.port),
    maxEndpoints: settings.maxServers,
    restsOn: RESTS_ON[kind.scheme],
    timescale: checkTimescale('timescale', options.timescale),
    start: (sink) => new RunningServers(settings, sink),
  };
}

/** The names of all options. */
export const NTP_OPTIONS: Readonly<Record<keyof (NtpOptions & NtpEnvironment), true>> = {
  port: true,
  pool: true,
  maxServers: true,
  pollIntervalMs: true,
  force: true,
  timeoutMs: true,
  maxRootDistanceMs: true,
  timescale: true,
  transport: true,
  resolve: true,
  randomBits: true,
  zoneSpelling: true,
};

function checkSettings(
  kind: ServerKind,
  host: string,
  options: NtpOptions & Omit<NtpEnvironment, 'transport'>,
): Settings {
  const { scheme, defaultPort } = kind;
  if (typeof host !== 'string') throw new ArgumentTypeError('host', 'a string', host);
  if (host === '' || host.length > 253 || /[\s/[\]@?#]/.test(host)) {
    throw new ArgumentRangeError('host', 'a name or an IP address, without brackets or port', host);
  }
  if (host.includes(':') && canonicalAddress(host) === undefined) {
    const example = `${scheme}(host, { port: ${defaultPort} })`;
    const expected = `a name or an IP address; the port is an option, as in ${example}`;
    throw new ArgumentRangeError('host', expected, host);
  }
  const { port = defaultPort, pool = false, maxServers = 4 } = options;
  const { force = false, timeoutMs = 1000 } = options;
  checkInteger('port', port, 1, 65_535);
  checkInteger('maxServers', maxServers, 1, 16);
  checkNumber('timeoutMs', timeoutMs, 1, 60_000);
  const { maxRootDistanceMs = MAX_ROOT_DISTANCE_MS } = options;
  checkNumber('maxRootDistanceMs', maxRootDistanceMs, 1, 60_000);
  if (options.pollIntervalMs !== undefined) {
    checkNumber('pollIntervalMs', options.pollIntervalMs, 1, 3_600_000);
  }
  if (typeof pool !== 'boolean') throw new ArgumentTypeError('pool', 'a boolean', pool);
  if (typeof force !== 'boolean') throw new ArgumentTypeError('force', 'a boolean', force);
  const { resolve, randomBits, zoneSpelling } = options;
  checkFunction('resolve', resolve);
  if (randomBits !== undefined) checkFunction('randomBits', randomBits);
  if (zoneSpelling !== undefined) checkFunction('zoneSpelling', zoneSpelling);
  return {
    kind,
    host,
    port,
    maxServers: pool ? maxServers : 1,
    pollIntervalMs: options.pollIntervalMs,
    force,
    timeoutMs,
    maxRootDistanceMs,
    resolve,
    randomBits: randomBits === undefined ? cryptoBits : () => bitsOf(randomBits),
    zoneSpelling: zoneSpelling && ((zone) => spellingOf(zone, zoneSpelling)),
  };
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new ArgumentTypeError(name, 'a function', value);
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  checkNumber(name, value, min, max);
  if (!Number.isInteger(value)) throw new ArgumentRangeError(name, 'a whole number', value);
}

function cryptoBits(): bigint {
  return globalThis.crypto.getRandomValues(new BigUint64Array(1))[0]!;
}

/**
 * 64 bits from the user's generator. Where it throws or does not return a bigint: from the
 * platform's.
 */
function bitsOf(randomBits: () => bigint): bigint {
  try {
    return BigInt.asUintN(64, randomBits());
  } catch {
    return cryptoBits();
  }
}

function spellingOf(zone: string, zoneSpelling: ZoneSpelling): string {
  try {
    return String(zoneSpelling(zone));
  } catch {
    return zone;
  }
}

class RunningServers implements RunningSource {
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  readonly #openTransport: (endpoint: NtpEndpoint) => NtpTransport;
  /** The transport to an address lives as long as what is remembered of that address. */
  readonly #transports = new WeakMap<Allowance, NtpTransport>();
  /** The source id until the name has an address. */
  readonly #unresolvedId: string;
  readonly #resolution: Resolution;
  readonly #rotation: Rotation;
  readonly #cancelStart: () => void;
  #pollers: readonly Poller[] = [];
  #stopped = false;
  /** Why the last attempt to resolve yielded no address; `undefined` when it yielded one. */
  #unresolved: string | undefined;
  /** All members will be replaced by the addresses of the next answer of the resolver. */
  #redrawing = false;
  #patienceMs = MIN_PATIENCE_MS;
  /** When the present members began to disagree; monotonic ms. */
  #disagreeingSince = Number.NEGATIVE_INFINITY;
  /** When the present members were last reported to disagree; monotonic ms. */
  #disagreedAt = Number.NEGATIVE_INFINITY;

  constructor(settings: Settings, sink: SourceSink) {
    const { kind, host, port, resolve, timeoutMs, zoneSpelling } = settings;
    const { clock } = sink;
    this.#settings = settings;
    this.#sink = sink;
    this.#openTransport = kind.open(sink);
    this.#unresolvedId = serverUrl(kind.scheme, host, port);
    this.#rotation = new Rotation(clock, (address) => this.#newAllowance(address));
    this.#resolution = new Resolution({
      clock,
      host,
      resolve,
      zoneSpelling,
      timeoutMs,
      inNeed: () => sink.bounded === false,
      onAnswer: (addresses, cause) => this.#onResolved(addresses, cause),
      onOverdue: () => this.#missUnresolved('the resolver has not answered yet'),
    });
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancelStart = clock.nextTurn(() => {
      sink.endpoints([this.#unresolvedId]);
      if (!this.#stopped) this.#resolution.begin();
    });
  }

  get pollIntervalMs(): number {
    const { pollIntervalMs = PRIVATE_POLL_MS } = this.#settings;
    const inUse = this.#pollers.filter((poller) => !poller.denied);
    return inUse.length === 0 ? pollIntervalMs : Math.max(...inUse.map((p) => p.intervalMs));
  }

  burst(): void {
    for (const poller of this.#pollers) poller.burst();
    // A clock without a bound should not sit out a long pause.
    this.#resolution.hurry();
  }

  pollNow(): void {
    for (const poller of this.#pollers) poller.pollNow();
    this.#resolution.hurry();
  }

  /**
   * Replaces the members of a pool that contradict each other: it is not known which of them is
   * wrong. They are kept for `#patienceMs` first.
   */
  redraw(): void {
    if (this.#settings.maxServers === 1) return;
    const nowMs = Number(this.#sink.clock.monotonicNs()) / 1e6;
    if (nowMs - this.#disagreedAt > MAX_PATIENCE_MS) this.#patienceMs = MIN_PATIENCE_MS;
    if (nowMs - this.#disagreedAt > MIN_PATIENCE_MS) this.#disagreeingSince = nowMs;
    this.#disagreedAt = nowMs;
    if (nowMs - this.#disagreeingSince < this.#patienceMs) return;
    this.#disagreeingSince = nowMs;
    this.#patienceMs = Math.min(this.#patienceMs * 2, MAX_PATIENCE_MS);
    this.#redrawing = true;
    this.#resolution.begin();
  }

  discardInFlight(): void {
    for (const poller of this.#pollers) poller.discardInFlight();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelStart();
    this.#resolution.stop();
    for (const poller of this.#pollers) poller.stop();
  }

  #missUnresolved(cause: string | undefined): void {
    if (this.#pollers.length === 0) this.#sink.miss(this.#unresolvedId, 'unresolved', { cause });
  }

  #onResolved(addresses: readonly string[], cause: string | undefined): void {
    const cameBack = this.#unresolved !== undefined && cause === undefined;
    this.#unresolved = cause;
    if (addresses.length > 0) this.#rotation.begin(addresses);
    const given = this.#redrawing ? [] : this.#pollers.filter((poller) => !poller.failing);
    this.#redrawing &&= addresses.length === 0;
    // Members of a pool that disagree stay only where there are not enough other addresses.
    const others = this.#pollers.filter((poller) => !given.includes(poller));
    this.#use(
      given,
      others.sort((a, b) => +a.denied - +b.denied),
    );
    // Names can be resolved again, so the network is back.
    if (cameBack) for (const poller of this.#pollers) if (poller.failing) poller.pollNow();
    // No poller will ask for a new address when there is no server, or none that may be asked.
    if (this.#pollers.every((poller) => poller.denied)) this.#resolution.later();
    this.#missUnresolved(cause);
  }

  /** Keeps `kept`, adds addresses not yet asked in this round, and fills up with `others`. */
  #use(kept: readonly Poller[], others: readonly Poller[]): void {
    const { maxServers } = this.#settings;
    const inUse = this.#pollers.map((poller) => poller.address);
    const added: Poller[] = [];
    while (kept.length + added.length < maxServers) {
      const address = this.#rotation.next(inUse);
      if (address === undefined) break;
      inUse.push(address);
      added.push(this.#startPoller(address));
    }
    if (added.length === 0) return;
    const chosen = [...kept, ...added, ...others].slice(0, maxServers);
    for (const poller of this.#pollers) if (!chosen.includes(poller)) poller.stop();
    this.#pollers = chosen;
    this.#sink.endpoints(chosen.map((poller) => poller.sourceId));
  }

  #newAllowance(address: string): Allowance {
    const { pollIntervalMs, force } = this.#settings;
    if (!isPublic(address)) {
      return new Allowance(pollIntervalMs ?? PRIVATE_POLL_MS, PRIVATE_REFILL_MS);
    }
    const wantedMs = pollIntervalMs ?? PUBLIC_POLL_MS;
    const intervalMs = force ? wantedMs : Math.max(wantedMs, MIN_PUBLIC_POLL_MS);
    return new Allowance(intervalMs, intervalMs);
  }

  #startPoller(address: string): Poller {
    const { kind, port, timeoutMs, maxRootDistanceMs, randomBits } = this.#settings;
    const endpoint = { address, port };
    const allowance = this.#rotation.ask(address);
    const transport = this.#transports.get(allowance) ?? this.#openTransport(endpoint);
    this.#transports.set(allowance, transport);
    return new Poller({
      sink: this.#sink,
      transport,
      randomBits,
      endpoint,
      sourceId: serverUrl(kind.scheme, address, port),
      allowance,
      preparationMs: kind.preparationMs,
      timeoutMs,
      maxRootDistanceMs,
      onOutcome: (poller) => this.#onOutcome(poller),
    });
  }

  #onOutcome(poller: Poller): void {
    // The sink was called first, and may have stopped this source or made it replace the poller.
    if (this.#stopped || !this.#pollers.includes(poller)) return;
    if (poller.barren) {
      const kept = this.#pollers.filter((each) => each !== poller);
      this.#use(kept, [poller]);
      if (!this.#pollers.includes(poller)) return;
    }
    if (poller.failing) this.#resolution.later();
    else if (poller.answering && this.#pollers.every((each) => !each.failing)) {
      this.#resolution.relax();
    }
  }
}
