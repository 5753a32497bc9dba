/**
 * The open event streams, and what is written to them.
 *
 * A reader that is slower than the clock must not grow memory here. So while a stream has no room,
 * one message is kept for it, the newest, and what it replaces is never sent: the page shows a gap.
 * A stream without room for {@link MAX_BLOCKED_TICKS} is cut off. There are at most {@link
 * MAX_VIEWERS}.
 *
 * The format is that of server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 */
import { bigintAsText } from '../time/json.ts';

/** A stream to one page. */
export interface Sink {
  /** Returns false when the stream has no room left. It then tells {@link Viewers.drained}. */
  write(text: string): boolean;
  /** Ends the stream after what was written. */
  end(): void;
  /** Ends it at once. */
  abort(): void;
}

export const MAX_VIEWERS = 20;
/** A page that has not read for this many seconds is gone. */
const MAX_BLOCKED_TICKS = 30;
/** Ticks between two comments, while there is nothing else to send. */
const HEARTBEAT_TICKS = 15;

/** What is known of a stream. */
interface Viewer {
  blockedTicks: number;
  /** The newest message, while there is no room for it. */
  waiting: string | undefined;
}

export class Viewers {
  readonly #viewers = new Map<Sink, Viewer>();
  #silentTicks = 0;
  #ended = false;

  get size(): number {
    return this.#viewers.size;
  }

  get full(): boolean {
    return this.#viewers.size >= MAX_VIEWERS;
  }

  add(sink: Sink, welcome: string): void {
    if (this.#ended) {
      sink.end();
      return;
    }
    const viewer = { blockedTicks: 0, waiting: undefined };
    this.#viewers.set(sink, viewer);
    this.#write(sink, viewer, welcome);
  }

  remove(sink: Sink): void {
    this.#viewers.delete(sink);
  }

  /** The tick of a second with something to tell. */
  send(message: string): void {
    this.#silentTicks = 0;
    for (const [sink, viewer] of [...this.#viewers]) {
      if (viewer.blockedTicks === 0) this.#write(sink, viewer, message);
      else if (viewer.blockedTicks++ < MAX_BLOCKED_TICKS) viewer.waiting = message;
      else this.#cut(sink);
    }
  }

  /** The tick of a second without: a comment now and then shows that the stream is alive. */
  idle(): void {
    if (++this.#silentTicks >= HEARTBEAT_TICKS) this.send(': alive\n\n');
  }

  /** The stream has room again. */
  drained(sink: Sink): void {
    const viewer = this.#viewers.get(sink);
    if (viewer === undefined || viewer.blockedTicks === 0) return;
    viewer.blockedTicks = 0;
    const { waiting } = viewer;
    viewer.waiting = undefined;
    if (waiting !== undefined) this.#write(sink, viewer, waiting);
  }

  /** Ends every stream, and at once those that are added later. */
  endAll(): void {
    this.#ended = true;
    for (const sink of this.#viewers.keys()) sink.end();
    this.#viewers.clear();
  }

  #write(sink: Sink, viewer: Viewer, text: string): void {
    if (!sink.write(text)) viewer.blockedTicks = 1;
  }

  #cut(sink: Sink): void {
    this.#viewers.delete(sink);
    sink.abort();
  }
}

/** One event of a stream. JSON has no line break outside of its strings, nor in them. */
export function eventText(name: string, data: unknown, id?: string): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}event: ${name}\ndata: ${JSON.stringify(data, bigintAsText)}\n\n`;
}
