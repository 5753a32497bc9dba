import { defineConfig, type Options } from 'tsup';
import { dashboardConstants } from './dashboard.config.ts';

type Plugin = NonNullable<Options['plugins']>[number];

/**
 * When it bundles, esbuild turns every `const` of a module into a `var`. V8 folds the one into the machine
 * code and loads the other, with its checks, each time: for slot indices that is a third of a clock reading.
 * So constants become constants again. (A `let` that is assigned to fails the build: tree shaking sees it.)
 */
const keepConstants: Plugin = {
  name: 'keep-constants',
  renderChunk(code) {
    return { code: code.replace(/^var (?=[\w$]+ = |\{)/gm, 'const ') };
  },
};

/**
 * What a module exports or imports lives in a cell. V8 folds only a constant that a module keeps to itself,
 * and loads the others from their cells each time, with checks: that no slot of a hot path is undefined, not
 * a number, or out of bounds. So each chunk gets copies of its constants, the names in capitals: it exports
 * and imports the one, and uses the other.
 */
const copyConstants: Plugin = {
  name: 'copy-constants',
  renderChunk(code) {
    const constant = /(?<=[{,]\s*)([A-Z][A-Z\d_]+)(?=\s*[,}])/g;
    const copies: string[] = [];
    const body = code
      .replace(/^import \{[^}]*\}/gm, (clause) =>
        clause.replace(constant, (name) => {
          copies.push(`const ${name} = ${name}$;`);
          return `${name} as ${name}$`;
        }),
      )
      .replace(/^export \{[^}]*\};/gm, (clause) => {
        const shown: string[] = [];
        const renamed = clause.replace(constant, (name) => {
          shown.push(`const ${name}$ = ${name};`);
          return `${name}$ as ${name}`;
        });
        return [...shown, renamed].join('\n');
      });
    // Within a line that is there, so that the source maps stay true.
    return { code: body.replace(/^import \{/m, (first) => [...copies, first].join(' ')) };
  },
};

/**
 * esbuild names a class that mentions itself `const X = class _X`, and that name is what `console.log` and
 * stack traces show. Its own name does as well.
 */
const keepClassNames: Plugin = {
  name: 'keep-class-names',
  renderChunk(code) {
    const renamed = [...code.matchAll(/^(?:const|let|var) ([\w$]+) = class _\1\b/gm)];
    for (const [, name] of renamed)
      code = code.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name!);
    return { code };
  },
};

// One bundle per public entry; code they share lands in chunks. tsconfig.build.json adds the types.
const config: Options = {
  entry: {
    index: 'src/index.ts',
    time: 'src/time.ts',
    interval: 'src/interval.ts',
    timestamps: 'src/timestamps.ts',
    lamport: 'src/lamport.ts',
    threads: 'src/threads.ts',
    ordering: 'src/ordering.ts',
    'failure-detection': 'src/failure-detection.ts',
    lease: 'src/lease.ts',
    metrics: 'src/metrics.ts',
    sources: 'src/sources.ts',
    http: 'src/http.ts',
    browser: 'src/browser.ts',
    propagation: 'src/propagation.ts',
    dashboard: 'src/dashboard.ts',
    node: 'src/node.ts',
    ntp: 'src/ntp.ts',
    sim: 'src/sim/index.ts',
    testing: 'src/testing.ts',
    pino: 'src/pino.ts',
    winston: 'src/winston.ts',
    fastify: 'src/fastify.ts',
    express: 'src/express.ts',
    hono: 'src/hono.ts',
    fetch: 'src/fetch.ts',
    undici: 'src/undici.ts',
    grpc: 'src/grpc.ts',
    opentelemetry: 'src/opentelemetry.ts',
    cli: 'src/cli/main.ts',
  },
  define: dashboardConstants(),
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  external: [/^node:/],
  splitting: true,
  plugins: [keepConstants, copyConstants, keepClassNames],
  treeshake: true,
  sourcemap: true,
  // The maps name the files of src, which are published too.
  esbuildOptions(options) {
    options.sourcesContent = false;
  },
  clean: true,
  silent: true,
};

export default defineConfig(config) as Options;
