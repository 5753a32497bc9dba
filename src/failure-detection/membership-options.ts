/** What a membership is given, and what it tells. */
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { checkNodeId } from '../logical/node-id.ts';
import type { Clock } from '../time/clock.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  checkMethods,
  checkNumber,
} from '../time/errors.ts';
import { jsonForm } from '../time/json.ts';
import { checkOptionNames } from '../time/options.ts';
import { checkPauses, type PauseMeter } from './pause-meter.ts';
import type { PhiAccrualDetectorOptions } from './phi-settings.ts';

/** Options of Membership.start. */
export interface MembershipOptions
  extends Pick<
    PhiAccrualDetectorOptions,
    'model' | 'threshold' | 'acceptablePauseMs' | 'minDeviationMs' | 'windowSize'
  > {
  /** The clock of this thread, such as `systemClock()`. */
  readonly clock: Clock;
  /** Its node id is ours. It stamps what is sent, and advances by what is received. */
  readonly hlc: HybridClock;
  /**
   * Sends the bytes to all peers. Called once per `heartbeatMs`. What it throws, or rejects with,
   * goes to `onRefused`.
   */
  readonly send: (heartbeat: Uint8Array) => unknown;
  /** Node ids that are expected from the beginning: suspected if they are never heard. */
  readonly peers?: readonly string[] | undefined;
  /** How often a heartbeat is sent, by everybody: 10 to 3,600,000 ms. Default 1000. */
  readonly heartbeatMs?: number | undefined;
  /**
   * From suspicion to conviction when we are healthy, 0 to 86,400,000 ms. Default five heartbeats.
   */
  readonly suspicionMs?: number | undefined;
  /**
   * The most peers that are kept, 1 to 10,000. Default 1000. When there is no room, a new one
   * takes the place of a convicted one that was not named in `peers`, or is refused.
   */
  readonly maxMembers?: number | undefined;
  /** The meter of this thread's pauses. Default: one of its own, which ends with it. */
  readonly pauses?: PauseMeter | undefined;
  /**
   * Called with each error: bytes that are no heartbeat, a timestamp that our clock refuses, a send
   * that failed, a clock of our own that has no timestamp to send. What it throws itself, or
   * rejects with, is dropped. Errors come as often as somebody sends garbage, so count them, and do
   * not log each.
   */
  readonly onRefused?: ((error: unknown) => void) | undefined;
}

const NAMES: Readonly<Record<keyof MembershipOptions, true>> = {
  model: true,
  threshold: true,
  acceptablePauseMs: true,
  minDeviationMs: true,
  windowSize: true,
  clock: true,
  hlc: true,
  send: true,
  peers: true,
  heartbeatMs: true,
  suspicionMs: true,
  maxMembers: true,
  pauses: true,
  onRefused: true,
};

/** What a membership tells. */
export class MembershipEvent {
  /** `'suspected'`, then `'convicted'`; `'returned'` after either of them. */
  readonly type: 'suspected' | 'convicted' | 'returned';
  /** The peer. */
  readonly nodeId: string;
  /** How suspicious its silence was just before; finite. */
  readonly phi: number;

  /** @internal */
  constructor(type: MembershipEvent['type'], nodeId: string, phi: number) {
    this.type = type;
    this.nodeId = nodeId;
    this.phi = phi;
  }

  /** The fields. */
  toJSON(): Record<string, unknown> {
    return jsonForm(this);
  }
}

/** What became of heartbeats since the start. */
export interface MembershipStats {
  /** Heartbeats that were sent, as far as `send` tells. */
  readonly sent: number;
  /** Sends that failed. */
  readonly unsent: number;
  /** Heartbeats that counted. */
  readonly received: number;
  /** Bytes that are no heartbeat. */
  readonly malformed: number;
  /** Copies, and heartbeats that were overtaken. */
  readonly stale: number;
  /** Of these that counted: timestamps that our hybrid clock refused. */
  readonly timestampsRefused: number;
  /** Heartbeats of new peers for which there was no room. */
  readonly noRoom: number;
  /** Heartbeats under our own node id that we did not send: two processes share one id. */
  readonly sameNodeId: number;
}

const DAY_MS = 86_400_000;
const CLOCK = ['monotonicNs', 'wallReadNs', 'setTimer', 'nextTurn'];

interface CheckedOptions {
  readonly clock: Clock;
  readonly hlc: HybridClock;
  readonly send: (heartbeat: Uint8Array) => unknown;
  readonly onRefused: ((error: unknown) => unknown) | undefined;
  readonly pauses: PauseMeter | undefined;
  readonly heartbeatMs: number;
  readonly suspicionMs: number;
  readonly maxMembers: number;
  /** The ids of `peers`, each once. */
  readonly named: readonly string[];
  /** The options of the detectors, which check them. */
  readonly phi: Omit<PhiAccrualDetectorOptions, 'clock' | 'pauses'>;
}

/**
 * The options with their defaults.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 */
export function checkMembershipOptions(options: MembershipOptions): CheckedOptions {
  const { clock, hlc, send, peers = [], pauses, onRefused } = checkOptionNames(options, NAMES);
  const { heartbeatMs = 1000, maxMembers = 1000 } = options;
  checkMethods('clock', 'a Clock', clock, CLOCK);
  checkHybridClock(hlc);
  if (typeof send !== 'function') throw new ArgumentTypeError('send', 'a function', send);
  if (onRefused !== undefined && typeof onRefused !== 'function') {
    throw new ArgumentTypeError('onRefused', 'a function', onRefused);
  }
  checkNumber('heartbeatMs', heartbeatMs, 10, 3_600_000);
  const { suspicionMs = Math.min(5 * heartbeatMs, DAY_MS) } = options;
  checkNumber('suspicionMs', suspicionMs, 0, DAY_MS);
  if (!Number.isInteger(checkNumber('maxMembers', maxMembers, 1, 10_000))) {
    throw new ArgumentRangeError('maxMembers', 'a whole number', maxMembers);
  }
  checkPauses(pauses, clock);
  const named = checkPeers(peers, hlc.nodeId, maxMembers);
  const { model, threshold, acceptablePauseMs, minDeviationMs, windowSize } = options;
  const window = { minDeviationMs, windowSize, firstIntervalMs: heartbeatMs };
  const phi = { model, threshold, acceptablePauseMs, ...window };
  return {
    ...{ clock, hlc, send, onRefused, pauses, heartbeatMs, suspicionMs, maxMembers, named },
    phi,
  };
}

/** @throws ArgumentTypeError, ArgumentRangeError unless these are node ids of others */
function checkPeers(peers: unknown, ownId: string, most: number): readonly string[] {
  if (!Array.isArray(peers)) throw new ArgumentTypeError('peers', 'an array of node ids', peers);
  const named = new Set<string>();
  for (const peer of peers) {
    const nodeId = checkNodeId('each of peers', peer);
    if (nodeId === ownId) throw new ArgumentRangeError('peers', 'the ids of others', nodeId);
    named.add(nodeId);
  }
  if (named.size > most) throw new ArgumentRangeError('peers', `at most ${most} ids`, named.size);
  return [...named];
}
