import { mock, test } from 'node:test';
import { checksUnder } from './checks.mjs';

const checks = checksUnder(
  (now) => mock.timers.enable({ apis: ['setTimeout', 'Date'], now }),
  (now) => mock.timers.setTime(now.getTime()),
  () => mock.timers.reset(),
);
for (const [name, check] of Object.entries(checks)) test(name, check);
