import { build } from 'tsup';

/** Builds `dist` once before a run: worker threads and child processes run what users run. */
export default async function setup(): Promise<void> {
  await build({ config: 'tsup.config.ts' });
}
