import type { Mutant } from '../tools/mutants/mutant.ts';

const POLLING = 'src/sources/polling-source.ts';
const SAMPLE = 'src/sources/sample-from.ts';
const polling = { file: POLLING, test: 'test/sources/polling-source.test.ts' };
const sample = { file: SAMPLE, test: 'test/sources/sample-from.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'sources-late-answer-counts',
    ...polling,
    find: 'if (this.#question !== question) return;\n    const outer =',
    replace: 'const outer =',
    name: 'a late answer counts for nothing',
  },
  {
    id: 'sources-signal-never-aborted',
    ...polling,
    find: 'question.controller.abort();',
    replace: '',
    name: 'the signal is aborted when it is over',
  },
  {
    id: 'sources-answered-signal-aborted',
    ...polling,
    find: 'this.#over(question);\n    this.#missed = false;',
    replace: 'this.#end(question);\n    this.#missed = false;',
    name: 'is not aborted when the answer has come',
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
    find: 'new Promise<AskedFacts>((resolve) => resolve(ask({ signal, clock }))).then(',
    replace: 'Promise.resolve(ask({ signal, clock })).then(',
    name: 'with an exception',
  },
  {
    id: 'sources-hold-time-believed',
    ...polling,
    find: 'if (heldNs > receivedAt - sentAt + localGridNs + 2n * serverErrorNs) {',
    replace: 'if (heldNs < 0n) {',
    name: 'with a hold time that is longer',
  },
  {
    id: 'sources-corrected-server-refused',
    ...polling,
    find: 'localGridNs + 2n * serverErrorNs) {',
    replace: 'localGridNs) {',
    name: 'a server whose clock is corrected',
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
    replace: 'heldNs = answer.serverSentAt - answer.serverReceivedAt;',
    name: 'facts that are read once',
  },
  {
    id: 'sources-stamped-after-the-answer',
    ...polling,
    find: '(answer) => this.#answered(question, answer, clock.monotonicNs()),',
    replace: '(answer) => this.#answered(question, answer, question.sentAt),',
    name: 'with a sample stamped around the call',
  },
  {
    id: 'sources-readings-outside-taken',
    ...polling,
    find: 'return ordered && receivedAt <= outer.receivedAt ? inner : outer;',
    replace: 'return ordered ? inner : outer;',
    name: 'are not when the last is after the answer',
  },
  {
    id: 'sources-hold-time-by-the-outer-readings',
    ...polling,
    find: 'if (heldNs > receivedAt - sentAt + localGridNs + 2n * serverErrorNs) {',
    replace: 'if (heldNs > outer.receivedAt - outer.sentAt + localGridNs) {',
    name: 'make a stated hold time impossible',
  },
  {
    id: 'sources-new-allowance-at-each-start',
    ...polling,
    find: 'allowances.get(sink.clock) ??',
    replace: '',
    name: 'keeps to one allowance',
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
