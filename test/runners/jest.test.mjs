import { jest, test } from '@jest/globals';
import { checksUnder } from './checks.mjs';

const checks = checksUnder(
  (now) => jest.useFakeTimers({ now }),
  (now) => jest.setSystemTime(now),
  () => jest.useRealTimers(),
);
for (const [name, check] of Object.entries(checks)) test(name, check);
