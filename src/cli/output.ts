/**
 * Where a command's text goes: results to standard output, remarks to standard error.
 *
 * Colour and redrawing are for terminals only, and NO_COLOR (no-color.org) turns colour off there
 * too. The command may read its environment; the library never does.
 */
import type { WriteStream } from 'node:tty';
import { ansiPaint, type Paint, plainPaint } from './paint.ts';
import { visible } from './visible.ts';

export interface Output {
  /** Prints one line of the result. */
  print(line: string): void;
  /** Prints one line for people, which is not part of the result. */
  remark(line: string): void;
  readonly paint: Paint;
  /** The terminal on which the result can be redrawn in place; `undefined` when there is none. */
  readonly terminal: WriteStream | undefined;
}

/** The output of this process. */
export function processOutput(): Output {
  const { stdout, stderr, env } = process;
  const terminal = stdout.isTTY && env.TERM !== 'dumb' ? stdout : undefined;
  const colour = terminal !== undefined && !env.NO_COLOR;
  return {
    print: (line) => stdout.write(`${visible(line, colour)}\n`),
    remark: (line) => stderr.write(`${visible(line, false)}\n`),
    paint: colour ? ansiPaint : plainPaint,
    terminal,
  };
}
