/**
 * The longest pause of any recent span, in bounded memory.
 *
 * Idea. A pause matters only as long as no later one is at least as long. So the pauses that are
 * kept get shorter from the oldest to the newest, and the first one that ended within a span is its
 * longest. When the room is used up, the two oldest become one that is as long as the longer and
 * ended when the later did. So an answer is never too short.
 */
interface Ended {
  readonly endedAt: bigint;
  readonly pauseNs: bigint;
}

const MAX_KEPT = 128;

export class LongestPauses {
  readonly #kept: Ended[] = [];

  add(endedAt: bigint, pauseNs: bigint): void {
    const kept = this.#kept;
    while (kept.length > 0 && kept[kept.length - 1]!.pauseNs <= pauseNs) kept.pop();
    kept.push({ endedAt, pauseNs });
    if (kept.length <= MAX_KEPT) return;
    const [oldest, next] = kept.splice(0, 2) as [Ended, Ended];
    kept.unshift({ endedAt: next.endedAt, pauseNs: oldest.pauseNs });
  }

  /** The longest that ended at `since` or later; 0n when there was none. */
  longestNs(since: bigint): bigint {
    return this.#kept.find(({ endedAt }) => endedAt >= since)?.pauseNs ?? 0n;
  }
}
