/**
 * The merged lines for ShiViz, which draws a space-time diagram of a log with vector clocks. Two
 * lines of text for each event, to be read with the expression
 *
 *     (?<host>\S*) (?<clock>{.*})\n(?<event>.*)
 *
 * Our events have no vector clocks, so they are made here: an event counts one on its own node, and
 * takes over what the sender of its message had counted. ShiViz knows nothing of intervals: what
 * they prove is not in its picture.
 */
import { visible } from '../visible.ts';
import type { ByteOutput } from './byte-output.ts';
import type { LineView, OrderedLine } from './ordered-line.ts';
import { summaryOf } from './record-fields.ts';
import { Senders } from './senders.ts';

type Vector = ReadonlyMap<string, number>;

export class ShivizView implements LineView {
  readonly #output: ByteOutput;
  readonly #senders = new Senders<Vector>();
  readonly #lasts = new Map<string, Vector>();

  constructor(output: ByteOutput) {
    this.#output = output;
  }

  line({ event }: OrderedLine, shown: boolean): void {
    if (!shown) return;
    const { nodeId, timestamp, from } = event;
    const clock = new Map(this.#lasts.get(nodeId));
    for (const sender of this.#senders.find(from)) {
      for (const [node, count] of sender) {
        clock.set(node, Math.max(count, clock.get(node) ?? 0));
      }
    }
    clock.set(nodeId, (clock.get(nodeId) ?? 0) + 1);
    this.#lasts.set(nodeId, clock);
    this.#senders.add(nodeId, timestamp, clock);
    const vector = JSON.stringify(Object.fromEntries(clock));
    const { level, message } = summaryOf(event);
    const text = visible(`${level} ${message}`.trim(), false).replaceAll('\n', ' ');
    this.#output.writeText(`${nodeId} ${vector}\n${text}\n`);
  }

  end(): void {}
}
