/** One peer: what it said last, and what is thought of it. */
import type { Heartbeat } from './heartbeat-bytes.ts';
import type { PhiAccrualDetector } from './phi-accrual-detector.ts';

/**
 * - `'alive'`: it is heard as usual, or was named and may still be heard for the first time.
 * - `'suspected'`: its silence is unusual. It may be slow.
 * - `'convicted'`: it stayed silent. It may still be alive: nobody can know.
 * - `'unknown'`: no such peer was ever heard or named.
 */
export type MemberStatus = 'alive' | 'suspected' | 'convicted' | 'unknown';

/** Copies of heartbeats from before this many starts are not told from a new start. */
const MAX_STARTS = 4;

export class Member {
  readonly nodeId: string;
  /** Named by the option `peers`, so it is never given up for another. */
  readonly named: boolean;
  readonly detector: PhiAccrualDetector;
  status: Exclude<MemberStatus, 'unknown'> = 'alive';
  /** When it was suspected, in ns in which we ran. */
  suspectedAt = 0;
  /** The last starts of the node that were heard, and the newest sequence of each. */
  readonly #starts: { readonly incarnation: number; sequence: number }[] = [];

  constructor(nodeId: string, named: boolean, detector: PhiAccrualDetector) {
    this.nodeId = nodeId;
    this.named = named;
    this.detector = detector;
  }

  /** Whether a heartbeat is newer than all before: no copy, and not overtaken on its way. */
  takes({ incarnation, sequence }: Heartbeat): boolean {
    // Another incarnation is another start of the node, whose sequence begins again.
    const known = this.#starts.find((start) => start.incarnation === incarnation);
    if (known === undefined) {
      this.#starts.push({ incarnation, sequence });
      if (this.#starts.length > MAX_STARTS) this.#starts.shift();
      return true;
    }
    // In 32 bits that wrap, as the sequence of a sender does (RFC 1982).
    if (((sequence - known.sequence) | 0) <= 0) return false;
    known.sequence = sequence;
    return true;
  }
}
