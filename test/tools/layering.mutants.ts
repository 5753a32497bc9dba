import type { Mutant } from './mutants/mutant.ts';

/** Faults in the checker of the house rules itself. */
const planted = { file: 'test/tools/layering.ts', test: 'test/tools/layering.test.ts' };

export const mutants: Mutant[] = [
  {
    ...planted,
    id: 'layering-order-reversed',
    find: 'rank(target) > rank(file)',
    replace: 'rank(target) < rank(file)',
    name: '^layer',
  },
  {
    ...planted,
    id: 'layering-layer-1-may-use-layer-2',
    find: 'return !(file === LEARNED_HOOK.file && target === LEARNED_HOOK.target);',
    replace: 'return file !== LEARNED_HOOK.file;',
    name: '^room',
  },
  {
    ...planted,
    id: 'layering-page-open-to-all',
    find: 'return !file.startsWith(PAGE) && !PAGE_USERS.includes(file);',
    replace: 'return false;',
    name: '^room',
  },
  {
    ...planted,
    id: 'layering-page-may-use-its-clock',
    find: "return file.startsWith(PAGE) && target.startsWith('src/bounded-clock/');",
    replace: 'return false;',
    name: '^room',
  },
  {
    ...planted,
    id: 'layering-browser-page-open-to-all',
    find: 'return !(within || target === BROWSER_PAGE_IMPORTS);',
    replace: 'return false;',
    name: '^room',
  },
  {
    ...planted,
    id: 'layering-unlisted-folder-allowed',
    find: 'layer === -1 ? Number.POSITIVE_INFINITY : layer',
    replace: 'layer',
    name: '^layer',
  },
  {
    ...planted,
    id: 'layering-declared-name-counts-as-bound',
    find: 'ts.isIdentifier(node.name) && ambient === 0',
    replace: 'ts.isIdentifier(node.name)',
    name: '^door',
  },
  {
    ...planted,
    id: 'layering-shorthand-property-missed',
    find: 'if (ts.isShorthandPropertyAssignment(parent)) return true;',
    replace: '',
    name: '^door',
  },
  {
    ...planted,
    id: 'layering-new-date-missed',
    find: '(parent.arguments ?? []).length > 0',
    replace: 'true',
    name: '^door',
  },
  {
    ...planted,
    id: 'layering-reach-stops-at-one-step',
    find: 'if (!via.has(target)) via.set(target,',
    replace: 'if (file === entry) via.set(target,',
    name: '^reach',
  },
];
