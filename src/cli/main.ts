#!/usr/bin/env node
/**
 * The command `epsilon-clock`: parses the command line, runs the command, and turns every ending
 * into an exit code.
 *
 * Ctrl-C (and SIGTERM, SIGHUP) aborts one signal that every wait listens to. So each ending goes
 * the same way: sockets are closed, the cursor is shown, and the exit code says how it ended. A
 * second Ctrl-C is not caught and ends the process at once. When the reader of the pipe closes it
 * (`| head`), the command ends with 0, except for the daemon.
 */
import { ArgumentRangeError } from '../time/errors.ts';
import { COMMANDS, type Command, parseCommand } from './arguments.ts';
import {
  EXIT_FAILURE,
  EXIT_INPUT,
  EXIT_NO_TIME,
  EXIT_OK,
  EXIT_UNAVAILABLE,
  EXIT_USAGE,
  Finding,
  InputError,
  Interrupted,
  NoTimeError,
  UnavailableError,
  UsageError,
} from './exit.ts';
import { helpText } from './help.ts';
import { now } from './now.ts';
import { order } from './order/order.ts';
import { type Output, processOutput } from './output.ts';
import { query } from './query.ts';
import { serve } from './serve/serve.ts';
import { version } from './version.ts';
import { watch } from './watch.ts';

async function main(): Promise<number> {
  const output = processOutput();
  try {
    const command = parseCommand(process.argv.slice(2));
    await run(command, output, interruptSignal(command));
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
    case 'serve':
      return serve(command.arguments, output, signal);
    case 'order':
      return order(command.arguments, output, process.stdout, signal);
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
  if (error instanceof InputError || error instanceof Finding) {
    output.remark(`epsilon-clock: ${error.message}`);
    return error instanceof Finding ? error.exitCode : EXIT_INPUT;
  }
  if (error instanceof UnavailableError) {
    output.remark(`epsilon-clock: ${error.message}`);
    return EXIT_UNAVAILABLE;
  }
  // An ArgumentRangeError is the library's message about a number from the command line.
  if (error instanceof UsageError || error instanceof ArgumentRangeError) {
    const command = COMMANDS.find((name) => name === process.argv[2]);
    const help = command === undefined ? '--help' : `${command} --help`;
    output.remark(`epsilon-clock: ${error.message} (see epsilon-clock ${help})`);
    return EXIT_USAGE;
  }
  output.remark(`epsilon-clock: ${error instanceof Error ? error.stack : String(error)}`);
  return EXIT_FAILURE;
}

function interruptSignal(command: Command): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    if (name === 'SIGHUP' && command.name === 'serve' && command.arguments.config !== undefined) {
      // Reads the configuration again; until the daemon listens to it, nothing needs to be read.
      process.on(name, () => {});
      continue;
    }
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Other processes rely on the daemon's time. It goes on without a log.
    if (process.argv[2] === 'serve') return;
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_OK);
  });
}
const exitCode = await main();
// Exit at once, because a name resolution under way would hold the process for seconds; but first
// let all output go out.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
