/**
 * The public surface: every name of every entry, checked in as `surface.txt`, so that no export
 * comes or goes unnoticed; and every name has a docstring, which is what a user sees on a hover.
 *
 * After a change that is meant: `UPDATE_SURFACE=1 npx vitest run --project unit
 * test/exports/surface.test.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const LIST = new URL('surface.txt', import.meta.url);
const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  exports: Record<string, unknown>;
};
const ENTRIES = Object.keys(exports).filter((key) => !key.endsWith('.json'));

/** How many values the root may export, so that it stays small enough to begin with. */
const MAX_ROOT_VALUES = 20;

const sourceOf = (entry: string): string => {
  const name = entry === '.' ? 'index' : entry.slice(2);
  return `${ROOT}src/${name === 'sim' ? 'sim/index' : name}.ts`;
};

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile).config,
  ts.sys,
  ROOT,
);
const program = ts.createProgram(ENTRIES.map(sourceOf), options);
const checker = program.getTypeChecker();

interface Export {
  readonly name: string;
  readonly kind: 'value' | 'type';
  readonly symbol: ts.Symbol;
}

function exportsOf(entry: string): Export[] {
  const file = program.getSourceFile(sourceOf(entry)) as ts.SourceFile;
  const module = checker.getSymbolAtLocation(file) as ts.Symbol;
  return checker
    .getExportsOfModule(module)
    .map((exported): Export => {
      const typeOnly = exported.declarations?.some(
        (each) => ts.isExportSpecifier(each) && (each.isTypeOnly || each.parent.parent.isTypeOnly),
      );
      const alias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
      const symbol = alias ? checker.getAliasedSymbol(exported) : exported;
      const value = !typeOnly && (symbol.flags & ts.SymbolFlags.Value) !== 0;
      return { name: exported.name, kind: value ? 'value' : 'type', symbol };
    })
    .sort((a, b) => (a.kind === b.kind ? (a.name < b.name ? -1 : 1) : a.kind === 'value' ? -1 : 1));
}

const SURFACE = ENTRIES.map((entry) => ({ entry, names: exportsOf(entry) }));

const surfaceText = (): string =>
  SURFACE.map(({ entry, names }) =>
    [entry, ...names.map(({ name, kind }) => `  ${kind.padEnd(5)} ${name}`), ''].join('\n'),
  ).join('\n');

test('every entry exports what is checked in', () => {
  if (process.env.UPDATE_SURFACE === '1') writeFileSync(LIST, surfaceText());
  expect(surfaceText()).toBe(readFileSync(LIST, 'utf8'));
});

test('the root stays small', () => {
  const values = exportsOf('.').filter(({ kind }) => kind === 'value');
  expect(values.map(({ name }) => name)).toHaveLength(MAX_ROOT_VALUES);
});

describe('every exported name has a docstring', () => {
  test.each(SURFACE)('$entry', ({ names }) => {
    const bare = names
      .filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0)
      .map(({ name }) => name);
    expect(bare).toEqual([]);
  });
});

/** The public members of the classes and interfaces that an entry exports. */
function membersOf({ symbol }: Export): ts.Symbol[] {
  const declared = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return declared.filter(({ name, declarations: [declaration] = [] }) => {
    if (declaration === undefined || name.startsWith('__') || name === 'prototype') return false;
    const flags = ts.getCombinedModifierFlags(declaration);
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
    const internal = ts
      .getJSDocTags(declaration)
      .some(({ tagName }) => tagName.text === 'internal');
    return (flags & hidden) === 0 && !internal && !ts.isTypeParameterDeclaration(declaration);
  });
}

/** Members that mean the same in every class, documented where they are declared first. */
const KNOWN = new Set(['toJSON', 'toString', 'name', 'code', 'nodeId', 'timestamp']);

test('every option, field and method that is exported has a docstring, or a name that says it all', () => {
  const bare = SURFACE.flatMap(({ entry, names }) =>
    names.flatMap((each) =>
      membersOf(each)
        .filter((member) => !KNOWN.has(member.name) && !/@|^#|\[/.test(member.name))
        .filter((member) => member.getDocumentationComment(checker).length === 0)
        .map((member) => `${entry} ${each.name}.${member.name}`),
    ),
  );
  expect([...new Set(bare)]).toEqual([]);
});
