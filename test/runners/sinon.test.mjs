import { test } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';
import { checksUnder } from './checks.mjs';

let installed;
const checks = checksUnder(
  (now) => {
    installed = FakeTimers.install({ now });
  },
  (now) => installed.setSystemTime(now),
  () => installed?.uninstall(),
);
for (const [name, check] of Object.entries(checks)) test(name, check);
