/** A dashboard on clocks that are moved by hand, and a stream that is read by hand. */
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { Dashboard, type DashboardOptions } from '../../src/dashboard/dashboard.ts';
import type { Frame, Welcome } from '../../src/dashboard/wire.ts';
import { HandClock } from './hand-clock.ts';
import { ScriptedSource } from './scripted-source.ts';

export const MS: bigint = 1_000_000n;
export const SECOND: bigint = 1000n * MS;

export interface DashboardWorld {
  readonly clock: HandClock;
  readonly sources: readonly ScriptedSource[];
  readonly bounded: BoundedClock;
  readonly dashboard: Dashboard;
  /** Lets time pass; after each second the readers of streams have their turn. */
  pass(seconds: number): Promise<void>;
  /** Every source answers once; the last one with this lie, ns. */
  hear(lie?: bigint): void;
}

/** Five sources, or those with the given names. */
export function dashboardWorld(
  names: readonly string[] = ['a', 'b', 'c', 'd', 'e'],
  options: Omit<DashboardOptions, 'clock'> = {},
): DashboardWorld {
  const clock = new HandClock();
  const sources = names.map((name) => new ScriptedSource(name));
  const bounded = BoundedClock.start({ clock, sources });
  const dashboard = Dashboard.start({ clock: bounded, ...options });
  return {
    clock,
    sources,
    bounded,
    dashboard,
    async pass(seconds) {
      for (let i = 0; i < seconds; i++) {
        clock.advance(SECOND);
        await turn();
      }
    },
    hear(lie = 0n) {
      for (const [i, source] of sources.entries()) {
        const theta = clock.wallOffset + (i === sources.length - 1 ? lie : 0n);
        source.reply(clock, { theta, serverError: MS });
      }
    },
  };
}

export type Message =
  | { readonly event: 'welcome'; readonly id: string; readonly data: Welcome }
  | { readonly event: 'frame'; readonly id: string; readonly data: Frame };

/** The messages in the text of a stream. Comments and what has no data are left out. */
export function messagesIn(text: string): Message[] {
  return text.split('\n\n').flatMap((block) => {
    // Not by a pattern: its `$` would take the line separators of Unicode for ends of lines.
    const lines = block.split('\n');
    const field = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    if (data === undefined) return [];
    return [{ event: field('event'), id: field('id'), data: JSON.parse(data) } as Message];
  });
}

/** Reads a stream until what was written so far has been read. */
export class StreamReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';
  ended = false;

  constructor(dashboard: Dashboard, headers: Record<string, string> = {}, lastId = '') {
    const url = `http://localhost/?events=${lastId}`;
    this.response = dashboard.handler.fetch(new Request(url, { headers }));
    if (this.response.body === null) throw new Error('a stream has a body');
    this.#reader = this.response.body.getReader();
    void this.#readOn();
  }

  /** All messages so far. */
  async messages(): Promise<Message[]> {
    await turn();
    return messagesIn(this.#text);
  }

  async last(): Promise<Message> {
    const message = (await this.messages()).at(-1);
    if (message === undefined) throw new Error('nothing was told');
    return message;
  }

  get text(): string {
    return this.#text;
  }

  /** Drops what was read so far. */
  forget(): void {
    this.#text = '';
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #readOn(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.#text += decoder.decode(value, { stream: true });
    }
    this.ended = true;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
