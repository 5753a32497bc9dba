/**
 * Finds, among items with a key and a value, the one with the greatest value below a given key.
 *
 * An item is kept only while no other item has a smaller key and a greater value. So the kept items
 * are steps: both fields rise from one to the next, and a binary search finds the answer.
 */
import { countWhile } from './count-while.ts';

interface Step<T> {
  readonly key: bigint;
  readonly value: bigint;
  readonly item: T;
}

export class GreatestBelow<T> {
  readonly #steps: Step<T>[] = [];

  add(step: Step<T>): void {
    const steps = this.#steps;
    const from = this.#indexOf(step.key);
    const at = steps[from]?.key === step.key ? from : from - 1;
    if (steps[at] !== undefined && steps[at].value >= step.value) return;
    let to = from;
    while (to < steps.length && steps[to]!.value <= step.value) to++;
    steps.splice(from, to - from, step);
  }

  /** The item with the greatest value whose key is below `key`. */
  find(key: bigint): Step<T> | undefined {
    return this.#steps[this.#indexOf(key) - 1];
  }

  /** Forgets what no later question, about `key` or above, needs. */
  forgetBelow(key: bigint): void {
    this.#steps.splice(0, this.#indexOf(key) - 1);
  }

  /** The index of the first step whose key is not below `key`. */
  #indexOf(key: bigint): number {
    return countWhile(this.#steps, (step) => step.key < key);
  }
}
