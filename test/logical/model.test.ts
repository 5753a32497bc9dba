/**
 * Random histories of messages between nodes whose physical clocks are skewed and stepped, checked
 * by a brute-force oracle. Every event carries a vector clock, and `a` happened before `b` exactly
 * when a's vector is below b's. The oracle does not use timestamps, and the clocks do not use
 * vectors.
 *
 * The unit is the nanosecond everywhere. Skews, steps and the limit are a few hundred of them, so
 * that ties, overtaking and refusals happen all the time.
 */
import { HybridClock, type HybridClockOptions, type UnixNs } from 'epsilon-clock';
import { LamportClock } from 'epsilon-clock/lamport';
import { SharedHybridClock } from 'epsilon-clock/threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const NODES = 4;
const EPOCH = 1_795_227_787_534_418_003n;
const LIMIT_NS = 200n;
const MAX_SKEW_NS = 1000;

type Op =
  | { readonly op: 'local'; readonly node: number; readonly form: number }
  | { readonly op: 'commit'; readonly node: number; readonly aheadNs: number }
  | { readonly op: 'send'; readonly node: number }
  | { readonly op: 'receive'; readonly node: number; readonly pick: number; readonly form: number }
  | { readonly op: 'receiveAll'; readonly node: number; readonly picks: readonly number[] }
  | { readonly op: 'forge'; readonly node: number; readonly aheadNs: number }
  | { readonly op: 'step'; readonly node: number; readonly skewNs: number }
  | { readonly op: 'pass'; readonly ns: number };

const node = fc.nat(NODES - 1);
const form = fc.nat(3);
const skewNs = fc.integer({ min: -MAX_SKEW_NS, max: MAX_SKEW_NS });
const ops: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ op: fc.constant('local'), node, form }),
  fc.record({ op: fc.constant('commit'), node, aheadNs: fc.nat(Number(LIMIT_NS)) }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('send'), node }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('receive'), node, pick: fc.nat(), form }) },
  fc.record({
    op: fc.constant('receiveAll'),
    node,
    picks: fc.array(fc.nat(), { maxLength: 4 }),
  }),
  fc.record({
    op: fc.constant('forge'),
    node,
    aheadNs: fc.integer({ min: -50, max: 2 * Number(LIMIT_NS) }),
  }),
  fc.record({ op: fc.constant('step'), node, skewNs }),
  { weight: 2, arbitrary: fc.record({ op: fc.constant('pass'), ns: fc.nat(120) }) },
) as fc.Arbitrary<Op>;

interface Event {
  readonly node: number;
  readonly vector: readonly number[];
  readonly hlc: bigint;
  readonly lamport: number;
}

/** Whether a happened before b: a's vector is nowhere above b's and somewhere below. */
function happenedBefore(a: Event, b: Event): boolean {
  return (
    a.vector.every((count, i) => count <= b.vector[i]!) &&
    a.vector.some((count, i) => count < b.vector[i]!)
  );
}

/** One machine: its physical clock, its logical clocks, and its vector clock for the oracle. */
class Machine {
  readonly index: number;
  readonly hlc: HybridClock;
  readonly lamport: LamportClock;
  readonly vector: number[] = new Array<number>(NODES).fill(0);
  skewNs: bigint;
  highestPhysicalNs = 0n;
  events = 0;

  constructor(index: number, skew: number, world: World, make: Make) {
    this.index = index;
    this.skewNs = BigInt(skew);
    this.lamport = new LamportClock({ nodeId: `n${index}` });
    this.hlc = make({
      clock: { wallNs: () => (world.trueNs + this.skewNs) as UnixNs },
      nodeId: `n${index}`,
      maxRemoteAheadMs: Number(LIMIT_NS) / 1e6,
    });
  }
}

type Make = (options: HybridClockOptions) => HybridClock;

class World {
  trueNs = EPOCH;
  readonly machines: Machine[];
  readonly events: Event[] = [];
  readonly inFlight: Event[] = [];
  refusals = 0;

  constructor(skews: readonly number[], make: Make) {
    this.machines = skews.map((skew, i) => new Machine(i, skew, this, make));
  }

  run(op: Op): void {
    if (op.op === 'pass') {
      this.trueNs += BigInt(op.ns);
      return;
    }
    const machine = this.machines[op.node]!;
    const physicalNs = () => this.trueNs + machine.skewNs;
    switch (op.op) {
      case 'step':
        machine.skewNs = BigInt(op.skewNs);
        break;
      case 'local':
        this.#happens(machine, [], () => localEvent(machine.hlc, op.form));
        break;
      case 'commit': {
        const floor = physicalNs() + BigInt(op.aheadNs);
        const t = this.#happens(machine, [], () => machine.hlc.nowAtLeast(floor));
        expect(t).toBeGreaterThanOrEqual(floor);
        break;
      }
      case 'send':
        this.#happens(machine, [], () => machine.hlc.now());
        this.inFlight.push(this.events.at(-1)!);
        break;
      case 'forge': {
        const remote = physicalNs() + BigInt(op.aheadNs);
        this.#receives(machine, [], [remote], () => machine.hlc.receive(remote));
        break;
      }
      case 'receive': {
        const message = this.#pick(op.pick);
        if (message === undefined) break;
        this.#receives(machine, [message], [message.hlc], () =>
          receiveEvent(machine.hlc, message.hlc, op.form),
        );
        break;
      }
      case 'receiveAll': {
        const messages = op.picks.flatMap((pick) => this.#pick(pick) ?? []);
        const remotes = messages.map((message) => message.hlc);
        this.#receives(machine, messages, remotes, () => machine.hlc.receiveAll(remotes));
        break;
      }
    }
  }

  /** Messages are lost, duplicated and reordered: any message sent so far may arrive. */
  #pick(pick: number): Event | undefined {
    return this.inFlight[pick % Math.max(1, this.inFlight.length)];
  }

  /**
   * Receives, and checks the outcome. A receipt must be refused exactly when a remote is above our
   * last timestamp and too far ahead of physical time.
   */
  #receives(
    machine: Machine,
    messages: readonly Event[],
    remotes: readonly bigint[],
    act: () => bigint,
  ): void {
    const limit = this.trueNs + machine.skewNs + LIMIT_NS;
    const before = machine.hlc.peek();
    if (remotes.some((remote) => remote > limit && remote > before)) {
      this.refusals++;
      expect(act).toThrow(expect.objectContaining({ code: 'ERR_TIMESTAMP_AHEAD' }));
      expect(machine.hlc.peek()).toBe(before);
      return;
    }
    const t = this.#happens(machine, messages, act);
    for (const remote of remotes) expect(t).toBeGreaterThan(remote);
  }

  #happens(machine: Machine, messages: readonly Event[], act: () => bigint): bigint {
    const physicalNs = this.trueNs + machine.skewNs;
    if (physicalNs > machine.highestPhysicalNs) machine.highestPhysicalNs = physicalNs;
    const hlc = act();
    let lamport = messages.length === 0 ? machine.lamport.now() : 0;
    for (const message of messages) {
      lamport = machine.lamport.receive(message.lamport);
      message.vector.forEach((count, i) => {
        machine.vector[i] = Math.max(machine.vector[i]!, count);
      });
    }
    machine.vector[machine.index]!++;
    machine.events++;
    this.events.push({ node: machine.index, vector: [...machine.vector], hlc, lamport });

    expect(machine.hlc.peek()).toBe(hlc);
    expect(hlc).toBeGreaterThanOrEqual(physicalNs);
    // Whatever other nodes send, only the limit, our own steps and 1 ns per event make a lead.
    expect(hlc).toBeLessThanOrEqual(machine.highestPhysicalNs + LIMIT_NS + BigInt(machine.events));
    expect(machine.hlc.leadNs()).toBe(hlc - physicalNs);
    return hlc;
  }

  /** Checks all pairs of events. */
  check(): void {
    const stamps = new Set(this.events.map((event) => `${event.hlc}@${event.node}`));
    expect(stamps.size).toBe(this.events.length);
    for (const a of this.events) {
      for (const b of this.events) {
        if (!happenedBefore(a, b)) continue;
        if (!(a.hlc < b.hlc)) throw new Error(`order lost: ${a.hlc} before ${b.hlc}`);
        if (!(a.lamport < b.lamport)) throw new Error(`order lost: ${a.lamport}, ${b.lamport}`);
      }
    }
  }
}

function localEvent(hlc: HybridClock, form: number): bigint {
  const slots = new BigInt64Array(1);
  const view = new DataView(slots.buffer);
  switch (form) {
    case 0:
      hlc.tick();
      return hlc.peek();
    case 1:
      hlc.nowInto(slots, 0);
      return slots[0]!;
    case 2:
      hlc.writeTo(view, 0);
      return view.getBigInt64(0);
    default:
      return BigInt(hlc.stamp().split('@')[0]!);
  }
}

function receiveEvent(hlc: HybridClock, remote: bigint, form: number): bigint {
  if (form === 0) return hlc.receive(remote);
  if (form === 1) {
    hlc.update(remote);
  } else {
    const view = new DataView(new ArrayBuffer(9));
    view.setBigInt64(1, remote);
    hlc.updateFrom(view, 1);
  }
  return hlc.peek();
}

const skews = fc.array(skewNs, { minLength: NODES, maxLength: NODES });
const histories = fc.array(ops, { minLength: 20, maxLength: 120, size: 'max' });

describe.each<[string, Make]>([
  ['HybridClock', (options) => new HybridClock(options)],
  ['SharedHybridClock', (options) => new SharedHybridClock(options)],
])('random histories on a %s', (_, make) => {
  test('happened-before implies smaller; a refusal changes nothing; the lead is bounded', () => {
    let refusals = 0;
    let events = 0;
    fc.assert(
      fc.property(skews, histories, (skewsNs, history) => {
        const world = new World(skewsNs, make);
        for (const op of history) world.run(op);
        world.check();
        refusals += world.refusals;
        events += world.events.length;
      }),
      { seed: 7_041, numRuns: 150 },
    );
    // Both outcomes of a receipt must be common, or the histories would prove little.
    expect(events).toBeGreaterThan(5000);
    expect(refusals).toBeGreaterThan(500);
  });
});
