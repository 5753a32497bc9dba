/** A project of a user: where the tarball is installed, and where the examples live. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { types: string; default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
export const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

export const USER: string = mkdtempSync(join(tmpdir(), 'epsilon-clock-check-'));
export const INSTALLED: string = join(USER, 'node_modules', manifest.name);
export const TARBALL: string = join(USER, `${manifest.name}-${manifest.version}.tgz`);

/** The entries that hold code, by import name: `epsilon-clock`, `epsilon-clock/node`, … */
export const ENTRIES: readonly string[] = Object.keys(manifest.exports)
  .filter((key) => !key.endsWith('.json'))
  .map((key) => manifest.name + key.slice(1));

/** What the programs and pages under docs import besides the package. */
const EXAMPLES_NEED = [
  'pg',
  '@types/pg',
  'postgres',
  'drizzle-orm',
  'kysely',
  'superjson',
  '@bufbuild/protobuf',
  'msgpackr',
  'fast-check',
  'long',
  'pino',
  'winston',
  'vitest',
  ...['fastify', 'express', '@types/express', 'hono', 'undici', '@grpc/grpc-js'],
  ...['api', 'core', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}`),
];

/** What `command` prints. Rejects with all that it printed when it fails. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const [file, all] = command === 'node' ? [process.execPath, args] : [command, args];
  const path = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, NO_COLOR: '1' };
  const options = { cwd, env, timeout: 900_000, maxBuffer: 2 ** 26 };
  try {
    return (await promisify(execFile)(file, all, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    throw new Error(`${stdout}${stderr}` || message);
  }
}

/** Writes a file of the user's project. */
export function write(name: string, text: string): void {
  mkdirSync(dirname(join(USER, name)), { recursive: true });
  writeFileSync(join(USER, name), text);
}

/** Makes a package of our own node_modules available to the user's project. */
export function lend(name: string): void {
  mkdirSync(dirname(join(USER, 'node_modules', name)), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), join(USER, 'node_modules', name));
}

/** Installs the tarball as npm would. What it depends on comes from our own node_modules. */
export async function install(): Promise<void> {
  mkdirSync(INSTALLED, { recursive: true });
  await run(USER, 'tar', '-xzf', TARBALL, '--strip-components=1', '-C', INSTALLED);
  for (const name of [...Object.keys(manifest.dependencies ?? {}), '@types/node']) lend(name);
  write('package.json', '{ "type": "module" }\n');
}

/** Packages that the user's project needs for the examples only. */
export function lendForExamples(): void {
  for (const name of EXAMPLES_NEED) lend(name);
}
