import type { Settings } from '../propagation/options.ts';
import { send } from '../propagation/propagation.ts';

/**
 * Headers with a new stamp, in a form that Node and undici accept: an array of names and values
 * for an array or an iterable of pairs, an object for an object. What the caller has given stays as
 * it is, and a stamp in it is replaced.
 */
export function stampedHeaders(settings: Settings, headers: object): object {
  if (Symbol.iterator in headers) {
    const list = [...(headers as Iterable<unknown>)];
    const flat = Array.isArray(list[0]) ? list.flat() : list;
    const kept = flat.filter((_, i) => String(flat[i - (i % 2)]).toLowerCase() !== settings.header);
    send(settings, { get() {}, set: (name, value) => kept.push(name, value) });
    return kept;
  }
  const copy = { ...headers };
  send(settings, copy);
  return copy;
}
