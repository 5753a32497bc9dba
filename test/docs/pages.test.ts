/**
 * What the pages say of the code, and the code can change: codes, reasons, verdicts, help texts,
 * and the figures that README.md takes from docs/benchmarks.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { helpText } from '../../src/cli/help.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

const sources = readdirSync(new URL('src', ROOT), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(`src/${file}`))
  .join('\n');

/** The words that match `pattern` anywhere in the sources. */
function wordsOf(pattern: RegExp): string[] {
  return [...new Set([...sources.matchAll(pattern)].map(([, word]) => word!))].sort();
}

/** The words of the type or list `name`: the quoted strings up to the first `;`. */
function membersOf(name: string): string[] {
  const at = sources.search(new RegExp(`export (?:type|const) ${name}\\b`));
  const declaration = sources.slice(at, sources.indexOf(';', at));
  return [...declaration.matchAll(/^\s*\|? *'([a-z-]+)'/gm)].map(([, word]) => word!);
}

test('docs/reference/errors.md has every code, and no other', () => {
  const codes = wordsOf(/\bcode = '(ERR_[A-Z_]+)' as const/g);
  expect(codes.length).toBeGreaterThan(15);
  const listed = [...read('docs/reference/errors.md').matchAll(/^\| `(ERR_[A-Z_]+)` \|/gm)];
  expect(listed.map(([, code]) => code).sort()).toEqual(codes);
});

describe('docs/guides/troubleshooting.md', () => {
  const page = read('docs/guides/troubleshooting.md');
  const section = (heading: string): string => page.split(`\n## ${heading}`)[1]!.split('\n## ')[0]!;
  /** The words in the first column of the table. */
  const listed = (heading: string): string[] =>
    [...section(heading).matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([a-z-]+)`/g)].map(([, word]) => word!),
    );

  test('has every reason why there is no bound', () => {
    expect(listed('Without an interval').filter((word) => word !== 'reason')).toEqual(
      membersOf('NO_BOUND_REASONS'),
    );
  });

  test('has every verdict', () => {
    expect(listed('A source does not agree').filter((word) => word !== 'verdict')).toEqual(
      membersOf('SourceVerdict'),
    );
  });

  test('has every reason why a reply is refused', () => {
    const reasons = membersOf('RefusedReason');
    expect(reasons.length).toBe(11);
    expect(listed('Why a source yields nothing')).toEqual(expect.arrayContaining(reasons));
  });

  test.each([
    ['IgnoredReason', 3],
    ['ReplyFault', 8],
    ['MessageFault', 11],
    ['KeyExchangeFailure', 8],
  ])('has every %s', (type, count) => {
    const reasons = membersOf(type);
    expect(reasons).toHaveLength(count);
    expect(listed('Why a source yields nothing')).toEqual(expect.arrayContaining(reasons));
  });
});

test.each([undefined, 'watch', 'now', 'query', 'serve', 'order'] as const)(
  'docs/reference/command-line.md has the help text of %s',
  (topic) => {
    expect(read('docs/reference/command-line.md')).toContain(
      `\`\`\`text\n${helpText(topic)}\`\`\``,
    );
  },
);

describe('README.md', () => {
  const readme = read('README.md');
  const benchmarks = read('docs/benchmarks.md');

  /** `ns` and `B` of an operation in a group of docs/benchmarks.md. */
  function figuresOf(group: string, operation: string): string[] {
    const rows = benchmarks.split(`\n## ${group}\n`)[1]!.split('\n## ')[0]!.split('\n');
    const row = rows.find((line) => line.startsWith(`| ${operation}`));
    const cells = row?.split('|').map((cell) => cell.trim()) ?? [];
    return [cells[2]!, cells[4]!];
  }

  test.each([
    ['`process.hrtime.bigint()`', 'Clocks of this machine', '`process.hrtime.bigint()`'],
    ['`clock.readInto(slots)`', 'Bounded clock, in the thread that publishes', '`readInto(slots)`'],
    ['`clock.now()`', 'Bounded clock, in the thread that publishes', '`now()`'],
    ['`hlc.tick()`', 'Hybrid clock on the system clock', '`tick()`'],
    ['`hlc.now()`', 'Hybrid clock on the system clock', '`now()`'],
    ['`hlc.receive(bigint)`', 'Hybrid clock on the system clock', '`receive(bigint)`'],
    ['`waitUntilAfter(clock, t)`', 'Commit wait', '`waitUntilAfter(clock, t)`, a promise'],
  ])('has the figures of %s in docs/benchmarks.md', (shown, group, operation) => {
    const row = readme.split('\n').find((line) => line.startsWith(`| ${shown}`));
    expect(
      row
        ?.split('|')
        .map((cell) => cell.trim())
        .slice(2, 4),
    ).toEqual(figuresOf(group, operation));
  });

  test('fits three screens', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
  });
});
