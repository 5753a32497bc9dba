import type { Mutant } from '../tools/mutants/mutant.ts';

const text = { test: 'test/metrics/metrics-text.test.ts' };
const health = { file: 'src/metrics/health.ts', test: 'test/metrics/health.test.ts' };
const handlers = { file: 'src/metrics/handlers.ts', test: 'test/metrics/health.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'metrics-label-not-escaped',
    ...text,
    file: 'src/metrics/family.ts',
    find: `.replaceAll('"', '\\\\"')`,
    replace: '',
    name: 'escapes what comes from outside',
  },
  {
    id: 'metrics-openmetrics-without-end',
    ...text,
    file: 'src/metrics/family.ts',
    find: "if (open) lines.push('# EOF');",
    replace: '',
    name: 'for OpenMetrics',
  },
  {
    id: 'metrics-whole-width-as-uncertainty',
    ...text,
    file: 'src/metrics/measured.ts',
    find: 'seconds(interval.uncertaintyNs)',
    replace: 'seconds(interval.widthNs)',
    name: 'at the same instant',
  },
  {
    id: 'metrics-age-since-the-start',
    ...text,
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'this.readMonotonic() - lookedAt : undefined',
    replace: 'lookedAt : undefined',
    name: 'the age of a publication',
  },
  {
    id: 'metrics-buckets-do-not-add-up',
    ...text,
    file: 'src/metrics/wait-histogram.ts',
    find: '(within += count)',
    replace: 'count',
    name: 'are counted by how long they took',
  },
  {
    id: 'metrics-limit-excluded',
    ...text,
    file: 'src/metrics/wait-histogram.ts',
    find: 'seconds <= limit',
    replace: 'seconds < limit',
    name: 'a limit counts what equals it',
  },
  {
    id: 'metrics-failures-hidden',
    ...text,
    file: 'src/metrics/wait-histogram.ts',
    find: '(error: unknown) => this.#fail(error),',
    replace: '() => {},',
    name: 'that fail are counted by code',
  },
  {
    id: 'metrics-open-whatever-the-weight',
    ...text,
    file: 'src/metrics/metrics-text.ts',
    find: 'open > 0 && open >= plain',
    replace: 'open > 0',
    name: 'for a request that accepts text/plain;q=0.9',
  },
  {
    id: 'metrics-disruptions-not-counted',
    ...text,
    file: 'src/bounded-clock/bounded-clock.ts',
    find: 'this.#disruptions[kind]++;',
    replace: '',
    name: 'without a bound: the reason',
  },
  {
    id: 'metrics-too-wide-is-healthy',
    ...health,
    find: 'uncertaintyNs > nsFromMsDown(maxUncertaintyMs)',
    replace: 'uncertaintyNs > 2n * nsFromMsDown(maxUncertaintyMs)',
    name: 'is ok, or too wide',
  },
  {
    id: 'metrics-limit-itself-is-too-wide',
    ...health,
    find: 'uncertaintyNs > nsFromMsDown(maxUncertaintyMs)',
    replace: 'uncertaintyNs >= nsFromMsDown(maxUncertaintyMs)',
    name: 'is exact at the limit',
  },
  {
    id: 'metrics-holdover-is-ok',
    ...health,
    find: "if (status === 'holdover') {",
    replace: 'if (false) {',
    name: 'is degraded when no source was heard lately',
  },
  {
    id: 'metrics-failing-answers-200',
    ...handlers,
    find: "found.status === 'failing' ? 503 : 200",
    replace: '200',
    name: 'health: 200 while the clock is good enough',
  },
  {
    id: 'metrics-exception-let-through',
    ...handlers,
    find: "const type = 'text/plain; charset=utf-8';\n      return { status: 500",
    replace:
      "throw error;\n      const type = 'text/plain; charset=utf-8';\n      return { status: 500",
    name: 'fake timers over the clock',
  },
];
