/** Stamps in the lines of winston, as a format. */
import { formatTimestamp } from '../logical/timestamp-text.ts';
import { EARLIEST, HLC, LATEST, LineStamp, reasonOf, type StampOptions } from './line-stamp.ts';

/** A format of winston. */
export interface StampFormat {
  /** Adds the stamp to `info` and returns it. Never throws. */
  transform<Info extends object>(info: Info): Info;
}

/**
 * A format that makes winston stamp its lines, also those of child loggers. Put it before the
 * format that writes the line. Put it into the logger, because in a transport it would take another
 * stamp for each transport.
 *
 * The fields are those of `stampLines` of `epsilon-clock/pino`, without `time`, for which winston
 * has `format.timestamp()`.
 *
 * Winston formats a line when it passes it to the transports. When they can't keep up, that is
 * later than the call, and so is the stamp.
 *
 * @throws ArgumentTypeError, ArgumentRangeError (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`) naming
 *   the option at fault
 * @example
 * import { createLogger, format, transports } from 'winston';
 * const log = createLogger({
 *   format: format.combine(stampFormat({ hlc, clock }), format.json()),
 *   transports: [new transports.Console()],
 * });
 * log.info('order taken');
 */
export function stampFormat(options: StampOptions): StampFormat {
  const stamp = new LineStamp(options);
  const names = NAMES[stamp.fields];
  return {
    transform(info) {
      // An object that is logged twice has the stamp of the first time. Winston does not copy it.
      for (const name of names) delete (info as Record<string, unknown>)[name];
      return Object.assign(info, fieldsOf(stamp));
    },
  };
}

/** All fields that a line may get. */
const NAMES: Readonly<Record<LineStamp['fields'], readonly string[]>> = {
  full: ['hlc', 'node', 'earliest', 'latest', 'unstamped'],
  compact: ['hlc', 'node', 'eps', 'lead', 'unstamped'],
  hlc: ['hlc', 'unstamped'],
};

/** The fields of the next line. */
function fieldsOf(stamp: LineStamp): object {
  try {
    stamp.take();
    const { fields, slots, nodeId: node, eps, lead } = stamp;
    const hlc = formatTimestamp(slots[HLC]!);
    if (fields === 'hlc') return { hlc };
    if (!stamp.bounded) return { hlc, node };
    if (fields === 'compact') return { hlc, node, eps, ...(lead !== undefined && { lead }) };
    const earliest = formatTimestamp(slots[EARLIEST]!);
    return { hlc, node, earliest, latest: formatTimestamp(slots[LATEST]!) };
  } catch (error) {
    return { unstamped: reasonOf(error) };
  }
}
