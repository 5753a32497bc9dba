/**
 * JSON of the objects that the library hands out. `JSON.stringify` throws at a bigint, so one
 * bigint field in an error or an event would make a logger throw. So every such object has a
 * `toJSON`, which writes each bigint as a decimal string. (A JSON number would lose the last
 * digits.)
 */

/**
 * The plain form of `value` for JSON: bigints are decimal strings at every depth, absent values are
 * left out.
 */
export function jsonForm(value: object): Record<string, unknown> {
  // The copy has no `toJSON`, because `JSON.stringify` would call this function again.
  const { toJSON: _, ...fields } = { toJSON: undefined, ...value };
  return JSON.parse(JSON.stringify(fields, bigintAsText));
}

/**
 * Returns `value` itself, with a `toJSON` that is not enumerable, so loops, comparisons and
 * `postMessage` do not see it. Costs a third of a microsecond. Objects that are made more often are
 * instances of a class with a `toJSON` method instead.
 */
export function withJson<const T extends object>(value: T): T & { toJSON(): unknown } {
  return Object.defineProperty(value, 'toJSON', TO_JSON) as T & { toJSON(): unknown };
}

/** A replacer for `JSON.stringify`: writes every bigint as a decimal string. */
export function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

const TO_JSON: PropertyDescriptor = {
  value: function toJSON(this: object): unknown {
    return jsonForm(this);
  },
};
