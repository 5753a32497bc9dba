/**
 * All text for the terminal passes through here, from wherever it came: an argument, the network, a
 * message of the system. Afterwards it holds no character that a terminal obeys instead of showing.
 * A host name with an escape sequence in it could otherwise retitle the window, move the cursor or
 * hide a line.
 *
 * These characters are replaced: control characters (C0, DEL, C1, of which U+009B alone begins a
 * sequence), format characters (they turn the direction of text around), line and paragraph
 * separators. Line ends stay. Each becomes one visible character, so text that was measured before
 * still fits.
 */

/** A colour code of `paint.ts`, or a character that a terminal obeys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ACTIVE = /\x1b\[(?:1|2|22|3[1236]|39)m|[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * `text` as it may be written to a terminal.
 *
 * @param painted whether the codes of `paint.ts` pass; otherwise they are shown like any other text
 */
export function visible(text: string, painted: boolean): string {
  return text.replace(ACTIVE, (found) => {
    if (found.startsWith('\x1b[')) return painted ? found : picture('\x1b') + found.slice(1);
    return picture(found);
  });
}

/**
 * The visible character for a character that a terminal obeys. Unicode has pictures of the C0
 * characters and of DEL. All others become the replacement character.
 */
function picture(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}

/**
 * JSON text with the same characters escaped. It reads back unchanged, and {@link visible} leaves
 * it as it is.
 */
export function visibleJson(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    // By code unit, as JSON escapes: a format character may lie beyond 16 bits.
    Array.from({ length: character.length }, (_, i) => {
      const unit = character.charCodeAt(i).toString(16);
      return `\\u${unit.padStart(4, '0')}`;
    }).join(''),
  );
}
