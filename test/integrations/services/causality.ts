/**
 * The oracle of happened-before: vector clocks, which travel beside the stamps by a way of their
 * own. An event happened before another exactly when its vector is at most the other's and not
 * equal to it; then its timestamp must be smaller.
 */
import { HybridClock, type UnixNs } from 'epsilon-clock';

export type Vector = Readonly<Record<string, number>>;

interface Event {
  readonly timestamp: bigint;
  readonly vector: Vector;
}

const T = 1_795_227_787_534_418_003n;

/** A service whose physical clock stands still, `skewMs` beside those of the others. */
export class Service {
  readonly name: string;
  readonly hlc: HybridClock;
  readonly events: Event[] = [];
  #vector: Record<string, number> = {};

  constructor(name: string, skewMs: number) {
    this.name = name;
    const now = (T + BigInt(skewMs) * 1_000_000n) as UnixNs;
    this.hlc = new HybridClock({
      clock: { wallNs: () => now },
      nodeId: name,
      maxRemoteAheadMs: 5000,
    });
  }

  /** An event of the program, such as a row that is written. Returns its vector, to be sent. */
  event(): Vector {
    const count = (this.#vector[this.name] ?? 0) + 1;
    this.#vector = { ...this.#vector, [this.name]: count };
    this.events.push({ timestamp: this.hlc.now(), vector: this.#vector });
    return this.#vector;
  }

  /** The receipt of what was sent with `vector`. */
  learn(vector: Vector): void {
    const names = new Set([...Object.keys(this.#vector), ...Object.keys(vector)]);
    const merged: Record<string, number> = {};
    for (const name of names) merged[name] = Math.max(this.#vector[name] ?? 0, vector[name] ?? 0);
    this.#vector = merged;
  }
}

/** How many pairs there are of which one happened before the other, and how many are stamped so. */
export function judge(services: readonly Service[]): { pairs: number; violations: number } {
  const events = services.flatMap((service) => service.events);
  let pairs = 0;
  let violations = 0;
  for (const a of events) {
    for (const b of events) {
      if (a === b || !isBefore(a.vector, b.vector)) continue;
      pairs++;
      if (a.timestamp >= b.timestamp) violations++;
    }
  }
  return { pairs, violations };
}

function isBefore(a: Vector, b: Vector): boolean {
  return a !== b && Object.entries(a).every(([name, count]) => count <= (b[name] ?? 0));
}

/** Asks the service `to`, with a vector, how many hops to go on. Resolves to the reply's vector. */
export type Call = (to: string, vector: Vector, hops: number) => Promise<Vector>;

const NAMES = ['a', 'b', 'c'] as const;

/** Three services, whose clocks disagree by 800 ms. */
export function threeServices(): readonly Service[] {
  return [new Service('a', 0), new Service('b', -400), new Service('c', 400)];
}

/** What each service does with a request: some events, the next hop, some events, the reply. */
export async function handle(
  service: Service,
  call: Call,
  vector: Vector,
  hops: number,
): Promise<Vector> {
  service.learn(vector);
  service.event();
  await new Promise((resolve) => setImmediate(resolve)); // let other requests in between
  if (hops > 0) {
    const next = NAMES[(NAMES.indexOf(service.name as 'a') + 1) % NAMES.length]!;
    const reply = await call(next, service.event(), hops - 1);
    service.learn(reply);
    service.event();
  }
  return service.event();
}

/** Chains A -> B -> C -> A, many at once. */
export async function runChains(
  services: readonly Service[],
  calls: readonly Call[],
  chains: number,
): Promise<void> {
  const [a] = services;
  const one = async (): Promise<void> => {
    const reply = await calls[0]!('b', a!.event(), 2);
    a!.learn(reply);
    a!.event();
  };
  await Promise.all(Array.from({ length: chains }, one));
}
