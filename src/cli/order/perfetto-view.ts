/**
 * The merged lines as a trace that Perfetto and Chrome open: the JSON form of the Trace Event
 * Format. A process for each node, a slice for each event, a flow for each message.
 *
 * A slice begins at the hybrid timestamp and lasts 1 ns. That is the longest that never overlaps
 * the next event of its node, and a flow needs a slice at its ends. Times are microseconds after
 * the first event, because the format has doubles. The interval is among the arguments: intervals
 * overlap, which slices of one track must not.
 */
import { formatIso } from '../../time/iso.ts';
import { json } from '../report.ts';
import type { ByteOutput } from './byte-output.ts';
import { whereIs } from './log-record.ts';
import type { LineView, OrderedLine } from './ordered-line.ts';
import { summaryOf } from './record-fields.ts';
import { Senders } from './senders.ts';

/** Where the slice of an event is. */
interface Slice {
  readonly pid: number;
  readonly ts: number;
}

export class PerfettoView implements LineView {
  readonly #output: ByteOutput;
  readonly #senders = new Senders<Slice>();
  readonly #pids = new Map<string, number>();
  #begin: bigint | undefined;
  #flows = 0;

  constructor(output: ByteOutput) {
    this.#output = output;
  }

  line({ event, earliest, latest, group, watermark }: OrderedLine, shown: boolean): void {
    if (!shown) return;
    const begin = this.#begin ?? event.timestamp;
    if (this.#begin === undefined) {
      const beginning = JSON.stringify(formatIso(event.timestamp));
      this.#output.writeText(`{"otherData":{"beginning":${beginning}},"traceEvents":[\n`);
    } else {
      this.#output.writeText(',\n');
    }
    this.#begin = begin;
    const ts = Number(event.timestamp - begin) / 1000;
    const slice = { pid: this.#pidOf(event.nodeId), ts };
    const { level, message, rest } = summaryOf(event);
    const args = {
      ...Object.fromEntries(rest),
      ...{ level, earliest, latest, group, watermark, at: whereIs(event) },
    };
    const name = message || whereIs(event);
    this.#write({ ...slice, ph: 'X', tid: 1, dur: 0.001, cat: 'log', name, args });
    for (const sender of this.#senders.find(event.from)) {
      const flow = { tid: 1, cat: 'message', name: 'message', id: ++this.#flows };
      this.#output.writeText(',\n');
      this.#write({ ...sender, ...flow, ph: 's' });
      this.#output.writeText(',\n');
      this.#write({ ...slice, ...flow, ph: 'f', bp: 'e' });
    }
    this.#senders.add(event.nodeId, event.timestamp, slice);
  }

  end(): void {
    this.#output.writeText(this.#begin === undefined ? '{"traceEvents":[]}\n' : '\n]}\n');
  }

  /** The process of a node, which is introduced by its name when it appears. */
  #pidOf(nodeId: string): number {
    const known = this.#pids.get(nodeId);
    if (known !== undefined) return known;
    const pid = this.#pids.size + 1;
    this.#pids.set(nodeId, pid);
    this.#write({ ph: 'M', pid, name: 'process_name', args: { name: nodeId } });
    this.#output.writeText(',\n');
    return pid;
  }

  #write(traceEvent: object): void {
    this.#output.writeText(json(traceEvent));
  }
}
