/**
 * `epsilon-clock order`: the logs of many hosts in one order, and what is certain of it.
 *
 * Plain files are merged without a promise for each line, which is several times as fast. The event
 * loop turns whenever output is written.
 */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { LogUnsortedError } from '../../ordering/errors.ts';
import { type Inversion, inversions } from '../../ordering/inversions.ts';
import { type Merged, mergeLogs } from '../../ordering/merge-logs.ts';
import { nsFromMsUp } from '../../time/rounding.ts';
import { formatNs } from '../durations.ts';
import { EXIT_INVERSIONS, EXIT_NOT_STRICT, Finding, InputError } from '../exit.ts';
import type { Output } from '../output.ts';
import { visible } from '../visible.ts';
import { ByteOutput } from './byte-output.ts';
import { Check } from './check.ts';
import { type DiagramLine, diagramOf } from './diagram.ts';
import { sortLog } from './external-sort.ts';
import { follow } from './follow.ts';
import { GrowingFile } from './growing-file.ts';
import { htmlPage } from './html.ts';
import { JsonView } from './json-view.ts';
import { type LogRecord, whereIs } from './log-record.ts';
import { logSources, openLog } from './log-sources.ts';
import type { LinePlace, OrderArguments } from './order-arguments.ts';
import type { LineView } from './ordered-line.ts';
import { PerfettoView } from './perfetto-view.ts';
import type { PlaceOptions } from './place-reader.ts';
import { Progress } from './progress.ts';
import { fulfils } from './record-fields.ts';
import { PlainLog, type RecordLog } from './record-log.ts';
import { ShivizView } from './shiviz-view.ts';
import { countOf, Tally } from './tally.ts';
import { TextView } from './text-view.ts';
import { whyLines } from './why.ts';

/** Why a name of `--uncertainty` may have done nothing. */
const UNUSED = 'no line that lacks an interval is of a node or a file of this name';

/** How many lines are merged before the event loop turns, if nothing is written meanwhile. */
const LINES_PER_TURN = 8192;

/** Where the parts of a command write, and what ends it. */
interface Run {
  readonly args: OrderArguments;
  readonly logs: readonly RecordLog[];
  readonly output: Output;
  readonly bytes: ByteOutput;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/**
 * Prints the merged logs, in the form that is asked for.
 *
 * @throws InputError when a log cannot be read or is not sorted; Finding for `--strict` and
 *   `--check`; the signal's reason on abort
 */
export async function order(
  args: OrderArguments,
  output: Output,
  stdout: Writable,
  signal: AbortSignal,
): Promise<void> {
  const sources = logSources(args.files);
  const tallies = sources.map((source) => new Tally(source));
  const options = placeOptions(args);
  // On one terminal the progress would stand between the lines.
  const { stderr } = process;
  const progress = new Progress(
    stderr.isTTY && output.terminal === undefined ? stderr : undefined,
    () => performance.now(),
  );
  const run = { args, logs: [], output, bytes: new ByteOutput(stdout), signal, progress };
  try {
    if (args.follow) {
      await followLines(
        run,
        sources.map((source, i) => new GrowingFile(source, options, tallies[i]!)),
      );
    }
    const read = { ...options, unordered: args.sort };
    const opened = sources.map((source, i) => openLog(source, read, tallies[i]!));
    const logs: RecordLog[] = [];
    for (const log of opened) logs.push(args.sort ? await sortLog(log, read) : log);
    await print({ ...run, logs });
  } finally {
    progress.end();
    for (const remark of tallies.flatMap((tally) => tally.remarks())) {
      output.remark(`epsilon-clock: ${remark}`);
    }
  }
  for (const name of args.uncertaintyNs.keys()) {
    if (name === '' || options.uncertaintyUsed.has(name)) continue;
    output.remark(`epsilon-clock: --uncertainty ${name}=… is not used: ${UNUSED}`);
  }
  if (args.strict && !tallies.every(({ clean }) => clean)) {
    throw new Finding(EXIT_NOT_STRICT, 'some lines have no place in time (--strict)');
  }
}

function placeOptions({ fields, uncertaintyNs, windowMs, form }: OrderArguments): PlaceOptions {
  return {
    fields,
    uncertaintyNs,
    uncertaintyUsed: new Set(),
    windowNs: nsFromMsUp(windowMs),
    keepTime: form.kind === 'check',
    unordered: false,
  };
}

function print(run: Run): Promise<void> {
  const { form } = run.args;
  switch (form.kind) {
    case 'text':
    case 'json':
      return printLines(run, lineView(run));
    case 'check':
      return printInversions(run, form.json);
    case 'shiviz':
      return printLines(run, new ShivizView(run.bytes));
    case 'perfetto':
      return printLines(run, new PerfettoView(run.bytes));
    case 'html':
      return writeHtml(run, form.path);
    case 'why':
      return printWhy(run, form.places);
  }
}

/** The lines themselves, for people or as JSON. */
function lineView({ args, bytes, output }: Run): LineView {
  return args.form.kind === 'json'
    ? new JsonView(bytes, output.terminal !== undefined)
    : new TextView(bytes, output.paint);
}

async function followLines(run: Run, files: readonly GrowingFile[]): Promise<never> {
  const { args, bytes, signal } = run;
  const view = lineView(run);
  try {
    return await follow({
      files,
      windowMs: args.windowMs,
      maxLeadMs: args.maxLeadMs,
      signal,
      merge: (logs, visit) => forEachLine({ ...run, logs }, visit),
      print: (line) => view.line(line, fulfils(line.event, args.where)),
      flush: () => {
        view.end();
        return bytes.flush();
      },
    });
  } finally {
    for (const file of files) file.close();
  }
}

async function printLines(run: Run, view: LineView): Promise<void> {
  const { args, bytes } = run;
  await forEachLine(run, (line) => view.line(line, fulfils(line.event, args.where)));
  view.end();
  await bytes.flush();
}

/** Keeps all lines that are shown: a diagram of more than some thousands is of no use. */
async function writeHtml(run: Run, path: string): Promise<void> {
  const { args, output } = run;
  const lines: DiagramLine[] = [];
  await forEachLine(run, ({ event, earliest, latest, group, watermark }) => {
    if (!fulfils(event, args.where)) return;
    const { nodeId, timestamp, from, bytes, start, end } = event;
    const text = `${whereIs(event)}\n${bytes.toString('utf8', start, end)}`;
    lines.push({ nodeId, timestamp, earliest, latest, from, group, watermark, text });
  });
  const title = args.files.map((file) => basename(file)).join(', ');
  try {
    writeFileSync(path, htmlPage(diagramOf(title, lines)));
  } catch (error) {
    throw new InputError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
  output.remark(`epsilon-clock: ${path} has ${countOf(lines.length, 'event')}`);
}

async function printInversions(run: Run, asJson: boolean): Promise<void> {
  const { args, bytes, output } = run;
  const check = new Check(nsFromMsUp(args.maxLeadMs));
  await forEachInversion(run, (inversion) => {
    bytes.writeText(`${visible(check.describe(inversion, asJson), false)}\n`);
  });
  await bytes.flush();
  if (check.failed) throw new Finding(EXIT_INVERSIONS, check.summary);
  output.remark(`epsilon-clock: ${check.summary}`);
}

async function printWhy(run: Run, places: readonly [LinePlace, LinePlace]): Promise<void> {
  const records: LogRecord[] = [];
  await forEachLine(run, ({ event }) => records.push(event));
  for (const line of whyLines(records, places)) run.output.print(line);
}

/** Calls `visit` with every line of the merge. */
async function forEachLine(run: Run, visit: (line: Merged<LogRecord>) => void): Promise<void> {
  const { args, bytes, logs, signal } = run;
  const options = { windowMs: args.windowMs, maxLeadMs: args.maxLeadMs, signal };
  let visited = 0;
  const visitLine = (line: Merged<LogRecord>): Promise<void> | undefined => {
    visit(line);
    if (++visited % LINES_PER_TURN === 0) run.progress.advance(LINES_PER_TURN, line.event);
    else if (!bytes.full) return undefined;
    return bytes.flush();
  };
  await namingLines(logs, async () => {
    if (logs.every(isPlain)) {
      for (const line of mergeLogs(logs, options)) {
        const flushed = visitLine(line);
        if (flushed !== undefined) await flushed;
      }
    } else {
      for await (const line of mergeLogs(logs, options)) await visitLine(line);
    }
  });
}

/** Calls `visit` with every inversion of the merge. */
async function forEachInversion(
  run: Run,
  visit: (inversion: Inversion<LogRecord>) => void,
): Promise<void> {
  const { args, bytes, logs, signal } = run;
  const { windowMs, maxLeadMs } = args;
  await namingLines(logs, async () => {
    const events = eventsOf(run, mergeLogs(logs, { windowMs, maxLeadMs, signal }));
    for await (const inversion of inversions(events, { windowMs: 0, maxLeadMs })) {
      visit(inversion);
      if (bytes.full) await bytes.flush();
    }
  });
}

/** The events of the merged lines. Now and then the event loop turns. */
async function* eventsOf(
  { bytes, progress }: Run,
  lines: AsyncIterable<Merged<LogRecord>>,
): AsyncGenerator<LogRecord, void, undefined> {
  let count = 0;
  for await (const { event } of lines) {
    yield event;
    if (++count % LINES_PER_TURN !== 0) continue;
    progress.advance(LINES_PER_TURN, event);
    await bytes.flush();
  }
}

const isPlain = (log: RecordLog): log is PlainLog => log instanceof PlainLog;

/** Runs `read`, and names the file and the line when a log turns out to be unsorted. */
async function namingLines(logs: readonly RecordLog[], read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof LogUnsortedError)) throw error;
    const { source, last } = logs[error.log]!;
    const backNs = formatNs(error.greatest - error.timestamp);
    throw new InputError(
      `${source.path}:${last?.line}: its stamp is ${backNs} before that of a line above; see --window and --sort`,
    );
  }
}
