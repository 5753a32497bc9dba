/**
 * Reads the place in time from one line of a log.
 *
 * A line with a stamp (`hlc`) is placed by it. Its interval is `earliest` and `latest`, or in the
 * compact form `eps` and `lead`: true time was `hlc - lead`, give or take `eps`. The lead is
 * negative when the hybrid clock runs on a clock that is behind.
 *
 * A line without a stamp is placed by its wall time, as well as that is possible. Its interval is
 * that time give or take what the user says with `--uncertainty`; without that there is none. Its
 * timestamp is what a hybrid clock on that wall clock would have given: the wall time, or one more
 * than the line before it in the same source. So the order of the source is kept when its wall
 * clock goes back. It is a node of its own, `wall:` and a name, because it shares no clock with
 * stamped lines. No stamp may name such a node.
 *
 * Where the source is not in the order in which one node wrote it (it was sorted, or a collector
 * wrote it), the timestamp is the wall time itself, and orders nothing within the node.
 */
import { MalformedTimestampError } from '../../logical/errors.ts';
import { isNodeId, nodeIdFrom } from '../../logical/node-id.ts';
import { parseStamp, type Stamp } from '../../logical/timestamp-text.ts';
import { asUnixNs, INT64_MAX, type UnixNs } from '../../time/instant.ts';
import { formatNs } from '../durations.ts';
import { int64FromDigits } from './digits.ts';
import { FieldScanner, isString } from './field-scanner.ts';
import { type LogRecord, type LogSource, NO_LINES } from './log-record.ts';
import { StampShape } from './stamp-shape.ts';
import { readWallTime, type WallTime } from './wall-time.ts';

/** Names of the fields to read. `undefined`: the usual names. */
export interface FieldNames {
  readonly hlc?: string | undefined;
  readonly node?: string | undefined;
  readonly earliest?: string | undefined;
  readonly latest?: string | undefined;
  readonly eps?: string | undefined;
  readonly time?: string | undefined;
}

export interface PlaceOptions {
  readonly fields: FieldNames;
  /** How wrong the wall clock of a node or file may be, ns; under `''` that of all others. */
  readonly uncertaintyNs: ReadonlyMap<string, bigint>;
  /** Takes the names in `uncertaintyNs` by which a line got its interval. */
  readonly uncertaintyUsed: Set<string>;
  /** Whether places have the wall time of stamped lines. */
  readonly keepTime: boolean;
  /** By how much wall times may go back within a source, ns. */
  readonly windowNs: bigint;
  /** Whether the order of unstamped lines in the source means nothing, because it was sorted. */
  readonly unordered: boolean;
}

/** What is known of the host of a line beside what the line says. */
export interface Origin {
  /** Its name, not empty; `undefined` when that is not known. */
  readonly name: string | undefined;
  /** Whether all stamps of that name are of one clock. */
  readonly oneClock: boolean;
  /** Whether the lines of that name are in the order in which they were written. */
  readonly inOrder: boolean;
}

/** A line that comes from the host that wrote the source. */
const OWN_HOST: Origin = { name: undefined, oneClock: true, inOrder: true };

/** Why a stamp cannot be used, for people. */
export class StampFault {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The wall time went back by more than the window. */
export class WallTimeBackError extends Error {}

const HLC = 0;
const NODE = 1;
const EARLIEST = 2;
const LATEST = 3;
const EPS = 4;
const LEAD = 5;
const FROM = 6;
const TIME = 7;

const STAMP_DIGITS = 19;
const NS_PER_US = 1000n;

type Place = Pick<
  LogRecord,
  'timestamp' | 'nodeId' | 'earliest' | 'latest' | 'from' | 'ordered' | 'time'
>;

/** The nodes of lines without a stamp. */
const WALL = 'wall:';

interface WallOrder {
  /** The timestamp of the last line. */
  timestamp: bigint;
  /** The latest wall time so far. */
  latestWall: bigint;
}

export class PlaceReader {
  readonly #source: LogSource;
  readonly #options: PlaceOptions;
  readonly #scanner: FieldScanner;
  readonly #timeNames: number;
  readonly #orders = new Map<string, WallOrder>();
  /** What the last stamped line was like. */
  #shape: StampShape | undefined;
  /** The last node id and its bytes: most lines repeat it. */
  #nodeId = '';
  #nodeBytes: Buffer = Buffer.alloc(0);

  constructor(source: LogSource, options: PlaceOptions) {
    const { hlc, node, earliest, latest, eps, time } = options.fields;
    const times = [...(time === undefined ? [] : [time]), 'time', 'timestamp', '@timestamp'];
    this.#source = source;
    this.#options = options;
    this.#timeNames = times.length;
    this.#scanner = new FieldScanner([
      hlc ?? 'hlc',
      node ?? 'node',
      earliest ?? 'earliest',
      latest ?? 'latest',
      eps ?? 'eps',
      'lead',
      'from',
      ...times,
    ]);
  }

  /**
   * The record that `bytes` from `start` to `end` are. `undefined` when that is not a JSON object,
   * or one without a stamp and a time.
   *
   * @param line the number of the line
   * @param origin where the line comes from, if not from the host that wrote the source
   * @throws WallTimeBackError when the wall time goes back by more than the window
   */
  read(
    bytes: Buffer,
    start: number,
    end: number,
    line: number,
    origin: Origin = OWN_HOST,
  ): LogRecord | StampFault | undefined {
    const record = this.#shape?.read(bytes, start, end, line);
    if (record !== undefined) return record;
    if (!this.#scanner.scan(bytes, start, end)) return undefined;
    if (!this.#has(HLC, bytes)) {
      const place = this.#byWallTime(bytes, origin);
      return place && this.#record(place, bytes, start, end, line);
    }
    const place = this.#byStamp(bytes, origin);
    if (place instanceof StampFault) return place;
    this.#learnShape(place, bytes, start);
    return this.#record(place, bytes, start, end, line);
  }

  #record(place: Place, bytes: Buffer, start: number, end: number, line: number): LogRecord {
    // Each field by its name, so that all records are alike for the machine.
    return {
      timestamp: place.timestamp,
      nodeId: place.nodeId,
      earliest: place.earliest,
      latest: place.latest,
      from: place.from,
      ordered: place.ordered,
      time: place.time,
      source: this.#source,
      line,
      bytes,
      start,
      end,
      before: NO_LINES,
      after: NO_LINES,
    };
  }

  /** Expects the next lines to be like this one, if it has a stamp in full and nothing else. */
  #learnShape({ nodeId, from }: Place, bytes: Buffer, start: number): void {
    const { starts, ends } = this.#scanner;
    if (this.#options.keepTime || from !== undefined || !this.#has(NODE, bytes)) return;
    for (const field of [HLC, EARLIEST, LATEST]) {
      if (this.#digits(field, bytes, STAMP_DIGITS) === undefined) return;
    }
    const digitsAt = (field: number): number =>
      starts[field]! + (isString(bytes, starts[field]!) ? 1 : 0) - start;
    const end = Math.max(ends[HLC]!, ends[NODE]!, ends[EARLIEST]!, ends[LATEST]!);
    this.#shape = new StampShape(this.#source, bytes.subarray(start, end), nodeId, {
      hlc: digitsAt(HLC),
      earliest: digitsAt(EARLIEST),
      latest: digitsAt(LATEST),
      node: { start: starts[NODE]! - start, end: ends[NODE]! - start },
    });
  }

  #byStamp(bytes: Buffer, origin: Origin): Place | StampFault {
    const timestamp = this.#digits(HLC, bytes, STAMP_DIGITS);
    if (timestamp === undefined) {
      return new StampFault('the stamp must be 19 digits, at most 2^63 - 1');
    }
    const nodeId = this.#stampedNode(bytes, origin);
    if (nodeId instanceof StampFault) return nodeId;
    const from = this.#from(bytes);
    if (from instanceof StampFault) return from;
    const { keepTime, uncertaintyNs } = this.#options;
    let wall = keepTime ? this.#wall(bytes) : undefined;
    let earliest: UnixNs | undefined;
    let latest: UnixNs | undefined;
    if (this.#has(EARLIEST, bytes) || this.#has(LATEST, bytes)) {
      earliest = this.#digits(EARLIEST, bytes);
      latest = this.#digits(LATEST, bytes);
      if (earliest === undefined || latest === undefined || earliest > latest) {
        return new StampFault('earliest and latest must be int64 in ascending order');
      }
    } else if (this.#has(EPS, bytes)) {
      const eps = this.#digits(EPS, bytes);
      const lead = this.#has(LEAD, bytes) ? this.#lead(bytes) : 0n;
      if (eps === undefined || lead === undefined) {
        return new StampFault('eps and lead must be whole numbers, eps 0 or more');
      }
      earliest = asUnixNs(timestamp - lead - eps * NS_PER_US);
      latest = asUnixNs(timestamp - lead + eps * NS_PER_US);
      if (earliest < 0n || latest > INT64_MAX) {
        return new StampFault('eps and lead must leave the interval within int64');
      }
    } else if (uncertaintyNs.size > 0) {
      wall ??= this.#wall(bytes);
      const interval = wall && this.#aroundWall(wall, nodeId);
      earliest = interval?.earliest;
      latest = interval?.latest;
    }
    const ordered = origin.oneClock || this.#has(NODE, bytes) ? undefined : false;
    return { timestamp, nodeId, earliest, latest, from, ordered, time: wall?.ns };
  }

  #byWallTime(bytes: Buffer, origin: Origin): Place | undefined {
    const wall = this.#wall(bytes);
    if (wall === undefined) return undefined;
    const node = this.#has(NODE, bytes) ? this.#text(NODE, bytes) : origin.name;
    const name = node === undefined || node === '' ? undefined : nodeIdFrom(node);
    const interval = this.#aroundWall(wall, name);
    // A label has no colon, so the parts of the name can be told apart.
    const nodeId = nodeIdFrom(WALL + this.#source.label + (name === undefined ? '' : `:${name}`));
    const inOrder = origin.inOrder && !this.#options.unordered;
    return {
      timestamp: inOrder ? this.#inOrder(nodeId, wall.ns) : wall.ns,
      nodeId,
      earliest: interval?.earliest,
      latest: interval?.latest,
      from: undefined,
      ordered: inOrder ? undefined : false,
      time: wall.ns,
    };
  }

  /** The timestamp of an unstamped line. */
  #inOrder(nodeId: string, wallNs: UnixNs): UnixNs {
    const last = this.#orders.get(nodeId);
    if (last === undefined) {
      this.#orders.set(nodeId, { timestamp: wallNs, latestWall: wallNs });
      return wallNs;
    }
    if (wallNs > last.latestWall) last.latestWall = wallNs;
    const backNs = last.latestWall - wallNs;
    if (backNs > this.#options.windowNs) {
      throw new WallTimeBackError(`its time is ${formatNs(backNs)} before that of a line above`);
    }
    last.timestamp = wallNs > last.timestamp ? wallNs : last.timestamp + 1n;
    return asUnixNs(last.timestamp);
  }

  /** The interval around a wall time, by `--uncertainty` for the node, the file or all. */
  #aroundWall(
    { ns, gridNs }: WallTime,
    name: string | undefined,
  ): { earliest: UnixNs; latest: UnixNs } | undefined {
    const { uncertaintyNs, uncertaintyUsed } = this.#options;
    const { label } = this.#source;
    const known = name !== undefined && uncertaintyNs.has(name);
    const key = known ? name : uncertaintyNs.has(label) ? label : '';
    const uncertainty = uncertaintyNs.get(key);
    if (uncertainty === undefined) return undefined;
    uncertaintyUsed.add(key);
    const latest = ns + gridNs - 1n + uncertainty;
    return {
      earliest: asUnixNs(ns - uncertainty),
      latest: asUnixNs(latest > INT64_MAX ? INT64_MAX : latest),
    };
  }

  #wall(bytes: Buffer): WallTime | undefined {
    const { starts, ends } = this.#scanner;
    for (let i = TIME; i < TIME + this.#timeNames; i++) {
      if (starts[i] === -1) continue;
      const wall = readWallTime(bytes, starts[i]!, ends[i]!);
      if (wall !== undefined) return wall;
    }
    return undefined;
  }

  #stampedNode(bytes: Buffer, { name }: Origin): string | StampFault {
    if (!this.#has(NODE, bytes)) return name === undefined ? this.#source.label : nodeIdFrom(name);
    const start = this.#scanner.starts[NODE]!;
    const end = this.#scanner.ends[NODE]!;
    const last = this.#nodeBytes;
    if (last.length !== end - start || last.compare(bytes, start, end) !== 0) {
      const nodeId = this.#text(NODE, bytes);
      if (!isNodeId(nodeId)) {
        return new StampFault('the node must be 1 to 64 of the characters 0-9 A-Z a-z . _ : -');
      }
      if (nodeId.startsWith(WALL)) {
        return new StampFault(`the node must not begin with ${WALL}, as lines without a stamp do`);
      }
      this.#nodeId = nodeId;
      this.#nodeBytes = Buffer.from(bytes.subarray(start, end));
    }
    return this.#nodeId;
  }

  /** A text in `from` that does not begin like a stamp means something else, and is no fault. */
  #from(bytes: Buffer): readonly Stamp[] | StampFault | undefined {
    if (!this.#has(FROM, bytes)) return undefined;
    const stamps = textsOf(this.#text(FROM, bytes)).filter((text) => /^\d+@/.test(text));
    try {
      for (const stamp of stamps) parseStamp(stamp);
    } catch (error) {
      if (!(error instanceof MalformedTimestampError)) throw error;
      return new StampFault('from must be a stamp: 19 digits, @, node');
    }
    return stamps.length > 0 ? (stamps as Stamp[]) : undefined;
  }

  /** Whether the field is there and not `null`. */
  #has(index: number, bytes: Buffer): boolean {
    const start = this.#scanner.starts[index]!;
    return start !== -1 && bytes[start] !== 0x6e;
  }

  /** The whole number of a field, which may be a JSON number or digits in a string. */
  #digits(index: number, bytes: Buffer, length?: number): UnixNs | undefined {
    if (!this.#has(index, bytes)) return undefined;
    const quotes = isString(bytes, this.#scanner.starts[index]!) ? 1 : 0;
    const start = this.#scanner.starts[index]! + quotes;
    const end = this.#scanner.ends[index]! - quotes;
    if (length !== undefined && end - start !== length) return undefined;
    const value = int64FromDigits(bytes, start, end);
    return value === undefined ? undefined : asUnixNs(value);
  }

  /** The lead, ns, which may be negative. */
  #lead(bytes: Buffer): bigint | undefined {
    const text = this.#text(LEAD, bytes);
    return /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  }

  /** The text of a string, or of any other value as it is written. */
  #text(index: number, bytes: Buffer): string {
    const start = this.#scanner.starts[index]!;
    const text = bytes.toString('utf8', start, this.#scanner.ends[index]!);
    if (!isString(bytes, start)) return text;
    try {
      return String(JSON.parse(text));
    } catch {
      return text.slice(1, -1); // a control character, which JSON does not allow in a string
    }
  }
}

/** Whether a line has a wall time only, and nobody said how wrong that may be. */
export function isUnbounded({ earliest, nodeId }: LogRecord): boolean {
  return earliest === undefined && nodeId.startsWith(WALL);
}

/** The strings in a JSON array; for any other text, the text. */
function textsOf(text: string): string[] {
  if (!text.startsWith('[')) return [text];
  try {
    const values: unknown[] = JSON.parse(text);
    return values.filter((value) => typeof value === 'string');
  } catch {
    return [];
  }
}
