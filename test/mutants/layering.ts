import type { Mutant } from './mutant.ts';

/** Faults in the checker of the house rules itself. */
const planted = { file: 'test/layering.ts', test: 'test/layering.test.ts' };

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
