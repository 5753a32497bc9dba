/**
 * One source for all tabs of a browser: one tab asks the server, the others ask that tab.
 *
 * *Who asks.* The tab that holds a lock of the origin (Web Locks). Only a visible tab wants the
 * lock, and a tab gives it back when it is hidden: a hidden tab may be frozen, and then it could
 * not answer. If all tabs are hidden, nobody asks. A tab that is closed loses the lock by itself.
 *
 * *How the others ask.* By a `BroadcastChannel`, as if that tab were a server, with a nonce. Each
 * tab has a monotonic clock of its own whose origin nobody knows, so no reading of one is used in
 * another. The tab that holds the lock answers with where true time is now by what the source told
 * it, aged by its drift bound. It first looks whether the machine slept; if so it knows nothing.
 */
import type { LeapWarning } from '../../bound/clock-sample.ts';
import type { RunningSource, SourceSink, TimeSource } from '../../bounded-clock/time-source.ts';
import { ArgumentRangeError, ArgumentTypeError, checkMethods } from '../../time/errors.ts';
import { asUnixNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { AskMiss } from '../ask-miss.ts';
import { pollingSource } from '../polling-source.ts';
import type { ServerFacts } from '../sample-from.ts';
import { AgedFacts } from './aged-facts.ts';
import { attentive, onAttention } from './attention.ts';
import { type Channel, isVisible, type Locks, newNonce, type Page, thisPage } from './page.ts';

/** Options of {@link acrossTabs}. */
export interface AcrossTabsOptions {
  /** Tabs with the same name and the same source share it. 1 to 64 characters. */
  readonly name: string;
}

const NAMES: Readonly<Record<keyof AcrossTabsOptions, true>> = { name: true };
const MAX_NAME_LENGTH = 64;
/** Of what tabs say to each other. Tabs with another version of the library may be open. */
const VERSION = 1;
/** It costs no request, and a clock of 200 ppm gains a millisecond meanwhile. */
const ASK_TAB_MS = 5000;
const TAB_TIMEOUT_MS = 1000;

/**
 * `source`, asked by one tab of a browser for all of them. It keeps the vote of `source`, whose
 * samples the other tabs get a millisecond wider or so.
 *
 * Where there is no `document`, as in workers and processes, or no `navigator.locks` or
 * `BroadcastChannel`, it is `source` itself.
 *
 * Misses of a tab that asks another one: `timeout` (no tab answers), `starting` (that tab has not
 * heard from the server yet), `hidden`, `malformed`. Otherwise those of `source`.
 *
 * @param source has one vote, as `httpTime` does
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 * @example
 * const source = acrossTabs(httpTime('https://shop.example/time'), { name: 'shop' });
 * source.name // 'https://shop.example/time'
 */
export function acrossTabs(source: TimeSource, options: AcrossTabsOptions): TimeSource {
  return acrossTabsOf(thisPage, source, options);
}

/** As {@link acrossTabs}, in any page. */
export function acrossTabsOf(
  page: Page,
  source: TimeSource,
  options: AcrossTabsOptions,
): TimeSource {
  checkMethods('source', 'a TimeSource', source, ['start']);
  const { name } = checkOptionNames(options, NAMES);
  if (typeof name !== 'string') throw new ArgumentTypeError('name', 'a string', name);
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    throw new ArgumentRangeError('name', `1 to ${MAX_NAME_LENGTH} characters`, name);
  }
  if (source.maxEndpoints !== 1 || source.role === 'witness') {
    throw new ArgumentRangeError('source', 'one with a single vote, such as httpTime', source);
  }
  const { document, BroadcastChannel, navigator } = page;
  const locks = navigator?.locks;
  if (!document || !BroadcastChannel || !locks) return source;
  const shared = `epsilon-clock/${VERSION}:${name}:${source.name}`;
  const open = (): Channel => new BroadcastChannel(shared);
  return {
    name: source.name,
    maxEndpoints: 1,
    timescale: source.timescale,
    get restsOn() {
      return `${source.restsOn ?? source.name}, as one tab of this browser hears it`;
    },
    start: (sink) => new Tab({ page, source, locks, lock: shared, channel: open() }, sink),
  };
}

interface Settings {
  readonly page: Page;
  readonly source: TimeSource;
  readonly locks: Locks;
  readonly lock: string;
  readonly channel: Channel;
}

/** What tabs say to each other. Whatever else comes is ignored. */
type Message =
  | { readonly ask: string }
  | { readonly answer: string; readonly knows: false }
  | {
      readonly answer: string;
      readonly knows: true;
      readonly earliest: bigint;
      readonly latest: bigint;
      readonly leap: LeapWarning;
    };

class Tab implements RunningSource {
  readonly #settings: Settings;
  readonly #sink: SourceSink;
  /** What the source told this tab while it held the lock. */
  readonly #facts: AgedFacts;
  #leap: LeapWarning = 'none';
  /** The source itself while this tab holds the lock, otherwise the questions to another tab. */
  #running: RunningSource | undefined;
  #leads = false;
  /** Ends the wish for the lock, or gives the lock back; `undefined` while it is not wanted. */
  #giveUp: (() => void) | undefined;
  /** Takes the answer to the question to another tab. */
  #onAnswer: (message: Exclude<Message, { ask: string }>) => void = () => {};
  readonly #others: TimeSource;
  readonly #endAttention: () => void;
  readonly #cancel: () => void;

  constructor(settings: Settings, sink: SourceSink) {
    const { page, source, channel } = settings;
    this.#settings = settings;
    this.#sink = sink;
    this.#facts = new AgedFacts(sink);
    this.#others = pollingSource({
      name: source.name,
      ask: ({ signal }) => this.#askOthers(signal),
      pollIntervalMs: ASK_TAB_MS,
      timeoutMs: TAB_TIMEOUT_MS,
    });
    channel.onmessage = ({ data }) => this.#onMessage(data as Message);
    this.#endAttention = onAttention(page, () => this.#want());
    // Not from inside `start`: the sink is only ever called from the event loop.
    this.#cancel = sink.clock.nextTurn(() => {
      sink.endpoints([source.name]);
      this.#follow();
      this.#want();
    });
  }

  get pollIntervalMs(): number {
    return this.#running?.pollIntervalMs ?? ASK_TAB_MS;
  }

  /** The clock has lost its bound, perhaps by a leap second: what was heard before may be false. */
  burst(): void {
    this.#facts.drop();
    this.#running?.burst();
  }

  pollNow(): void {
    const running = this.#running;
    if (running?.pollNow) running.pollNow();
    else running?.burst();
  }

  discardInFlight(): void {
    this.#facts.drop();
    this.#running?.discardInFlight();
  }

  stop(): void {
    this.#cancel();
    this.#endAttention();
    this.#running?.stop();
    this.#running = undefined;
    this.#giveUp?.();
    this.#settings.channel.close();
  }

  /** A visible tab wants the lock, a hidden one gives it back. */
  #want(): void {
    const { page, locks, lock } = this.#settings;
    if (!isVisible(page)) {
      this.#giveUp?.();
      return;
    }
    if (this.#giveUp !== undefined) return;
    const controller = new AbortController();
    let release = (): void => {};
    const giveUp = (): void => {
      this.#giveUp = undefined;
      controller.abort();
      release();
    };
    this.#giveUp = giveUp;
    const held = (): Promise<void> =>
      new Promise((resolve) => {
        // Given back between the request and now.
        if (this.#giveUp !== giveUp) {
          resolve();
          return;
        }
        this.#lead();
        release = () => {
          if (this.#running !== undefined) this.#follow();
          resolve();
        };
      });
    locks.request(lock, { signal: controller.signal }, held).catch(() => {
      // It was aborted. Or this page may not have locks, and then it asks on its own.
      if (!controller.signal.aborted) void held();
    });
  }

  #lead(): void {
    const { source } = this.#settings;
    const sink = this.#sink;
    this.#running?.stop();
    this.#leads = true;
    this.#running = source.start({
      clock: sink.clock,
      // It is known already, by the one name that the source has in every tab.
      endpoints: () => {},
      sample: (sample, signed) => {
        this.#facts.take(sample);
        this.#leap = sample.leap;
        sink.sample({ ...sample, sourceId: source.name }, signed);
      },
      miss: (_, reason, details) => sink.miss(source.name, reason, details),
      checkJump: () => sink.checkJump?.(),
      get bounded() {
        return sink.bounded;
      },
      get maxDriftPpm() {
        return sink.maxDriftPpm;
      },
    });
  }

  #follow(): void {
    this.#running?.stop();
    this.#leads = false;
    this.#facts.drop();
    this.#running = attentive(this.#others.start(this.#sink), this.#sink, this.#settings.page);
  }

  #askOthers(signal: AbortSignal): Promise<ServerFacts> {
    const { page, channel } = this.#settings;
    if (!isVisible(page)) return Promise.reject(new AskMiss('hidden'));
    const nonce = newNonce(page);
    return new Promise((resolve, reject) => {
      this.#onAnswer = (message) => {
        if (message.answer !== nonce) return;
        if (!message.knows) {
          reject(new AskMiss('starting'));
          return;
        }
        try {
          resolve(factsOf(message));
        } catch (error) {
          reject(error);
        }
      };
      signal.addEventListener('abort', () => {
        this.#onAnswer = () => {};
      });
      channel.postMessage({ ask: nonce } satisfies Message);
    });
  }

  #onMessage(message: Message): void {
    if (typeof message !== 'object' || message === null) return;
    if ('answer' in message) this.#onAnswer(message);
    else if ('ask' in message && typeof message.ask === 'string' && this.#leads) {
      this.#settings.channel.postMessage(this.#answerTo(message.ask));
    }
  }

  #answerTo(nonce: string): Message {
    const sink = this.#sink;
    // Should the machine have slept, this drops the facts.
    sink.checkJump?.();
    const now = sink.clock.monotonicNs();
    const offset = this.#facts.at(now);
    if (offset === undefined) return { answer: nonce, knows: false };
    return {
      answer: nonce,
      knows: true,
      earliest: now + offset.lowerNs,
      latest: now + offset.upperNs + sink.clock.monotonicGridNs,
      leap: this.#leap,
    };
  }
}

/**
 * What a tab answered, as facts of a question.
 *
 * @throws AskMiss `malformed`
 */
function factsOf({ earliest, latest, leap }: Extract<Message, { knows: true }>): ServerFacts {
  if (typeof earliest !== 'bigint' || typeof latest !== 'bigint') throw new AskMiss('malformed');
  const middle = asUnixNs((earliest + latest) >> 1n);
  const serverErrorNs = latest - middle;
  return { serverReceivedAt: middle, serverSentAt: middle, serverErrorNs, leap };
}
