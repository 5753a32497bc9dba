/** Faults in the space-time diagram; see test/tools/mutants/run.ts. */
import type { Mutant } from '../../tools/mutants/mutant.ts';

const DIAGRAM = 'src/cli/order/diagram.ts';
const TEST = 'test/cli/order/diagram.test.ts';

export const mutants: readonly Mutant[] = [
  {
    id: 'order-diagram-arrow-from-a-later-event',
    file: 'src/cli/order/senders.ts',
    find: 'sent[middle]!.timestamp <= timestamp',
    replace: 'sent[middle]!.timestamp <= timestamp + 1_000_000n',
    test: TEST,
    name: 'an arrow begins at',
  },
  {
    id: 'order-diagram-begins-at-the-first-timestamp',
    file: DIAGRAM,
    find: 'const first = earliest < timestamp ? earliest : timestamp;',
    replace: 'const first = timestamp;',
    test: TEST,
    name: 'counts microseconds',
  },
  {
    id: 'order-html-text-leaves-the-data',
    file: 'src/cli/order/html.ts',
    find: ".replaceAll('<', '\\\\u003c')",
    replace: '',
    test: TEST,
    name: 'no text of a log line can leave',
  },
];
