import type { Mutant } from '../tools/mutants/mutant.ts';

export const mutants: Mutant[] = [
  {
    id: 'docs-help-text-moves-on',
    file: 'src/cli/help.ts',
    find: '  2    no time:',
    replace: '  5    no time:',
    test: 'test/docs/pages.test.ts',
    name: 'has the help text',
  },
];
