/** The programs of a page, to be run as a reader would run them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The fenced blocks of a page in this language, each with the heading that it stands under. */
export function blocksOf(page: string, language: string): { heading: string; code: string }[] {
  const blocks: { heading: string; code: string }[] = [];
  let heading = '';
  const text = readFileSync(join(ROOT, page), 'utf8');
  for (const [, title, fenced, code] of text.matchAll(/^#+ (.+)$|^```(\w+).*\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (fenced === language) blocks.push({ heading, code: code! });
  }
  return blocks;
}

/**
 * A folder outside of the repository in which the built package and these packages of ours are
 * installed. The caller removes it.
 */
export function projectFolder(packages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  const installed = join(folder, 'node_modules');
  for (const name of packages) {
    mkdirSync(join(installed, name, '..'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(installed, name));
  }
  symlinkSync(ROOT, join(installed, 'epsilon-clock'));
  return folder;
}

/**
 * Runs `saveAndRead(timestamps)` of a program in a process of its own. Resolves to its result, in
 * which a bigint is text with an `n` behind.
 */
export async function saveAndRead(
  program: string,
  timestamps: readonly bigint[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const folder = projectFolder(PACKAGES);
  try {
    writeFileSync(join(folder, 'program.mjs'), program);
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { saveAndRead } from './program.mjs';
      const result = await saveAndRead(process.argv.slice(2).map(BigInt));
      console.log(JSON.stringify(result, (_, v) => (typeof v === 'bigint' ? v + 'n' : v)));`,
    );
    const args = ['--no-warnings', join(folder, 'main.mjs'), ...timestamps.map(String)];
    const options = { env: { ...process.env, ...env } };
    return JSON.parse((await promisify(execFile)(process.execPath, args, options)).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PACKAGES = [
  'pg',
  'postgres',
  'drizzle-orm',
  'kysely',
  'superjson',
  '@bufbuild/protobuf',
  'long',
  'msgpackr',
];
