/**
 * What a web page offers beyond JavaScript itself, in as much as the sources use it. Each part may
 * be missing: a worker has no document, Node has no locks, React Native has no Resource Timing.
 */

/** The part of a `PerformanceResourceTiming` that is used. Times are in ms, 0 when withheld. */
export interface TimingEntry {
  /** The URL of the request. */
  readonly name: string;
  readonly requestStart: number;
  readonly responseStart: number;
  readonly responseEnd: number;
  /** When the final reply began; `responseStart` may be that of an interim one (103). */
  readonly finalResponseHeadersStart?: number;
  /** Not 0 when a service worker stood in between. */
  readonly workerStart?: number;
  readonly redirectStart?: number;
  /** `''` when the reply came from the network. */
  readonly deliveryType?: string;
  /** 0 when nothing came from the network, or the size is withheld. */
  readonly transferSize?: number;
  readonly serverTiming?: readonly { readonly name: string; readonly description: string }[];
}

/** A `PerformanceObserver`. */
export interface TimingObserver {
  observe(options: { readonly type: string }): void;
  disconnect(): void;
}

/** A target of events, such as a document. */
export interface Events {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/** One end of a `BroadcastChannel`. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** `navigator.locks`. */
export interface Locks {
  request(
    name: string,
    options: { readonly signal: AbortSignal },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

/** The global object. */
export interface Page extends Events {
  readonly fetch?: typeof fetch;
  readonly performance?: { now(): number };
  readonly PerformanceObserver?: new (
    callback: (list: { getEntries(): readonly unknown[] }) => void,
  ) => TimingObserver;
  readonly document?: Events & { readonly visibilityState: string; readonly baseURI: string };
  readonly location?: { readonly href: string; readonly origin: string };
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array };
}

/** The page, worker or process that this code runs in. */
export const thisPage: Page = globalThis as unknown as Page;

/** Whether somebody may be looking at the page. Workers and processes always count as looked at. */
export function isVisible({ document }: Page): boolean {
  return document === undefined || document.visibilityState !== 'hidden';
}

/** 128 random bits, as 32 hexadecimal digits. They have to be new, not secret. */
export function newNonce({ crypto }: Page): string {
  const bytes = new Uint8Array(16);
  if (crypto !== undefined) crypto.getRandomValues(bytes);
  else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
