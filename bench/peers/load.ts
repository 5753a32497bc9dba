/**
 * Loads the peers from the node_modules beside this file. Types cover only the parts in use.
 */
import { readFileSync } from 'node:fs';

const PACKAGES = new URL('../peers/node_modules/', import.meta.url);

const load = async (path: string): Promise<unknown> => import(new URL(path, PACKAGES).href);

/** The installed version, from the package itself. */
export function versionOf(name: string): string {
  const text = readFileSync(new URL(`${name}/package.json`, PACKAGES), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export interface ActualTimestamp {
  toString(): string;
  millis(): number;
}
export interface Actual {
  readonly Timestamp: {
    new (millis: number, counter: number, node: string): ActualTimestamp;
    init(options: { node: string }): void;
    send(): ActualTimestamp;
    recv(remote: ActualTimestamp): ActualTimestamp;
    parse(text: string): ActualTimestamp | null;
  };
  makeClientId(): string;
}
export const actual = async (): Promise<Actual> =>
  (await load('@actual-app/crdt/dist/index.js')) as Actual;

export interface ConsentoTimestamp {
  readonly wallTime: bigint;
  readonly logical: number;
  encode(): Uint8Array;
}
export interface ConsentoClock {
  now(): ConsentoTimestamp;
  update(remote: ConsentoTimestamp): ConsentoTimestamp;
}
export interface Consento {
  new (options?: { wallTime?: () => bigint }): ConsentoClock;
  readonly Timestamp: {
    new (wallTime: bigint, logical: number): ConsentoTimestamp;
    compare(a: ConsentoTimestamp, b: ConsentoTimestamp): number;
  };
}
export const consento = async (): Promise<Consento> =>
  ((await load('@consento/hlc/index.js')) as { default: Consento }).default;

export interface EvoluTimestamp {
  readonly millis: number;
  readonly counter: number;
  readonly nodeId: string;
}
export type EvoluResult =
  | { readonly ok: true; readonly value: EvoluTimestamp }
  | { readonly ok: false; readonly error: { readonly type: string } };
type Deps = { readonly timestampConfig: { readonly maxDrift: number } };
export interface Evolu {
  createTimestamp(parts: Partial<EvoluTimestamp>): EvoluTimestamp;
  sendTimestamp(deps: Deps): (local: EvoluTimestamp, now: number) => EvoluResult;
  receiveTimestamp(
    deps: Deps,
  ): (local: EvoluTimestamp, remote: EvoluTimestamp, now: number) => EvoluResult;
  timestampToTimestampBytes(timestamp: EvoluTimestamp): Uint8Array;
  readonly defaultTimestampMaxDrift: number;
}
/**
 * Its timestamp module alone, which runs on Node 20 too. The package as a whole requires 24.20.
 */
export const evolu = async (): Promise<Evolu> =>
  (await load('@evolu/common/dist/src/local-first/Timestamp.js')) as Evolu;

export type TinybaseClock = readonly [
  next: () => string,
  seen: (remote: string) => void,
  encode: (ms: number, counter: number, clientId?: string) => string,
  decode: (timestamp: string) => readonly [ms: number, counter: number, clientId: string],
];
export interface Tinybase {
  getHlcFunctions(uniqueId?: string, getNow?: () => number): TinybaseClock;
}
export const tinybase = async (): Promise<Tinybase> =>
  (await load('tinybase/common/index.js')) as Tinybase;

export interface Tpp {
  nxt(): string;
  recv(remote: string): string;
}
export const tpp = async (): Promise<Tpp> =>
  ((await load('@tpp/hybrid-logical-clock/hlc.js')) as { default: Tpp }).default;

export interface Ulid {
  monotonicFactory(): () => string;
}
export const ulid = async (): Promise<Ulid> => (await load('ulid/dist/node/index.js')) as Ulid;

export interface Uuid {
  v7(options?: undefined, bytes?: Uint8Array): string;
}
export const uuid = async (): Promise<Uuid> => (await load('uuid/dist-node/index.js')) as Uuid;

export interface Sntp {
  time(options: { host: string; port: number; timeout: number }): Promise<{
    /** Offset and round trip, ms. */
    readonly t: number;
    readonly d: number;
    readonly rootDelay: number;
    readonly rootDispersion: number;
    readonly receivedLocally: number;
  }>;
}
export const sntp = async (): Promise<Sntp> =>
  ((await load('@hapi/sntp/lib/index.js')) as { default: Sntp }).default;

export interface NtpTimeSync {
  getTime(force: boolean): Promise<{ offset: number; precision: number }>;
}
interface NtpTimeSyncModule {
  readonly NtpTimeSync: new (options: {
    servers: string[];
    sampleCount: number;
    replyTimeout: number;
  }) => NtpTimeSync;
}
export const ntpTimeSync = async (): Promise<NtpTimeSyncModule> =>
  (await load('ntp-time-sync/dist/index.js')) as NtpTimeSyncModule;
