/** The checks of test/runners under Vitest. The other runners are programs of their own. */
import { test, vi } from 'vitest';
// @ts-expect-error plain JavaScript, for every runner
import { checksUnder } from '../runners/checks.mjs';

const checks: Record<string, () => Promise<void>> = checksUnder(
  (now: Date) => vi.useFakeTimers({ now }),
  (now: Date) => vi.setSystemTime(now),
  () => vi.useRealTimers(),
);
for (const [name, check] of Object.entries(checks)) test(name, check);
