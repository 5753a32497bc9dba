/**
 * A few ANSI codes, and the measuring of text without them. Rendering code is given a `Paint`, so
 * the same lines come out plain where colour is not wanted (no terminal, NO_COLOR) and in tests.
 */

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const asIs = (text: string): string => text;

export const plainPaint: Paint = {
  bold: asIs,
  dim: asIs,
  red: asIs,
  green: asIs,
  yellow: asIs,
  cyan: asIs,
};

const code =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`;

export const ansiPaint: Paint = {
  bold: code(1, 22),
  dim: code(2, 22),
  red: code(31, 39),
  green: code(32, 39),
  yellow: code(33, 39),
  cyan: code(36, 39),
};

/** One painting code, or one character of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: codes begin with the escape character
const TOKEN = /\x1b\[[0-9;]*m|./gsu;

/** How many columns `text` takes. Every character printed here takes one column. */
export function widthOf(text: string): number {
  let width = 0;
  for (const [token] of text.matchAll(TOKEN)) if (!token.startsWith('\x1b')) width++;
  return width;
}

/** `text` in at most `width` columns. A longer text ends in an ellipsis, with all codes closed. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('\x1b')) kept += token;
    else if (left > 0) {
      kept += token;
      left--;
    } else if (left === 0) {
      kept += '…';
      left = -1;
    }
  }
  return kept;
}

/** `text` in lines of at most `width` columns, broken between words. A longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** `text` padded with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + spaces : spaces + text;
}
