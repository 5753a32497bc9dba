import { EventEmitter } from 'node:events';
import type { WriteStream } from 'node:tty';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { LiveTerminal } from '../../src/cli/terminal.ts';

const ESCAPE = '\x1b[';
// biome-ignore lint/suspicious/noControlCharactersInRegex: codes begin with it
const CODES = /(\x1b\[\??[0-9;]*[a-zA-Z]|[\r\n])/;

/** The part of a terminal that the program uses. Any other escape code is an error. */
class Screen extends EventEmitter {
  columns = 80;
  rows = 24;
  lines: string[] = [''];
  cursorShown = true;
  #row = 0;
  #column = 0;

  write(text: string): boolean {
    for (const token of text.split(CODES)) if (token !== '') this.#obey(token);
    return true;
  }

  #obey(token: string): void {
    if (token === '\n') {
      this.#row++;
      this.#column = 0;
      this.lines[this.#row] ??= '';
    } else if (token === '\r') this.#column = 0;
    else if (token.startsWith(ESCAPE)) this.#command(token.slice(2));
    else {
      const line = this.lines[this.#row]!;
      const end = this.#column + token.length;
      this.lines[this.#row] = line.slice(0, this.#column) + token + line.slice(end);
      this.#column = end;
    }
  }

  #command(code: string): void {
    const clearLineEnd = (): void => {
      this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
    };
    if (/^\d+A$/.test(code)) this.#row -= Number.parseInt(code, 10);
    else if (code === 'K') clearLineEnd();
    else if (code === 'J') {
      clearLineEnd();
      this.lines.length = this.#row + 1;
    } else if (code === '2J') this.lines = [''];
    else if (code === 'H') this.#row = this.#column = 0;
    else if (code === '?25l') this.cursorShown = false;
    else if (code === '?25h') this.cursorShown = true;
    else if (!code.startsWith('?2026')) throw new Error(`unknown code ${code}`);
  }
}

const open = (screen: Screen, redraw = (): void => {}): LiveTerminal =>
  new LiveTerminal(screen as unknown as WriteStream, redraw);

describe('drawing in place', () => {
  test('each frame replaces the one before, longer or shorter', () => {
    const screen = new Screen();
    screen.write('before\n');
    const terminal = open(screen);
    terminal.draw(['long', 'b']);
    terminal.draw(['c', 'd', 'e']);
    expect(screen.lines).toEqual(['before', 'c', 'd', 'e', '']);
    terminal.draw(['f']);
    expect(screen.lines).toEqual(['before', 'f', '']);
    terminal.close();
  });

  test('the cursor is hidden meanwhile and shown afterwards', () => {
    const screen = new Screen();
    const terminal = open(screen);
    expect(screen.cursorShown).toBe(false);
    terminal.close();
    expect(screen.cursorShown).toBe(true);
  });

  test('nothing of it is left on the stream or the process', () => {
    const screen = new Screen();
    const counts = () => ['exit', 'SIGTSTP', 'SIGCONT'].map((name) => process.listenerCount(name));
    const before = counts();
    const terminal = open(screen);
    expect(counts()).toEqual(before.map((count) => count + 1));
    terminal.close();
    expect(counts()).toEqual(before);
    expect(screen.listenerCount('resize')).toBe(0);
  });

  test('after a change of size the screen is cleared and drawn anew', () => {
    const screen = new Screen();
    screen.write('before\n');
    const terminal = open(screen, () => terminal.draw([`${terminal.size.columns} columns`]));
    terminal.draw(['a', 'b']);
    screen.columns = 40;
    screen.emit('resize');
    expect(screen.lines).toEqual(['40 columns', '']);
    terminal.close();
  });

  test('Ctrl-Z shows the cursor, then stops; afterwards it goes on below what the shell wrote', () => {
    const screen = new Screen();
    const terminal = open(screen, () => terminal.draw(['b']));
    terminal.draw(['a']);
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      expect(screen.cursorShown).toBe(true);
      return true;
    });
    onTestFinished(() => kill.mockRestore());
    process.emit('SIGTSTP');
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGSTOP');
    screen.write('[1]+ stopped\n');
    process.emit('SIGCONT');
    expect(screen.cursorShown).toBe(false);
    expect(screen.lines).toEqual(['a', '[1]+ stopped', 'b', '']);
    terminal.close();
  });

  test('one row is left for the cursor', () => {
    const terminal = open(new Screen());
    expect(terminal.size).toEqual({ columns: 80, rows: 23 });
    terminal.close();
  });
});
