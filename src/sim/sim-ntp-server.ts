/**
 * An NTP server in the simulated world. It answers with the same pure function as the embedded UDP
 * server (`answerRequest`), so codec, nonce and accept rules are the real ones. Simulated are only
 * how well it knows the time, and how honestly it says so.
 *
 * **Honest**: its clock is off by `error(t)`, which never exceeds its claim,
 * `rootDelay / 2 + rootDispersion`. The error is drawn *inside* the claim, up to its very edge: a
 * test whose servers are all better than they claim cannot notice a client that forgets half of the
 * claim. The claimed dispersion grows at 15 ppm between the server's own updates, as a real
 * server's does, and the true error grows with it. Its stamps are rounded down to the resolution
 * that it announces as precision, and its claims to the unit of the wire, 2^-16 s. Real servers do
 * both, so a client must allow for it.
 *
 * **Lying**: in addition, its time is off by an offset, a drift or a step that the claim does not
 * cover, or it claims less than is true. Liars with the same lie collude.
 */

import type { LeapWarning } from '../bound/clock-sample.ts';
import type { KissCode } from '../sources/ntp/exchange.ts';
import { referenceIdOf } from '../sources/ntp/packet.ts';
import { answerRequest } from '../sources/ntp/server.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import { checkOptionNames } from '../time/options.ts';
import { checkNetwork, checkRandom, checkScheduler, checkText } from './checks.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimNetwork } from './sim-network.ts';

/**
 * How a simulated NTP server keeps time, and what it claims. Each absent option has its default.
 */
export interface SimNtpServerOptions {
  /** The claimed root delay, ms. Default 0.4. */
  readonly rootDelayMs?: number | undefined;
  /** The claimed root dispersion just after an update, ms. Default 0.3. */
  readonly rootDispersionMs?: number | undefined;
  /**
   * The time between the server's own updates, ms. Its claim grows at 15 ppm between them. Default
   * 64,000.
   */
  readonly updateEveryMs?: number | undefined;
  /**
   * Its true error, as a share of the claim; -1 and 1 are the edges. Default: drawn, and an edge
   * half the time.
   */
  readonly errorShare?: number | undefined;
  /**
   * The period with which the error swings between +share and -share, ms. Default: it does not
   * swing.
   */
  readonly errorPeriodMs?: number | undefined;
  /** The longest it holds a request before it answers, ms; both stamps are honest. Default 0.05. */
  readonly holdMs?: number | undefined;
  /** The signed log2 of its clock's resolution in seconds, -60 to 0. Default -20. */
  readonly precision?: number | undefined;
  /** The stratum that it announces. Default 2. */
  readonly stratum?: number | undefined;
  /**
   * What it does at the world's leap second. `'smear-24h'`: it spreads the second evenly from noon
   * before it to noon after it, and its claim is about that time. Default `'utc'`.
   */
  readonly timescale?: 'utc' | 'smear-24h' | undefined;
  /** How it misbehaves at first. Default: it is honest. */
  readonly behaviour?: SimNtpBehaviour | undefined;
}

/**
 * How a server misbehaves. It may be changed while the world runs ({@link SimNtpServer.behave}).
 */
export interface SimNtpBehaviour {
  /** Its time is off by this much, ms; positive is ahead. Default 0. */
  readonly offsetMs?: number | undefined;
  /** From the moment this is set, its time drifts away at this rate, ppm. Default 0. */
  readonly driftPpm?: number | undefined;
  /**
   * The claim it announces, as a share of the honest one. Below 1 it lies about its quality.
   * Default 1.
   */
  readonly claimShare?: number | undefined;
  /** When true, it does not answer. Default `false`. */
  readonly silent?: boolean | undefined;
  /** The leap warning it announces; `unsynchronized` is leap indicator 3. Default `none`. */
  readonly leap?: LeapWarning | 'unsynchronized' | undefined;
  /** It answers with this kiss-o'-death instead of the time. Default: none. */
  readonly kiss?: KissCode | undefined;
  /**
   * It smears a leap second: its time falls behind evenly (where a second is deleted, gets ahead
   * evenly), by a second over `windowMs`. The window ends when true time steps, `leapAtMs` after
   * the beginning of the world.
   */
  readonly smear?:
    | {
        readonly leapAtMs: number;
        readonly windowMs: number;
        /** Whether a second is inserted or deleted. Default `'insert'`. */
        readonly kind?: 'insert' | 'delete';
      }
    | undefined;
  /** It carries out the world's leap second this much late, ms. Default 0. */
  readonly leapLateMs?: number | undefined;
}

/** RFC 5905: dispersion grows at 15 ppm. */
const CLAIM_GROWTH_RATE = 15e-6;
const PORT = 123;
const SMEARED_DAY_NS = 86_400_000_000_000n;
const LEAP_INDICATOR = { none: 0, insert: 1, delete: 2, unsynchronized: 3 } as const;

/** What a server announces about its own error, and how long ago it was updated. */
interface Claim {
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
  readonly ageNs: number;
}

const NAMES: Readonly<Record<keyof SimNtpServerOptions, true>> = {
  rootDelayMs: true,
  rootDispersionMs: true,
  updateEveryMs: true,
  errorShare: true,
  errorPeriodMs: true,
  holdMs: true,
  precision: true,
  stratum: true,
  timescale: true,
  behaviour: true,
};

const BEHAVIOUR: Readonly<Record<keyof SimNtpBehaviour, true>> = {
  offsetMs: true,
  driftPpm: true,
  claimShare: true,
  silent: true,
  leap: true,
  kiss: true,
  smear: true,
  leapLateMs: true,
};

/** A simulated NTP server, honest or lying. */
export class SimNtpServer {
  /** The host that it answers on. */
  readonly address: string;
  readonly #scheduler: Scheduler;
  readonly #options: SimNtpServerOptions;
  readonly #random: Random;
  readonly #share: number;
  readonly #phase: number;
  readonly #gridNs: bigint;
  #behaviour: SimNtpBehaviour;
  #behavesSince = 0;

  /**
   * Listens on port 123 of `address` until the world ends.
   *
   * @throws ArgumentTypeError when an argument has the wrong type
   */
  constructor(
    address: string,
    scheduler: Scheduler,
    network: SimNetwork,
    random: Random,
    options: SimNtpServerOptions = {},
  ) {
    checkText('address', address);
    checkScheduler(scheduler);
    checkNetwork(network);
    checkRandom(random);
    checkOptionNames(options, NAMES);
    if (options.behaviour !== undefined)
      checkOptionNames(options.behaviour, BEHAVIOUR, 'behaviour');
    this.address = address;
    this.#scheduler = scheduler;
    this.#options = options;
    this.#random = random;
    const drawn = random.chance(0.5) ? (random.chance(0.5) ? 1 : -1) : random.between(-1, 1);
    this.#share = options.errorShare ?? drawn;
    this.#phase = random.between(0, 2 * Math.PI);
    this.#behaviour = options.behaviour ?? {};
    const { precision = -20 } = options;
    this.#gridNs = precision > -30 ? 1_000_000_000n >> BigInt(-precision) : 1n;
    const own = { host: address, port: PORT };
    network.attach(own, (request, from) => {
      const received = this.#timeNs();
      const claimed = this.#claim();
      const holdNs = this.#random.between(0, (this.#options.holdMs ?? 0.05) * 1e6);
      if (this.#behaviour.silent === true) return;
      this.#scheduler.after(holdNs, () => {
        const reply = this.#answer(request, received, claimed);
        if (reply !== undefined) network.send(own, from, reply);
      });
    });
  }

  /** Replaces its behaviour from the next request on; `{}` makes it honest. */
  behave(behaviour: SimNtpBehaviour): void {
    this.#behaviour = checkOptionNames(behaviour, BEHAVIOUR, 'behaviour');
    this.#behavesSince = this.#scheduler.elapsedNs;
  }

  /** Its time minus true time now, ns. A smear counts as an error. */
  errorNs(): bigint {
    return this.#timeNs() - this.#scheduler.trueNs();
  }

  /**
   * The answer to `request`. An honest claim covers both stamps: where the server was updated while
   * it held the request, that is the older claim.
   */
  #answer(request: Uint8Array, received: UnixNs, claimed: Claim): Uint8Array | undefined {
    const { precision = -20, stratum = 2 } = this.#options;
    const { kiss, leap = 'none', claimShare = 1 } = this.#behaviour;
    const now = this.#claim();
    const claim = now.rootDispersionMs < claimed.rootDispersionMs ? claimed : now;
    return answerRequest(request, received, this.#timeNs(), {
      leap: LEAP_INDICATOR[leap],
      stratum,
      precision,
      rootDelay: truncatedShort(claim.rootDelayMs * claimShare),
      rootDispersion: truncatedShort(claim.rootDispersionMs * claimShare),
      referenceId: referenceIdOf('SIM'),
      referenceNs: asUnixNs(this.#timeNs() - BigInt(Math.floor(claim.ageNs))),
      kiss,
    });
  }

  /** The claim of an honest server now. */
  #claim(): Claim {
    const { rootDelayMs = 0.4, rootDispersionMs = 0.3, updateEveryMs = 64_000 } = this.#options;
    const ageNs = this.#scheduler.elapsedNs % (updateEveryMs * 1e6);
    const grownMs = (CLAIM_GROWTH_RATE * ageNs) / 1e6;
    return { rootDelayMs, rootDispersionMs: rootDispersionMs + grownMs, ageNs };
  }

  #timeNs(): UnixNs {
    const { rootDelayMs, rootDispersionMs } = this.#claim();
    const elapsed = this.#scheduler.elapsedNs;
    const { errorPeriodMs } = this.#options;
    const swing =
      errorPeriodMs === undefined
        ? 1
        : Math.cos(this.#phase + (2 * Math.PI * elapsed) / (errorPeriodMs * 1e6));
    const honestNs = (rootDelayMs / 2 + rootDispersionMs) * 1e6 * this.#share * swing;
    const { offsetMs = 0, driftPpm = 0 } = this.#behaviour;
    const lieNs = offsetMs * 1e6 + driftPpm * 1e-6 * (elapsed - this.#behavesSince);
    // Towards zero: rounding must not push an honest error over the edge of its claim.
    const errorNs = BigInt(Math.trunc(honestNs)) + BigInt(Math.trunc(lieNs)) - this.#smearNs();
    const ideal = this.#options.timescale === 'smear-24h' ? this.#smearedNs() : this.#trueNs();
    const exact = ideal + errorNs;
    return asUnixNs(exact - (exact % this.#gridNs));
  }

  #smearNs(): bigint {
    const { smear } = this.#behaviour;
    if (smear === undefined) return 0n;
    const left = smear.leapAtMs * 1e6 - this.#scheduler.elapsedNs;
    const done = 1 - left / (smear.windowMs * 1e6);
    // Once true time itself has stepped, the server is right again.
    const behind = left <= 0 || done <= 0 ? 0n : BigInt(Math.round(done * 1e9));
    return smear.kind === 'delete' ? -behind : behind;
  }

  /** True time with the leap second spread over a day, rounded down. */
  #smearedNs(): bigint {
    const { elapsedNs, leapElapsedNs, originNs } = this.#scheduler;
    if (leapElapsedNs === Number.POSITIVE_INFINITY) return this.#scheduler.trueNs();
    const step = this.#scheduler.trueNsAt(leapElapsedNs) - originNs - BigInt(leapElapsedNs);
    // SI time from noon to noon, and from noon to the step.
    const lastsNs = SMEARED_DAY_NS - step;
    const toStepNs = step < 0n ? SMEARED_DAY_NS / 2n : SMEARED_DAY_NS / 2n - step;
    const passedNs = BigInt(elapsedNs - leapElapsedNs) + toStepNs;
    if (passedNs < 0n || passedNs > lastsNs) return this.#scheduler.trueNs();
    const noon = originNs + BigInt(leapElapsedNs) - toStepNs;
    return noon + (passedNs * SMEARED_DAY_NS) / lastsNs;
  }

  /** True time, without a leap second that the server has not carried out yet. */
  #trueNs(): UnixNs {
    const { elapsedNs, leapElapsedNs, originNs } = this.#scheduler;
    const { leapLateMs = 0 } = this.#behaviour;
    const late = elapsedNs >= leapElapsedNs && elapsedNs < leapElapsedNs + leapLateMs * 1e6;
    return late ? asUnixNs(originNs + BigInt(elapsedNs)) : this.#scheduler.trueNs();
  }
}

/** 16.16 seconds, truncated; at most 65,535 s. */
function truncatedShort(ms: number): number {
  return Math.floor(Math.min(ms / 1000, 65_535) * 65_536);
}
