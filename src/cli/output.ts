/**
 * Where a command's text goes: results to standard output, remarks to standard error.
 *
 * Colour and redrawing are for terminals only, and NO_COLOR (no-color.org) turns colour off there too. The
 * command line program may look at its environment; the library never does.
 */
import type { WriteStream } from 'node:tty';
import { ansiPaint, type Paint, plainPaint } from './paint.ts';

export interface Output {
  /** One line of the result. */
  print(line: string): void;
  /** One line for people, beside the result. */
  remark(line: string): void;
  readonly paint: Paint;
  /** Present when the result can be redrawn in place. */
  readonly terminal: WriteStream | undefined;
}

/** The output of `process`. */
export function processOutput(): Output {
  const { stdout, stderr, env } = process;
  const terminal = stdout.isTTY && env.TERM !== 'dumb' ? stdout : undefined;
  const colour = terminal !== undefined && !env.NO_COLOR;
  return {
    print: (line) => stdout.write(`${line}\n`),
    remark: (line) => stderr.write(`${line}\n`),
    paint: colour ? ansiPaint : plainPaint,
    terminal,
  };
}
