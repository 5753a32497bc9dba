import type { Mutant } from '../../tools/mutants/mutant.ts';

const FOLDER = 'src/sources/roughtime';
const TESTS = 'test/sources/roughtime';
const message = { file: `${FOLDER}/message.ts`, test: `${TESTS}/message.test.ts` };
const verify = { file: `${FOLDER}/verify.ts`, test: `${TESTS}/verify.test.ts` };
const source = { file: `${FOLDER}/roughtime.ts`, test: `${TESTS}/roughtime.test.ts` };
const chain = { file: `${FOLDER}/malfeasance.ts`, test: `${TESTS}/malfeasance.test.ts` };
const evidence = {
  file: 'src/bounded-clock/evidence.ts',
  test: 'test/bounded-clock/evidence.test.ts',
};
const engine = { file: 'src/bound/bound-engine.ts', test: 'test/bounded-clock/witness.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'roughtime-tags-in-any-order',
    ...message,
    find: ' || tag <= previousTag',
    replace: '',
    name: 'not a message',
  },
  {
    id: 'roughtime-values-overlap',
    ...message,
    find: ' || to < from',
    replace: '',
    name: 'not a message',
  },
  {
    id: 'roughtime-trailing-bytes',
    ...message,
    find: '!== bytes.length - HEADER_BYTES) return undefined;',
    replace: '> bytes.length - HEADER_BYTES) return undefined;',
    name: 'not a packet',
  },
  {
    id: 'roughtime-certificate-not-checked',
    ...verify,
    find: 'if (!isSigned(DELEGATION_CONTEXT, delegationBytes, delegationSignature, key)) {',
    replace: 'if (key === undefined) {',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-signature-not-checked',
    ...verify,
    find: 'if (!isSigned(RESPONSE_CONTEXT, signedBytes, signature, publicKeyOf(delegated))) {',
    replace: 'if (publicKeyOf(delegated) === undefined) {',
    name: 'every single bit',
  },
  {
    id: 'roughtime-index-beyond-the-path',
    ...verify,
    find: 'return rest === 0 && equal(node, root);',
    replace: 'return equal(node, root);',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-leaf-of-the-nonce-alone',
    ...verify,
    find: 'if (!provesLeaf(leafOf(request), path,',
    replace: 'if (!provesLeaf(leafOf(request.slice(0, 200)), path,',
    name: 'batches of 1 to 64',
  },
  {
    id: 'roughtime-path-of-any-length',
    ...verify,
    find: ' || hashes > MAX_PATH_HASHES',
    replace: '',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-reply-of-any-length',
    ...verify,
    find: "if (reply.length > request.length) return 'too-long';",
    replace: '',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-nonce-not-compared',
    ...verify,
    find: ' || !equal(echoed, nonce)',
    replace: '',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-dates-not-checked',
    ...verify,
    find: 'midpointS < u64(first, 0) || midpointS > u64(last, 0)',
    replace: 'midpointS < u64(first, 0)',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-version-not-checked',
    ...verify,
    find: '!VERSIONS.includes(u32(version, 0))',
    replace: 'u32(version, 0) === 0',
    name: 'with one thing wrong',
  },
  {
    id: 'roughtime-stamped-after-verifying',
    ...source,
    find: 'const { sentAt, receivedAt, request, response, chained } = exchange;',
    replace:
      'const { sentAt, request, response, chained } = exchange;\n    const receivedAt = this.#sink.clock.monotonicNs();',
    name: 'before the signatures were verified',
  },
  {
    id: 'roughtime-bad-reply-ends-the-exchange',
    ...source,
    find: 'fault = verdict;\n          return false;',
    replace: 'fault = verdict;\n          return true;',
    name: 'forged reply before the right one',
  },
  {
    id: 'roughtime-back-off-does-not-grow',
    ...source,
    find: 'this.#backoffMs * BACKOFF_FACTOR',
    replace: 'this.#backoffMs',
    name: 'after misses',
  },
  {
    id: 'roughtime-allowance-ignored',
    ...source,
    find: 'if (waitNs > 0n) {',
    replace: 'if (waitNs < 0n) {',
    name: 'keeps to its allowance',
  },
  {
    id: 'roughtime-radius-ignored',
    ...source,
    find: 'const serverErrorNs = radiusS * NS_PER_S;',
    replace: 'const serverErrorNs = radiusS;',
    name: 'true time is within MIDP and RADI',
  },
  {
    id: 'roughtime-nonce-not-chained',
    ...chain,
    find: 'return { nonce: hash(reply, rand), rand, previous };',
    replace: 'return { nonce: hash(rand), rand, previous };',
    name: 'the report alone convicts',
  },
  {
    id: 'roughtime-contradiction-overlooked',
    ...evidence,
    find: 'if (earlier.earliest > statement.latest) {',
    replace: 'if (earlier.latest < statement.earliest) {',
    name: 'an earlier statement that is later',
  },
  {
    id: 'roughtime-report-keeps-the-first-rand',
    ...evidence,
    find: 'i > 0 && rand !== undefined',
    replace: 'rand !== undefined',
    name: 'an earlier statement that is later',
  },
  {
    id: 'roughtime-chain-without-end',
    ...evidence,
    find: 'chain.length < MAX_CHAIN ? statement : undefined',
    replace: 'statement',
    name: 'at most 32',
  },
  {
    id: 'roughtime-witness-narrows',
    ...engine,
    find: 'witness.agrees &&= witness.lo <= bound.hi && witness.hi >= bound.lo;',
    replace:
      'witness.agrees &&= witness.lo <= bound.hi && witness.hi >= bound.lo;\n      if (witness.agrees) this.#x.lo = Math.max(this.#x.lo, witness.lo);',
    name: 'to 1 ms that contradicts nothing',
  },
  {
    id: 'roughtime-objection-fades',
    ...engine,
    find: 'witness.agrees &&= witness.lo',
    replace: 'witness.agrees = witness.lo',
    name: 'its objection does not age',
  },
  {
    id: 'roughtime-silence-denies-every-bound',
    ...engine,
    find: 'if (witness !== undefined) witness.agrees = true;',
    replace: '',
    name: 'it objects first, falls silent',
  },
  {
    id: 'roughtime-contradiction-forgotten',
    ...engine,
    find: "if (reason !== 'witness') for (const { cone } of this.#witnesses) cone.forget();",
    replace: 'for (const { cone } of this.#witnesses) cone.forget();',
    name: 'lasts while they contradict',
  },
  {
    id: 'roughtime-witness-survives-a-suspend',
    ...engine,
    find: "if (reason !== 'witness') for (const { cone } of this.#witnesses) cone.forget();",
    replace: '',
    name: 'what the witness said before is void',
  },
  {
    id: 'roughtime-witness-raises-the-drift-bound',
    ...engine,
    find: "const aboutRates = reason !== 'witness' && (reason === 'contradiction' || gap > 0);",
    replace: "const aboutRates = reason !== 'no-agreement' || gap > 0;",
    name: 'raises no drift bound',
  },
  {
    id: 'roughtime-half-of-the-bound-compared',
    ...engine,
    find: 'witness.lo <= bound.hi && witness.hi >= bound.lo;',
    replace: 'witness.lo <= bound.hi;',
    name: 'only when it is certain',
  },
];
