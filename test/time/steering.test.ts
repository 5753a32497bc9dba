import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concludeSteering, type SteeringFacts } from '../../src/time/steering.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import {
  aMachine,
  FIRST_NAMESPACE,
  factsOf,
  mounts,
  type Tree,
  udpTable,
  without,
} from '../kit/proc-tree.ts';

const RUN = '/run may not be that of the machine';

const conclude = (tree: Tree) => concludeSteering(factsOf(tree));

describe('a machine', () => {
  it('on which all processes are seen, and no sign of a daemon, is not steered', () => {
    expect(conclude(aMachine())).toEqual({
      conclusion: 'unsteered',
      because: [
        'none of 3 processes is a known time daemon',
        'UDP ports 123, 319, 320, 323 are free',
        'no time daemon has its files in /run',
      ],
    });
  });

  it.each([
    ['chronyd'],
    ['ntpd'],
    ['systemd-timesyn'], // all that the kernel keeps of systemd-timesyncd
    ['ptp4l'],
    ['phc2sys'],
    ['vmtoolsd'],
    ['VBoxService'],
    ['clockbound'], // of version 3
    ['ntpdate'], // by cron
  ])('with a process called %s is steered', (name) => {
    expect(conclude(aMachine({ '/proc/800/comm': `${name}\n` }))).toEqual({
      conclusion: 'steered',
      because: [`process 800 is called ${name}`],
    });
  });

  it.each([
    ['chronyc'], // asks, and adjusts nothing
    ['chronyd2'],
    ['ntpq'],
    ['qemu-ga'], // steps, which shows
  ])('with a process called %s is not steered by it', (name) => {
    expect(conclude(aMachine({ '/proc/800/comm': `${name}\n` })).conclusion).toBe('unsteered');
  });

  it.each<[string, Tree, string]>([
    [
      'of which a container is seen',
      aMachine({ '/proc/self/ns/pid': '-> pid:[4026532199]' }),
      'this process is in a container, and sees the processes of that container only',
    ],
    [
      'whose namespace is not shown',
      without('/proc/self/ns/pid'),
      '/proc/self/ns/pid cannot be read',
    ],
    [
      'that hides the processes of others (hidepid=2)',
      without('/proc/1/comm'),
      '/proc hides the processes of other users',
    ],
    [
      'that hides the names of others (hidepid=1)',
      aMachine({ '/proc/800/comm/': '', '/proc/801/comm/': '' }),
      'the names of 2 processes cannot be read',
    ],
    ['that shows processes only', without('/proc/1/net/udp'), '/proc/1/net/udp cannot be read'],
    [
      'with something at the port of NTP',
      aMachine({ '/proc/1/net/udp': udpTable(123) }),
      'UDP port 123 is in use, but no known time daemon is seen',
    ],
    [
      'with something at the port of PTP, by IPv6',
      aMachine({ '/proc/1/net/udp6': udpTable(53, 320) }),
      'UDP port 320 is in use, but no known time daemon is seen',
    ],
    [
      'with the files of timesyncd',
      aMachine({ '/run/systemd/timesync/synchronized': '' }),
      '/run/systemd/timesync/synchronized exists, but no known time daemon is seen',
    ],
    [
      'with a busybox, which may be an ntpd',
      aMachine({ '/proc/800/comm': 'busybox\n' }),
      'process 800 is called busybox, which may be a time daemon',
    ],
    [
      'of which a container sees the processes, but with a /run of its own (--pid=host)',
      aMachine({ '/proc/self/mountinfo': '900 1 0:70 / / rw - overlay overlay rw\n' }),
      RUN,
    ],
    [
      'seen by a service with another /run over it',
      aMachine({ '/proc/self/mountinfo': mounts('0:41 / /run') }),
      RUN,
    ],
    ['whose mounts are not shown', without('/proc/1/mountinfo'), RUN],
    [
      'with too many mounts to compare',
      aMachine({ '/proc/self/mountinfo': mounts(...Array(9000).fill('0:9 / /mnt')) }),
      RUN,
    ],
    [
      'with too many sockets',
      aMachine({ '/proc/1/net/udp': udpTable(...Array(3000).fill(9)) }),
      'there is more in /proc than is looked at',
    ],
  ])('%s: nothing is known', (_name, tree, because) => {
    expect(conclude(tree)).toEqual({ conclusion: 'unknown', because: [because] });
  });

  it('with more processes than are looked at: nothing is known, and it takes no longer', () => {
    let listed = 0;
    const opendirSync = () => ({
      readSync: () => ({ name: String(++listed) }),
      closeSync: () => {},
    });
    const facts = factsOf(aMachine(), { opendirSync });
    expect(listed).toBe(2049);
    expect(concludeSteering(facts)).toEqual({
      conclusion: 'unknown',
      because: ['there is more in /proc than is looked at'],
    });
    listed = 0;
    const endless = () => ({ readSync: () => ({ name: `a${++listed}` }), closeSync: () => {} });
    expect(factsOf(aMachine(), { opendirSync: endless })?.complete).toBe(false);
    expect(listed).toBeLessThan(4000);
  });

  it('seen by a service with mounts of its own, but the /run of the machine, is seen whole', () => {
    const own = mounts('0:41 / /tmp');
    expect(conclude(aMachine({ '/proc/self/mountinfo': own })).conclusion).toBe('unsteered');
    const many = mounts(...Array(9000).fill('0:9 / /mnt'));
    const cut = { '/proc/self/mountinfo': many, '/proc/1/mountinfo': many };
    expect(conclude(aMachine(cut)).conclusion).toBe('unsteered');
  });

  it('without IPv6, or a process that has just ended, is seen whole', () => {
    expect(conclude(without('/proc/1/net/udp6')).conclusion).toBe('unsteered');
    const ended = factsOf(aMachine({ '/proc/800/': '' }));
    expect(ended).toMatchObject({ unreadable: 0, processes: { length: 3 } });
    expect(concludeSteering(ended).conclusion).toBe('unsteered');
  });

  it('without /proc, or of another platform: nothing is known', () => {
    expect(factsOf({ '/run/lock/': '' })).toBeUndefined();
    expect(concludeSteering(undefined)).toEqual({
      conclusion: 'unknown',
      because: ['this platform does not show who adjusts its clock'],
    });
  });
});

/** Whatever a stranger may write into the name of a process. */
const name = fc.oneof(
  fc.constantFrom('chronyd', 'ntpd\n', 'node', '', '\n\n', '\u001b[2J', 'x'.repeat(5000)),
  fc.uint8Array({ maxLength: 80 }),
);
const strangers = fc.array(fc.tuple(fc.integer({ min: 3, max: 99_999 }), name), { maxLength: 6 });

describe('a stranger', () => {
  it('cannot make it throw, or show what he likes', () => {
    const table = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 400 }));
    fc.assert(
      fc.property(strangers, table, (processes, udp) => {
        const more = Object.fromEntries(
          processes.map(([pid, name]) => [`/proc/${pid}/comm`, name]),
        );
        const { because } = conclude(aMachine({ ...more, '/proc/1/net/udp': udp }));
        expect(because.length).toBeLessThan(20);
        for (const line of because) expect(line).toMatch(/^[\w/,. -]{1,100}$/);
      }),
      { seed: 20_902, numRuns: 60 },
    );
  });

  it('can only make it more careful: whatever is added, nobody is certain who was not before', () => {
    const fact = fc.record<SteeringFacts>({
      pidNamespace: fc.constantFrom(FIRST_NAMESPACE, FIRST_NAMESPACE, 'pid:[1]', undefined),
      processes: fc.array(
        fc.record({
          pid: fc.constantFrom(1, 1, 2),
          name: fc.constantFrom('node', 'bash', 'cron', 'chronyd'),
        }),
        { maxLength: 3 },
      ),
      unreadable: fc.constantFrom(0, 0, 1),
      complete: fc.constantFrom(true, true, false),
      udpPorts: fc.constantFrom([], [53], [53, 67], [123], undefined),
      paths: fc.constantFrom([], [], ['/run/chrony'], undefined),
    });
    const addition = fc.record({
      processes: fc.array(fc.record({ pid: fc.integer({ min: 2 }), name: fc.string() }), {
        maxLength: 3,
      }),
      unreadable: fc.constantFrom(0, 0, 0, 1),
      udpPorts: fc.array(fc.constantFrom(123, 319, 9000, 9001, 9002), { maxLength: 2 }),
      paths: fc.constantFrom([], [], ['/run/ntpd.pid']),
      complete: fc.constantFrom(true, true, true, false),
    });
    let certain = 0;
    fc.assert(
      fc.property(fact, addition, (facts, more) => {
        const after = concludeSteering({
          ...facts,
          processes: [...facts.processes, ...more.processes],
          unreadable: facts.unreadable + more.unreadable,
          udpPorts: facts.udpPorts && [...facts.udpPorts, ...more.udpPorts],
          paths: facts.paths && [...facts.paths, ...more.paths],
          complete: facts.complete && more.complete,
        });
        if (after.conclusion !== 'unsteered') return;
        certain++;
        expect(concludeSteering(facts).conclusion).toBe('unsteered');
      }),
      { seed: 20_903, numRuns: 20_000 },
    );
    expect(certain).toBeGreaterThan(20);
  });
});

describe.skipIf(process.platform !== 'linux')('this machine', () => {
  it('shows a process that calls itself chronyd, and it counts while it runs', async () => {
    const code = "process.title = 'chronyd'; console.log('named'); process.stdin.resume();";
    const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const clock = systemClock();
      clock.steeringFacts?.(); // warm
      const before = clock.monotonicNs();
      const facts = clock.steeringFacts?.();
      const tookUs = Number(clock.monotonicNs() - before) / 1000;
      const count = facts?.processes.length ?? 0;
      console.log(`facts of ${count} processes: ${(tookUs / count).toFixed(1)} us for each`);
      expect(facts?.processes).toContainEqual({ pid: child.pid, name: 'chronyd' });
      expect(concludeSteering(facts).conclusion).toBe('steered');
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
    const after = systemClock().steeringFacts?.();
    expect(after?.processes.some(({ pid }) => pid === child.pid)).toBe(false);
    expect(after?.processes.some(({ pid }) => pid === process.pid)).toBe(true);
    expect(after?.udpPorts).toBeDefined();
  });
});
