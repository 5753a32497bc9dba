import type { Mutant } from '../tools/mutants/mutant.ts';

const POLLING = 'src/sources/polling-source.ts';
const SAMPLE = 'src/sources/sample-from.ts';
const polling = { file: POLLING, test: 'test/sources/polling-source.test.ts' };
const sample = { file: SAMPLE, test: 'test/sources/sample-from.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'sources-late-answer-counts',
    ...polling,
    find: 'if (this.#question !== question) return;\n    const { sentAt } = question;',
    replace: 'const { sentAt } = question;',
    name: 'a late answer counts for nothing',
  },
  {
    id: 'sources-signal-never-aborted',
    ...polling,
    find: 'controller.abort();',
    replace: '',
    name: 'the signal is aborted when it is over',
  },
  {
    id: 'sources-disruption-ignored',
    ...polling,
    find: 'if (this.#question === undefined) return;\n    this.#end(this.#question);',
    replace: 'if (this.#question === undefined) return;',
    name: 'discarded, it is neither sample nor miss',
  },
  {
    id: 'sources-allowance-ignored',
    ...polling,
    find: 'if (waitNs > 0n) {',
    replace: 'if (waitNs < 0n) {',
    name: 'keeps to its allowance',
  },
  {
    id: 'sources-allowance-not-taken',
    ...polling,
    find: 'this.#allowance.take(now);',
    replace: '',
    name: 'keeps to its allowance',
  },
  {
    id: 'sources-exception-let-through',
    ...polling,
    find: 'new Promise<ServerFacts>((resolve) => resolve(ask({ signal, clock }))).then(',
    replace: 'Promise.resolve(ask({ signal, clock })).then(',
    name: 'with an exception',
  },
  {
    id: 'sources-hold-time-believed',
    ...polling,
    find: 'if (heldNs > receivedAt - sentAt + localGridNs) {',
    replace: 'if (heldNs < 0n) {',
    name: 'with a hold time that is longer',
  },
  {
    id: 'sources-reason-of-the-error-lost',
    ...polling,
    find: "reasonOf(error) ?? 'failed'",
    replace: "(reasonOf(error), 'failed')",
    name: 'with a reason of its own',
  },
  {
    id: 'sources-any-text-is-a-reason',
    ...polling,
    file: 'src/sources/cause.ts',
    find: '/^[a-z0-9]+(-[a-z0-9]+)*$/.test(reason)',
    replace: 'reason.length > 0',
    name: 'with a reason that is no word',
  },
  {
    id: 'sources-facts-read-again',
    ...polling,
    find: 'heldNs = serverSentAt - serverReceivedAt;',
    replace: 'heldNs = facts.serverSentAt - facts.serverReceivedAt;',
    name: 'facts that are read once',
  },
  {
    id: 'sources-stamped-after-the-answer',
    ...polling,
    find: '(facts) => this.#answered(question, facts, clock.monotonicNs()),',
    replace: '(facts) => this.#answered(question, facts, question.sentAt),',
    name: 'with a sample stamped around the call',
  },
  {
    id: 'sources-no-hurry-without-a-bound',
    ...polling,
    find: 'this.#missed && this.#sink.bounded === false',
    replace: 'false',
    name: 'asks again after 10 s while the clock has no bound',
  },
  {
    id: 'sources-error-on-one-side-only',
    ...sample,
    find: 'lowerNs: serverSentAt - receivedAt - localGridNs - serverErrorNs',
    replace: 'lowerNs: serverSentAt - receivedAt - localGridNs',
    name: 'true time is between the facts',
  },
];
