/**
 * The merged lines as NDJSON: each line as it was, byte by byte, with one field `order` more.
 *
 * `group` and `watermark` are those of `mergeLogs`. `certain` is true on a line that begins a
 * group: every line above is certainly before it and before all below it (under O3 of
 * docs/guarantees/ordering.md). Lines that stay with a record are in `before` and `after`.
 */
import { visibleJson } from '../visible.ts';
import type { ByteOutput } from './byte-output.ts';
import type { LineView, OrderedLine } from './ordered-line.ts';

const CLOSE_BRACE = 0x7d;

export class JsonView implements LineView {
  readonly #output: ByteOutput;
  readonly #onTerminal: boolean;
  /** The group of the line before, whether it was shown or not. */
  #group: number | undefined = 0;

  /** @param onTerminal whether characters that a terminal obeys are escaped */
  constructor(output: ByteOutput, onTerminal: boolean) {
    this.#output = output;
    this.#onTerminal = onTerminal;
  }

  line({ event, group, watermark }: OrderedLine, shown: boolean): void {
    const certain = group !== this.#group;
    this.#group = group;
    if (!shown) return;
    const { bytes, start, end, before, after } = event;
    const groupText = group === undefined ? '' : `"group":${group},"certain":${certain},`;
    const others = `${list('before', before)}${list('after', after)}`;
    const order = `"order":{${groupText}"watermark":${watermark}${others}}}`;
    // A record is an object that is not empty, so its last brace is there, and a comma fits.
    const close = bytes.lastIndexOf(CLOSE_BRACE, end - 1);
    if (this.#onTerminal) {
      const text = bytes.toString('utf8', start, close);
      this.#output.writeText(`${visibleJson(`${text},${order}`)}\n`);
    } else {
      this.#output.write(bytes, start, close);
      this.#output.writeText(`,${order}\n`);
    }
  }

  end(): void {}
}

function list(name: string, lines: readonly Buffer[]): string {
  return lines.length === 0 ? '' : `,"${name}":${JSON.stringify(lines.map(String))}`;
}
