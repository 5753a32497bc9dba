/**
 * `hostClock: 'detect'` beside a real chronyd, read from the real `/proc` of this machine. The
 * chronyd sets no clock (`-x`), but nothing in `/proc` says so.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
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

const CHILD = new URL('../kit/profile.child.mjs', import.meta.url).pathname;
const NODE = `${process.execPath} ${CHILD}`;
const AS_NOBODY = `setpriv --reuid=65534 --regid=65534 --clear-groups ${NODE}`;
const CONTAINER = 'this process is in a container, and sees the processes of that container only';
const HIDDEN = '/proc hides the processes of other users';

/** Root in a container may not be allowed to. */
const mayUnshare = spawnSync('unshare', ['-m', '-p', '-f', 'true']).status === 0;

// Each command runs in namespaces of its own, so nothing of this machine changes.
test
  .skipIf(!mayUnshare)
  .each([
    ['a container', ['-p', '-f', '--mount-proc', 'sh', '-c', NODE], CONTAINER],
    ['a container with the files of the host', ['-p', '-f', 'sh', '-c', NODE], CONTAINER],
    ...[1, 2, 4].map((hidepid): [string, string[], string] => [
      `hidepid=${hidepid}`,
      ['-m', 'sh', '-c', `mount -t proc -o hidepid=${hidepid} proc /proc && ${AS_NOBODY}`],
      HIDDEN,
    ]),
    [
      'a container with the processes of the host',
      ['-m', '-n', 'sh', '-c', `mount -t tmpfs none /run && ${NODE}`],
      '/run may not be that of the machine',
    ],
    [
      'no /proc',
      ['-m', 'sh', '-c', `umount -l /proc && ${NODE}`],
      '/proc/self/ns/pid cannot be read',
    ],
  ] as [string, string[], string][])(
  'the kernel shows less, by %s: disciplined',
  async (_, args, because) => {
    const { stdout } = await promisify(execFile)('unshare', args);
    const { hostClock, detected } = JSON.parse(stdout);
    expect(hostClock).toBe('disciplined');
    // Unless a daemon is seen all the same, which is as careful.
    if (detected.conclusion !== 'steered') expect(detected.because).toContain(because);
  },
);
