import type { Mutant } from '../../tools/mutants/mutant.ts';

const segment = {
  file: 'src/sources/clock-bound/segment.ts',
  test: 'test/sources/clock-bound/segment.test.ts',
};
const source = {
  file: 'src/sources/clock-bound/clock-bound.ts',
  test: 'test/sources/clock-bound/clock-bound.test.ts',
};

export const mutants: Mutant[] = [
  {
    id: 'clock-bound-odd-generation-believed',
    ...segment,
    find: ' || generation % 2 === 1',
    replace: '',
    name: 'an odd generation',
  },
  {
    id: 'clock-bound-age-not-counted',
    ...segment,
    find: '((now - asOf) * drift) / PPB',
    replace: '0n',
    name: 'what it grew by since',
  },
  {
    id: 'clock-bound-drift-of-the-daemon-alone',
    ...segment,
    find: 'driftPpb > MIN_DRIFT_PPB ? driftPpb : MIN_DRIFT_PPB',
    replace: 'driftPpb',
    name: 'what it grew by since',
  },
  {
    id: 'clock-bound-another-clock-believed',
    ...segment,
    find: "if (asOf > now) return 'other-clock';",
    replace: '',
    name: 'in our future',
  },
  {
    id: 'clock-bound-stopped-daemon-believed',
    ...segment,
    find: "if (now > voidAfter) return 'expired';",
    replace: '',
    name: 'void since',
  },
  {
    id: 'clock-bound-disruption-ignored',
    ...segment,
    find: "if (status === DISRUPTED) return 'disrupted';",
    replace: '',
    name: 'status disrupted',
  },
  {
    id: 'clock-bound-bound-on-one-side',
    ...source,
    file: 'src/sources/clock-bound/question.ts',
    find: 'leastNs: -boundNs',
    replace: 'leastNs: 0n',
    name: 'as wide as the bound',
  },
  {
    id: 'clock-bound-first-path-only',
    ...source,
    find: 'paths.find(existsSync)',
    replace: 'paths[0]',
    name: 'of two segments the first that exists',
  },
];
