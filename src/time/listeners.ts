/**
 * The listeners to an event. What a listener throws, or rejects with, becomes an unhandled
 * rejection. It disturbs neither the object that tells nor the other listeners.
 */
import { ArgumentTypeError, checkMethods, checkObject } from './errors.ts';

/** Options of a method that adds a listener. */
export interface ListenOptions {
  /** Ends the calls on abort. */
  readonly signal?: AbortSignal | undefined;
}

export class Listeners<Event> {
  /** Each with what ends its calls. */
  readonly #listeners = new Map<(event: Event) => void, () => void>();

  /**
   * Calls `listener` from now on. Returns a function that ends the calls; so does `signal`.
   *
   * @throws ArgumentTypeError when `listener` is not a function, `options` not an object, or
   *   `signal` not an AbortSignal
   */
  add(listener: (event: Event) => void, options: ListenOptions = {}): () => void {
    if (typeof listener !== 'function') {
      throw new ArgumentTypeError('listener', 'a function', listener);
    }
    const { signal } = checkObject('options', options);
    if (signal !== undefined) {
      checkMethods('signal', 'an AbortSignal', signal, ['addEventListener', 'removeEventListener']);
    }
    if (signal?.aborted) return () => {};
    // Wrapped, so that one function may be added twice.
    const own = (event: Event): void => listener(event);
    const end = (): void => {
      this.#listeners.delete(own);
      signal?.removeEventListener('abort', end);
    };
    this.#listeners.set(own, end);
    signal?.addEventListener('abort', end, { once: true });
    return end;
  }

  /** Ends the calls of all, also from within one of them. */
  clear(): void {
    for (const end of this.#listeners.values()) end();
  }

  /** Tells all of them, one after the other. */
  tell(event: Event): void {
    for (const listener of [...this.#listeners.keys()]) {
      // An earlier listener may have removed this one.
      if (!this.#listeners.has(listener)) continue;
      try {
        listener(event);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }
}
