/**
 * Planting a fault: the text to find must stand once in its file. White space does not count, so a
 * formatter that wraps a line differently changes nothing.
 */

export type Planted = { readonly text: string } | { readonly problem: string };

/** `source` with `replace` in the place of the one occurrence of `find`; or why that cannot be. */
export function plant(source: string, find: string, replace: string): Planted {
  const { dense, places } = withoutSpace(source);
  const wanted = withoutSpace(find).dense;
  const first = dense.indexOf(wanted);
  if (wanted === '' || first < 0) {
    return { problem: `its text is not there; the nearest line is ${nearestLine(source, find)}` };
  }
  if (dense.indexOf(wanted, first + 1) >= 0) return { problem: 'its text is there more than once' };
  const begin = places[first] as number;
  const end = (places[first + wanted.length - 1] as number) + 1;
  return { text: source.slice(0, begin) + replace + source.slice(end) };
}

/** The characters that are not white space, and where each of them stands. */
function withoutSpace(text: string): { dense: string; places: number[] } {
  const places: number[] = [];
  let dense = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (/\s/.test(character)) continue;
    dense += character;
    places.push(i);
  }
  return { dense, places };
}

/** The line that shares most pairs of neighbouring characters with `find`. */
function nearestLine(source: string, find: string): string {
  const wanted = pairsOf(find);
  let best = { shared: -1, at: 0, line: '' };
  for (const [i, line] of source.split('\n').entries()) {
    const pairs = pairsOf(line);
    let shared = 0;
    for (const pair of wanted) if (pairs.has(pair)) shared++;
    // Of equal lines the shorter one is nearer.
    const near = shared - pairs.size / 1000;
    if (near > best.shared) best = { shared: near, at: i + 1, line: line.trim() };
  }
  return `${best.at}: ${best.line}`;
}

function pairsOf(text: string): Set<string> {
  const { dense } = withoutSpace(text);
  return new Set(
    Array.from({ length: Math.max(0, dense.length - 1) }, (_, i) => dense.slice(i, i + 2)),
  );
}
