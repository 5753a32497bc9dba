/**
 * Bytes to a stream, gathered into large writes. Between two writes the event loop turns once, so
 * that Ctrl-C is heard in the middle of a long merge, and a slow reader holds the merge back.
 */
import type { Writable } from 'node:stream';

const BUFFER_BYTES = 256 * 1024;
/** A UTF-16 code unit has at most this many bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

export class ByteOutput {
  readonly #stream: Writable;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Whether so much is gathered that {@link flush} should be called. */
  get full(): boolean {
    return this.#used > BUFFER_BYTES / 2;
  }

  write(bytes: Buffer, start = 0, end: number = bytes.length): void {
    this.#reserve(end - start);
    this.#used += bytes.copy(this.#buffer, this.#used, start, end);
  }

  writeText(text: string): void {
    this.#reserve(MAX_BYTES_PER_UNIT * text.length);
    this.#used += this.#buffer.write(text, this.#used);
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#used + bytes));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  /** Writes what is gathered. Resolves when the stream has taken it. */
  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    if (bytes.length > 0) await new Promise((resolve) => this.#stream.write(bytes, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
