/**
 * VMClock: how a hypervisor tells its guest that the guest's clocks were disturbed.
 *
 * When a virtual machine is moved to another host, or restored from a snapshot, all of its clocks
 * may have stood still, and nothing inside shows it. The next reply from a server shows it, but
 * until then every bound may be wrong. A hypervisor with a VMClock device changes a number in a
 * page of memory at such a moment, before the guest runs again. On Linux (6.13 and later, and
 * Amazon's 5.10 and 6.1) the page can be read as the file `/dev/vmclock0`.
 *
 * Specification: https://uapi-group.org/specifications/specs/vmclock/. Little endian:
 *
 * | offset | field                                                                      |
 * |-------:|----------------------------------------------------------------------------|
 * |      0 | magic u32                                                                  |
 * |      4 | size of the page u32                                                       |
 * |      8 | version u16                                                                |
 * |     12 | sequence count u32; odd while the hypervisor writes                        |
 * |     16 | disruption marker u64: another value after each disturbance                |
 * |    104 | generation counter u64: another value after each restore from a snapshot   |
 *
 * The generation is newer than the page. It is ignored where the page has fewer than 112 bytes.
 *
 * The kernel's `read` copies the page as a whole. This code does not rely on that: it believes two
 * equal copies with one even sequence count.
 */
const MAGIC = 0x4b4c_4356;
const VERSION = 1;
const BYTES = 112;
/** Enough for the disruption marker. Pages before the generation counter were this short. */
const MIN_BYTES = 24;
/** A hypervisor that is stopped while it writes must not hold us up. The next call tries again. */
const ATTEMPTS = 4;
/** Odd, so that no two markers give the same product. The golden ratio's digits, as often. */
const MARKER_FACTOR = 0x9e37_79b9_7f4a_7c15n;

/** Fills `bytes` from the start of the page and returns how many it filled. May throw. */
export type ReadPage = (bytes: Uint8Array) => number;

/** The page of a VMClock device. */
export class VmClockPage {
  readonly #read: ReadPage;
  readonly #bytes = new Uint8Array(BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(read: ReadPage) {
    this.#read = read;
  }

  /**
   * An int64 that is another one after each disturbance; `undefined` while the page is being
   * written, cannot be read, or has another layout. Does not throw. Costs two reads of the page.
   */
  marker(): bigint | undefined {
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const marker = this.#copy();
        const sequence = this.#sequence();
        if (this.#copy() === marker && this.#sequence() === sequence && sequence % 2 === 0) {
          return marker;
        }
      }
    } catch {
      // The device is gone, or this process may not read it.
    }
    return undefined;
  }

  /**
   * The disruption marker alone, u64, as ClockBound's clients compare it. `undefined` as {@link
   * VmClockPage.marker}.
   */
  disruptionMarker(): bigint | undefined {
    return this.marker() === undefined ? undefined : this.#view.getBigUint64(16, true);
  }

  #sequence(): number {
    return this.#view.getUint32(12, true);
  }

  /** Copies the page. Returns its two numbers as one; `undefined` when it is no page we know. */
  #copy(): bigint | undefined {
    const view = this.#view;
    const length = this.#read(this.#bytes);
    if (length < MIN_BYTES) return undefined;
    if (view.getUint32(0, true) !== MAGIC || view.getUint16(8, true) !== VERSION) return undefined;
    const whole = length === BYTES && view.getUint32(4, true) >= BYTES;
    const generation = whole ? view.getBigUint64(104, true) : 0n;
    // Distinct for distinct pairs of small numbers, and by all odds for any others. Not 0 for the
    // first pair, 0 and 0, because 0 stands for "none" elsewhere.
    return BigInt.asIntN(64, view.getBigUint64(16, true) * MARKER_FACTOR + generation + 1n);
  }
}
