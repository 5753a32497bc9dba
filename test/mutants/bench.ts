import type { Mutant } from './mutant.ts';

const STATISTICS = 'test/bench/statistics.test.ts';
const REPORT = 'test/bench/report.test.ts';

export const mutants: Mutant[] = [
  {
    id: 'bench-quantile-rank-down',
    file: 'bench/statistics.ts',
    find: 'Math.ceil(share * count)',
    replace: 'Math.floor(share * count)',
    test: STATISTICS,
    name: 'quantile',
  },
  {
    id: 'bench-ratio-across-rounds',
    file: 'bench/statistics.ts',
    find: 'Math.min(...(b[i] as number[]))',
    replace: 'Math.min(...b.flat())',
    test: STATISTICS,
    name: 'the ratio of two rows',
  },
  {
    id: 'bench-ratio-of-worst-windows',
    file: 'bench/statistics.ts',
    find: 'ratios.push(Math.min(',
    replace: 'ratios.push(Math.max(',
    test: STATISTICS,
    name: 'the ratio of two rows',
  },
  {
    id: 'bench-against-times',
    file: 'bench/compare.ts',
    find: 'const here = sameFloor ? again.xFloor : again.xHrtime;',
    replace: 'const here = again.medianNs;',
    test: REPORT,
    name: 'against an earlier run',
  },
  {
    id: 'bench-against-lets-nan-pass',
    file: 'bench/compare.ts',
    find: '!(here <= then * (1 + TOLERANCE))',
    replace: 'here > then * (1 + TOLERANCE)',
    test: REPORT,
    name: 'against an earlier run',
  },
  {
    id: 'bench-slower-once-is-enough',
    file: 'bench/compare.ts',
    find: 'return first.filter(({ id }) => again.has(id));',
    replace: 'return [...first];',
    test: REPORT,
    name: 'against an earlier run',
  },
  {
    id: 'bench-gone-row-forgiven',
    file: 'bench/compare.ts',
    find: 'if (again === undefined) {',
    replace: 'if (again === undefined) {\n      continue;',
    test: REPORT,
    name: 'against an earlier run',
  },
  {
    id: 'bench-early-waits-forgiven',
    file: 'bench/wait-report.ts',
    find: 'early > 0 && name in ALONE_TARGETS',
    replace: 'early > 1 && name in ALONE_TARGETS',
    test: REPORT,
    name: 'ended early is a fault',
  },
  {
    id: 'bench-uncounted-bytes-pass',
    file: 'bench/run.ts',
    find: '!(bytes < maxBytes + NOISE_BYTES)',
    replace: 'bytes - maxBytes > 0.1 && bytes < 1e9',
    test: REPORT,
    name: 'allocates more than it may',
  },
];
