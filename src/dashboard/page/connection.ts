/**
 * The stream from the server, kept up. A browser connects again by itself when a stream breaks, but
 * not when the server refused it, and it does not notice a network that went silent. So a stream
 * that says nothing for long is replaced.
 *
 * A page that is hidden has no stream: over HTTP/1.1 a browser opens six connections to a server
 * for all of its tabs, and six streams would shut out everything else that is asked of it.
 */
import type { Frame, Welcome } from '../wire.ts';

/** The server says something each second. */
const SILENT_AFTER_MS = 4000;
const REPLACE_AFTER_MS = 12_000;
/** What a server says of a refusal is cut after this. */
const MAX_TEXT = 100;

export interface ConnectionListener {
  welcome(welcome: Welcome): void;
  frame(frame: Frame): void;
}

/** `hidden` is closed on purpose, `connecting` opened just now, and `lost` silent for too long. */
export type ConnectionState = 'hidden' | 'connecting' | 'live' | 'lost';

export class Connection {
  readonly #listener: ConnectionListener;
  #source: EventSource | undefined;
  #openedAt = -Infinity;
  #heardAt = -Infinity;
  #askedAt = -Infinity;
  #lastId = '';
  /** What the server says why it gives no stream. */
  refusal: string | undefined;

  constructor(listener: ConnectionListener) {
    this.#listener = listener;
  }

  get state(): ConnectionState {
    if (this.#source === undefined) return 'hidden';
    const lately = performance.now() - SILENT_AFTER_MS;
    if (this.#heardAt > this.#openedAt) return this.#heardAt >= lately ? 'live' : 'lost';
    return this.refusal === undefined && this.#openedAt >= lately ? 'connecting' : 'lost';
  }

  /** Does nothing when it is open. */
  open(): void {
    if (this.#source !== undefined) return;
    this.#openedAt = performance.now();
    this.#connect();
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.refusal = undefined;
  }

  /** Called now and then. */
  check(): void {
    if (this.#source === undefined) return;
    const gone = this.#source.readyState === EventSource.CLOSED;
    const since = performance.now() - Math.max(this.#heardAt, this.#askedAt);
    if (since > (gone ? SILENT_AFTER_MS : REPLACE_AFTER_MS)) this.#connect();
  }

  #connect(): void {
    this.#source?.close();
    this.#askedAt = performance.now();
    // At the page's own address. What else the address says, such as a token, goes with it.
    const url = new URL(location.href);
    // A new stream has no `Last-Event-ID`, so that only what was missed is told again.
    url.searchParams.set('events', this.#lastId);
    const source = new EventSource(url);
    source.addEventListener('welcome', (event) => {
      this.#heard(event);
      this.#listener.welcome(JSON.parse(event.data));
    });
    source.addEventListener('frame', (event) => {
      this.#heard(event);
      this.#listener.frame(JSON.parse(event.data));
    });
    source.addEventListener('error', async () => {
      const refused = source.readyState === EventSource.CLOSED;
      const refusal = refused ? await refusalAt(url) : undefined;
      if (this.#source === source) this.refusal = refusal;
    });
    this.#source = source;
  }

  #heard({ lastEventId }: MessageEvent): void {
    this.#heardAt = performance.now();
    this.#lastId = lastEventId;
    this.refusal = undefined;
  }
}

/** Asks once more, because an `EventSource` does not say what the server answered. */
async function refusalAt(url: URL): Promise<string | undefined> {
  const controller = new AbortController();
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (response.ok) return undefined;
    const plain = response.headers.get('content-type')?.startsWith('text/plain') === true;
    const text = plain ? (await response.text()).trim() : '';
    return text === '' ? `status ${response.status}` : text.slice(0, MAX_TEXT);
  } catch {
    return undefined;
  } finally {
    // It may be a stream by now.
    controller.abort();
  }
}
