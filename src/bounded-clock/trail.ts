/**
 * Which clocks a clock's time rests on, for servers of that time: so that two servers do not follow
 * each other unnoticed.
 *
 * **What a loop does.** A asks B, and B asks A. No interval becomes wrong by that: each step takes
 * an interval that holds true time and widens it. So a ring without another source only grows. But
 * votes lose their meaning. What A hears from B may be what A itself said, so one lie counts twice,
 * and A0 (at most `maxFaulty` sources are wrong) fails. And a ring looks synchronised to itself.
 *
 * **How it is noticed.** An NTP reply has one field for this, the reference id, 32 bits. RFC 5905
 * puts the address of *the* server into it that the time comes from. A bounded clock has several,
 * and an address says little: servers share one, and one server has many. So a clock that is served
 * draws an id of its own, and each reply carries one of the ids that the time rests on: the clock's
 * own, or one that its sources announced in the last hour. Which one, the nonce of the request
 * decides. So ids spread along any chain of such servers, one hop per poll or two. A clock that
 * hears its own id refuses that server for an hour. What it learned from that server is forgotten,
 * or the server would find its own id here and refuse the direction that is sound.
 *
 * **What is not noticed.** A loop through a server of another kind, which hands no ids on. A loop
 * through a reader that knows no ids: an attached thread, or a page of the host. A loop through
 * more than {@link MAX_IDS} clocks. And the first few answers, until the id has come around.
 *
 * Ids lie in 240.0.0.0/4. No host has such an address, and no four letters look like one. What
 * another program puts there by chance is handed on as an id, and does no harm: an id is refused
 * only by the clock that drew it, one in 2^28.
 */

/** The most ids that a reply chooses from, the clock's own among them. */
const MAX_IDS = 16;
/** The most servers that are remembered as part of a loop. */
const MAX_LOOPS = 64;
/** An id that was not heard for this long is forgotten, and so is a loop. */
const MEMORY_NS = 3_600_000_000_000n;
const PREFIX = 0xf000_0000;

interface HeardId {
  readonly sourceId: string;
  readonly id: number;
  at: bigint;
}

export class Trail {
  #own: number | undefined;
  #heard: HeardId[] = [];
  /** When each server last announced this clock's own id. */
  readonly #loops = new Map<string, bigint>();

  /**
   * The id of this clock. The first server of its time draws it; without a server there can be no
   * loop.
   *
   * @param random 32 random bits
   */
  serve(random: () => number): void {
    this.#own ??= (PREFIX | random()) >>> 0;
  }

  /** One of the ids that the time of this clock rests on; 0 while none is known. */
  announce(choice: number, now: bigint): number {
    this.#forget(now);
    const ids = new Set(this.#heard.map(({ id }) => id));
    if (this.#own !== undefined) ids.add(this.#own);
    return [...ids][choice % ids.size] ?? 0;
  }

  /** Takes note of the reference id of a reply. Returns whether the reply is part of a loop. */
  hear(sourceId: string, id: number, now: bigint): boolean {
    this.#forget(now);
    if (id === this.#own) {
      this.#loops.delete(sourceId);
      this.#loops.set(sourceId, now);
      const [oldest] = this.#loops.keys();
      if (this.#loops.size > MAX_LOOPS) this.#loops.delete(oldest!);
      this.#heard = this.#heard.filter((each) => each.sourceId !== sourceId);
    }
    if (this.#loops.has(sourceId)) return true;
    if ((id & PREFIX) >>> 0 !== PREFIX) return false;
    const known = this.#heard.find((each) => each.sourceId === sourceId && each.id === id);
    if (known !== undefined) known.at = now;
    else if (this.#heard.length < MAX_IDS - 1) this.#heard.push({ sourceId, id, at: now });
    return false;
  }

  #forget(now: bigint): void {
    this.#heard = this.#heard.filter(({ at }) => now - at < MEMORY_NS);
    for (const [sourceId, at] of this.#loops) {
      if (now - at >= MEMORY_NS) this.#loops.delete(sourceId);
    }
  }
}
