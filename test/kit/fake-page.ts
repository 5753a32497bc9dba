import type { Channel, Locks, Page, TimingEntry } from '../../src/sources/http/page.ts';
import type { HandClock } from './hand-clock.ts';

type Listener = () => void;

class FakeEvents {
  readonly #listeners = new Map<string, Set<Listener>>();

  addEventListener(type: string, listener: Listener): void {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  fire(type: string): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener();
  }

  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

class FakeDocument extends FakeEvents {
  visibilityState = 'visible';
  readonly baseURI = 'https://shop.example/cart/';
}

/** What the tabs of one browser share. */
export class FakeBrowser {
  readonly #channels = new Map<string, Set<Channel>>();
  readonly #locks = new Map<string, Promise<void>>();

  /** Messages reach the other ends in a later turn. */
  readonly BroadcastChannel: new (name: string) => Channel = ((browser: FakeBrowser) =>
    class implements Channel {
      onmessage: Channel['onmessage'] = null;
      readonly #name: string;

      constructor(name: string) {
        this.#name = name;
        browser.#channels.set(name, (browser.#channels.get(name) ?? new Set()).add(this));
      }

      postMessage(message: unknown): void {
        for (const other of browser.#channels.get(this.#name) ?? []) {
          if (other === this) continue;
          setImmediate(() => other.onmessage?.({ data: structuredClone(message) }));
        }
      }

      close(): void {
        browser.#channels.get(this.#name)?.delete(this);
      }
    })(this);

  readonly locks: Locks = {
    request: async (name, { signal }, held) => {
      const before = this.#locks.get(name) ?? Promise.resolve();
      const own = before.then(async () => {
        if (!signal.aborted) await held();
      });
      this.#locks.set(name, own);
      await own;
    },
  };

  /** How many ends of channels are open. */
  get channels(): number {
    return [...this.#channels.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

/**
 * A tab on a clock moved by hand, whose `performance.now()` reads that clock. `entries` are told to
 * the observers of resources when the test says so.
 */
export class FakePage extends FakeEvents implements Page {
  readonly document: FakeDocument = new FakeDocument();
  readonly location: NonNullable<Page['location']> = {
    href: 'https://shop.example/cart/',
    origin: 'https://shop.example',
  };
  readonly performance: { now(): number };
  readonly navigator: { readonly locks: Locks };
  readonly BroadcastChannel: FakeBrowser['BroadcastChannel'];
  readonly crypto: NonNullable<Page['crypto']> = globalThis.crypto;
  readonly #observers = new Set<(list: { getEntries(): readonly unknown[] }) => void>();
  fetch: typeof fetch = async () => new Response(null, { status: 404 });

  readonly PerformanceObserver: NonNullable<Page['PerformanceObserver']> = ((page: FakePage) =>
    class {
      readonly #callback: (list: { getEntries(): readonly unknown[] }) => void;

      constructor(callback: (list: { getEntries(): readonly unknown[] }) => void) {
        this.#callback = callback;
      }

      observe({ type }: { readonly type: string }): void {
        if (type === 'resource') page.#observers.add(this.#callback);
      }

      disconnect(): void {
        page.#observers.delete(this.#callback);
      }
    })(this);

  constructor(clock: HandClock, browser: FakeBrowser = new FakeBrowser()) {
    super();
    this.performance = { now: () => Number(clock.monotonic) / 1e6 };
    this.navigator = { locks: browser.locks };
    this.BroadcastChannel = browser.BroadcastChannel;
  }

  tell(...entries: readonly Partial<TimingEntry>[]): void {
    for (const observer of [...this.#observers]) observer({ getEntries: () => entries });
  }

  show(): void {
    this.document.visibilityState = 'visible';
    this.document.fire('visibilitychange');
  }

  hide(): void {
    this.document.visibilityState = 'hidden';
    this.document.fire('visibilitychange');
  }

  /** Listeners and observers that are still there. */
  get attached(): number {
    return this.listening + this.document.listening + this.#observers.size;
  }
}
