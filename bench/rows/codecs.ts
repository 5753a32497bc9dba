/** Encodings of timestamps. */
import { randomUUID } from 'node:crypto';
import {
  compareStamps,
  formatStamp,
  formatTimestamp,
  type HlcTimestamp,
  parseStamp,
  parseTimestamp,
  type StampParts,
  systemClock,
} from 'epsilon-clock';
import {
  formatUuidv7,
  parseTimestampInto,
  parseUuidv7,
  readTimestamp,
  writeTimestamp,
} from 'epsilon-clock/timestamps';
import type { Row } from '../row.ts';
import { kept, MASK, ring, slots } from './kept.ts';

const view = new DataView(new ArrayBuffer(8));

export function codecs(): Row[] {
  const clock = systemClock();
  const stamps = ring((i) => clock.wallNs() + BigInt(i * 1000)) as HlcTimestamp[];
  const texts = stamps.map(formatTimestamp);
  const nodeTexts = stamps.map((t) => formatStamp(t, 'orders-3'));
  const uuids = stamps.map((t) => formatUuidv7(t, 3n));
  const pairs: StampParts[] = stamps.map((timestamp, i) => ({
    timestamp,
    nodeId: `orders-${i % 3}`,
  }));
  return [
    {
      id: 'codec.format',
      operation: '`formatTimestamp(t)`: 19 digits',
      run: (i) => {
        const text = formatTimestamp(stamps[i & MASK] as HlcTimestamp);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
      target: { xFloor: 1.6 },
      baseline: 'codec.String',
    },
    {
      id: 'codec.String',
      operation: '`String(bigint)`, for comparison',
      run: (i) => {
        const text = String(stamps[i & MASK]);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.parseInto',
      operation: '`parseTimestampInto(text, slots, i)`',
      run: (i) => parseTimestampInto(texts[i & MASK] as string, slots, 0),
      maxBytes: 0,
      target: { xFloor: 1.7 },
      baseline: 'codec.BigInt',
    },
    {
      id: 'codec.parse',
      operation: '`parseTimestamp(text)`: bigint',
      run: (i) => {
        kept[i & MASK] = parseTimestamp(texts[i & MASK] as string);
      },
      baseline: 'codec.BigInt',
    },
    {
      id: 'codec.BigInt',
      operation: '`BigInt(text)`, for comparison',
      run: (i) => {
        kept[i & MASK] = BigInt(texts[i & MASK] as string);
      },
    },
    {
      id: 'codec.write',
      operation: '`writeTimestamp(t, view, i)`: 8 bytes',
      run: (i) => writeTimestamp(stamps[i & MASK] as HlcTimestamp, view, 0),
      maxBytes: 0,
    },
    {
      id: 'codec.read',
      operation: '`readTimestamp(view, i)`: bigint',
      run: (i) => {
        kept[i & MASK] = readTimestamp(view, 0);
      },
    },
    {
      id: 'codec.formatStamp',
      operation: '`formatStamp(t, nodeId)`',
      run: (i) => {
        const text = formatStamp(stamps[i & MASK] as HlcTimestamp, 'orders-3');
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.parseStamp',
      batch: 100,
      operation: '`parseStamp(text)`',
      run: (i) => {
        kept[i & MASK] = parseStamp(nodeTexts[i & MASK] as string);
      },
    },
    {
      id: 'codec.compareStamps',
      operation: '`compareStamps(a, b)`',
      run: (i) => {
        kept[i & MASK] = compareStamps(
          pairs[i & MASK] as StampParts,
          pairs[(i + 7) & MASK] as StampParts,
        );
      },
      maxBytes: 0,
    },
    {
      id: 'codec.toUuid',
      batch: 100,
      operation: '`formatUuidv7(t, nodeBits)`',
      run: (i) => {
        const text = formatUuidv7(stamps[i & MASK] as HlcTimestamp, 3n);
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
      baseline: 'codec.randomUUID',
    },
    {
      id: 'codec.randomUUID',
      batch: 100,
      operation: '`crypto.randomUUID()`, for comparison',
      run: (i) => {
        const text = randomUUID();
        kept[i & MASK] = text;
        return text.charCodeAt(0);
      },
    },
    {
      id: 'codec.fromUuid',
      batch: 100,
      operation: '`parseUuidv7(text)`',
      run: (i) => {
        kept[i & MASK] = parseUuidv7(uuids[i & MASK] as string);
      },
    },
  ];
}
