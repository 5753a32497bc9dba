/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Who of the peers is there: heartbeats of many, over any transport.
 *
 * Problem. Each service that watches its peers writes this again, and convicts the whole cluster
 * when it was itself paused.
 *
 * Idea. Bytes out (`send`), bytes in (`receive`), and a phi detector per peer that leaves out our
 * own pauses. An unusual silence makes a peer *suspected*. If it stays silent for `suspicionMs`
 * more in which we ran, it is *convicted*; the worse our own health (local-health.ts), the longer
 * that takes. A heartbeat makes it *returned* at any time.
 *
 * Each heartbeat carries a timestamp of the sender's hybrid clock, so that causality crosses
 * between nodes that exchange nothing else. A timestamp too far ahead is refused as any other is,
 * and told to `onRefused`. The peer is alive nevertheless, so its heartbeat counts.
 *
 * It is no consensus: two nodes may differ in whom they convict, for as long as the network lets
 * only one of them hear the peer. What must not be done twice needs a lease and its fence. And it
 * is no gossip: each node hears each other one directly.
 *
 * Assumption: `receive` is given what trusted peers sent. A sender can pose as any peer.
 */
import type { HybridClock } from '../logical/hybrid-clock.ts';
import { checkNodeId } from '../logical/node-id.ts';
import type { Cancel, Clock } from '../time/clock.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import { Listeners } from '../time/listeners.ts';
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from './heartbeat-bytes.ts';
import { LocalHealth } from './local-health.ts';
import { Member, type MemberStatus } from './member.ts';
import {
  checkMembershipOptions,
  MembershipEvent,
  type MembershipOptions,
  type MembershipStats,
} from './membership-options.ts';
import { PauseMeter } from './pause-meter.ts';
import { PhiAccrualDetector } from './phi-accrual-detector.ts';

/** Peers are judged this many times per heartbeat. */
const LOOKS_PER_HEARTBEAT = 4;

/**
 * Watches peers by their heartbeats until it is stopped. Its timers do not keep the process alive.
 *
 * @example
 * const membership = Membership.start({
 *   ...{ clock: systemClock(), hlc, peers: ['orders-2'] },
 *   send: (heartbeat) => console.log('to all peers:', heartbeat.length, 'bytes'),
 * });
 * const end = membership.onChange(({ type, nodeId }) => console.log(nodeId, type));
 * membership.receive(new Uint8Array(3)); // no heartbeat: counted, and dropped
 * membership.statusOf('orders-2') // 'alive'
 * end();
 * membership.stop();
 */
export class Membership implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #hlc: HybridClock;
  readonly #send: (heartbeat: Uint8Array) => unknown;
  readonly #onRefused: ((error: unknown) => unknown) | undefined;
  readonly #lookMs: number;
  readonly #heartbeatMs: number;
  readonly #suspicionNs: number;
  readonly #maxMembers: number;
  readonly #pauses: PauseMeter;
  readonly #ownPauses: boolean;
  readonly #detector: PhiAccrualDetector;
  readonly #members = new Map<string, Member>();
  /** Convicted ones that were not named, oldest conviction first. */
  readonly #replaceable = new Set<string>();
  readonly #health = new LocalHealth();
  readonly #listeners = new Listeners<MembershipEvent>();
  readonly #incarnation: number = crypto.getRandomValues(new Uint32Array(1))[0]!;
  readonly #stats = {
    ...{ sent: 0, unsent: 0, received: 0, malformed: 0 },
    ...{ stale: 0, timestampsRefused: 0, noRoom: 0, sameNodeId: 0 },
  };
  readonly #now = new BigInt64Array(1);
  readonly #totals = new Float64Array(2);
  readonly #startedAt: bigint;
  #disturbedNs = 0;
  #sequence = 0;
  /** Which heartbeat since the start was sent last. */
  #beat = -1;
  #cancel: Cancel = () => {};
  #stopped = false;

  private constructor(options: MembershipOptions) {
    const { clock, pauses, named, phi, heartbeatMs, suspicionMs, ...checked } =
      checkMembershipOptions(options);
    new PhiAccrualDetector({ clock, ...phi }); // checks, before anything starts
    this.#clock = clock;
    this.#hlc = checked.hlc;
    this.#send = checked.send;
    this.#onRefused = checked.onRefused;
    this.#heartbeatMs = heartbeatMs;
    this.#lookMs = heartbeatMs / LOOKS_PER_HEARTBEAT;
    this.#suspicionNs = suspicionMs * 1e6;
    this.#maxMembers = checked.maxMembers;
    this.#pauses = pauses ?? PauseMeter.start({ clock });
    this.#ownPauses = pauses === undefined;
    this.#detector = new PhiAccrualDetector({ clock, ...phi, pauses: this.#pauses });
    for (const nodeId of named) this.#join(nodeId, true);
    this.#startedAt = clock.monotonicNs();
    this.#awakeNs();
    this.#disturbedNs = this.#totals[0]! + this.#totals[1]!;
    this.#arm(0);
  }

  /**
   * Begins to send heartbeats, and to judge those that are received.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for a bad option. Nothing is started then.
   */
  static start(options: MembershipOptions): Membership {
    return new Membership(options);
  }

  /**
   * Takes what came from the network. It never throws for what the bytes hold, and takes bounded
   * time and memory.
   *
   * @throws ArgumentTypeError when `heartbeat` is neither a Uint8Array nor an ArrayBuffer, such as
   *   the text frame of a WebSocket
   */
  receive(heartbeat: Uint8Array | ArrayBuffer): void {
    const bytes = heartbeat instanceof ArrayBuffer ? new Uint8Array(heartbeat) : heartbeat;
    if (!(bytes instanceof Uint8Array)) {
      throw new ArgumentTypeError('heartbeat', 'a Uint8Array or an ArrayBuffer', heartbeat);
    }
    if (this.#stopped) return;
    let decoded: Heartbeat;
    try {
      decoded = decodeHeartbeat(bytes);
    } catch (error) {
      this.#stats.malformed++;
      this.#refuse(error);
      return;
    }
    if (decoded.nodeId !== this.#hlc.nodeId) this.#heard(decoded);
    else if (decoded.incarnation !== this.#incarnation) this.#stats.sameNodeId++;
  }

  /**
   * What is thought of a peer now, as of the last look, a quarter of `heartbeatMs` ago at most
   * while this thread runs.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `nodeId` is not a node id
   */
  statusOf(nodeId: string): MemberStatus {
    return this.#members.get(checkNodeId('nodeId', nodeId))?.status ?? 'unknown';
  }

  /** The node ids of all peers, by status. */
  members(): Readonly<Record<'alive' | 'suspected' | 'convicted', readonly string[]>> {
    const members = { alive: [] as string[], suspected: [] as string[], convicted: [] as string[] };
    for (const { nodeId, status } of this.#members.values()) members[status].push(nodeId);
    return members;
  }

  /**
   * Drops a peer that has left for good. Returns whether it was known. If it is heard again, it is
   * a new one.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when `nodeId` is not a node id
   */
  forget(nodeId: string): boolean {
    this.#replaceable.delete(checkNodeId('nodeId', nodeId));
    return this.#members.delete(nodeId);
  }

  /** What became of heartbeats since the start. */
  stats(): MembershipStats {
    return { ...this.#stats };
  }

  /**
   * Calls `listener` on every change. Returns a function that ends the calls; so does `signal`.
   * What a listener throws becomes an unhandled rejection, which ends a process by Node's default,
   * and disturbs no other listener.
   *
   * @throws ArgumentTypeError when `listener` is not a function
   */
  onChange(
    listener: (event: MembershipEvent) => void,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): () => void {
    return this.#listeners.add(listener, options);
  }

  /** Sends and judges no more. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    this.#listeners.clear();
    if (this.#ownPauses) this.#pauses.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #heard(heartbeat: Heartbeat): void {
    const member = this.#members.get(heartbeat.nodeId) ?? this.#join(heartbeat.nodeId, false);
    if (member === undefined) {
      this.#stats.noRoom++;
      return;
    }
    if (!member.takes(heartbeat)) {
      this.#stats.stale++;
      return;
    }
    this.#stats.received++;
    const before = member.status;
    const phi = before === 'alive' ? 0 : member.detector.phi();
    member.detector.heartbeat();
    member.status = 'alive';
    if (heartbeat.timestamp > 0n) this.#advance(heartbeat);
    if (before === 'alive') return;
    this.#replaceable.delete(member.nodeId);
    if (before === 'suspected') this.#health.trouble();
    this.#listeners.tell(new MembershipEvent('returned', member.nodeId, phi));
  }

  #advance({ timestamp }: Heartbeat): void {
    try {
      this.#hlc.update(timestamp);
    } catch (error) {
      this.#stats.timestampsRefused++;
      this.#refuse(error);
    }
  }

  #join(nodeId: string, named: boolean): Member | undefined {
    if (this.#members.size >= this.#maxMembers) {
      const [replaced] = this.#replaceable;
      if (replaced === undefined) return undefined;
      this.forget(replaced);
    }
    const member = new Member(nodeId, named, this.#detector.fork());
    this.#members.set(nodeId, member);
    return member;
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.setTimer(ms, () => this.#look(), { background: true });
  }

  #look(): void {
    if (this.#stopped) return;
    let untilNextMs = this.#lookMs;
    let sinceMs: number;
    try {
      sinceMs = Number(this.#clock.monotonicNs() - this.#startedAt) / 1e6;
      // By due times since the start: what one timer was late must not delay the next as well.
      untilNextMs -= sinceMs % this.#lookMs;
    } finally {
      this.#arm(untilNextMs); // before all else, and also with a clock that throws
    }
    const awakeNs = this.#awakeNs();
    const disturbedNs = this.#totals[0]! + this.#totals[1]!;
    if (disturbedNs - this.#disturbedNs >= this.#heartbeatMs * 1e6) this.#health.trouble();
    this.#disturbedNs = disturbedNs;
    const beat = Math.floor(sinceMs / this.#heartbeatMs);
    if (beat > this.#beat) {
      this.#beat = beat;
      this.#health.intervalPassed();
      this.#sendHeartbeat();
    }
    for (const member of this.#members.values()) {
      // A listener, or `send`, may have stopped this, or dropped the member.
      if (this.#stopped) return;
      this.#judge(member, awakeNs);
    }
  }

  #judge(member: Member, awakeNs: number): void {
    if (member.status === 'alive' && member.detector.suspects()) {
      member.status = 'suspected';
      member.suspectedAt = awakeNs;
      this.#tell('suspected', member);
      return; // a listener may have dropped it
    }
    const silentNs = awakeNs - member.suspectedAt;
    if (
      member.status === 'suspected' &&
      silentNs >= this.#suspicionNs * this.#health.multiplier &&
      member.detector.suspects()
    ) {
      member.status = 'convicted';
      if (!member.named) this.#replaceable.add(member.nodeId);
      this.#tell('convicted', member);
    }
  }

  #tell(type: MembershipEvent['type'], member: Member): void {
    this.#listeners.tell(new MembershipEvent(type, member.nodeId, member.detector.phi()));
  }

  /** Time in which this thread ran, ns; and writes the totals of its pauses. */
  #awakeNs(): number {
    this.#now[0] = this.#clock.monotonicNs();
    this.#pauses.totalsAt(this.#now, this.#totals);
    return Number(this.#now[0]! - this.#startedAt) - this.#totals[0]!;
  }

  #sendHeartbeat(): void {
    this.#sequence = this.#sequence === 0xffff_ffff ? 1 : this.#sequence + 1;
    const bytes = encodeHeartbeat({
      nodeId: this.#hlc.nodeId,
      incarnation: this.#incarnation,
      sequence: this.#sequence,
      timestamp: this.#stamp(),
    });
    const failed = (error: unknown): void => {
      this.#stats.unsent++;
      this.#refuse(error);
    };
    try {
      const sent = this.#send(bytes);
      if (typeof (sent as PromiseLike<unknown> | undefined)?.then === 'function') {
        Promise.resolve(sent).then(() => void this.#stats.sent++, failed);
      } else this.#stats.sent++;
    } catch (error) {
      failed(error);
    }
  }

  /** 0n while the physical clock does not know the time: the heartbeat is sent nevertheless. */
  #stamp(): bigint {
    try {
      return this.#hlc.now();
    } catch (error) {
      this.#refuse(error);
      return 0n;
    }
  }

  #refuse(error: unknown): void {
    try {
      const returned: unknown = this.#onRefused?.(error);
      if (returned !== undefined) Promise.resolve(returned).catch(() => {});
    } catch {
      // Documented: dropped.
    }
  }
}
