/**
 * OTLP JSON, as the OpenTelemetry collector's file exporter writes it: one line holds a batch of
 * log records or spans of many resources.
 *
 * Each record becomes a line of its own. Its text is again OTLP JSON, a batch of one. Its fields
 * are read from a flat form, as if it had been logged by pino: attributes of the record and of its
 * resource by their names, the body as `msg`, and what the protocol names otherwise under the names
 * of the other loggers. The attributes `epsilon.hlc` and so on are also `hlc` and so on.
 *
 * Where a record comes from. A collector's file holds the records of many processes, in the order
 * in which they arrived. So a record without `epsilon.node` belongs to the process that its
 * resource names, and where the resource names none, its stamp orders nothing.
 *
 * The protocol's JSON has int64 as strings. Some writers make numbers of them, which are taken from
 * the text and not from a double.
 */

import type { Origin } from './place-reader.ts';

export type Json = Readonly<Record<string, unknown>>;

/** One record of a batch. */
export interface OtlpRecord {
  /** A batch of this record alone, JSON. */
  readonly text: string;
  /** Its fields at one level, for a reader of flat lines. */
  readonly flat: Json;
  readonly origin: Origin;
}

/** What differs between logs and spans. */
interface Kind {
  readonly resources: string;
  readonly scopes: string;
  readonly records: string;
  readonly flat: (record: Json) => Json;
}

const KINDS: readonly Kind[] = [
  {
    resources: 'resourceLogs',
    scopes: 'scopeLogs',
    records: 'logRecords',
    flat: ({ timeUnixNano, observedTimeUnixNano, severityText, body, traceId, spanId }) => ({
      // The protocol writes 0 for a time that is not known.
      time: timeUnixNano === '0' ? observedTimeUnixNano : (timeUnixNano ?? observedTimeUnixNano),
      level: severityText,
      msg: plainValue(body),
      traceId,
      spanId,
    }),
  },
  {
    resources: 'resourceSpans',
    scopes: 'scopeSpans',
    records: 'spans',
    flat: ({ startTimeUnixNano, endTimeUnixNano, name, traceId, spanId, parentSpanId }) => ({
      time: startTimeUnixNano,
      msg: name,
      traceId,
      spanId,
      parentSpanId,
      endTimeUnixNano,
    }),
  },
];

/**
 * The records of a batch. `undefined` when `json` is not a batch.
 *
 * @param json one line
 */
export function otlpRecords(json: string): OtlpRecord[] | undefined {
  const batch = parseExactly(json);
  const kind = KINDS.find(({ resources }) => Array.isArray(batch?.[resources]));
  if (batch === undefined || kind === undefined) return undefined;
  const found: OtlpRecord[] = [];
  for (const resource of listOf(batch, kind.resources)) {
    const shared = attributesOf(objectOf(resource, 'resource'));
    const origin = originOf(shared);
    for (const scope of listOf(resource, kind.scopes)) {
      for (const record of listOf(scope, kind.records)) {
        const alone = {
          [kind.resources]: [
            { ...resource, [kind.scopes]: [{ ...scope, [kind.records]: [record] }] },
          ],
        };
        const own = attributesOf(record);
        found.push({
          text: JSON.stringify(alone),
          flat: withoutPrefix({ ...shared, ...kind.flat(record), ...own }),
          origin,
        });
      }
    }
  }
  return found;
}

/**
 * The process that a resource names: by its instance id, or by its host and process id
 * (https://opentelemetry.io/docs/specs/semconv/resource/#service).
 */
function originOf(resource: Json): Origin {
  const service = resource['service.name'];
  const instance = resource['service.instance.id'];
  const host = resource['host.name'];
  const pid = resource['process.pid'];
  const oneProcess = instance !== undefined || (host !== undefined && pid !== undefined);
  const process = instance === undefined ? [host, pid] : [instance];
  const parts = [service, ...process].filter((part) => part !== undefined && part !== '');
  const name = parts.length > 0 ? parts.map(String).join('.') : undefined;
  return { name, oneClock: oneProcess, inOrder: false };
}

const LONG = /\d{16}/;
/** A number, or what looks like one, to its end. */
const NUMBER = /-?\d[\d.eE+-]*/g;

/**
 * As `JSON.parse`, but integers of 16 and more digits become strings, digit for digit. `undefined`
 * when `json` is not a JSON object. Takes time in proportion to the length.
 */
export function parseExactly(json: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(LONG.test(json) ? withLongsQuoted(json) : json);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * `json` with quotes around long integers. Strings are found by their quotes and not by a pattern,
 * because a pattern takes a place on the stack for each character of a string.
 */
function withLongsQuoted(json: string): string {
  const parts: string[] = [];
  for (let at = 0; at < json.length; ) {
    const quote = json.indexOf('"', at);
    const begin = quote === -1 ? json.length : quote;
    parts.push(json.slice(at, begin).replace(NUMBER, quotedIfLong));
    at = endOfString(json, begin);
    parts.push(json.slice(begin, at));
  }
  return parts.join('');
}

function quotedIfLong(number: string): string {
  const digits = number.startsWith('-') ? number.length - 1 : number.length;
  return digits < 16 || /[.eE+-]/.test(number.slice(1)) ? number : `"${number}"`;
}

/** Where the string that begins at `start` ends, its quotes included; the end of `json` at last. */
function endOfString(json: string, start: number): number {
  let from = start + 1;
  for (;;) {
    const quote = json.indexOf('"', from);
    if (quote === -1) return json.length;
    let escapes = 0;
    while (quote - escapes > from && json[quote - escapes - 1] === '\\') escapes++;
    if (escapes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

const PREFIX = 'epsilon.';

/** The fields, those that begin with `epsilon.` also without that. */
function withoutPrefix(fields: Json): Json {
  const entries = Object.entries(fields);
  const stamps = entries.filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries([
    ...entries,
    ...stamps.map(([name, value]) => [name.slice(PREFIX.length), value]),
  ]);
}

function attributesOf(object: Json): Json {
  return Object.fromEntries(
    listOf(object, 'attributes').map(({ key, value }) => [String(key), plainValue(value)]),
  );
}

/** The value inside an `AnyValue`, such as `{ stringValue: 'x' }`. Lists and maps stay wrapped. */
function plainValue(value: unknown): unknown {
  return isObject(value) ? Object.values(value)[0] : value;
}

function listOf(object: Json, name: string): Json[] {
  const list = object[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function objectOf(object: Json, name: string): Json {
  const value = object[name];
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
