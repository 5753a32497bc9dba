/**
 * What a simulated process keeps on disk: values by key, visible at once, durable only after
 * {@link SimStorage.sync}. A crash takes everything back to the last sync, which is the least that a
 * file system promises and the most that code may rely on.
 */
export class SimStorage {
  #current = new Map<string, Uint8Array>();
  #durable = new Map<string, Uint8Array>();

  /** The value as last written by this incarnation, or as found at its start. */
  read(key: string): Uint8Array | undefined {
    return this.#current.get(key)?.slice();
  }

  write(key: string, value: Uint8Array): void {
    this.#current.set(key, value.slice());
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  /** Everything written so far survives a crash from now on. */
  sync(): void {
    this.#durable = new Map(this.#current);
  }

  /** Forgets what was not synced. */
  crash(): void {
    this.#current = new Map(this.#durable);
  }
}
