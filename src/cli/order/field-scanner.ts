/**
 * Finds the values of some fields in a line that holds a JSON object, without parsing the object.
 *
 * Two reasons. A log line is mostly a message that nobody asked about, and `JSON.parse` makes
 * strings and objects of all of it. And `JSON.parse` rounds integers beyond 2^53, while the bytes
 * found here are exact.
 *
 * A name may occur twice: pino writes its own fields, and then those of the call. Here the first
 * one counts, and not the last one as for `JSON.parse`. So a call that logs a field `node` of its
 * own does not change the stamp.
 *
 * The scanner accepts every valid JSON object. It also accepts some that are not valid (a control
 * character in a string, wrong punctuation deep inside a value). Such a line still has its stamp,
 * and its bytes are passed on unchanged.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;

interface WantedName {
  readonly index: number;
  readonly bytes: Uint8Array;
}

export class FieldScanner {
  /** Where the value of each name begins, after {@link FieldScanner.scan}; -1 if it is absent. */
  readonly starts: Int32Array;
  /** Where the value of each name ends. */
  readonly ends: Int32Array;
  readonly #wantedOfLength: WantedName[][] = [];

  /** @param names the names to look for, at the top level of the object */
  constructor(names: readonly string[]) {
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
    names.forEach((name, index) => {
      const bytes = Buffer.from(name);
      this.#wantedOfLength[bytes.length] ??= [];
      this.#wantedOfLength[bytes.length]!.push({ index, bytes });
    });
  }

  /**
   * Looks for the names in `bytes` from `start` to `end`: one JSON object with blanks around it.
   * A name that is written with escapes is not recognised.
   *
   * @returns false when that is not an object; `starts` and `ends` then mean nothing
   */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    this.starts.fill(-1);
    let at = skipBlanks(bytes, start, end);
    if (at === end || bytes[at] !== OPEN_BRACE) return false;
    at = skipBlanks(bytes, at + 1, end);
    if (bytes[at] === CLOSE_BRACE) return skipBlanks(bytes, at + 1, end) === end;
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) return false;
      const keyEnd = endOfString(bytes, at, end);
      if (keyEnd === -1) return false;
      const index = this.#indexOf(bytes, at + 1, keyEnd - 1);
      at = skipBlanks(bytes, keyEnd, end);
      if (at >= end || bytes[at] !== COLON) return false;
      at = skipBlanks(bytes, at + 1, end);
      const valueEnd = endOfValue(bytes, at, end);
      if (valueEnd === -1) return false;
      if (index !== -1 && this.starts[index] === -1) {
        this.starts[index] = at;
        this.ends[index] = valueEnd;
      }
      at = skipBlanks(bytes, valueEnd, end);
      if (at >= end) return false;
      if (bytes[at] === CLOSE_BRACE) return skipBlanks(bytes, at + 1, end) === end;
      if (bytes[at] !== COMMA) return false;
      at = skipBlanks(bytes, at + 1, end);
    }
  }

  #indexOf(bytes: Uint8Array, start: number, end: number): number {
    const wanted = this.#wantedOfLength[end - start];
    if (wanted === undefined) return -1;
    for (const name of wanted) if (startsWith(bytes, start, name.bytes)) return name.index;
    return -1;
  }
}

/** Whether the value from `start` on is a string. */
export function isString(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === QUOTE;
}

function startsWith(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at]!)) at++;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CARRIAGE_RETURN;
}

/** Where the string that begins at `start` ends, its quotes included; -1 when it does not. */
function endOfString(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  return -1;
}

/** Where the value that begins at `start` ends; -1 when there is none, or it does not end. */
function endOfValue(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  const first = bytes[start];
  if (first === QUOTE) return endOfString(bytes, start, end);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(bytes, start, end);
  let at = start;
  while (at < end && isLiteral(bytes[at]!)) at++;
  return at === start ? -1 : at;
}

/** A character of a number, or of `true`, `false`, `null`. */
function isLiteral(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x45
  );
}

function endOfNested(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at, end) - 1;
      if (at < start) return -1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}
