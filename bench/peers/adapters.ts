/**
 * The clock of every library behind one interface, so that all do the same work. An adapter has
 * only code that a user of the library would write. It lacks the operations that the library does
 * not offer.
 */
import { formatTimestamp, type HlcTimestamp, HybridClock, systemClock } from 'epsilon-clock';
import { unixNs } from 'epsilon-clock/time';
import { bytesFromTimestamp } from 'epsilon-clock/timestamps';
import {
  actual,
  type ConsentoTimestamp,
  consento,
  type EvoluResult,
  type EvoluTimestamp,
  evolu,
  tinybase,
  tpp,
  ulid,
  uuid,
} from './load.ts';

/** A library's clock. `S` is the type of its timestamps. */
export interface Peer<S = unknown> {
  stamp(): S;
  /** A timestamp of another node, `ms` after the epoch, in the form in which it arrives. */
  remote?(ms: number): S;
  receive?(remote: S): unknown;
  /** The text by which it is stored and compared; for some libraries the timestamp is its text. */
  text?(stamp: S): string;
  bytes?(stamp: S): Uint8Array;
  /** Negative when `a` is before `b`. Absent where the library means stamps to compare by `<`. */
  compare?(a: S, b: S): number;
  /** Physical time of a timestamp, ms after the epoch. Absent where a stamp does not show it. */
  physicalMs?(stamp: S): number;
}

const NODE = '0123456789abcdef';
const OTHER = 'fedcba9876543210';

/** Our clock. With `fake` it reads `Date.now`, which a torture case replaces. */
function ours(fake: boolean): Peer<HlcTimestamp> {
  const clock = fake ? { wallNs: () => unixNs(BigInt(Date.now()) * 1_000_000n) } : systemClock();
  const hlc = new HybridClock({ clock, nodeId: NODE });
  return {
    stamp: () => hlc.now(),
    remote: (ms) => unixNs(BigInt(ms) * 1_000_000n),
    receive: (remote) => hlc.receive(remote),
    text: formatTimestamp,
    bytes: bytesFromTimestamp,
    physicalMs: (stamp) => Number(stamp / 1_000_000n),
  };
}

async function ofActual(): Promise<Peer> {
  const { Timestamp, makeClientId } = await actual();
  Timestamp.init({ node: makeClientId() });
  const peer: Peer<InstanceType<typeof Timestamp>> = {
    stamp: () => Timestamp.send(),
    remote: (ms) => new Timestamp(ms, 0, OTHER),
    receive: (remote) => Timestamp.recv(remote),
    text: (stamp) => stamp.toString(),
    physicalMs: (stamp) => stamp.millis(),
  };
  return peer as Peer;
}

async function ofConsento(fake: boolean): Promise<Peer> {
  const HLC = await consento();
  const clock = new HLC(fake ? { wallTime: () => BigInt(Date.now()) * 1_000_000n } : {});
  const peer: Peer<ConsentoTimestamp> = {
    stamp: () => clock.now(),
    remote: (ms) => new HLC.Timestamp(BigInt(ms) * 1_000_000n, 0),
    receive: (remote) => clock.update(remote),
    bytes: (stamp) => stamp.encode(),
    compare: HLC.Timestamp.compare,
    physicalMs: (stamp) => Number(stamp.wallTime / 1_000_000n),
  };
  return peer as Peer;
}

async function ofEvolu(): Promise<Peer> {
  const lib = await evolu();
  const deps = { timestampConfig: { maxDrift: lib.defaultTimestampMaxDrift } };
  const send = lib.sendTimestamp(deps);
  const receive = lib.receiveTimestamp(deps);
  const nodeId = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex');
  let local = lib.createTimestamp({ nodeId });
  const advance = (result: EvoluResult): EvoluTimestamp => {
    if (!result.ok) throw new Error(result.error.type);
    local = result.value;
    return local;
  };
  const peer: Peer<EvoluTimestamp> = {
    stamp: () => advance(send(local, Date.now())),
    remote: (ms) => lib.createTimestamp({ millis: ms, nodeId: OTHER }),
    receive: (remote) => advance(receive(local, remote, Date.now())),
    bytes: lib.timestampToTimestampBytes,
    compare: (a, b) => a.millis - b.millis || a.counter - b.counter,
    physicalMs: (stamp) => stamp.millis,
  };
  return peer as Peer;
}

async function ofTinybase(): Promise<Peer> {
  const { getHlcFunctions } = await tinybase();
  const [next, seen, encode, decode] = getHlcFunctions(undefined, () => Date.now());
  const peer: Peer<string> = {
    stamp: next,
    remote: (ms) => encode(ms, 0, OTHER),
    receive: seen,
    text: (stamp) => stamp,
    physicalMs: (stamp) => decode(stamp)[0],
  };
  return peer as Peer;
}

async function ofTpp(): Promise<Peer> {
  const { nxt, recv } = await tpp();
  const peer: Peer<string> = {
    stamp: nxt,
    remote: (ms) => `${ms}:0:${OTHER}`,
    receive: recv,
    text: (stamp) => stamp,
    physicalMs: (stamp) => Number.parseInt(stamp, 10),
  };
  return peer as Peer;
}

async function ofUlid(): Promise<Peer> {
  const stamp = (await ulid()).monotonicFactory();
  return { stamp: () => stamp(), text: (text) => text as string };
}

async function ofUuid(): Promise<Peer> {
  const { v7 } = await uuid();
  return {
    stamp: () => v7(),
    text: (text) => text as string,
  };
}

export const OURS = 'epsilon-clock';

/** By package. `fake`: physical time must come from `Date.now`, which the caller replaces. */
export const PEERS: Readonly<Record<string, (fake: boolean) => Peer | Promise<Peer>>> = {
  [OURS]: (fake) => ours(fake) as Peer,
  '@actual-app/crdt': ofActual,
  '@consento/hlc': ofConsento,
  '@evolu/common': ofEvolu,
  '@tpp/hybrid-logical-clock': ofTpp,
  tinybase: ofTinybase,
  ulid: ofUlid,
  uuid: ofUuid,
};
