import { BoundedClock } from 'epsilon-clock';
import { ntp } from 'epsilon-clock/node';
import { describe, expect, test } from 'vitest';
import { HandClock } from '../../kit/hand-clock.ts';
import { ScriptedNetwork } from '../../kit/scripted-network.ts';

/**
 * The network, or the name service, comes late: at boot, or after a suspend. Checked are the time
 * from then to the clock's bound, and the requests that the servers got until then. Whole clocks
 * run on simulated time.
 */

interface Late {
  readonly at: 'boot' | 'resume';
  readonly by: 'name' | 'number';
  readonly servers: 'public' | 'private';
  /** What happens to a request before the network is there. */
  readonly meanwhile: 'silent' | 'no-route';
  readonly outageMs: number;
}

interface Measured {
  /** The time from the network's arrival to the bound. */
  readonly boundAfterMs: number;
  /** The most requests that one server got during the outage, and in the hour after it began. */
  readonly requests: number;
  readonly inAnHour: number;
}

const SERVERS = [1, 2, 3, 4];
/** All ones: every pause is lengthened as far as possible. */
const randomBits = (): bigint => 2n ** 64n - 1n;

async function measure({ at, by, servers, meanwhile, outageMs }: Late): Promise<Measured> {
  const clock = new HandClock();
  const addressOf = (n: number): string => (servers === 'public' ? `192.0.2.${n}` : `10.0.0.${n}`);
  let up = at === 'resume';
  const network = new ScriptedNetwork(clock, () => (up ? { answer: {}, delayMs: 40 } : meanwhile));
  const resolve = async (host: string): Promise<string[]> => {
    if (by === 'number') return [host];
    if (!up) throw new Error('EAI_AGAIN');
    return [addressOf(Number(host.slice(1)))];
  };
  const sources = SERVERS.map((n) =>
    ntp(by === 'number' ? addressOf(n) : `s${n}`, { transport: network, resolve, randomBits }),
  );
  const bounded = BoundedClock.start({ sources, clock });
  if (at === 'resume') {
    await clock.elapse(3_600_000);
    expect(bounded.read().status).toBe('synchronized');
    up = false;
    clock.suspend(8n * 3600n * 1_000_000_000n);
    expect(bounded.read().status).toBe('disrupted');
  }
  const before = network.polls.length;
  const most = (): number => {
    const sent = network.polls.slice(before).filter((poll) => poll.sent);
    return Math.max(
      ...SERVERS.map((n) => sent.filter(({ address }) => address === addressOf(n)).length),
    );
  };
  await clock.elapse(outageMs);
  expect(bounded.read()).not.toHaveProperty('interval');
  const requests = most();
  up = true;
  let boundAfterMs = 0;
  while (bounded.read().interval === undefined && boundAfterMs < 600_000) {
    await clock.elapse(100);
    boundAfterMs += 100;
  }
  await clock.elapse(3_600_000 - outageMs - boundAfterMs);
  bounded.stop();
  return { boundAfterMs, requests, inAnHour: most() };
}

/**
 * The retry interval of 10 s, lengthened by 8 %, or the resolver's pause of 8 s; a request; a tick
 * of the clock.
 */
const SOON_MS = 11_500;

const cases = (['boot', 'resume'] as const).flatMap((at) =>
  (['name', 'number'] as const).flatMap((by) =>
    (['public', 'private'] as const).flatMap((servers) =>
      (['silent', 'no-route'] as const).map((meanwhile) => ({ at, by, servers, meanwhile })),
    ),
  ),
);

describe.each(cases)('$at, by $by, servers $servers, network $meanwhile', (late) => {
  test.each([3000, 8000, 18_000, 40_000, 60_000])(
    'for %i ms: a bound soon after',
    async (outageMs) => {
      const { boundAfterMs, requests, inAnHour } = await measure({ ...late, outageMs });
      expect(boundAfterMs).toBeLessThanOrEqual(SOON_MS);
      const refillMs = late.servers === 'public' ? 64_000 : 8000;
      expect(requests).toBeLessThanOrEqual(late.meanwhile === 'no-route' ? 0 : 10);
      expect(inAnHour).toBeLessThanOrEqual(16 + 3_600_000 / refillMs);
    },
  );

  test.each([150_000, 300_000, 1_800_000])(
    'for %i ms: likewise, with one exception',
    async (outageMs) => {
      const { boundAfterMs, inAnHour } = await measure({ ...late, outageMs });
      // A network that swallows requests silently, and public addresses that are known. Once the
      // allowance is used up, only the interval of 64 s is polite.
      const swallowed = late.servers === 'public' && late.meanwhile === 'silent';
      const known = late.by === 'number' || late.at === 'resume';
      expect(boundAfterMs).toBeLessThanOrEqual(swallowed && known ? 64_000 * 1.08 + 1500 : SOON_MS);
      expect(inAnHour).toBeLessThanOrEqual(
        16 + 3_600_000 / (late.servers === 'public' ? 64_000 : 8000),
      );
    },
  );
});

test('a program that knows that the network is back has a bound at once', async () => {
  const clock = new HandClock();
  let up = false;
  const network = new ScriptedNetwork(clock, () => (up ? { answer: {} } : 'silent'));
  const sources = SERVERS.map((n) =>
    ntp(`192.0.2.${n}`, { transport: network, resolve: async (host) => [host], randomBits }),
  );
  const bounded = BoundedClock.start({ sources, clock });
  await clock.elapse(175_500);
  up = true;
  let status: string | undefined;
  void bounded.pollNow().then((reading) => {
    status = reading.status;
  });
  await clock.elapse(100);
  expect(status).toBe('synchronized');
  bounded.stop();
});
