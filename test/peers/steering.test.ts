/**
 * `hostClock: 'detect'` beside a real chronyd, read from the real `/proc` of this machine. The
 * chronyd sets no clock (`-x`), but nothing in `/proc` says so.
 */
import { BoundedClock, type ClockEvent, systemClock } from 'epsilon-clock';
import { NtpServer, ntp } from 'epsilon-clock/node';
import { expect, test } from 'vitest';
import { startHonest } from '../kit/chronyd.ts';

test.skipIf(process.platform !== 'linux')(
  'a clock that was started beside a chronyd is disciplined, and names it',
  async () => {
    await using chronyd = await startHonest('127.0.0.1');
    const { address, port } = chronyd;
    await using clock = BoundedClock.start({
      sources: [ntp(address, { port })],
      hostClock: 'detect',
    });
    await clock.waitSynced({ timeoutMs: 20_000 });
    const { profile, maxDriftPpm } = clock.explain();
    console.log(profile);
    expect(profile.hostClock).toBe('disciplined');
    expect(profile.detected?.conclusion).toBe('steered');
    expect(profile.detected?.because.join()).toMatch(/process \d+ is called chronyd/);
    expect(maxDriftPpm).toBeGreaterThan(500);
  },
);

test.skipIf(process.platform !== 'linux')(
  'a chronyd that is started later is noticed at the next look',
  async ({ skip }) => {
    await using server = await NtpServer.start({ clock: systemClock() });
    const { address, port } = server;
    await using clock = BoundedClock.start({
      sources: [ntp(address, { port })],
      hostClock: 'detect',
    });
    const { profile } = clock.explain();
    skip(profile.hostClock !== 'free-running', `here it is ${profile.detected?.because.join()}`);
    await clock.waitSynced({ timeoutMs: 20_000 });
    const noticed = new Promise<ClockEvent>((resolve) => {
      clock.onChange((event) => event.type === 'profile' && resolve(event));
    });
    await using _chronyd = await startHonest('127.0.0.1');
    // The clock's own timers do not keep a process alive.
    const alive = setInterval(() => {}, 1000);
    const event = await noticed;
    clearInterval(alive);
    console.log(event);
    expect(event).toMatchObject({ type: 'profile', hostClock: 'disciplined' });
    expect(clock.explain()).toMatchObject({
      basis: 'drift-bound',
      profile: { hostClock: 'disciplined', detected: { conclusion: 'steered' } },
    });
  },
);
