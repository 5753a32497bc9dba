/**
 * What docs/guides/test-your-service.md says of fake timers, to be run under each test runner, on
 * the built package.
 */
import assert from 'node:assert/strict';
import { BoundedClock, HybridClock, systemClock, waitUntilAfter } from '../../dist/index.js';
import { TestClock } from '../../dist/testing.js';

const DAY_MS = 86_400_000;

/**
 * @param install installs the runner's fake timers, at this date
 * @param setTime sets their date
 * @param uninstall removes them
 */
export function checksUnder(install, setTime, uninstall) {
  const under = (check) => async () => {
    try {
      await check();
    } finally {
      uninstall();
    }
  };
  return {
    'a running clock says that there are fake timers': under(() => {
      const source = {
        name: 'a',
        start: () => ({ pollIntervalMs: 1e6, burst() {}, discardInFlight() {}, stop() {} }),
      };
      const clock = BoundedClock.start({ sources: [source] });
      try {
        assert.equal(clock.read().reason, 'starting');
        install(new Date('2030-01-01T00:00:00Z'));
        assert.throws(() => clock.read(), { code: 'ERR_FAKE_TIMERS' });
      } finally {
        clock.stop();
      }
    }),

    'a test clock works all the same': under(async () => {
      install(new Date('2030-01-01T00:00:00Z'));
      const clock = new TestClock({ uncertaintyMs: 5 });
      const timestamp = clock.now().latest;
      const wait = waitUntilAfter(clock, timestamp);
      await clock.advance(20);
      await wait;
      assert.ok(clock.after(timestamp));
    }),

    'a hybrid clock on the system clock follows the fake date at once': under(() => {
      install(new Date('2030-01-01T00:00:00Z'));
      const hlc = new HybridClock({ clock: systemClock(), nodeId: 'test' });
      const before = hlc.now();
      assert.equal(before / 1_000_000n, BigInt(Date.parse('2030-01-01T00:00:00Z')));
      setTime(new Date('2030-01-02T00:00:00Z'));
      assert.ok(hlc.now() - before >= BigInt(DAY_MS) * 1_000_000n);
    }),
  };
}
