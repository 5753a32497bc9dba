import type { Mutant } from '../../tools/mutants/mutant.ts';

const tracking = {
  file: 'src/sources/chrony/tracking.ts',
  test: 'test/sources/chrony/tracking.test.ts',
};
const command = {
  file: 'src/sources/chrony/command.ts',
  test: 'test/sources/chrony/tracking.test.ts',
};
const followed = {
  file: 'src/sources/chrony/followed.ts',
  test: 'test/sources/chrony/chrony.test.ts',
};
const chrony = { file: 'src/sources/chrony/chrony.ts', test: 'test/sources/chrony/chrony.test.ts' };
const question = {
  file: 'src/sources/chrony/question.ts',
  test: 'test/sources/chrony/chrony.test.ts',
};
const look = { file: 'src/sources/wall-look.ts', test: 'test/sources/chrony/chrony.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'chrony-correction-ignored',
    ...question,
    find: 'leastNs: least.correctionNs - errorNs,\n    mostNs: most.correctionNs + errorNs,',
    replace: 'leastNs: -errorNs,\n    mostNs: most && errorNs,',
    name: 'holds the corrected wall clock',
  },
  {
    id: 'chrony-correction-of-one-report',
    ...question,
    find: 'mostNs: most.correctionNs + errorNs',
    replace: 'mostNs: least.correctionNs + errorNs',
    name: 'holds both ends of what it was',
  },
  {
    id: 'chrony-reports-not-sorted',
    ...question,
    find: 'before.correctionNs < after.correctionNs ? [before, after] : [after, before]',
    replace: '[after, before]',
    name: 'and when it grows, too',
  },
  {
    id: 'chrony-claim-ignored',
    ...question,
    find: 'const errorNs = before.errorNs > after.errorNs ? before.errorNs : after.errorNs;',
    replace: 'const errorNs = 0n;',
    name: 'is as wide as chronyd claims',
  },
  {
    id: 'chrony-two-updates-in-one-sample',
    ...question,
    find: 'if (before.referenceNs === after.referenceNs) {',
    replace: 'if (after.referenceNs > 0n) {',
    name: 'is of one update',
  },
  {
    id: 'chrony-leap-of-one-report',
    ...question,
    find: "before.leap === after.leap ? before.leap : 'none'",
    replace: 'before.leap',
    name: 'has the leap warning that both reports have',
  },
  {
    id: 'chrony-any-datagram-answers',
    ...command,
    find: 'view.getUint32(16) === sequence',
    replace: 'sequence >= 0',
    name: 'only the reply to this request',
  },
  {
    id: 'chrony-local-mode-believed',
    ...tracking,
    find: 'referenceId === LOCAL_REFERENCE || ',
    replace: '',
    name: 'local mode',
  },
  {
    id: 'chrony-zeros-believed',
    ...tracking,
    find: ' || view.getUint16(48) === NO_FAMILY',
    replace: '',
    name: 'local mode, all zeros',
  },
  {
    id: 'chrony-unsynchronised-believed',
    ...tracking,
    find: 'leap === 3 || ',
    replace: '',
    name: 'leap indicator 3',
  },
  {
    id: 'chrony-lost-sources-believed',
    ...tracking,
    find: "return 'stale';",
    replace: 'void 0;',
    name: 'longer ago than eight intervals',
  },
  {
    id: 'chrony-age-not-counted',
    ...tracking,
    find: '(ageNs * PHI_PPM) / 1_000_000n',
    replace: '0n',
    name: 'grows with the age',
  },
  {
    id: 'chrony-half-of-the-delay-forgotten',
    ...tracking,
    find: 'nsUp(rootDelay / 2 + rootDispersion)',
    replace: 'nsUp(rootDispersion)',
    name: 'the correction, and the claim rounded up',
  },
  {
    id: 'chrony-unsigned-numbers',
    ...command,
    find: '(bits << (32 - COEFFICIENT_BITS)) >> (32 - COEFFICIENT_BITS)',
    replace: 'bits & 0x1ff_ffff',
    name: 'numbers of the protocol',
  },
  {
    id: 'chrony-grid-of-the-wall-clock-forgotten',
    ...look,
    find: 'const upper = readAt + upperNs + mostNs;',
    replace: 'const upper = readAt + lowerNs + mostNs - 500_000n;',
    name: 'holds the corrected wall clock',
  },
  {
    id: 'chrony-statistics-of-another-source',
    ...followed,
    find: 'return source.subarray(28, 46).every((byte, i) => statistics[32 + i] === byte);',
    replace: 'return source.length > 0;',
    name: 'statistics of another source',
  },
  {
    id: 'chrony-source-ahead-is-behind',
    ...followed,
    find: 'const ahead = -chronyFloat',
    replace: 'const ahead = chronyFloat',
    name: 'a line for each source',
  },
  {
    id: 'chrony-terminal-steered',
    ...followed,
    find: "return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';",
    replace: 'return String.fromCharCode(byte);',
    name: 'could steer a terminal',
  },
  {
    id: 'chrony-details-cost-a-sample',
    ...chrony,
    find: '// No answer in time. The bound does not need it.',
    replace: "throw new AskMiss('details');",
    name: 'costs no sample',
  },
  {
    id: 'chrony-details-without-limit',
    ...chrony,
    find: 'const count = Math.min(readCount(await ask(SOURCE_COUNT)), MAX_DETAILS);',
    replace: 'const count = readCount(await ask(SOURCE_COUNT)) && 40;',
    name: 'very long list',
  },
];
