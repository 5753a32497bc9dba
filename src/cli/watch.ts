/**
 * `epsilon-clock watch`: the clock's state, as it changes.
 *
 * One loop reads the clock, for one of three outputs. A terminal is redrawn in place four times a
 * second. Anything else gets a line per second and a line per change. With `--json` it gets an
 * object per second.
 */
import type { ClockEvent } from '../bounded-clock/change-events.ts';
import type { Explanation } from '../bounded-clock/explain.ts';
import { sleep } from '../time/sleep.ts';
import { systemClock } from '../time/system-clock.ts';
import type { WatchArguments } from './arguments.ts';
import { formatElapsed } from './durations.ts';
import type { Output } from './output.ts';
import { pad } from './paint.ts';
import { reportJson } from './report.ts';
import { screen, sourceTable, type View } from './screen.ts';
import { noTime, openSession, type Session } from './session.ts';
import { statusLine } from './status-line.ts';
import { LiveTerminal } from './terminal.ts';
import { WebPage } from './web.ts';
import { describeEvent, describeParts, describeProfile, widthAdvice } from './wording.ts';

const SECOND_MS = 1000;
const FRAME_MS = 250;
/** More than the widest terminal shows. */
const MAX_HISTORY = 512;
const MAX_EVENTS = 64;

/** Shows the clock's state as it changes. */
interface WatchOutput {
  /** The time between two calls of `show`, ms. */
  readonly periodMs: number;
  /** Called when something changed. */
  changed(event: ClockEvent, elapsedMs: number): void;
  show(explanation: Explanation, elapsedMs: number): void;
  /** The last call. */
  close(explanation: Explanation): void;
}

/**
 * Watches until `--for` has passed or `signal` aborts.
 *
 * @throws NoTimeError when the sources did not agree within `--timeout`, or at all; the signal's
 *   reason on abort
 */
export async function watch(
  args: WatchArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const clock = systemClock();
  const startedAt = clock.monotonicNs();
  const elapsed = (): number => Number(clock.monotonicNs() - startedAt) / 1e6;
  await using page = args.web === undefined ? undefined : await WebPage.listen(args.web);
  await using opened = await openSession(args, clock, signal);
  const { bounded } = opened;
  page?.show(bounded);
  const address = page === undefined ? [] : [`Live page: ${page.url}`];
  const session = { ...opened, headline: [...opened.headline, ...address] };
  if (args.json) for (const line of address) output.remark(line);
  const { forMs = Number.POSITIVE_INFINITY, timeoutMs } = args;

  const shown = chooseOutput(args, session, output);
  let agreedOnce = false;
  const unsubscribe = bounded.onChange((event) => {
    agreedOnce ||= event.status === 'synchronized' || event.status === 'holdover';
    shown.changed(event, elapsed());
  });
  try {
    for (let tick = 1; ; tick++) {
      const untilMs = Math.min(tick * shown.periodMs, forMs, agreedOnce ? forMs : timeoutMs);
      await sleep(clock, Math.max(0, untilMs - elapsed()), { signal });
      const nowMs = elapsed();
      shown.show(bounded.explain(), nowMs);
      if (!agreedOnce && nowMs >= Math.min(timeoutMs, forMs)) throw noTime(bounded, nowMs);
      if (nowMs >= forMs) return;
    }
  } finally {
    unsubscribe();
    shown.close(bounded.explain());
  }
}

function chooseOutput(args: WatchArguments, session: Session, output: Output): WatchOutput {
  if (args.json) return new JsonOutput(session, output);
  if (output.terminal !== undefined) return new ScreenOutput(session, output, output.terminal);
  return new LineOutput(session, output);
}

class ScreenOutput implements WatchOutput {
  readonly periodMs: number = FRAME_MS;
  readonly #output: Output;
  readonly #terminal: LiveTerminal;
  readonly #session: Session;
  #view: View;
  #recordedS = -1;

  constructor(session: Session, output: Output, stream: NonNullable<Output['terminal']>) {
    this.#output = output;
    this.#terminal = new LiveTerminal(stream, () => this.#draw());
    this.#session = session;
    const explanation = session.bounded.explain();
    const headline = headlineOf(session, explanation);
    this.#view = { headline, elapsedMs: 0, explanation, history: [], events: [] };
    this.#draw();
  }

  changed(event: ClockEvent, elapsedMs: number): void {
    const news = { elapsedMs, text: describeEvent(event) };
    this.#view = { ...this.#view, events: [...this.#view.events, news].slice(-MAX_EVENTS) };
  }

  show(explanation: Explanation, elapsedMs: number): void {
    let { history } = this.#view;
    const second = Math.floor(elapsedMs / SECOND_MS);
    const begun = history.length > 0 || explanation.uncertaintyNs !== undefined;
    if (begun && second > this.#recordedS) {
      this.#recordedS = second;
      history = [...history, explanation.uncertaintyNs].slice(-MAX_HISTORY);
    }
    const headline = headlineOf(this.#session, explanation);
    this.#view = { ...this.#view, headline, explanation, elapsedMs, history };
    this.#draw();
  }

  close(explanation: Explanation): void {
    this.#view = { ...this.#view, explanation };
    // Drawn once more, because the terminal has echoed ^C below the last line.
    this.#draw();
    this.#terminal.close();
  }

  #draw(): void {
    this.#terminal.draw(screen(this.#view, this.#terminal.size, this.#output.paint));
  }
}

/** Wide enough for every column: the reader of a log can scroll. */
const LOG_WIDTH = 160;

class LineOutput implements WatchOutput {
  readonly periodMs: number = SECOND_MS;
  readonly #session: Session;
  readonly #output: Output;
  #begun = false;
  #advised = false;

  constructor(session: Session, output: Output) {
    this.#session = session;
    this.#output = output;
  }

  changed(event: ClockEvent, elapsedMs: number): void {
    if (!this.#begun) this.#begin(this.#session.bounded.explain());
    this.#output.print(`${pad(formatElapsed(elapsedMs), 8, 'right')}  > ${describeEvent(event)}`);
  }

  show(explanation: Explanation, elapsedMs: number): void {
    this.#begin(explanation);
    this.#output.print(statusLine(explanation, elapsedMs, this.#output.paint));
  }

  /** The headline, and advice above it. So it waits for the first bound, for a second at most. */
  #begin(explanation: Explanation): void {
    const advice = this.#advised ? [] : widthAdvice(explanation);
    this.#advised ||= advice.length > 0;
    const headline = this.#begun ? [] : headlineOf(this.#session, explanation);
    this.#begun = true;
    for (const line of [...advice, ...headline]) this.#output.print(line);
  }

  close(explanation: Explanation): void {
    this.#begin(explanation);
    const { paint } = this.#output;
    const parts = describeParts(explanation);
    const summary = [
      '',
      ...(parts === '' ? [] : [`epsilon = ${parts}`]),
      ...explanation.advice,
      ...sourceTable(explanation, { width: LOG_WIDTH, paint }),
    ];
    for (const line of summary) this.#output.print(line);
  }
}

/** What is watched and which profile the clock has, which matters little to embedded servers. */
function headlineOf({ headline, trueTo }: Session, explanation: Explanation): readonly string[] {
  const { detected } = explanation.profile;
  if (trueTo === 'this-machine' && detected === undefined) return headline;
  return [...headline, describeProfile(explanation)];
}

class JsonOutput implements WatchOutput {
  readonly periodMs: number = SECOND_MS;
  readonly #session: Session;
  readonly #output: Output;
  #events: ClockEvent[] = [];

  constructor(session: Session, output: Output) {
    this.#session = session;
    this.#output = output;
    if (session.trueTo === 'this-machine') output.remark(session.headline[0]!);
  }

  changed(event: ClockEvent): void {
    this.#events.push(event);
  }

  show(explanation: Explanation, elapsedMs: number): void {
    const { trueTo } = this.#session;
    this.#output.print(reportJson({ explanation, trueTo, elapsedMs, events: this.#events }));
    this.#events = [];
  }

  close(): void {}
}
