/**
 * How far to trust our own judgement: Lifeguard's local health (Dadgar, Phillips, Currey,
 * "Lifeguard: local health awareness for more accurate failure detection", DSN-W 2018).
 *
 * Problem. A node that is starved of its processor or its network sees everybody else fail.
 *
 * Idea. A counter from 0 to 8 goes up by what a healthy node seldom meets (it was paused, it
 * suspected somebody who then came back), and down with each interval without. The time from
 * suspicion to conviction is multiplied by one more than the counter.
 */
const MAX_SCORE = 8;

export class LocalHealth {
  #score = 0;
  #troubled = false;

  /** 1 when healthy, 9 at worst. */
  get multiplier(): number {
    return 1 + this.#score;
  }

  trouble(): void {
    this.#score = Math.min(this.#score + 1, MAX_SCORE);
    this.#troubled = true;
  }

  /** One interval has passed. */
  intervalPassed(): void {
    if (!this.#troubled) this.#score = Math.max(this.#score - 1, 0);
    this.#troubled = false;
  }
}
