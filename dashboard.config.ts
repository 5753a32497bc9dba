/**
 * Puts the page of the dashboard together: src/dashboard/page/index.html with its style and its
 * program in it, uPlot (https://github.com/leeoniya/uPlot, MIT) included. The build and the tests
 * define the result as constants, so the package has no file to find at run time and no dependency.
 *
 * They are strings, not one object: esbuild would put an object into a chunk that every entry loads.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSync } from 'esbuild';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** The page, and a policy (CSP) that lets a browser run what is in it and nothing else. */
export function dashboardConstants(): Record<'DASHBOARD_HTML' | 'DASHBOARD_POLICY', string> {
  const script = bundle('src/dashboard/page/main.ts');
  const style = bundle('src/dashboard/page/style.css');
  const html = read('src/dashboard/page/index.html')
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script></script>', () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { DASHBOARD_HTML: JSON.stringify(html), DASHBOARD_POLICY: JSON.stringify(policy) };
}

function bundle(entry: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    // The licence asks to be in every copy.
    banner: { js: `/*!\nThis page has uPlot in it.\n${read('node_modules/uplot/LICENSE')}*/` },
    write: false,
  });
  return outputFiles[0]!.text.trim();
}

const hashOf = (text: string): string =>
  `sha256-${createHash('sha256').update(text).digest('base64')}`;
