/**
 * The disk of a simulated process: values by key, visible at once, durable only after
 * {@link SimStorage.sync}. A crash takes everything back to the last sync: that is the least that a
 * file system promises, so code may rely on no more.
 */
export class SimStorage {
  #current = new Map<string, Uint8Array>();
  #durable = new Map<string, Uint8Array>();

  /** The value as last written by this incarnation, or as it was at its start. */
  read(key: string): Uint8Array | undefined {
    return this.#current.get(key)?.slice();
  }

  /** Sets a value. It survives a crash only after {@link sync}. */
  write(key: string, value: Uint8Array): void {
    this.#current.set(key, value.slice());
  }

  /** Removes a value. The removal survives a crash only after {@link sync}. */
  delete(key: string): void {
    this.#current.delete(key);
  }

  /** Makes everything written so far survive a crash. */
  sync(): void {
    this.#durable = new Map(this.#current);
  }

  /** Drops everything that was not synced. */
  crash(): void {
    this.#current = new Map(this.#durable);
  }
}
