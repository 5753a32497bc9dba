/**
 * One listener per signal, for any number of waits. A server passes its shutdown signal to every
 * commit. A signal with n listeners takes n steps to add one (it looks for duplicates) or to remove
 * one, so ten thousand waits would spend a third of a second on it. From eleven listeners on,
 * Node 20 also warns of a leak.
 *
 * A listener must not throw, because the listeners after it would then not be called.
 */
import { ArgumentTypeError } from '../time/errors.ts';

type Listener = () => void;

interface Shared {
  readonly listeners: Set<Listener>;
  readonly dispatch: Listener;
}

/** The entry of each signal; it exists only while the signal has listeners. */
const shared = new WeakMap<AbortSignal, Shared>();

/** @throws the signal's reason when it is aborted; ArgumentTypeError when it is not a signal */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (
    typeof signal?.throwIfAborted !== 'function' ||
    typeof signal.addEventListener !== 'function'
  ) {
    throw new ArgumentTypeError('signal', 'an AbortSignal', signal);
  }
  signal.throwIfAborted();
}

/**
 * Calls `listener` on abort. It may be removed before that, even by another listener during the
 * same abort.
 */
export function addAbortListener(signal: AbortSignal, listener: Listener): void {
  let entry = shared.get(signal);
  if (entry === undefined) {
    const listeners = new Set<Listener>();
    const dispatch = (): void => {
      for (const each of listeners) each();
    };
    entry = { listeners, dispatch };
    shared.set(signal, entry);
    signal.addEventListener('abort', dispatch);
  }
  entry.listeners.add(listener);
}

/** Removes `listener`. Does nothing when it was not added. */
export function removeAbortListener(signal: AbortSignal, listener: Listener): void {
  const entry = shared.get(signal);
  if (entry === undefined || !entry.listeners.delete(listener)) return;
  if (entry.listeners.size > 0) return;
  shared.delete(signal);
  signal.removeEventListener('abort', entry.dispatch);
}
