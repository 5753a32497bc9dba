/**
 * One listener per signal, however many wait for it. A server passes the signal of its own end to every
 * commit, and a signal with n listeners takes n steps to add one (duplicates are looked for) or to remove one:
 * ten thousand waits would spend a third of a second on it. Node 20 also warns of a leak from eleven on.
 *
 * A listener must not throw: it would keep the others from being told.
 */
import { ArgumentTypeError } from '../time/errors.ts';

type Listener = () => void;

interface Shared {
  readonly listeners: Set<Listener>;
  readonly tell: Listener;
}

/** Holds a signal's entry only while somebody listens. */
const shared = new WeakMap<AbortSignal, Shared>();

/** @throws the signal's reason when it is aborted; ArgumentTypeError when it is no signal */
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

/** Calls `listener` on abort, unless it is removed before; also by one that is told of the same abort. */
export function addAbortListener(signal: AbortSignal, listener: Listener): void {
  let entry = shared.get(signal);
  if (entry === undefined) {
    const listeners = new Set<Listener>();
    const tell = (): void => {
      for (const each of listeners) each();
    };
    entry = { listeners, tell };
    shared.set(signal, entry);
    signal.addEventListener('abort', tell);
  }
  entry.listeners.add(listener);
}

/** Nothing happens when `listener` does not listen. */
export function removeAbortListener(signal: AbortSignal, listener: Listener): void {
  const entry = shared.get(signal);
  if (entry === undefined || !entry.listeners.delete(listener)) return;
  if (entry.listeners.size > 0) return;
  shared.delete(signal);
  signal.removeEventListener('abort', entry.tell);
}
