/** Checks that docs/api agrees with the docstrings. `npm run api` writes it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, USER } from './user.ts';

export async function checkApi(): Promise<string> {
  const fresh = join(USER, 'api');
  // A link or a type without a target is an error.
  await run(ROOT, 'typedoc', '--out', fresh, '--treatWarningsAsErrors');
  const checkedIn = join(ROOT, 'docs/api');
  const pages = readdirSync(fresh).sort();
  assert.deepEqual(readdirSync(checkedIn).sort(), pages, 'docs/api is out of date: npm run api');
  for (const page of pages) {
    const same =
      readFileSync(join(fresh, page), 'utf8') === readFileSync(join(checkedIn, page), 'utf8');
    assert.ok(same, `docs/api/${page} is out of date: npm run api`);
  }
  return `${pages.length} pages`;
}
