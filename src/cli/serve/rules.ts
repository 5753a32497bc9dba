/**
 * What a configuration may hold: rules that read a value, and say the same as a JSON Schema.
 *
 * One table makes the reader and the schema that editors use, so the two cannot differ. An error
 * names the line, the column and the key.
 */
import { nearest } from '../../time/options.ts';
import { type Node, PositionedError, quoted } from './positioned-json.ts';

export interface Rule<T> {
  /** The kind of JSON value that it reads; {@link either} decides by it. */
  readonly kinds: readonly Node['kind'][];
  /** The rule as a JSON Schema, draft 2020-12. */
  readonly schema: Readonly<Record<string, unknown>>;
  /**
   * @param path names the value in errors, such as `sources[2].source`
   * @throws PositionedError
   */
  read(node: Node, path: string): T;
}

/** What a value of a record's key may be; each key may be absent. */
type Read<R extends Readonly<Record<string, Rule<unknown>>>> = {
  readonly [K in keyof R]?: R[K] extends Rule<infer T> ? T : never;
};

const refused = (node: Node, path: string, expected: string): PositionedError =>
  new PositionedError(
    `${path || 'the configuration'} must be ${expected}; got ${shown(node)}`,
    node.at,
  );

function shown(node: Node): string {
  if (node.kind === 'string') return quoted(node.value);
  if (node.kind === 'array') return 'a list';
  return node.kind === 'object' ? 'an object' : String(node.value);
}

/** Whether `node` is of this kind, for the compiler too. */
const isOf = <K extends Node['kind']>(node: Node, kind: K): node is Extract<Node, { kind: K }> =>
  node.kind === kind;

/**
 * A string that `parse` understands.
 *
 * @param parse returns `undefined` for what it does not understand
 */
export function text<T>(
  parse: (text: string) => T | undefined,
  { expected, maxLength }: { readonly expected: string; readonly maxLength: number },
): Rule<T> {
  return {
    kinds: ['string'],
    schema: { type: 'string', minLength: 1, maxLength },
    read(node, path) {
      if (isOf(node, 'string') && node.value.length <= maxLength) {
        const parsed = parse(node.value);
        if (parsed !== undefined) return parsed;
      }
      throw refused(node, path, expected);
    },
  };
}

/** A number from `minimum` to `maximum`. */
export function number({
  minimum,
  maximum,
  integer = false,
}: {
  readonly minimum: number;
  readonly maximum: number;
  readonly integer?: boolean;
}): Rule<number> {
  const type = integer ? 'integer' : 'number';
  return {
    kinds: ['number'],
    schema: { type, minimum, maximum },
    read(node, path) {
      if (isOf(node, 'number') && node.value >= minimum && node.value <= maximum) {
        if (!integer || Number.isInteger(node.value)) return node.value;
      }
      throw refused(
        node,
        path,
        `${integer ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}`,
      );
    },
  };
}

/** One of a few words. */
export function word<const W extends string>(...words: readonly W[]): Rule<W> {
  return {
    kinds: ['string'],
    schema: { enum: words },
    read(node, path) {
      const found = words.find((each) => each === node.value);
      if (found === undefined) throw refused(node, path, words.map(quoted).join(' or '));
      return found;
    },
  };
}

export const flag: Rule<boolean> = {
  kinds: ['boolean'],
  schema: { type: 'boolean' },
  read(node, path) {
    if (!isOf(node, 'boolean')) throw refused(node, path, 'true or false');
    return node.value;
  },
};

/** A list of at most `maxItems`, and not empty. */
export function list<T>(rule: Rule<T>, maxItems: number): Rule<readonly T[]> {
  return {
    kinds: ['array'],
    schema: { type: 'array', items: rule.schema, minItems: 1, maxItems },
    read(node, path) {
      if (!isOf(node, 'array') || node.value.length === 0 || node.value.length > maxItems) {
        throw refused(node, path, `a list of 1 to ${maxItems} items`);
      }
      return node.value.map((each, i) => rule.read(each, `${path}[${i}]`));
    },
  };
}

/** The first of the rules that is for values of this kind. */
export function either<T>(...rules: readonly Rule<T>[]): Rule<T> {
  const kinds = rules.flatMap((rule) => rule.kinds);
  return {
    kinds,
    schema: { anyOf: rules.map(({ schema }) => schema) },
    read(node, path) {
      const rule = rules.find((each) => each.kinds.includes(node.kind));
      if (rule === undefined) throw refused(node, path, `of type ${kinds.join(' or ')}`);
      return rule.read(node, path);
    },
  };
}

/** An object that has some of these keys and no others, `required` among them. */
export function record<const R extends Readonly<Record<string, Rule<unknown>>>>(
  rules: R,
  { required = [] }: { readonly required?: readonly (keyof R & string)[] } = {},
): Rule<Read<R>> {
  const names = Object.keys(rules);
  const properties = Object.fromEntries(names.map((name) => [name, rules[name]!.schema]));
  const needed = required.length === 0 ? {} : { required };
  return {
    kinds: ['object'],
    schema: { type: 'object', properties, ...needed, additionalProperties: false },
    read(node, path) {
      if (!isOf(node, 'object')) throw refused(node, path, 'an object');
      const prefix = path === '' ? '' : `${path}.`;
      const entries = node.value.map(({ key, at, value }): [string, unknown] => {
        if (names.includes(key)) return [key, rules[key]!.read(value, `${prefix}${key}`)];
        const near = nearest(key, names);
        const hint = near === undefined ? `known are ${names.join(', ')}` : `did you mean ${near}?`;
        throw new PositionedError(`there is no key ${quoted(prefix + key)}: ${hint}`, at);
      });
      const found = Object.fromEntries(entries) as Read<R>;
      for (const name of required) {
        if (found[name] === undefined) {
          throw new PositionedError(`${prefix}${name} is missing`, node.at);
        }
      }
      return found;
    },
  };
}

/** The same rule, with a description for people in the schema. */
export const described = <T>(description: string, rule: Rule<T>): Rule<T> => ({
  ...rule,
  schema: { description, ...rule.schema },
});
