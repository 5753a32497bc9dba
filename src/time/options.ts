/**
 * Checks the names of options. A misspelt option would be ignored and its default used silently. So
 * every function that takes options refuses unknown names and suggests the nearest known one.
 */
import { ArgumentTypeError, checkObject } from './errors.ts';

/** A name that needs more edits than this, or than half its letters, is not a misspelling. */
const MAX_EDITS = 3;

/**
 * Returns `options` when it is an object whose names are all in `names`. An option whose value is
 * `undefined` counts as absent.
 *
 * @param names an object with every known name; its type makes the compiler notice a missing one
 * @param called what an error calls `options`
 * @throws ArgumentTypeError when `options` is not an object, or a name is not known
 */
export function checkOptionNames<T extends object>(
  options: T,
  names: Readonly<Record<keyof T, true>>,
  called = 'options',
): T {
  const known = Object.keys(names);
  for (const [name, value] of Object.entries(checkObject(called, options))) {
    if (known.includes(name) || value === undefined) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
    const none = `there is no option ${name} (${hint}): it`;
    throw new ArgumentTypeError(none, 'left out', value);
  }
  return options;
}

/**
 * The known name with the fewest edits to `name`, letter case ignored; `undefined` when all need
 * too many.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let least = Math.min(MAX_EDITS, Math.ceil(name.length / 2)) + 1;
  let found: string | undefined;
  for (const each of known) {
    const distance = edits(name.toLowerCase().slice(0, 60), each.toLowerCase());
    if (distance < least) {
      least = distance;
      found = each;
    }
  }
  return found;
}

/** The number of letters to add, remove or change to turn `a` into `b` (Levenshtein distance). */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
