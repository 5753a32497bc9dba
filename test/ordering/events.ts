/** Short ways to write events and stamps. */
import type { StampedEvent } from 'epsilon-clock/ordering';
import { formatStamp, type Stamp } from 'epsilon-clock/timestamps';

type Ends = readonly [earliest?: number | undefined, latest?: number];

/** An event of `nodeId`; fields without a value are absent. */
export function event(
  nodeId: string,
  timestamp: number,
  [earliest, latest]: Ends = [],
  from?: Stamp | readonly Stamp[],
  time?: number,
): StampedEvent {
  return {
    timestamp: BigInt(timestamp),
    nodeId,
    ...(earliest !== undefined && { earliest: BigInt(earliest) }),
    ...(latest !== undefined && { latest: BigInt(latest) }),
    ...(from !== undefined && { from }),
    ...(time !== undefined && { time: BigInt(time) }),
  };
}

export function stamp(timestamp: number, nodeId: string): Stamp {
  return formatStamp(BigInt(timestamp), nodeId);
}
