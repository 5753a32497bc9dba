/**
 * The examples of the pages and of the docstrings, compiled against the installed tarball and run.
 *
 * On a page an example is a block fenced as `ts` or `js`; `no-run` behind it means: compiled only.
 * A `js` block runs as it stands, so it must be plain JavaScript for every version of Node that is
 * supported.
 *
 * In a docstring it is what follows `@example`. It needs no imports: names of the package, and
 * those of `world.ts` beside this file, are there.
 *
 * A value in a comment is checked: in `formatIso(t) // '2026-11-21T02:23:07.534418003Z'`, and where
 * the comment has the line below to itself.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { ENTRIES, lendForExamples, manifest, ROOT, run, USER, write } from './user.ts';

const ASSERTIONS = "import { deepEqual as sameValue } from 'node:assert/strict'; ";

interface Example {
  /** The module's name: the page or source file, and the line. */
  readonly name: string;
  readonly code: string;
  readonly language: string;
  readonly runs: boolean;
}

function examplesOnPage(file: string): Example[] {
  const found: Example[] = [];
  const text = readFileSync(join(ROOT, file), 'utf8');
  for (const match of text.matchAll(/^```(ts|js)\b([^\n]*)\n(.*?)^```/gms)) {
    const [, language = '', info = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length;
    // As many blank lines before it as in the page: a compiler's line numbers are the page's.
    const padded = `${ASSERTIONS}${'\n'.repeat(line)}${withAssertions(code)}\nexport {};\n`;
    found.push({
      name: `${file}.L${line}`,
      code: padded,
      language,
      runs: !/\bno-run\b/.test(info),
    });
  }
  return found;
}

/** The examples in the docstrings of a source file. */
function examplesInDocstrings(file: string, entryOf: ReadonlyMap<string, string>): Example[] {
  const found: Example[] = [];
  const source = ts.createSourceFile(
    file,
    readFileSync(join(ROOT, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const visit = (node: ts.Node): void => {
    for (const doc of ts.getJSDocCommentsAndTags(node)) {
      if (!ts.isJSDoc(doc)) continue;
      for (const tag of doc.tags ?? []) {
        if (tag.tagName.text !== 'example') continue;
        const code = ts.getTextOfJSDocComment(tag.comment) ?? '';
        const { line } = source.getLineAndCharacterOfPosition(tag.pos);
        const named = `${ASSERTIONS}${importsFor(code, entryOf)}\n${withAssertions(code)}\nexport {};\n`;
        found.push({ name: `${file}.L${line + 1}`, code: named, language: 'ts', runs: true });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  // A class and its only member may share a docstring in the tree.
  return found.filter(({ name }, i) => found.findIndex((other) => other.name === name) === i);
}

/** Imports of the names that `code` uses and does not declare, as far as `entryOf` knows them. */
function importsFor(code: string, entryOf: ReadonlyMap<string, string>): string {
  const tree = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true);
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const declares =
        (ts.isVariableDeclaration(parent) ||
          ts.isBindingElement(parent) ||
          ts.isImportSpecifier(parent) ||
          ts.isParameter(parent)) &&
        parent.name === node;
      const isProperty = ts.isPropertyAccessExpression(parent) && parent.name === node;
      const isKey = ts.isPropertyAssignment(parent) && parent.name === node;
      if (declares) declared.add(node.text);
      else if (!isProperty && !isKey) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return [...used]
    .filter((name) => !declared.has(name) && entryOf.has(name))
    .map((name) => `import { ${name} } from '${entryOf.get(name)}';`)
    .join(' ');
}

/** `code` with an assertion in place of each expression whose value stands in a comment. */
function withAssertions(code: string): string {
  const lines = code.split('\n');
  return lines
    .map((line, i) => {
      const [, expression, beside] = /^([A-Za-z_][^;{]*?);? +\/\/ (.+)$/.exec(line) ?? [];
      const below = /^\/\/ (.+)$/.exec(lines[i + 1] ?? '')?.[1];
      const statement = expression ?? (/^[A-Za-z_][^;{]*\)$/.test(line) ? line : undefined);
      const value = beside ?? below;
      if (statement === undefined || value === undefined || !isValue(value)) return line;
      if (/^(const|let|await using|import|export|return|console|for|if)\b/.test(statement))
        return line;
      return `sameValue(${statement}, ${value});`;
    })
    .join('\n');
}

function isValue(text: string): boolean {
  try {
    new Function(`return (${text});`)();
    return true;
  } catch {
    return false;
  }
}

/** By name: which module has it, for docstrings. */
async function namesForDocstrings(): Promise<Map<string, string>> {
  const entryOf = new Map<string, string>();
  const inWorld = readFileSync(new URL('world.ts', import.meta.url), 'utf8');
  for (const [, name = ''] of inWorld.matchAll(
    /^export (?:const|function|async function) (\w+)/gm,
  )) {
    entryOf.set(name, '#world');
  }
  for (const entry of ENTRIES) {
    const file = join(USER, 'node_modules', manifest.name, fileOf(entry));
    for (const name of Object.keys(await import(pathToFileURL(file).href))) {
      if (!entryOf.has(name)) entryOf.set(name, entry);
    }
  }
  return entryOf;
}

function fileOf(entry: string): string {
  const target = manifest.exports[`.${entry.slice(manifest.name.length)}`];
  return typeof target === 'object' ? target.default : '';
}

const filesBelow = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .sort();

export async function runExamples(): Promise<string> {
  lendForExamples();
  const docs = filesBelow('docs');
  // docs/api is made from the docstrings, whose examples come below; its other blocks are
  // signatures.
  const pages = docs.filter((file) => file.endsWith('.md') && !file.startsWith('docs/api/'));
  const onPages = ['README.md', ...pages].flatMap(examplesOnPage);
  if (onPages.length === 0) throw new Error('no example found');
  const entryOf = await namesForDocstrings();
  const inDocstrings = filesBelow('src')
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => examplesInDocstrings(file, entryOf));
  for (const { name, code, language } of [...onPages, ...inDocstrings]) {
    write(`examples/${name}.${language === 'js' ? 'mjs' : 'ts'}`, code);
  }
  write('examples/world.ts', readFileSync(new URL('world.ts', import.meta.url), 'utf8'));
  write(
    'package.json',
    '{ "type": "module", "imports": { "#world": "./examples-js/world.js" } }\n',
  );
  for (const file of docs.filter((f) => f.startsWith('docs/examples/') && f.endsWith('.ts'))) {
    cpSync(join(ROOT, file), join(USER, 'examples', file));
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    allowJs: true,
    strict: true,
    types: ['node'],
    skipLibCheck: true,
    rootDir: '.',
    outDir: '../examples-js',
  };
  write('examples/tsconfig.json', JSON.stringify({ compilerOptions }));
  await run(USER, 'tsc', '-p', 'examples');
  const runnable = onPages.filter(({ runs }) => runs);
  for (const { name, language } of runnable) {
    // Not what the compiler made of it, which lowers what is too new.
    const module = language === 'js' ? `examples/${name}.mjs` : `examples-js/${name}.js`;
    await run(USER, 'node', '--no-warnings', module).catch((error: Error) => {
      throw new Error(`${name}\n${error.message}`);
    });
  }
  await runTogether(inDocstrings);
  const count = runnable.length + inDocstrings.length;
  return `${onPages.length + inDocstrings.length} examples compiled, ${count} run`;
}

/**
 * Runs the examples of the docstrings one after the other in one process: they are many and short.
 */
async function runTogether(examples: readonly Example[]): Promise<void> {
  const modules = examples.map(({ name }) => `./${name}.js`);
  write(
    'examples-js/docstrings.mjs',
    `for (const module of ${JSON.stringify(modules)}) {
       await import(module).catch((error) => {
         console.error(module);
         throw error;
       });
     }
     process.exit(0);`,
  );
  await run(USER, 'node', '--no-warnings', 'examples-js/docstrings.mjs');
}
