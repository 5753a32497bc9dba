/**
 * Rules for words: comments within 100 columns, no phrase of the list below, no link to a page that
 * does not exist, no mention of a folder or file of the tree that does not exist.
 *
 * Comments are found in the syntax tree, so a string is not taken for one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './user.ts';

const MAX_COLUMNS = 100;

/** Phrases that make a reader read twice, and what to write instead. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [
    /\b(is|was|are|were) no (a |an )?(string|number|object|function|array|bigint|error|name|timestamp|instant|interval|packet|integer|listener|signal|clock|source|sample|file|node id|UUID)\b/,
    'is not a …',
  ],
  [/(?<!there |where )\b(is|are) none\b/, 'say what is not there'],
  [/\bso many\b/, 'the number, by its name'],
  [/\b(for|within|after|by|to|in|of) so (long|much|far)\b/, 'the constant, by its name'],
  [/\bwhoever\b/i, 'the caller, the thread, the server …'],
  [/\bthose (who|that are due)\b/i, 'the waits, the callers, the sources …'],
];

/** Paths of this tree in prose, as `src/bound/drift.ts`, `docs/bound.md`, `test/kit/`. */
const PATH = /(?<![\w./@-])(?:src|test|docs|bench)\/[\w./-]*[\w/]/g;

interface Text {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export async function checkProse(): Promise<string> {
  const sources = ['src', 'test', 'bench', 'docs'].flatMap(filesBelow);
  const comments = sources.filter((file) => /\.(ts|mts|mjs)$/.test(file)).flatMap(commentsOf);
  const pages = [...sources.filter((file) => file.endsWith('.md')), ...rootPages()];
  const lines = pages.filter((file) => !GENERATED.test(file)).flatMap(linesOf);
  const found = [
    ...comments.filter(({ text }) => text.length > MAX_COLUMNS).map(wide),
    ...[...comments, ...lines].flatMap(phrases),
    ...[...comments, ...lines].flatMap(phantoms),
    ...pages.flatMap(deadLinks),
  ];
  if (found.length > 0) throw new Error(found.join('\n'));
  return `${comments.length + lines.length} lines`;
}

/** Pages that a program writes. Their sentences are checked in the source files. */
const GENERATED = /^docs\/api\//;

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => !/node_modules|\/dist\//.test(file))
    .sort();
}

const rootPages = (): string[] => readdirSync(ROOT).filter((file) => file.endsWith('.md'));

const linesOf = (file: string): Text[] =>
  readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .map((text, i) => ({ file, line: i + 1, text }));

/** The lines that have a comment, whole: a column counts from the beginning of the line. */
function commentsOf(file: string): Text[] {
  const lines = linesOf(file);
  const source = lines.map(({ text }) => text).join('\n');
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found = new Set<number>();
  for (const [begin, end] of commentRanges(tree)) {
    const first = tree.getLineAndCharacterOfPosition(begin).line;
    const last = tree.getLineAndCharacterOfPosition(end).line;
    for (let line = first; line <= last; line++) found.add(line);
  }
  return [...found].map((line) => lines[line] as Text);
}

/**
 * Where comments begin and end. They are taken from the tokens of the tree, so that a template
 * string is not taken for a comment.
 */
function commentRanges(tree: ts.SourceFile): [number, number][] {
  const ranges = new Map<number, number>();
  const { text } = tree;
  const visit = (node: ts.Node): void => {
    for (const each of [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ]) {
      ranges.set(each.pos, each.end);
    }
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  return [...ranges];
}

const wide = ({ file, line, text }: Text): string =>
  `${file}:${line}: a comment of ${text.length} columns`;

function phrases({ file, line, text }: Text): string[] {
  return PHRASES.flatMap(([phrase, better]) => {
    const [match] = phrase.exec(text) ?? [];
    return match === undefined ? [] : [`${file}:${line}: "${match}": ${better}`];
  });
}

function phantoms({ file, line, text }: Text): string[] {
  return [...text.matchAll(PATH)]
    .map(([path]) => path)
    .filter((path) => !/\*|dist\b/.test(path) && !existsSync(join(ROOT, path)))
    .map((path) => `${file}:${line}: there is no ${path}`);
}

/** Relative links of a page, and anchors within pages of ours. */
function deadLinks(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.flatMap((link) => {
    if (/^(https?|mailto):/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(join(ROOT, target))) return [`${file}: a dead link to ${link}`];
    if (anchor === undefined || !target.endsWith('.md')) return [];
    if (anchorsOf(target).has(anchor)) return [];
    return [`${file}: a link to ${link}, where no heading has that name`];
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id));
  for (const [, heading = ''] of text.matchAll(/^#+ +(.+)$/gm)) {
    const name = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    // The second heading of a name is `name-1`, and so on.
    let unique = name;
    for (let i = 1; anchors.has(unique); i++) unique = `${name}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}
