import { createRequire } from 'node:module';

/** The version in the package's own manifest, wherever the package is installed. */
export function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('epsilon-clock/package.json');
  return (manifest as { version: string }).version;
}
