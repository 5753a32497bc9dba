/** Runs `epsilon-clock order` in this process, on files of a temporary directory. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll } from 'vitest';
import { parseCommand } from '../../../src/cli/arguments.ts';
import { order } from '../../../src/cli/order/order.ts';
import type { Output } from '../../../src/cli/output.ts';
import { ansiPaint, plainPaint } from '../../../src/cli/paint.ts';

export const folder: string = mkdtempSync(join(tmpdir(), 'epsilon-order-'));

/** For each test file that uses this module, because the files of a worker share it. */
export function useFolder(): void {
  mkdirSync(folder, { recursive: true });
  afterAll(() => rmSync(folder, { recursive: true }));
}

/** Writes a file and returns its path. An object becomes a line of JSON. */
export function file(
  name: string,
  content: string | Buffer | readonly (object | string)[],
): string {
  const path = join(folder, name);
  const text = Array.isArray(content)
    ? content.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
    : (content as string | Buffer);
  writeFileSync(path, text);
  return path;
}

export interface Ran {
  readonly stdout: Buffer;
  /** The lines on standard output, without the folder of the files. */
  readonly lines: string[];
  readonly remarks: string[];
  readonly error: unknown;
}

export async function run(...args: string[]): Promise<Ran> {
  return runOn({}, ...args);
}

export async function runOn(
  {
    painted = false,
    terminal,
    signal = new AbortController().signal,
  }: { painted?: boolean; terminal?: Output['terminal']; signal?: AbortSignal },
  ...args: string[]
): Promise<Ran> {
  const command = parseCommand(['order', ...args]);
  if (command.name !== 'order') throw new Error('not the command order');
  const chunks: Buffer[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  const remarks: string[] = [];
  const short = (text: string): string => text.replaceAll(`${folder}/`, '');
  const output: Output = {
    print: (line) => chunks.push(Buffer.from(`${line}\n`)),
    remark: (line) => remarks.push(short(line)),
    paint: painted ? ansiPaint : plainPaint,
    terminal,
  };
  let error: unknown;
  try {
    await order(command.arguments, output, stdout, signal);
  } catch (thrown) {
    if (thrown instanceof Error) thrown.message = short(thrown.message);
    error = thrown;
  }
  const bytes = Buffer.concat(chunks);
  return { stdout: bytes, lines: short(bytes.toString()).split('\n').slice(0, -1), remarks, error };
}

export const BASE = 1_795_227_787_000_000_000n;

/** A stamped line at `ms` after 02:23:07, give or take `eps` ms. */
export function line(ms: number, node: string, eps: number, more: object = {}): object {
  const hlc = BASE + BigInt(Math.round(ms * 1e6));
  return {
    hlc: String(hlc),
    node,
    earliest: String(hlc - BigInt(eps * 1e6)),
    latest: String(hlc + BigInt(eps * 1e6)),
    ...more,
  };
}

/** The stamp of {@link line}. */
export const stampOf = (ms: number, node: string): string =>
  `${BASE + BigInt(Math.round(ms * 1e6))}@${node}`;
