/**
 * Stamps in the lines of pino.
 *
 * They come by way of pino's option `timestamp`, a function that returns a piece of the line as
 * text. With pino's other way, a `mixin`, a line costs 1.6 (`hlc`) to 3 times (full) as much,
 * because pino merges and serialises an object for each line.
 *
 * The first 13 digits of a timestamp are its milliseconds. So `time`, which pino would take from
 * `Date.now()`, is taken from the stamp, and the system's clock is not read.
 */
import { msFromUnixNs } from '../time/convert.ts';
import { systemClock } from '../time/system-clock.ts';
import { flat, JsonDigits } from './json-digits.ts';
import { EARLIEST, HLC, LATEST, LineStamp, reasonOf, type StampOptions } from './line-stamp.ts';

/** Options for pino. */
export interface StampedLines {
  /** The time and the stamp of one line as JSON, from the first comma on. Never throws. */
  readonly timestamp: () => string;
}

/**
 * Options that make pino stamp its lines, also those of child loggers. Spread them into your own.
 *
 * | field      | form   | meaning |
 * |------------|--------|---------|
 * | `time`     | number | the milliseconds of `hlc`, Unix time |
 * | `hlc`      | string | the timestamp, 19 digits |
 * | `node`     | string | the node id of the hybrid clock |
 * | `earliest` | string | the earliest that true time can be, Unix ns, 19 digits |
 * | `latest`   | string | the latest that true time can be, Unix ns, 19 digits |
 *
 * With `fields: 'compact'`, true time is within `eps` (a number, us, rounded up) of `hlc`. Where
 * the hybrid clock is outside of the interval, there is `lead` too (a string, ns), and true time is
 * within `eps` of `hlc - lead`. With `fields: 'hlc'` there are only `time` and `hlc`.
 *
 * While the clock has no bound, the fields of the interval are absent. When no stamp can be taken,
 * for example before the first synchronisation, `time` is that of the system's clock, and the only
 * other field is `unstamped`: the code of the error, such as `ERR_CLOCK_UNSYNCHRONIZED`.
 *
 * Pino calls the function once when it makes a logger, to see what it returns.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`) naming
 *   the option at fault
 * @example
 * import { pino } from 'pino';
 * const log = pino({ ...stampLines({ hlc, clock }), level: 'debug' });
 * log.info('order taken');
 */
export function stampLines(options: StampOptions): StampedLines {
  const stamp = new LineStamp(options);
  const text = textOf(stamp);
  const wall = systemClock();
  return {
    timestamp: () => {
      try {
        stamp.take();
        return text();
      } catch (error) {
        const time = msFromUnixNs(wall.wallNs());
        return `,"time":${time},"unstamped":${JSON.stringify(reasonOf(error))}`;
      }
    },
  };
}

/** A function that writes the stamp that was taken last. */
function textOf(stamp: LineStamp): () => string {
  const { fields, slots } = stamp;
  // A JSON number has no zeros in front. A host that boots without a clock starts in 1970.
  const hlc = new JsonDigits(slots, HLC, (ms) => [',"time":', Number(ms), ',"hlc":"', ms]);
  if (fields === 'hlc') return () => hlc.text();

  const node = `,"node":${JSON.stringify(stamp.nodeId)}`;
  if (fields === 'full') {
    const earliest = new JsonDigits(slots, EARLIEST, (ms) => [node, ',"earliest":"', ms]);
    const latest = new JsonDigits(slots, LATEST, (ms) => [',"latest":"', ms]);
    return () => (stamp.bounded ? hlc.text() + earliest.text() + latest.text() : hlc.text() + node);
  }

  // Most lines have the `eps` of the line before.
  let eps = -1;
  let nodeAndEps = '';
  return () => {
    if (!stamp.bounded) return hlc.text() + node;
    if (stamp.eps !== eps) {
      eps = stamp.eps;
      nodeAndEps = flat([node, ',"eps":', eps]);
    }
    const text = hlc.text() + nodeAndEps;
    return stamp.lead === undefined ? text : `${text},"lead":"${stamp.lead}"`;
  };
}
