/**
 * The data of a space-time diagram: a lane for each node, an interval for each event, an arrow for
 * each message.
 *
 * The page computes with doubles. So instants become microseconds after the beginning of the
 * diagram, which a double holds to less than a nanosecond over a day.
 */
import type { Stamp } from '../../logical/timestamp-text.ts';
import { asUnixNs } from '../../time/instant.ts';
import { formatIso } from '../../time/iso.ts';
import { Senders } from './senders.ts';

/** A line of a merged log. */
export interface DiagramLine {
  readonly nodeId: string;
  readonly timestamp: bigint;
  readonly earliest?: bigint | undefined;
  readonly latest?: bigint | undefined;
  readonly from?: readonly Stamp[] | undefined;
  /** Which group the line belongs to, from 0. */
  readonly group: number;
  /** How many lines from the top are certainly before this one. */
  readonly watermark: number;
  /** What the line says, for people. */
  readonly text: string;
}

/** An event of the diagram. Instants are us after `Diagram.begin`. */
export interface DiagramEvent {
  readonly lane: number;
  readonly stamp: string;
  readonly at: number;
  /** Absent where nothing is known. */
  readonly earliest?: number;
  readonly latest?: number;
  readonly group: number;
  readonly watermark: number;
  readonly text: string;
}

export interface Diagram {
  readonly title: string;
  /** The instant 0, as ISO 8601 with nanoseconds. */
  readonly begin: string;
  readonly lanes: readonly string[];
  /** In the order of the log. */
  readonly events: readonly DiagramEvent[];
  /**
   * From which event to which, by index. The sender's last event up to the message stands for the
   * message.
   */
  readonly messages: readonly (readonly [from: number, to: number])[];
}

/** The diagram of `lines`, which are in the order of the merged log. */
export function diagramOf(title: string, lines: readonly DiagramLine[]): Diagram {
  const begin = beginningOf(lines);
  const us = (instant: bigint): number => Number(instant - begin) / 1000;
  const lanes = [...new Set(lines.map(({ nodeId }) => nodeId))].sort();
  const senders = new Senders<number>();
  const messages: [from: number, to: number][] = [];
  const events = lines.map((line, index): DiagramEvent => {
    const { nodeId, timestamp, earliest, latest, group, watermark, text } = line;
    for (const sender of senders.find(line.from)) messages.push([sender, index]);
    senders.add(nodeId, timestamp, index);
    return {
      lane: lanes.indexOf(nodeId),
      stamp: String(timestamp),
      at: us(timestamp),
      ...(earliest !== undefined && { earliest: us(earliest) }),
      ...(latest !== undefined && { latest: us(latest) }),
      group,
      watermark,
      text,
    };
  });
  return { title, begin: formatIso(asUnixNs(begin)), lanes, events, messages };
}

/** The first instant that the diagram shows; 0 without lines. */
function beginningOf(lines: readonly DiagramLine[]): bigint {
  let begin: bigint | undefined;
  for (const { timestamp, earliest = timestamp } of lines) {
    const first = earliest < timestamp ? earliest : timestamp;
    if (begin === undefined || first < begin) begin = first;
  }
  return begin ?? 0n;
}
