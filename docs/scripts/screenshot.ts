/**
 * Takes the picture of the README, docs/images/watch.svg: what `epsilon-clock watch` shows on a
 * terminal after 45 seconds, with five servers on loopback. Needs no terminal and no network:
 * `npx tsx docs/scripts/screenshot.ts`. The times in the picture differ with every run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { parseCommand } from '../../src/cli/arguments.ts';
import { ansiPaint } from '../../src/cli/paint.ts';
import { watch } from '../../src/cli/watch.ts';

const IMAGE = fileURLToPath(new URL('../images/watch.svg', import.meta.url));
const COLUMNS = 118;
const ROWS = 25;
const CHARACTER_PX = 8.4;
const LINE_PX = 19;
const MARGIN_PX = 16;
const PROMPT = '$ npx epsilon-clock watch';

/** The colours of the codes that src/cli/paint.ts writes. */
const COLORS: Readonly<Record<number, string>> = {
  31: '#ff6b6b',
  32: '#69db7c',
  33: '#ffd43b',
  36: '#66d9e8',
};
const FOREGROUND = '#e6e6e6';
const DIM = '#8b949e';
const BACKGROUND = '#14171c';

interface Style {
  readonly color: string | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
}
const PLAIN: Style = { color: undefined, bold: false, dim: false };

/** The lines of the last frame that `watch` draws, with the codes for colours. */
async function lastFrame(): Promise<string[]> {
  const command = parseCommand(['watch', '--for', '45s']);
  if (command.name !== 'watch') throw new Error(`watch expected, not ${command.name}`);
  let frame = '';
  const terminal = {
    columns: COLUMNS,
    rows: ROWS,
    write(text: string) {
      if (text.includes('\n')) frame = text;
      return true;
    },
    on: () => terminal,
    off: () => terminal,
  };
  await watch(
    command.arguments,
    {
      print: () => {},
      remark: () => {},
      paint: ansiPaint,
      terminal: terminal as unknown as WriteStream,
    },
    new AbortController().signal,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: codes for the cursor begin with it
  return frame.replaceAll(/\x1b\[[?0-9;]*[A-Zhl]|\r/g, '').split('\n');
}

/** The style after a code such as `1` (bold), `2` (dim), `22` (neither), `31` to `36`, `39`. */
function styled(style: Style, code: number): Style {
  switch (code) {
    case 1:
      return { ...style, bold: true };
    case 2:
      return { ...style, dim: true };
    case 22:
      return { ...style, bold: false, dim: false };
    case 39:
      return { ...style, color: undefined };
    default:
      return { ...style, color: COLORS[code] };
  }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** One line as SVG text. Each run has its own place, so that columns line up in every font. */
function lineOf(line: string, row: number): string {
  const y = MARGIN_PX + (row + 1) * LINE_PX - 5;
  let style = PLAIN;
  let column = 0;
  let svg = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: codes for colours begin with it
  for (const token of line.split(/(\x1b\[\d+m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const code = /^\x1b\[(\d+)m$/.exec(token)?.[1];
    if (code !== undefined) {
      style = styled(style, Number(code));
      continue;
    }
    for (const { 0: run, index } of token.matchAll(/\S+(?: \S+)*/g)) {
      const at = column + [...token.slice(0, index)].length;
      const width = ([...run].length * CHARACTER_PX).toFixed(1);
      const x = (MARGIN_PX + at * CHARACTER_PX).toFixed(1);
      const fill = style.color ?? (style.dim ? DIM : FOREGROUND);
      const weight = style.bold ? ' font-weight="bold"' : '';
      svg += `<text x="${x}" y="${y}" fill="${fill}"${weight} textLength="${width}">${escaped(run)}</text>`;
    }
    column += [...token].length;
  }
  return svg;
}

const lines = [PROMPT, ...(await lastFrame())];
const width = 2 * MARGIN_PX + COLUMNS * CHARACTER_PX;
const height = 2 * MARGIN_PX + lines.length * LINE_PX;
mkdirSync(new URL('../images/', import.meta.url), { recursive: true });
writeFileSync(
  IMAGE,
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`,
    '<title>epsilon-clock watch</title>',
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    ...lines.map(lineOf).filter((line) => line !== ''),
    '</svg>\n',
  ].join('\n'),
);
console.log(`wrote ${IMAGE}`);
