/**
 * The merged lines for people.
 *
 *     2026-11-21
 *     02:23:07.534418003 ±500.0 µs       orders-3   INFO  order 17 accepted
 *     ──────────────────────────────────────────────────────────────
 *     ┌ 02:23:07.641010003 ±500.0 µs     orders-3   INFO  asks billing
 *     └ 02:23:07.641310003 ±720.0 µs ~1  billing-1  INFO  charges
 *
 * Lines in a bracket are a group: some of them may have happened in another order. `~1` says that
 * all lines above are certainly before this one, except perhaps the last one. A rule stands between
 * groups: all above is certainly before all below (under O3 of docs/guarantees/ordering.md).
 *
 * The time is the hybrid timestamp, by which lines are sorted. The number after ± is half the width
 * of the interval in which the line was certainly logged, and is absent when that is not known.
 */

import { uncertaintyNs } from '../../interval/time-interval.ts';
import { formatIso } from '../../time/iso.ts';
import { formatNs } from '../durations.ts';
import { type Paint, pad } from '../paint.ts';
import { visible } from '../visible.ts';
import type { ByteOutput } from './byte-output.ts';
import type { LineView, OrderedLine } from './ordered-line.ts';
import { type Summary, summaryOf } from './record-fields.ts';

const RULE = '─'.repeat(62);
const MIN_NODE_WIDTH = 10;
const MAX_NODE_WIDTH = 24;
const UNCERTAINTY_WIDTH = 10;
/** `~12345` and a space. More is written out, and the columns behind it move. */
const OPEN_WIDTH = 6;

export class TextView implements LineView {
  readonly #output: ByteOutput;
  readonly #paint: Paint;
  readonly #lanes: Lanes;
  /** The line that waits for the next one, which tells whether its bracket goes on. */
  #waiting: { readonly line: OrderedLine; readonly index: number } | undefined;
  /** The group of the line that was written last. */
  #group: number | undefined;
  #groupIsOpen = false;
  #index = 0;
  #date = '';

  constructor(output: ByteOutput, paint: Paint) {
    this.#output = output;
    this.#paint = paint;
    this.#lanes = new Lanes(paint);
  }

  line(line: OrderedLine, shown: boolean): void {
    const index = this.#index++;
    if (!shown) return;
    this.#writeWaiting(line);
    this.#waiting = { line, index };
  }

  end(): void {
    this.#writeWaiting(undefined);
  }

  #writeWaiting(next: OrderedLine | undefined): void {
    if (this.#waiting === undefined) return;
    const { line, index } = this.#waiting;
    this.#waiting = undefined;
    const begins = line.group === undefined || line.group !== this.#group;
    const goesOn = line.group !== undefined && line.group === next?.group;
    // Where neither group has a second line, the rule would only double the page.
    if (this.#group !== undefined && begins && (goesOn || this.#groupIsOpen)) {
      this.#write(this.#paint.dim(RULE));
    }
    const bracket = begins ? (goesOn ? '┌ ' : '  ') : goesOn ? '│ ' : '└ ';
    this.#writeLine(line, index, bracket, goesOn);
    this.#group = line.group;
    this.#groupIsOpen = goesOn || !begins;
  }

  #writeLine(line: OrderedLine, index: number, bracket: string, goesOn: boolean): void {
    const { event, earliest, latest, watermark } = line;
    const [date, time] = formatIso(event.timestamp).slice(0, -1).split('T') as [string, string];
    if (date !== this.#date) this.#write(this.#paint.dim(date));
    this.#date = date;
    const known = earliest !== undefined && latest !== undefined;
    const uncertainty = known ? `±${formatNs(uncertaintyNs({ earliest, latest }), 'up')}` : '';
    const open = index === watermark ? '' : `~${index - watermark}`;
    const { dim } = this.#paint;
    for (const stray of event.before) this.#write(dim(`    ${fromLog(stray.toString())}`));
    this.#write(
      [
        `${dim(bracket)}${time}`,
        dim(pad(uncertainty, UNCERTAINTY_WIDTH)),
        dim(pad(open, OPEN_WIDTH)),
        this.#lanes.name(event.nodeId),
        this.#summaryText(summaryOf(event)),
      ].join(' '),
    );
    for (const stray of event.after) {
      this.#write(`${dim(goesOn ? '│ ' : '  ')}  ${fromLog(stray.toString())}`);
    }
  }

  #summaryText({ level, message, rest }: Summary): string {
    const { red, yellow, dim } = this.#paint;
    const shown = pad(fromLog(level), 5);
    const painted = /^(ERR|FATAL|CRIT|ALERT|EMERG)/.test(level)
      ? red(shown)
      : level.startsWith('WARN')
        ? yellow(shown)
        : shown;
    const fields = rest.map(([name, value]) => `${name}=${value}`).join(' ');
    return `${painted} ${fromLog(message)} ${dim(fromLog(fields))}`.trimEnd();
  }

  #write(text: string): void {
    this.#output.writeText(`${text}\n`);
  }
}

/** Text of a log, on one line and with nothing that a terminal obeys, colours too. */
function fromLog(text: string): string {
  return visible(text, false).replaceAll('\n', '␊');
}

/** A colour for each node, in the order in which they appear. */
class Lanes {
  readonly #colours: readonly ((text: string) => string)[];
  readonly #ofNode = new Map<string, (text: string) => string>();
  #width = MIN_NODE_WIDTH;

  constructor({ cyan, green, yellow, red, bold }: Paint) {
    const plain = [cyan, green, yellow, red];
    this.#colours = [...plain, ...plain.map((colour) => (text: string) => bold(colour(text)))];
  }

  name(nodeId: string): string {
    let colour = this.#ofNode.get(nodeId);
    if (colour === undefined) {
      colour = this.#colours[this.#ofNode.size % this.#colours.length]!;
      this.#ofNode.set(nodeId, colour);
      this.#width = Math.min(Math.max(this.#width, nodeId.length), MAX_NODE_WIDTH);
    }
    return colour(pad(nodeId, this.#width));
  }
}
