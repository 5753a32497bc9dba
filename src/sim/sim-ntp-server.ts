/**
 * An NTP server in the simulated world. It answers with the same pure function as the embedded UDP
 * server (`answerRequest`), so codec, nonce and accept rules are the real ones; what is simulated is how
 * well it knows the time and how honestly it says so.
 *
 * **Honest**: its clock is off by `error(t)`, which never exceeds what it claims, `rootDelay / 2 +
 * rootDispersion`. The error is drawn *inside* the claim, up to its very edge, because a test whose
 * servers are all better than they say cannot notice a client that forgets half of the claim. The claimed
 * dispersion grows at 15 ppm between its own updates, as a real server's does, and the true error with it.
 * Its stamps are floored to the resolution it announces as precision, and its claims to the wire's
 * quantum of 2^-16 s: real servers do both, and a client must allow for it.
 *
 * **Lying**: on top of that its time is off by an offset, a drift or a step that the claim does not
 * cover, or it claims less than is true. Liars given the same lie collude.
 */
import type { LeapWarning } from '../bound/clock-sample.ts';
import type { KissCode } from '../sources/ntp/exchange.ts';
import { referenceIdOf } from '../sources/ntp/packet.ts';
import { answerRequest } from '../sources/ntp/server.ts';
import { asUnixNs, type UnixNs } from '../time/instant.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimNetwork } from './sim-network.ts';

export interface SimNtpServerOptions {
  /** Claimed root delay. Default 0.4 ms. */
  readonly rootDelayMs?: number;
  /** Claimed root dispersion just after an update. Default 0.3 ms. */
  readonly rootDispersionMs?: number;
  /** Time between its own updates, over which its claim grows at 15 ppm. Default 64 s. */
  readonly updateEveryMs?: number;
  /**
   * Its true error, as a share of the claim: -1 and 1 are the edges. Default: drawn, an edge half the time.
   */
  readonly errorShare?: number;
  /** The error swings between +share and -share with this period. Default: it does not. */
  readonly errorPeriodMs?: number;
  /** The longest it holds a request before it answers; both stamps are honest. Default 0.05 ms. */
  readonly holdMs?: number;
  /** Signed log2 of its clock's resolution in seconds, -60 to 0. Default -20. */
  readonly precision?: number;
  /** Default 2. */
  readonly stratum?: number;
  readonly behaviour?: SimNtpBehaviour;
}

/** How a server misbehaves; may be changed while the world runs ({@link SimNtpServer.behave}). */
export interface SimNtpBehaviour {
  /** Its time is off by this much. */
  readonly offsetMs?: number;
  /** Its time runs off at this rate from the moment this is set. */
  readonly driftPpm?: number;
  /** The claim it announces, as a share of the honest one. Below 1 it lies about its quality. */
  readonly claimShare?: number;
  /** It does not answer. */
  readonly silent?: boolean;
  /** Default `none`; `unsynchronized` is leap indicator 3. */
  readonly leap?: LeapWarning | 'unsynchronized';
  /** It answers with this kiss-o'-death. */
  readonly kiss?: KissCode;
  /**
   * It smears a leap second: its time falls behind evenly, by a second over `windowMs` that ends when the
   * leap second is inserted, `leapAtMs` after the beginning of the world.
   */
  readonly smear?: { readonly leapAtMs: number; readonly windowMs: number };
}

/** RFC 5905: dispersion grows at 15 ppm. */
const CLAIM_GROWTH = 15e-6;
const PORT = 123;
const LEAP_INDICATOR = { none: 0, insert: 1, delete: 2, unsynchronized: 3 } as const;

/** What a server announces of its own error, and how long ago it was updated. */
interface Claim {
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
  readonly ageNs: number;
}

export class SimNtpServer {
  readonly address: string;
  readonly #scheduler: Scheduler;
  readonly #options: SimNtpServerOptions;
  readonly #random: Random;
  readonly #share: number;
  readonly #phase: number;
  readonly #gridNs: bigint;
  #behaviour: SimNtpBehaviour;
  #behavesSince = 0;

  /** Listens on port 123 of `address` until the world ends. */
  constructor(
    address: string,
    scheduler: Scheduler,
    network: SimNetwork,
    random: Random,
    options: SimNtpServerOptions = {},
  ) {
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
    this.#behaviour = behaviour;
    this.#behavesSince = this.#scheduler.elapsedNs;
  }

  /** Its time minus true time now, in ns. */
  errorNs(): bigint {
    return this.#timeNs() - this.#scheduler.trueNs();
  }

  /** An honest claim covers both stamps: where the server was updated while it held the request, the older one. */
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

  /** What an honest server would announce now. */
  #claim(): Claim {
    const { rootDelayMs = 0.4, rootDispersionMs = 0.3, updateEveryMs = 64_000 } = this.#options;
    const ageNs = this.#scheduler.elapsedNs % (updateEveryMs * 1e6);
    const grownMs = (CLAIM_GROWTH * ageNs) / 1e6;
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
    const exact = this.#scheduler.trueNs() + errorNs;
    return asUnixNs(exact - (exact % this.#gridNs));
  }

  #smearNs(): bigint {
    const { smear } = this.#behaviour;
    if (smear === undefined) return 0n;
    const left = smear.leapAtMs * 1e6 - this.#scheduler.elapsedNs;
    const done = 1 - left / (smear.windowMs * 1e6);
    // Once the second is inserted, true time itself is the second behind.
    return left <= 0 || done <= 0 ? 0n : BigInt(Math.round(done * 1e9));
  }
}

/** 16.16 s, truncated; at most 65,535 s. */
function truncatedShort(ms: number): number {
  return Math.floor(Math.min(ms / 1000, 65_535) * 65_536);
}
