/**
 * The rules of the tree that types cannot express, checked on syntax trees. So comments, strings
 * and the examples in docstrings do not count, and no spacing hides anything.
 *
 * - `layer`: a folder of src imports only folders printed above it in {@link LAYERS}.
 * - `room`: a folder within a layer is used only as {@link entersRoom} says.
 * - `door`: time, timers, sockets and files are reached only by the files that may ({@link
 *   mayTouchTheWorld}); everything else gets a `Clock`. This is what makes a simulated run the same
 *   code as a real one. Names are judged, not types: a file that binds the name itself (`const
 *   process = …`) is taken at its word, and that is why `globalThis` is behind the door too.
 * - `chance`: the simulator draws from its seed alone, or a failure could not be replayed.
 * - `package`: src imports only what package.json promises to install, and Node's own modules only
 *   where the door is open.
 * - `power`: `**` and `Math.pow` differ in the last bit between versions of V8, and a simulated
 *   world must be the same one everywhere. Exact uses remain: on bigints, and `2 ** <integer
 *   literal>`.
 * - `brand`: only time/instant.ts casts to a brand.
 *
 * {@link builtinsReachedFrom} follows imports from a public entry: the core must never arrive at a
 * Node module, or it would not load in a browser.
 */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';

/** The folders of src, from the ground up. */
export const LAYERS: readonly string[] = [
  'time',
  'interval',
  'bound',
  'bounded-clock',
  'logical',
  'commit-wait',
  'ordering',
  'propagation',
  'failure-detection',
  'lease',
  'metrics',
  'sources',
  'host-page',
  'sim',
  'testing',
  'integrations',
  'dashboard',
  'cli',
];

export type Rule = 'layer' | 'room' | 'door' | 'chance' | 'package' | 'power' | 'brand';

export interface Violation {
  readonly rule: Rule;
  /** File and line, such as `src/bound/vote.ts:12`. */
  readonly at: string;
  readonly what: string;
}

/** Files of src that may read clocks, set timers, open sockets and files. */
export function mayTouchTheWorld(file: string): boolean {
  return (
    file === 'src/time/system-clock.ts' ||
    file.startsWith('src/sources/') ||
    file.startsWith('src/host-page/') ||
    file.startsWith('src/logical/durable') ||
    file === 'src/logical/host-node-id.ts' ||
    file === 'src/failure-detection/process-facts.ts' ||
    file.startsWith('src/lease/stores/') ||
    file.startsWith('src/host-page/') ||
    file.startsWith('src/cli/') ||
    file.startsWith(BROWSER_PAGE)
  );
}

/** Globals of which any use reaches time, timers, sockets or files. */
const WORLDLY: ReadonlySet<string> = new Set([
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Temporal',
  'fetch',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
  'require',
  'globalThis',
  'global',
  'self',
  'window',
]);

/** Members of harmless globals that are timers. */
const WORLDLY_MEMBERS: ReadonlySet<string> = new Set(['AbortSignal.timeout', 'Atomics.waitAsync']);

/** Everything `file` (`src/…`) with this `source` does that the rules forbid. */
export function violationsIn(
  file: string,
  source: string,
  packages: ReadonlySet<string>,
): Violation[] {
  const tree = parse(file, source);
  const found: Violation[] = [];
  const open = mayTouchTheWorld(file);
  const ownNames = namesBoundIn(tree);
  const report = (rule: Rule, node: ts.Node, what: string): void => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
    found.push({ rule, at: `${file}:${line + 1}`, what });
  };

  const checkImport = (node: ts.Node, specifier: string | undefined): void => {
    if (specifier === undefined) {
      report('package', node, 'an import whose target is computed');
    } else if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file), specifier);
      if (rank(target) > rank(file)) report('layer', node, `imports ${target}`);
      else if (entersRoom(file, target)) report('room', node, `imports ${target}`);
    } else if (isBuiltin(specifier)) {
      if (!open) report('door', node, `imports ${specifier}`);
    } else if (file.startsWith(BROWSER_PAGE) && INLINED.has(specifier)) {
      // Is in the package as a text.
    } else if (!packages.has(packageOf(specifier))) {
      report('package', node, `imports ${specifier}, which package.json does not promise`);
    }
  };

  const visit = (node: ts.Node): void => {
    for (const [target, specifier] of importsAt(node)) checkImport(target, specifier);
    if (ts.isIdentifier(node) && isReference(node) && !ownNames.has(node.text)) {
      if (!open && WORLDLY.has(node.text)) report('door', node, `uses ${node.text}`);
      if (!open && node.text === 'Date' && readsTheTime(node)) {
        report('door', node, 'uses Date other than to convert a given time');
      }
      const member = memberOf(node);
      if (!open && WORLDLY_MEMBERS.has(member)) report('door', node, `uses ${member}`);
      if (member === 'Atomics.wait' && !file.startsWith('src/commit-wait/')) {
        report('door', node, 'uses Atomics.wait, which blocks a thread');
      }
      if (file.startsWith('src/sim/') && (node.text === 'crypto' || member === 'Math.random')) {
        report('chance', node, 'draws from no seed');
      }
      if (member === 'Math.pow') report('power', node, 'uses Math.pow');
      if (member === 'Math.*' || member === 'Atomics.*')
        report('door', node, `aliases ${node.text}`);
    }
    if (ts.isBinaryExpression(node) && isPower(node) && !isExactPower(node)) {
      report('power', node, 'uses ** on numbers');
    }
    if ((ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) && castsToBrand(node)) {
      if (file !== 'src/time/instant.ts') report('brand', node, 'casts to a brand');
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  for (const reference of [...tree.typeReferenceDirectives, ...tree.referencedFiles]) {
    found.push({ rule: 'package', at: file, what: `references ${reference.fileName}` });
  }
  return found;
}

/**
 * Node modules that `entry` reaches through its imports, types included (they end in the published
 * declarations), each with the path that leads there. `read` gives the text of a file. With
 * `counts`, other modules than those of Node.
 */
export function builtinsReachedFrom(
  entry: string,
  read: (file: string) => string,
  counts: (specifier: string) => boolean = isBuiltin,
): string[] {
  const reached: string[] = [];
  const via = new Map<string, string>([[entry, entry]]);
  for (const [file, path] of via) {
    const tree = parse(file, read(file));
    const visit = (node: ts.Node): void => {
      for (const [, specifier] of importsAt(node)) {
        if (specifier === undefined) continue;
        if (counts(specifier)) reached.push(`${path} -> ${specifier}`);
        if (!specifier.startsWith('.')) continue;
        const target = posix.join(posix.dirname(file), specifier);
        if (!via.has(target)) via.set(target, `${path} -> ${target}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return reached;
}

function parse(file: string, source: string): ts.SourceFile {
  return ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
}

/**
 * The height of a file: a higher file may import a lower one. Entries (src/index.ts …) are above
 * all folders, and the rest of the repo is above the entries.
 */
function rank(file: string): number {
  const [root, folder, ...rest] = file.split('/');
  if (root !== 'src' || folder === undefined) return Number.POSITIVE_INFINITY;
  if (rest.length === 0) return LAYERS.length;
  const layer = LAYERS.indexOf(folder);
  return layer === -1 ? Number.POSITIVE_INFINITY : layer;
}

/** Layer 2 of the bound. Layer 1 does not depend on it: the engine has one hook. */
const LEARNED = 'src/bound/learned/';
const LEARNED_HOOK = { file: 'src/bound/bound-engine.ts', target: `${LEARNED}learned-bound.ts` };

/** The published page: a memory layout that knows nothing of the clock around it. */
const PAGE = 'src/bounded-clock/page/';
const PAGE_USERS: readonly string[] = [
  'src/bounded-clock/publisher.ts',
  'src/bounded-clock/bounded-reader.ts',
  'src/bounded-clock/sharing.ts',
  'src/testing/test-clock.ts',
  'src/host-page/page-bytes.ts',
  'src/host-page/host-clock.ts',
  'src/host-page/host-clock-publisher.ts',
];

/**
 * The program of the dashboard's page, which runs in a browser. It is put into the package as a
 * text, with the packages that it imports. It shares nothing with the library but the types of what
 * is sent to it.
 */
const BROWSER_PAGE = 'src/dashboard/page/';
const BROWSER_PAGE_IMPORTS = 'src/dashboard/wire.ts';
const INLINED: ReadonlySet<string> = new Set(['uplot']);

/** Whether `file` imports `target` against the rules of the folders within a layer. */
function entersRoom(file: string, target: string): boolean {
  if (target.startsWith(LEARNED) && file.startsWith('src/bound/') && !file.startsWith(LEARNED)) {
    return !(file === LEARNED_HOOK.file && target === LEARNED_HOOK.target);
  }
  if (file.startsWith(BROWSER_PAGE) || target.startsWith(BROWSER_PAGE)) {
    const within = file.startsWith(BROWSER_PAGE) && target.startsWith(BROWSER_PAGE);
    return !(within || target === BROWSER_PAGE_IMPORTS);
  }
  if (target.startsWith(PAGE)) return !file.startsWith(PAGE) && !PAGE_USERS.includes(file);
  return file.startsWith(PAGE) && target.startsWith('src/bounded-clock/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * What `node` itself imports, in any of the forms there are; `undefined` when it is not a literal.
 */
function importsAt(node: ts.Node): [ts.Node, string | undefined][] {
  const literal = (at: ts.Node | undefined): [ts.Node, string | undefined][] =>
    at === undefined ? [] : [[at, ts.isStringLiteralLike(at) ? at.text : undefined]];
  if (ts.isImportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return literal(node.argument.literal);
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return literal(node.arguments[0] ?? node);
  }
  return [];
}

/** Names that the file binds as values anywhere: declarations, parameters, imports. */
function namesBoundIn(tree: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node)
    ) {
      const ambient =
        ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.Ambient;
      if (node.name !== undefined && ts.isIdentifier(node.name) && ambient === 0) {
        names.add(node.name.text);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return names;
}

/**
 * Whether an identifier reads a variable, rather than names a member, a key, a declaration or a
 * type.
 */
function isReference(node: ts.Identifier): boolean {
  const parent: ts.Node & { readonly name?: ts.Node; readonly propertyName?: ts.Node } =
    node.parent;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return parent.name !== node && parent.propertyName !== node && !ts.isPartOfTypeNode(node);
}

/**
 * `Math.pow` for the `Math` of `Math.pow` or `Math['pow']`; `Math.*` when it is passed on as a
 * whole.
 */
function memberOf(node: ts.Identifier): string {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return `${node.text}.${parent.name.text}`;
  if (ts.isElementAccessExpression(parent) && ts.isStringLiteralLike(parent.argumentExpression)) {
    return `${node.text}.${parent.argumentExpression.text}`;
  }
  return `${node.text}.*`;
}

/** `Date.UTC`, `Date.parse`, `instanceof Date` and `new Date(given)` do not look at the clock. */
function readsTheTime(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return !['UTC', 'parse'].includes(parent.name.text);
  if (ts.isBinaryExpression(parent)) {
    return parent.operatorToken.kind !== ts.SyntaxKind.InstanceOfKeyword;
  }
  return !(ts.isNewExpression(parent) && (parent.arguments ?? []).length > 0);
}

function isPower(node: ts.BinaryExpression): boolean {
  const kind = node.operatorToken.kind;
  return (
    kind === ts.SyntaxKind.AsteriskAsteriskToken ||
    kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken
  );
}

/** One bigint literal makes both sides bigints (the compiler sees to that); `2 ** n` is a shift. */
function isExactPower({ left, right }: ts.BinaryExpression): boolean {
  if (ts.isBigIntLiteral(left) || ts.isBigIntLiteral(right)) return true;
  const exponent = ts.isPrefixUnaryExpression(right) ? right.operand : right;
  return (
    ts.isNumericLiteral(left) &&
    left.text === '2' &&
    ts.isNumericLiteral(exponent) &&
    Number.isInteger(Number(exponent.text))
  );
}

function castsToBrand({ type }: ts.AssertionExpression): boolean {
  const names = (node: ts.Node): boolean =>
    (ts.isIdentifier(node) && ['UnixNs', 'MonotonicNs', 'HlcTimestamp'].includes(node.text)) ||
    (ts.forEachChild(node, names) ?? false);
  return names(type);
}
