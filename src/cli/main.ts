#!/usr/bin/env node
/**
 * The command `epsilon-clock`: parses, dispatches, and turns every ending into an exit code.
 *
 * Ctrl-C (and SIGTERM, SIGHUP) aborts one signal that every wait listens to, so each ending takes the same
 * way out: sockets are closed, the cursor is shown, then the code says how it ended. A second Ctrl-C is
 * not caught and ends the process at once. A reader that closed the pipe (`| head`) has seen enough: 0.
 */
import { createRequire } from 'node:module';
import { ArgumentRangeError } from '../time/errors.ts';
import { type Command, parseCommand } from './arguments.ts';
import {
  EXIT_FAILURE,
  EXIT_NO_TIME,
  EXIT_OK,
  EXIT_USAGE,
  Interrupted,
  NoTimeError,
  UsageError,
} from './exit.ts';
import { helpText } from './help.ts';
import { now } from './now.ts';
import { type Output, processOutput } from './output.ts';
import { query } from './query.ts';
import { watch } from './watch.ts';

async function main(): Promise<number> {
  const output = processOutput();
  try {
    await run(parseCommand(process.argv.slice(2)), output, interruptSignal());
    return EXIT_OK;
  } catch (error) {
    return exitCodeOf(error, output);
  }
}

async function run(command: Command, output: Output, signal: AbortSignal): Promise<void> {
  switch (command.name) {
    case 'watch':
      return watch(command.arguments, output, signal);
    case 'query':
      return query(command.arguments, output, signal);
    case 'now':
      return now(command.arguments, output, signal);
    case 'help':
      return output.print(helpText(command.topic).trimEnd());
    case 'version':
      return output.print(version());
  }
}

function exitCodeOf(error: unknown, output: Output): number {
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof NoTimeError) {
    output.remark(`epsilon-clock: ${error.message}`);
    return EXIT_NO_TIME;
  }
  // The library states the ranges of numbers that came from the command line.
  if (error instanceof UsageError || error instanceof ArgumentRangeError) {
    output.remark(`epsilon-clock: ${error.message} (see epsilon-clock --help)`);
    return EXIT_USAGE;
  }
  output.remark(`epsilon-clock: ${error instanceof Error ? error.stack : String(error)}`);
  return EXIT_FAILURE;
}

function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}

/** The package knows its own version, under whatever directory it was installed. */
function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('epsilon-clock/package.json');
  return (manifest as { version: string }).version;
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_OK);
  });
}
const exitCode = await main();
// A name resolution under way would hold the process for seconds; what was written must go out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
