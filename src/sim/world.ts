/**
 * A whole world under one seed: true time, a network, processes with bad clocks, NTP servers that
 * err within their claims or lie, and the oracle. It is a short form: all of it can also be built
 * from the parts.
 *
 * Worlds with equal seeds and equal calls are equal, byte for byte ({@link SimWorld.digest}).
 */

import type { ClockReading } from '../bounded-clock/reading.ts';
import type { SourceSink, TimeSource } from '../bounded-clock/time-source.ts';
import { askTracking } from '../sources/chrony/question.ts';
import { askBound } from '../sources/clock-bound/question.ts';
import {
  NTP_OPTIONS,
  type NtpEnvironment,
  type NtpOptions,
  ntpSource,
  serverSource,
} from '../sources/ntp/ntp-source.ts';
import { pollingSource } from '../sources/polling-source.ts';
import { checkNumber, checkObject } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';
import {
  type RunAsyncOptions,
  Scheduler,
  type SchedulerOptions,
  settlePromises,
} from './scheduler.ts';
import { SimChronyd, type SimChronydOptions } from './sim-chronyd.ts';
import { SimNetwork } from './sim-network.ts';
import { SimNtpServer, type SimNtpServerOptions } from './sim-ntp-server.ts';
import { SimProcess, type SimProcessOptions } from './sim-process.ts';
import { simTransport } from './sim-transport.ts';

/** The seed of a world, and its true time. */
export interface SimWorldOptions extends SchedulerOptions {
  /** An integer from 0 to 2^32 - 1. */
  readonly seed: number;
  /**
   * The command that runs this world again, for the oracle's report. Default: a text with the seed.
   */
  readonly replay?: string | undefined;
}

/**
 * The part of a clock that `watch` needs. A `BoundedClock` and a reader attached to one have
 * it.
 */
export interface WatchedClock {
  /** A reading, with or without an interval. */
  read(): ClockReading;
}

/** Options of {@link SimWorld.chrony}: those of the daemon, and of the source that asks it. */
export interface SimChronyOptions extends SimChronydOptions {
  /** Interval between questions, 1 ms to 1 h. Default 1 s. */
  readonly pollIntervalMs?: number | undefined;
}

/** Options of {@link SimWorld.witness}: those of the polling, and the radius. */
export interface SimWitnessOptions extends NtpOptions {
  /** How far its time may be off, as it says, 0 to 86,400,000 ms. Default 1000. */
  readonly radiusMs?: number | undefined;
}

/** A simulated world under one seed. */
export class SimWorld {
  /** The world's random numbers, all from its seed. */
  readonly random: Random;
  /** True time, and the events to come. */
  readonly scheduler: Scheduler;
  /** The network between its hosts. */
  readonly network: SimNetwork;
  /** Judges the readings of the clocks that are watched. */
  readonly oracle: Oracle;
  #resolving = false;

  constructor(options: SimWorldOptions) {
    this.random = new Random(checkObject('options', options).seed);
    this.scheduler = new Scheduler(options);
    this.network = new SimNetwork(this.scheduler, this.random);
    this.oracle = new Oracle(this.scheduler, options.replay ?? `seed ${options.seed}`);
  }

  /** A process on a machine of its own. `name` is its host on the network. */
  process(name: string, options: SimProcessOptions = {}): SimProcess {
    return new SimProcess(name, this.scheduler, this.random.fork(name), options);
  }

  /** An NTP server at an IP address, such as `10.0.0.1`. */
  ntpServer(address: string, options: SimNtpServerOptions = {}): SimNtpServer {
    const random = this.random.fork(`server ${address}`);
    return new SimNtpServer(address, this.scheduler, this.network, random, options);
  }

  /**
   * The library's NTP source, polling the server at `address` from `process` over the simulated
   * network. Its nonces and jitter come from the world's seed.
   */
  ntp(process: SimProcess, address: string, options: NtpOptions = {}): TimeSource {
    const transport = simTransport(this.network, process);
    return ntpSource(address, { ...options, ...this.#surroundings(process, address), transport });
  }

  /**
   * As {@link ntp}, with authenticated answers: what somebody on the way changed (`forge` of a
   * link) is ignored. Delays and losses are not. No keys are exchanged, and nothing is encrypted.
   */
  nts(process: SimProcess, address: string, options: NtpOptions = {}): TimeSource {
    const transport = simTransport(this.network, process, { authenticated: true });
    return serverSource(
      { scheme: 'nts', defaultPort: 123, preparationMs: 0, open: () => () => transport },
      address,
      { ...checkOptionNames(options, NTP_OPTIONS), ...this.#surroundings(process, address) },
    );
  }

  /**
   * The time daemon of the machine of `process`, and the library's chrony source that asks it. The
   * clocks of the machine are slewed from now on. Worlds with it need {@link run}.
   */
  chrony(process: SimProcess, options: SimChronyOptions = {}): TimeSource {
    const { pollIntervalMs = 1000, ...daemon } = checkObject('options', options);
    const random = this.random.fork(`chronyd of ${process.name}`);
    const chronyd = new SimChronyd(process, this.scheduler, random, daemon);
    return pollingSource({
      name: `chrony://${process.name}`,
      pollIntervalMs,
      ask: ({ clock, signal }) => askTracking(clock, signal, async () => chronyd.report()),
    });
  }

  /**
   * The time daemon of the machine of `process`, and the library's ClockBound source that reads
   * what it vouches for: the system clock, give or take what is pending and the daemon's error. The
   * clocks of the machine are slewed from now on. Worlds with it need {@link run}.
   */
  clockBound(process: SimProcess, options: SimChronyOptions = {}): TimeSource {
    const { pollIntervalMs = 1000, ...daemon } = checkObject('options', options);
    const random = this.random.fork(`time daemon of ${process.name}`);
    const chronyd = new SimChronyd(process, this.scheduler, random, daemon);
    return pollingSource({
      name: `clockbound://${process.name}`,
      pollIntervalMs,
      ask: ({ clock, signal }) => {
        const asOf = clock.monotonicNs();
        const boundNs = chronyd.boundNs();
        return askBound(clock, signal, (readAt) => boundNs + chronyd.growthNs(readAt - asOf));
      },
    });
  }

  /**
   * A witness that polls the server at `address` and believes its time to `radiusMs` only, as a
   * Roughtime server's is to its radius. It signs nothing, so it leaves no evidence.
   */
  witness(process: SimProcess, address: string, options: SimWitnessOptions = {}): TimeSource {
    const { radiusMs = 1000, ...polling } = checkObject('options', options);
    const radiusNs = BigInt(Math.ceil(1e6 * checkNumber('radiusMs', radiusMs, 0, 86_400_000)));
    const source = this.ntp(process, address, polling);
    const coarse = (sink: SourceSink): SourceSink => ({
      clock: sink.clock,
      get bounded() {
        return sink.bounded;
      },
      endpoints: (ids) => sink.endpoints(ids),
      sample: (sample) =>
        sink.sample({
          ...sample,
          upperNs: sample.upperNs + radiusNs,
          lowerNs: sample.lowerNs - radiusNs,
          serverErrorNs: sample.serverErrorNs + radiusNs,
        }),
      miss: (sourceId, reason, details) => sink.miss(sourceId, reason, details),
    });
    // Its radius covers a smear, as that of a Roughtime server does.
    const { timescale = 'utc' } = polling;
    return { ...source, role: 'witness', timescale, start: (sink) => source.start(coarse(sink)) };
  }

  #surroundings(process: SimProcess, address: string): Omit<NtpEnvironment, 'transport'> {
    const random = this.random.fork(`${process.name} polls ${address}`);
    return {
      resolve: async (host) => {
        this.#resolving = true;
        return [host];
      },
      randomBits: () => (BigInt(random.uint32()) << 32n) | BigInt(random.uint32()),
    };
  }

  /**
   * Reads `clock` at random instants, `everyMs` apart on average, and has the oracle judge each
   * reading. `process` makes the readings, one after the other: none while it is paused, none after
   * a crash.
   *
   * @param everyMs the mean time between readings, ms
   * @param firstMs the mean time between readings until the first interval, ms; default `everyMs`
   */
  watch(
    process: SimProcess,
    clock: WatchedClock,
    everyMs: number,
    firstMs: number = everyMs,
  ): void {
    const random = this.random.fork(`watch ${process.name}`);
    let bounded = false;
    const takeReading = process.bind(() => {
      const interval = this.oracle.judge(process.name, () => {
        const reading = clock.read();
        return reading.interval !== undefined ? reading.interval : undefined;
      });
      bounded ||= interval !== undefined;
      scheduleReading();
    });
    const scheduleReading = (): void => {
      const meanNs = (bounded ? everyMs : firstMs) * 1e6;
      this.scheduler.after(random.exponential(meanNs), takeReading);
    };
    scheduleReading();
  }

  /** Lets `ms` of true time pass. */
  async run(ms: number, options: RunAsyncOptions = {}): Promise<void> {
    await this.scheduler.runAsync(this.scheduler.elapsedNs + ms * 1e6, options);
  }

  /**
   * As {@link run}, several times as fast, for worlds in which only the NTP sources use promises
   * and nothing awaits a timer or a reading.
   */
  async runCallbacks(ms: number): Promise<void> {
    await this.run(ms, {
      settle: () => {
        if (!this.#resolving) return undefined;
        this.#resolving = false;
        return settlePromises();
      },
    });
  }

  /**
   * A fingerprint of everything that the oracle has seen: equal seeds give equal fingerprints, on
   * every engine.
   */
  digest(): string {
    return this.oracle.trace.digest();
  }
}
