/**
 * Reads the stamps of lines that look like the line before, which is nearly every line of a file.
 *
 * The problem. The scanner looks at every byte of a line, also of the message behind the stamp, and
 * that is most of the time of a merge.
 *
 * The idea. A logger writes its own fields first, and always in the same way: the lines of a file
 * begin alike, except for the digits of numbers and stamps. This *head*, from the brace up to the
 * last field of the stamp, was scanned once. A line whose head differs only in those digits has its
 * fields at the same places, and needs a comparison and no scanner. The comparison takes four bytes
 * at once, under a mask that leaves of a digit only that it is one. (It lets `:;<=>?` pass as
 * digits. In the stamp they are refused afterwards, and elsewhere they do no harm.)
 *
 * What stands behind the head is not looked at, with three exceptions. The head is followed by a
 * comma, a brace or a blank, so a number at its end has no further digits. The line ends in a
 * brace, so it is not cut. And there is no `@` in it, without which it cannot hold the stamp of a
 * message (`from`). Everything else that matters is in the head: the first field of a name counts.
 */
import { asUnixNs } from '../../time/instant.ts';
import { int64FromDigits } from './digits.ts';
import { type LogRecord, type LogSource, NO_LINES } from './log-record.ts';

const STAMP_DIGITS = 19;
const WORD_BYTES = 4;
const AT_SIGN = 0x40;
const CLOSE_BRACE = 0x7d;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const QUOTE = 0x22;
const ANY_DIGIT = 0xf0;
const EXACTLY = 0xff;

/** Places in the head, from its beginning: of 19 digits, or of the value `node`. */
export interface StampOffsets {
  readonly hlc: number;
  readonly earliest: number;
  readonly latest: number;
  readonly node: { readonly start: number; readonly end: number };
}

export class StampShape {
  readonly #source: LogSource;
  readonly #nodeId: string;
  readonly #offsets: StampOffsets;
  /** The head in words. The last one ends with the head, and so may overlap the one before. */
  readonly #masks: Int32Array;
  readonly #words: Int32Array;
  readonly #headBytes: number;
  #chunk: Buffer | undefined;
  #view: DataView | undefined;
  /** The place of the next `@` in the chunk. */
  #nextAtSign = -1;

  /** @param head the line up to the end of its stamp; at least four bytes */
  constructor(source: LogSource, head: Uint8Array, nodeId: string, offsets: StampOffsets) {
    this.#source = source;
    this.#nodeId = nodeId;
    this.#offsets = offsets;
    this.#headBytes = head.length;
    const mask = maskOf(head, offsets.node);
    const count = Math.ceil(head.length / WORD_BYTES);
    const at = (i: number): number => Math.min(i * WORD_BYTES, head.length - WORD_BYTES);
    const masks = new DataView(mask.buffer);
    const words = new DataView(Uint8Array.from(head, (byte, i) => byte & mask[i]!).buffer);
    this.#masks = Int32Array.from({ length: count }, (_, i) => masks.getInt32(at(i)));
    this.#words = Int32Array.from({ length: count }, (_, i) => words.getInt32(at(i)));
  }

  /** The record of a line of this shape; `undefined` when the scanner has to look at it. */
  read(bytes: Buffer, start: number, end: number, line: number): LogRecord | undefined {
    if (!this.#fits(bytes, start, end)) return undefined;
    const { hlc, earliest: first, latest: last } = this.#offsets;
    const timestamp = stampAt(bytes, start + hlc);
    const earliest = stampAt(bytes, start + first);
    const latest = stampAt(bytes, start + last);
    if (timestamp === undefined || earliest === undefined || latest === undefined) return undefined;
    if (earliest > latest) return undefined;
    return {
      timestamp: asUnixNs(timestamp),
      nodeId: this.#nodeId,
      earliest: asUnixNs(earliest),
      latest: asUnixNs(latest),
      from: undefined,
      ordered: undefined,
      time: undefined,
      source: this.#source,
      line,
      bytes,
      start,
      end,
      before: NO_LINES,
      after: NO_LINES,
    };
  }

  #fits(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= this.#headBytes || bytes[end - 1] !== CLOSE_BRACE) return false;
    if (bytes !== this.#chunk) this.#enter(bytes);
    const masks = this.#masks;
    const words = this.#words;
    const view = this.#view!;
    const last = masks.length - 1;
    for (let i = 0; i < last; i++) {
      if ((view.getInt32(start + i * WORD_BYTES) & masks[i]!) !== words[i]) return false;
    }
    const tail = view.getInt32(start + this.#headBytes - WORD_BYTES);
    if ((tail & masks[last]!) !== words[last] || !endsValue(bytes[start + this.#headBytes]!)) {
      return false;
    }
    return this.#findAtSign(bytes, start) >= end;
  }

  #enter(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#nextAtSign = -1;
  }

  /** The place of the next `@` from `start` on. A chunk is searched once, not for every line. */
  #findAtSign(chunk: Buffer, start: number): number {
    if (this.#nextAtSign < start) {
      const found = chunk.indexOf(AT_SIGN, start);
      this.#nextAtSign = found === -1 ? chunk.length : found;
    }
    return this.#nextAtSign;
  }
}

/**
 * What of each byte must be the same: all, or only that it is a digit. Digits vary in a number, and
 * in a string that begins with digits, but not in the name of the node.
 */
function maskOf(head: Uint8Array, node: StampOffsets['node']): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(head.length).fill(EXACTLY);
  for (let i = 0; i < head.length; i++) {
    if (!isDigit(head[i]!) || (i >= node.start && i < node.end)) continue;
    if (mask[i - 1] === ANY_DIGIT || beginsValue(head, i)) mask[i] = ANY_DIGIT;
  }
  return mask;
}

function beginsValue(head: Uint8Array, at: number): boolean {
  const before = head[at - 1];
  return before === COLON || (before === QUOTE && head[at - 2] === COLON);
}

/** Whether a value ends before this byte. */
function endsValue(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === SPACE || byte === TAB;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function stampAt(bytes: Buffer, start: number): bigint | undefined {
  return int64FromDigits(bytes, start, start + STAMP_DIGITS);
}
