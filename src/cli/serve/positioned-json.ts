/**
 * JSON whose every value knows where in the text it stands, so that an error can name the line.
 *
 * `JSON.parse` tells no positions, and the last of two equal keys wins in silence: a setting that
 * somebody reads in the file would not be the one in force. Here a second key is an error.
 *
 * The grammar is that of RFC 8259, nothing more: no comments, no trailing commas. Numbers and
 * strings are recognised here and then read by `JSON.parse`. The depth is limited, so that brackets
 * without end cannot exhaust the stack.
 */

/** Where something stands, both counted from 1. Columns are UTF-16 units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A value and where it begins. */
export type Node = { readonly at: Position } & (
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null'; readonly value: null }
  | { readonly kind: 'array'; readonly value: readonly Node[] }
  | { readonly kind: 'object'; readonly value: readonly Member[] }
);

/** A key, where it stands, and its value. */
export interface Member {
  readonly key: string;
  readonly at: Position;
  readonly value: Node;
}

/** The text is wrong at a place. */
export class PositionedError extends Error {
  readonly at: Position;

  constructor(message: string, at: Position) {
    super(message);
    this.at = at;
  }
}

/** Deeper than any configuration. */
const MAX_DEPTH = 16;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])/y;
const WORD = /(?:true|false|null)(?!\w)/y;

/**
 * The value that `text` is.
 *
 * @throws PositionedError naming the first thing that is not JSON, or a key that stands there twice
 */
export function parseJson(text: string): Node {
  return new Reader(text).document();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Node {
    const node = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return node;
  }

  #value(depth: number): Node {
    this.#take(SPACE);
    const at = this.#position();
    const first = this.#text[this.#at];
    if (first === '{' || first === '[') {
      if (depth === MAX_DEPTH) throw new PositionedError(`more than ${MAX_DEPTH} levels deep`, at);
      this.#at++;
      return first === '{'
        ? { kind: 'object', value: this.#members(depth + 1), at }
        : { kind: 'array', value: this.#elements(depth + 1), at };
    }
    const string = this.#take(STRING);
    if (string !== undefined) return { kind: 'string', value: JSON.parse(string), at };
    const number = this.#take(NUMBER);
    if (number !== undefined) return { kind: 'number', value: JSON.parse(number), at };
    const word = this.#take(WORD);
    if (word === 'null') return { kind: 'null', value: null, at };
    if (word !== undefined) return { kind: 'boolean', value: word === 'true', at };
    throw this.#unexpected('a value');
  }

  #members(depth: number): Member[] {
    const members = new Map<string, Member>();
    if (this.#sees('}')) return [];
    do {
      this.#take(SPACE);
      const at = this.#position();
      const text = this.#take(STRING);
      if (text === undefined) throw this.#unexpected('a key in double quotes');
      const key = JSON.parse(text) as string;
      const earlier = members.get(key);
      if (earlier !== undefined) {
        const where = `the first one is on line ${earlier.at.line}`;
        throw new PositionedError(`${quoted(key)} stands here twice: ${where}`, at);
      }
      if (!this.#sees(':')) throw this.#unexpected("':'");
      members.set(key, { key, at, value: this.#value(depth) });
    } while (this.#sees(','));
    if (!this.#sees('}')) throw this.#unexpected("',' or '}'");
    return [...members.values()];
  }

  #elements(depth: number): Node[] {
    const elements: Node[] = [];
    if (this.#sees(']')) return elements;
    do elements.push(this.#value(depth));
    while (this.#sees(','));
    if (!this.#sees(']')) throw this.#unexpected("',' or ']'");
    return elements;
  }

  /** Goes past `character` if it is next. */
  #sees(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Goes past what `pattern` matches here, and returns it. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #unexpected(expected: string): PositionedError {
    const rest = this.#text.slice(this.#at, this.#at + 12).split(/\s/)[0]!;
    const came = this.#at === this.#text.length ? 'the end' : quoted(rest);
    return new PositionedError(`expected ${expected}, found ${came}`, this.#position());
  }

  /** Where the next character stands. Goes on from the last line break that it saw. */
  #position(): Position {
    for (;;) {
      const lineBreak = this.#text.indexOf('\n', this.#lineStart);
      if (lineBreak === -1 || lineBreak >= this.#at) break;
      this.#lineStart = lineBreak + 1;
      this.#line++;
    }
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }
}

/** A text of the file for a message: in quotes, and not long. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
