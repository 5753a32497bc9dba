/**
 * The number of items at the front of `sorted` that pass `test`. Found by binary search, so no item
 * after them may pass.
 */
export function countWhile<T>(sorted: readonly T[], test: (item: T) => boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (test(sorted[middle]!)) from = middle + 1;
    else to = middle;
  }
  return from;
}
