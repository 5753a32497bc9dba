/**
 * What a record says, for people and for `--where`. Only the records that are shown or asked about
 * are parsed, and only here.
 */

import type { LogRecord } from './log-record.ts';
import type { Condition } from './order-arguments.ts';
import { type Json, otlpRecords, parseExactly } from './otlp.ts';

/** Syslog's severities, which the journal has as PRIORITY. */
const SEVERITIES = ['EMERG', 'ALERT', 'CRIT', 'ERROR', 'WARN', 'NOTICE', 'INFO', 'DEBUG'];
/** The levels of pino and bunyan. */
const LEVELS: Readonly<Record<string, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/**
 * The fields of a record at one level. Long integers are strings. Those of OpenTelemetry are its
 * attributes and what otlp.ts makes of the rest; those of a journal entry include the fields of a
 * message that is JSON. A line that is almost JSON, but not quite, has its whole text as `msg`.
 */
export function fieldsOf({ bytes, start, end }: LogRecord): Json {
  const text = bytes.toString('utf8', start, end);
  const [otlp] = otlpRecords(text) ?? [];
  if (otlp !== undefined) return otlp.flat;
  const fields = parseExactly(text) ?? { msg: text };
  if (fields.__REALTIME_TIMESTAMP === undefined) return fields;
  const { MESSAGE: msg, PRIORITY, ...entry } = fields;
  const level = SEVERITIES[Number(PRIORITY)];
  const inner = typeof msg === 'string' ? parseExactly(msg) : undefined;
  return { level, msg, ...entry, ...inner };
}

/** Whether a record fulfils all conditions. */
export function fulfils(record: LogRecord, conditions: readonly Condition[]): boolean {
  if (conditions.length === 0) return true;
  const fields = fieldsOf(record);
  return conditions.every(({ field, value }) => valueAt(fields, field) === value);
}

/** The value of `a.b` as text: of the field with that name, or of `b` in the object `a`. */
function valueAt(fields: Json, name: string): string | undefined {
  let value: unknown = fields[name];
  if (value === undefined) {
    value = fields;
    for (const part of name.split('.')) {
      value = typeof value === 'object' && value !== null ? (value as Json)[part] : undefined;
    }
  }
  return typeof value === 'string' ? value : jsonOf(value);
}

/** What a line of text shows of a record. */
export interface Summary {
  /** In capitals; empty when there is none. */
  readonly level: string;
  readonly message: string;
  /** All other fields, except those that say when and where. */
  readonly rest: readonly (readonly [name: string, value: string])[];
}

const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set([
  ...['level', 'msg', 'message', 'time', 'timestamp', '@timestamp', 'v', 'pid', 'hostname', 'name'],
  ...['hlc', 'node', 'earliest', 'latest', 'eps', 'lead'],
]);

export function summaryOf(record: LogRecord): Summary {
  const fields = fieldsOf(record);
  const level = textOf(fields.level);
  return {
    level: LEVELS[level] ?? level.toUpperCase(),
    message: textOf(fields.msg ?? fields.message),
    rest: Object.entries(fields)
      .filter(([name]) => !SHOWN_ELSEWHERE.has(name) && !/^_|^epsilon\./.test(name))
      .map(([name, value]) => [name, textOf(value)] as const)
      .filter(([, value]) => value !== ''),
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : (jsonOf(value) ?? '');
}

/** JSON of a value. A value that is nested too deeply for that is shown as an ellipsis. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return '…';
    throw error;
  }
}
