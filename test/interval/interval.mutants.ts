import type { Mutant } from '../tools/mutants/mutant.ts';

export const mutants: Mutant[] = [
  {
    id: 'interval-touching-is-before',
    file: 'src/interval/time-interval.ts',
    find: 'return a.latest < b.earliest;',
    replace: 'return a.latest <= b.earliest;',
    test: 'test/interval/time-interval.test.ts',
    name: 'the relations',
  },
  {
    id: 'interval-touching-does-not-overlap',
    file: 'src/interval/time-interval.ts',
    find: 'return a.earliest <= b.latest && b.earliest <= a.latest;',
    replace: 'return a.earliest < b.latest && b.earliest < a.latest;',
    test: 'test/interval/time-interval.test.ts',
    name: 'the relations',
  },
  {
    id: 'interval-widen-wraps',
    file: 'src/interval/time-interval.ts',
    find: 'asUnixNs(latest > INT64_MAX ? INT64_MAX : latest)',
    replace: 'asUnixNs(BigInt.asIntN(64, latest))',
    test: 'test/interval/time-interval.test.ts',
    name: 'widen',
  },
  {
    id: 'agreement-most-covered-piece',
    file: 'src/interval/agreement.ts',
    find: '  const out = new BigInt64Array(2);\n',
    replace:
      '  const out = new BigInt64Array(2);\n' +
      '  for (let most = n; most > n - maxFaulty; most--) {\n' +
      '    if (!agreedHull(starts, ends, most, out)) continue;\n' +
      '    const interval = new ClockInterval(asUnixNs(out[0]!), asUnixNs(out[1]!));\n' +
      "    return { status: 'agreed', interval, disagreeing: [], quorum: 'full' };\n" +
      '  }\n',
    test: 'test/interval/agreement.test.ts',
    name: 'never excludes the truth',
  },
  {
    id: 'agreement-first-piece-only',
    file: 'src/interval/agreement.ts',
    find: 'let upper = n - 1;',
    replace: 'let upper = ends.findIndex((end: number | bigint) => end >= starts[lower]!);',
    test: 'test/interval/agreement.test.ts',
    name: 'never excludes the truth',
  },
  {
    id: 'agreement-one-liar-fewer',
    file: 'src/interval/agreement.ts',
    find: 'if (!agreedHull(starts, ends, n - maxFaulty, out))',
    replace: 'if (!agreedHull(starts, ends, n - Math.max(0, maxFaulty - 1), out))',
    test: 'test/interval/agreement.test.ts',
    name: 'never excludes the truth',
  },
  {
    id: 'agreement-touching-is-apart-below',
    file: 'src/interval/agreement.ts',
    find: 'while (ends[ended]! < starts[i]!) ended++;',
    replace: 'while (ends[ended]! <= starts[i]!) ended++;',
    test: 'test/interval/agreement.test.ts',
    name: 'with . wrong',
  },
  {
    id: 'agreement-touching-is-apart-above',
    file: 'src/interval/agreement.ts',
    find: 'while (starts[n - 1 - unstarted]! > ends[upper]!) unstarted++;',
    replace: 'while (starts[n - 1 - unstarted]! >= ends[upper]!) unstarted++;',
    test: 'test/interval/agreement.test.ts',
    name: 'with . wrong',
  },
  {
    id: 'agreement-trusts-the-order-of-its-input',
    file: 'src/interval/agreement.ts',
    find: '  ends.sort();\n',
    replace: '',
    test: 'test/interval/agreement.test.ts',
    name: 'order of the input',
  },
  {
    id: 'agreement-partial-called-full',
    file: 'src/interval/agreement.ts',
    find: "n > 2 * maxFaulty ? 'full'",
    replace: "n >= 2 * maxFaulty ? 'full'",
    test: 'test/interval/agreement.test.ts',
    name: 'with . wrong',
  },
  {
    id: 'interval-intersection-of-what-is-apart',
    file: 'src/interval/time-interval.ts',
    find: 'return earliest <= latest ? new ClockInterval(earliest, latest) : undefined;',
    replace: 'return new ClockInterval(earliest, latest);',
    test: 'test/interval/time-interval.test.ts',
    name: 'are apart',
  },
];
