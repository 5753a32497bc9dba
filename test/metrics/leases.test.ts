/** What `metricsText` says of leases and elections. */
import { Election, Lease, memoryLeases } from 'epsilon-clock/lease';
import { metricsText } from 'epsilon-clock/metrics';
import { TestClock } from 'epsilon-clock/testing';
import { expect, it } from 'vitest';

const valuesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

it('tells of a lease how long it is held, its token, and what became of its renewals', async () => {
  const clock = new TestClock({ uncertaintyMs: 5 });
  const inner = memoryLeases();
  let broken = true;
  const store = {
    ...inner,
    extend: async (...args: Parameters<typeof inner.extend>) => {
      if (broken) throw new Error('no connection');
      return inner.extend(...args);
    },
  };
  const options = { store, clock, holder: 'h', ttlMs: 10_000, renewal: 'manual' as const };
  const lease = await Lease.acquire({ ...options, name: 'in"voices' });
  await expect(lease.renew()).rejects.toMatchObject({ reason: 'failed' });
  broken = false;
  await lease.renew();
  await clock.advance(4000);
  const label = 'lease="in\\"voices"';
  const counts = [
    `epsilon_lease_renewals_total{${label}} 1`,
    `epsilon_lease_renewal_failures_total{${label},reason="failed"} 1`,
    `epsilon_lease_renewal_failures_total{${label},reason="timeout"} 0`,
    `epsilon_lease_renewal_failures_total{${label},reason="malformed"} 0`,
  ];
  expect(valuesOf(metricsText({ leases: [lease] }))).toEqual([
    `epsilon_lease_held{${label}} 1`,
    `epsilon_lease_remaining_seconds{${label}} 5.999999999`,
    `epsilon_lease_token{${label}} 1`,
    ...counts,
  ]);
  clock.loseBound();
  expect(valuesOf(metricsText({ leases: [lease] }))).toEqual([
    `epsilon_lease_held{${label}} 0`,
    `epsilon_lease_remaining_seconds{${label}} 0`,
    `epsilon_lease_token{${label}} 1`,
    ...counts,
  ]);
  clock.restoreBound();
  await lease.release();
});

it('tells of an election the lease that it has, and of two with one name the one that is held', async () => {
  const clock = new TestClock();
  const store = memoryLeases();
  const options = { store, clock, name: 'cron', ttlMs: 10_000 };
  const [first, second] = ['a', 'b'].map((holder) => Election.start({ ...options, holder }));
  await clock.advance(1000);
  const held = (leases: Election[]) => valuesOf(metricsText({ leases }))[0];
  expect(held([first!])).toBe('epsilon_lease_held{lease="cron"} 1');
  expect(valuesOf(metricsText({ leases: [second!] }))).toEqual([
    'epsilon_lease_held{lease="cron"} 0',
    'epsilon_lease_remaining_seconds{lease="cron"} 0',
  ]);
  for (const leases of [
    [second!, first!],
    [first!, second!],
  ]) {
    const both = valuesOf(metricsText({ leases }));
    expect(new Set(both.map((line) => line.split(' ')[0])).size).toBe(both.length);
    expect(both[0]).toBe('epsilon_lease_held{lease="cron"} 1');
  }
  const stopped = Promise.all([first!.stop(), second!.stop()]);
  await clock.advance(1000);
  await stopped;
});

it.each<[unknown]>([[5], [[{}]], ['cron'], [new Array(1)]])('refuses %j', (leases) => {
  expect(() => metricsText({ leases } as never)).toThrow('leases must be an array of Lease');
});
