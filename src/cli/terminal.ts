/**
 * Drawing in place on a terminal. Lines are written over those of the last frame, so text that was
 * on the screen before stays in the scrollback, and the last frame stays after the end.
 *
 * Each frame is one write between the marks of a synchronised update (terminals that do not know
 * them ignore them), so no half-drawn frame is seen. The cursor is hidden while the view runs. It
 * is shown again however the process ends, and while Ctrl-Z has stopped it. After a change of size
 * the positions of the old lines are not known, so the screen is cleared.
 */
import type { WriteStream } from 'node:tty';
import { visible } from './visible.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_SCREEN = '\x1b[2J\x1b[H';

/** The text that replaces a frame of `previous` lines, with the cursor below them, by `lines`. */
export function frame(lines: readonly string[], previous: number): string {
  const up = previous === 0 ? '' : `\x1b[${previous}A\r`;
  const body = lines.map((line) => `${visible(line, true)}${CLEAR_LINE_END}\n`).join('');
  return `${BEGIN_UPDATE}${up}${body}${CLEAR_BELOW}${END_UPDATE}`;
}

export class LiveTerminal {
  readonly #stream: WriteStream;
  readonly #onResize: () => void;
  readonly #onExit: () => void;
  readonly #onStop: () => void;
  readonly #onContinue: () => void;
  #previous = 0;

  /**
   * @param redraw called when the size has changed, and after the process was stopped; it should
   *   call {@link LiveTerminal.draw}
   */
  constructor(stream: WriteStream, redraw: () => void) {
    this.#stream = stream;
    this.#onResize = () => {
      this.#previous = 0;
      stream.write(CLEAR_SCREEN);
      redraw();
    };
    this.#onExit = () => stream.write(SHOW_CURSOR);
    this.#onStop = () => {
      stream.write(SHOW_CURSOR);
      process.kill(process.pid, 'SIGSTOP');
    };
    this.#onContinue = () => {
      // The shell has written below the last frame, so that frame stays.
      this.#previous = 0;
      stream.write(HIDE_CURSOR);
      redraw();
    };
    stream.on('resize', this.#onResize);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    process.once('exit', this.#onExit);
    stream.write(HIDE_CURSOR);
  }

  /** The size for frames. One row is left for the cursor, which waits below the last line. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#stream.columns || 80, rows: (this.#stream.rows || 25) - 1 };
  }

  draw(lines: readonly string[]): void {
    this.#stream.write(frame(lines, this.#previous));
    this.#previous = lines.length;
  }

  close(): void {
    this.#stream.off('resize', this.#onResize);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    process.off('exit', this.#onExit);
    this.#stream.write(SHOW_CURSOR);
  }
}
