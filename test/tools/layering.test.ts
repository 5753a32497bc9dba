/** This tree keeps its rules, and each rule finds a planted violation. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtinsReachedFrom, LAYERS, type Rule, violationsIn } from './layering.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

const manifest = JSON.parse(read('package.json'));
const packages = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
const sources = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`);

/** Entries that promise to load where there is no Node. */
const PORTABLE = [
  ...[
    'index',
    'time',
    'interval',
    'timestamps',
    'lamport',
    'threads',
    'ordering',
    'propagation',
    'dashboard',
    'failure-detection',
    'lease',
    'metrics',
    'sources',
    'http',
    'browser',
    'testing',
    'pino',
    'winston',
    'fastify',
    'express',
    'hono',
    'fetch',
    'undici',
    'grpc',
    'opentelemetry',
  ].map((name) => `src/${name}.ts`),
  'src/sim/index.ts',
];

describe('this tree', () => {
  it('keeps the rules in every file of src', () => {
    expect(sources).toContain('src/time/instant.ts');
    expect(sources.flatMap((file) => violationsIn(file, read(file), packages))).toEqual([]);
  });

  it('has the folders that the layers list, and no others', () => {
    const folders = sources.map((file) => file.split('/')).filter((path) => path.length > 2);
    const names = new Set(folders.map((path) => path[1]));
    expect([...LAYERS].sort()).toEqual([...names].sort());
  });

  it.each(PORTABLE)('reaches no Node module from %s', (entry) => {
    expect(builtinsReachedFrom(entry, read)).toEqual([]);
  });

  it('reaches the dashboard, whose page is large, from its own entry alone', () => {
    const isDashboard = (specifier: string): boolean => specifier.includes('/dashboard/');
    const entries = [...PORTABLE, 'src/node.ts', 'src/ntp.ts'];
    const reaching = entries.filter(
      (entry) => builtinsReachedFrom(entry, read, isDashboard).length > 0,
    );
    expect(reaching).toEqual(['src/dashboard.ts']);
  });

  it('reaches a package from the Node entry alone, and only when it is loaded on demand', () => {
    const isDependency = (specifier: string): boolean =>
      Object.keys(manifest.dependencies).some((name) => specifier.startsWith(`${name}/`));
    const reached = (entry: string): string[] => builtinsReachedFrom(entry, read, isDependency);
    expect(PORTABLE.flatMap(reached)).toEqual([]);
    expect(reached('src/node.ts').map((path) => path.split(' -> ').slice(-2))).toEqual([
      ['src/sources/nts/protection.ts', '@noble/ciphers/aes.js'],
    ]);
    const source = read('src/sources/nts/protection.ts');
    expect(source.match(/@noble.*/g)).toEqual(["@noble/ciphers/aes.js');"]);
    expect(source).toContain("await import('@noble/ciphers/aes.js')");
  });

  it('never runs on the library it is compared with', () => {
    expect([...packages]).not.toContain('ntp-time-sync');
  });
});

/** The rules that one line breaks, by default in a file of the core. */
function rulesBroken(line: string, file = 'src/bound/planted.ts'): Rule[] {
  return violationsIn(file, line, new Set(['long'])).map(({ rule }) => rule);
}

describe('layer', () => {
  it.each([
    // a neighbour above, by any form of import
    ['src/interval/planted.ts', "import { a } from '../bound/a.ts';"],
    ['src/interval/planted.ts', "import type { A } from '../bound/a.ts';"],
    ['src/interval/planted.ts', "export * from '../bound/a.ts';"],
    ['src/interval/planted.ts', "type A = import('../bound/a.ts').A;"],
    ['src/interval/planted.ts', "const a = await import('../bound/a.ts');"],
    ['src/interval/planted.ts', 'const a = await import(`../bound/a.ts`);'],
    // a detour through the lowest layer
    ['src/interval/planted.ts', "import { a } from '../time/../bound/a.ts';"],
    // an entry, a folder that is not listed, a file outside src
    ['src/bound/planted.ts', "import { a } from '../index.ts';"],
    ['src/cli/planted.ts', "import { a } from '../index.ts';"],
    ['src/cli/planted.ts', "import { a } from '../utils/a.ts';"],
    ['src/cli/planted.ts', "import { a } from '../../test/a.ts';"],
    ['src/index.ts', "import { a } from '../bench/a.ts';"],
    // each layer against the one above it
    ...LAYERS.slice(1).map((above, i) => [
      `src/${LAYERS[i]}/planted.ts`,
      `import { a } from '../${above}/a.ts';`,
    ]),
  ] as [string, string][])('%s may not say %s', (file, line) => {
    expect(rulesBroken(line, file)).toEqual(['layer']);
  });

  it.each([
    ['src/bound/planted.ts', "import { a } from './a.ts';"],
    ['src/bound/planted.ts', "import { a } from '../interval/a.ts';"],
    ['src/index.ts', "export { a } from './commit-wait/a.ts';"],
    ['src/node.ts', "export { a } from './index.ts';"],
    ['src/bound/planted.ts', "// import { a } from '../cli/a.ts';"],
    ['src/bound/planted.ts', "/** @example import { a } from '../cli/a.ts'; */ export {};"],
    ['src/bound/planted.ts', 'const text = "import { a } from \'../cli/a.ts\';";'],
    ...LAYERS.slice(1).map((above, i) => [
      `src/${above}/planted.ts`,
      `import { a } from '../${LAYERS[i]}/a.ts';`,
    ]),
  ] as [string, string][])('%s may say %s', (file, line) => {
    expect(rulesBroken(line, file)).toEqual([]);
  });
});

describe('room', () => {
  it.each([
    // layer 1 imports layer 2, not through its one hook
    ['src/bound/vote.ts', "import { a } from './learned/learned-bound.ts';"],
    ['src/bound/vote.ts', "import type { A } from './learned/a.ts';"],
    ['src/bound/bound-engine.ts', "import { a } from './learned/fact-list.ts';"],
    // a file that is neither writer nor reader of the page imports it
    ['src/bounded-clock/explain.ts', "import { a } from './page/page.ts';"],
    ['src/commit-wait/planted.ts', "import { a } from '../bounded-clock/page/page.ts';"],
    ['src/index.ts', "export { a } from './bounded-clock/page/page.ts';"],
    // the page imports the clock around it
    ['src/bounded-clock/page/page.ts', "import { a } from '../publisher.ts';"],
    // the browser's program and the library import one another
    ['src/dashboard/page/main.ts', "import { a } from '../history.ts';"],
    ['src/dashboard/page/main.ts', "import { a } from '../../time/iso.ts';"],
    ['src/dashboard/dashboard.ts', "import { a } from './page/words.ts';"],
    ['src/cli/watch.ts', "import { a } from '../dashboard/page/words.ts';"],
  ] as [string, string][])('%s may not say %s', (file, line) => {
    expect(rulesBroken(line, file)).toEqual(['room']);
  });

  it.each([
    ['src/bound/bound-engine.ts', "import { a } from './learned/learned-bound.ts';"],
    ['src/bound/learned/fact-list.ts', "import { a } from '../growth.ts';"],
    ['src/bound/learned/fact-list.ts', "import { a } from './anchors.ts';"],
    ['src/bounded-clock/options.ts', "import { a } from '../bound/learned/rate-assumptions.ts';"],
    ['src/bounded-clock/publisher.ts', "import { a } from './page/segments.ts';"],
    ['src/bounded-clock/bounded-reader.ts', "import { a } from './page/page.ts';"],
    ['src/bounded-clock/page/segments.ts', "import { a } from './page.ts';"],
    ['src/bounded-clock/page/segments.ts', "import { a } from '../../bound/growth.ts';"],
    ['src/dashboard/page/main.ts', "import type { A } from '../wire.ts';"],
    ['src/dashboard/page/main.ts', "import { a } from './series.ts';"],
  ] as [string, string][])('%s may say %s', (file, line) => {
    expect(rulesBroken(line, file)).toEqual([]);
  });
});

describe('door', () => {
  const planted = [
    // clocks
    'Date.now();',
    'const now = Date . now ();',
    "Date['now']();",
    'new Date();',
    'new Date;',
    'Date();',
    'const D = Date;',
    'const { now } = Date;',
    'performance.now();',
    'const p = performance;',
    'process.hrtime.bigint();',
    'const { hrtime } = process;',
    'const it = { performance };',
    'Temporal.Now.instant();',
    // timers
    'setTimeout(() => {}, 1);',
    'setInterval(() => {}, 1);',
    'setImmediate(() => {});',
    'globalThis.setTimeout(() => {}, 1);',
    "globalThis['set' + 'Timeout'](() => {}, 1);",
    'global.performance.now();',
    'AbortSignal.timeout(5);',
    'Atomics.waitAsync(a, 0, 0);',
    'Atomics.wait(a, 0, 0);',
    'const { wait } = Atomics;',
    // a name that is only declared, not bound, is still the global one
    'declare const performance: { now(): number }; performance.now();',
    // forms that hide the name of a function
    'const { pow } = Math;',
    // sockets and files
    "fetch('http://127.0.0.1');",
    "new WebSocket('ws://127.0.0.1');",
    "process.getBuiltinModule('fs');",
    "require('fs');",
    "import { readFileSync } from 'node:fs';",
    "import { createSocket } from 'dgram';",
    "import type { Socket } from 'node:dgram';",
    "import timers = require('node:timers');",
    "import 'node:timers/promises';",
    "export { hostname } from 'node:os';",
    "const os = await import('node:os');",
  ];
  const elsewhere = (line: string): boolean => !line.includes('Atomics.wait(');

  it.each(planted)('is shut for the core: %s', (line) => {
    expect(rulesBroken(line)).toEqual(['door']);
  });

  it.each(planted)('is shut for the simulator too: %s', (line) => {
    expect(rulesBroken(line, 'src/sim/planted.ts')).toEqual(['door']);
  });

  it.each([
    'src/time/system-clock.ts',
    'src/sources/ntp/client.ts',
    'src/logical/durable-file.ts',
    'src/cli/main.ts',
  ])('is open for %s', (file) => {
    const lines = planted.filter((line) => elsewhere(line) && !/= (Math|Atomics)/.test(line));
    expect(lines.flatMap((line) => rulesBroken(line, file))).toEqual([]);
  });

  it('lets only commit wait block a thread', () => {
    expect(rulesBroken('Atomics.wait(a, 0, 0);', 'src/commit-wait/planted.ts')).toEqual([]);
    expect(rulesBroken('Atomics.wait(a, 0, 0);', 'src/cli/planted.ts')).toEqual(['door']);
  });

  it.each([
    'new Date(5);',
    'const at = Date.UTC(2026, 0, 1);',
    "Date.parse('2026-01-01');",
    'if (value instanceof Date) throw value;',
    'let at: Date;',
    'clock.setTimer(5, fn);',
    'it.performance.now();',
    'const it = { performance: 1, setTimeout: 2, Date: 3 };',
    'interface It { process: number; setTimeout(): void }',
    'function step(process: Process) { process.run(); }',
    'Atomics.load(a, 0);',
    'Math.max(1, 2);',
    'queueMicrotask(fn);',
    '// Date.now() and setTimeout',
    "throw new Error('do not use Date.now() or performance.now()');",
    '/** @example setTimeout(() => Date.now(), 5) */ export {};',
  ])('lets pass: %s', (line) => {
    expect(rulesBroken(line)).toEqual([]);
  });
});

describe('chance', () => {
  const draws = ['Math.random();', "Math['random']();", 'crypto.getRandomValues(a);'];

  it.each(draws)('has no place in the simulator: %s', (line) => {
    expect(rulesBroken(line, 'src/sim/planted.ts')).toEqual(['chance']);
  });

  it.each(draws)('is free elsewhere: %s', (line) => {
    expect(rulesBroken(line)).toEqual([]);
  });
});

describe('package', () => {
  it.each([
    "import { NtpTimeSync } from 'ntp-time-sync';",
    "import fc from 'fast-check';",
    "import { thing } from '@scope/name/sub';",
    "import { BoundedClock } from 'epsilon-clock';",
    'const a = await import(name);',
    "declare const NtpTimeSync: typeof import('ntp-time-sync');",
    '/// <reference types="node" />',
    '/// <reference path="./a.d.ts" />',
  ])('is not promised: %s', (line) => {
    expect(rulesBroken(line, 'src/sources/planted.ts')).toEqual(['package']);
  });

  it('is inlined in the page of the dashboard, and nowhere else', () => {
    const line = "import uPlot from 'uplot';";
    expect(rulesBroken(line, 'src/dashboard/page/chart.ts')).toEqual([]);
    expect(rulesBroken(line, 'src/dashboard/dashboard.ts')).toEqual(['package']);
    expect(rulesBroken("import a from 'other';", 'src/dashboard/page/chart.ts')).toEqual([
      'package',
    ]);
  });

  it('is promised as a dependency or a peer', () => {
    expect(rulesBroken("import Long from 'long';")).toEqual([]);
    expect(rulesBroken("import Long from 'long/umd/index.js';")).toEqual([]);
  });
});

describe('power', () => {
  it.each([
    '10 ** 9;',
    'x ** 2;',
    '2 ** x;',
    '2 ** 0.5;',
    'x **= 2;',
    'Math.pow(2, 3);',
    "Math['pow'](2, 3);",
  ])('is inexact: %s', (line) => {
    expect(rulesBroken(line, 'src/sim/planted.ts')).toEqual(['power']);
  });

  it.each(['2n ** 63n;', '-(2n ** BigInt(n));', '2 ** 32;', '2 ** -16;', '2 * 2;'])(
    'is exact: %s',
    (line) => {
      expect(rulesBroken(line, 'src/sim/planted.ts')).toEqual([]);
    },
  );
});

describe('brand', () => {
  const casts = ['x as UnixNs;', 'x as unknown as MonotonicNs;', 'xs as UnixNs[];', '<UnixNs>x;'];

  it.each(casts)('is not for everybody to give: %s', (line) => {
    expect(rulesBroken(line)).toEqual(['brand']);
  });

  it('is given in one file', () => {
    expect(casts.flatMap((line) => rulesBroken(line, 'src/time/instant.ts'))).toEqual([]);
    expect(rulesBroken('const x: UnixNs = asUnixNs(y); x as const; y as bigint;')).toEqual([]);
  });
});

describe('reach', () => {
  const tree: Record<string, string> = {
    'src/index.ts': "export { a } from './time/a.ts'; export type { B } from './bound/b.ts';",
    'src/time/a.ts': "// import 'node:fs';\nexport const a = 'node:fs';",
    'src/bound/b.ts': "import type { A } from '../time/a.ts'; export * from '../time/c.ts';",
    'src/time/c.ts': "export * from '../bound/b.ts'; const os = () => import('node:os');",
  };

  it('follows every import, through cycles, to a Node module', () => {
    expect(builtinsReachedFrom('src/index.ts', (file) => tree[file] as string)).toEqual([
      'src/index.ts -> src/bound/b.ts -> src/time/c.ts -> node:os',
    ]);
  });

  it('is empty when there is none', () => {
    expect(builtinsReachedFrom('src/time/a.ts', (file) => tree[file] as string)).toEqual([]);
  });
});
