/**
 * A fingerprint of everything that happened in a world: equal seeds must give equal fingerprints,
 * on every run and on every engine. It is two 32-bit FNV-1a hashes over the two halves of each
 * int64, in int32 arithmetic. It guards against accident, not against an attacker.
 */
export class TraceHash {
  #a = 0x811c_9dc5 | 0;
  #b = 0x01b3_4e51 | 0;

  /** Mixes in one value: a bigint modulo 2^64, or an integer of at most 53 bits. */
  add(value: bigint | number): void {
    if (typeof value === 'bigint') {
      this.#word(Number(BigInt.asUintN(32, value)));
      this.#word(Number(BigInt.asUintN(32, value >> 32n)));
    } else {
      this.#word(value | 0);
      this.#word(Math.floor(value / 0x1_0000_0000) | 0);
    }
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x0100_0193);
    this.#a ^= this.#a >>> 15; // FNV alone never carries high bits down
    this.#b = Math.imul(this.#b ^ word, 0x85eb_ca6b);
    this.#b ^= this.#b >>> 13;
  }

  /** The fingerprint so far: 16 hexadecimal digits. */
  digest(): string {
    const lane = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return lane(this.#a) + lane(this.#b);
  }
}
