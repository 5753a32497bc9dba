import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import type { SteeringFacts } from '../../src/time/steering.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { FIRST_NAMESPACE } from '../kit/proc-tree.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const MINUTE = 60n * SECOND;

function machineWith(...names: string[]): SteeringFacts {
  return {
    pidNamespace: FIRST_NAMESPACE,
    processes: ['systemd', ...names].map((name, i) => ({ pid: i + 1, name })),
    unreadable: 0,
    complete: true,
    udpPorts: [],
    paths: [],
  };
}

/** A machine whose processes a test chooses. */
class Host extends HandClock {
  facts: () => SteeringFacts | undefined;
  looks = 0;

  constructor(facts: () => SteeringFacts | undefined = () => machineWith('node')) {
    super();
    this.facts = facts;
  }

  steeringFacts(): SteeringFacts | undefined {
    this.looks++;
    return this.facts();
  }
}

function stage(host: Host | HandClock, options: Partial<BoundedClockOptions> = {}) {
  const source = new ScriptedSource('s0');
  const bounded = BoundedClock.start({
    sources: [source],
    clock: host,
    hostClock: 'detect',
    ...options,
  });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  return { source, bounded, events };
}

/** 137 ms: the wall clock of every machine here is ahead of true time by that. */
const WALL_ERROR = 137n * MS;

function reply(host: HandClock, { source }: { source: ScriptedSource }): void {
  source.reply(host, { theta: host.wallOffset - WALL_ERROR });
}

describe("hostClock: 'detect'", () => {
  it('is free-running on a machine without a time daemon, and says what that rests on', () => {
    const host = new Host();
    const s = stage(host);
    for (let i = 0; i < 40; i++) {
      reply(host, s);
      host.advance(16n * SECOND);
    }
    const { profile, basis, parts, maxDriftPpm, advice } = s.bounded.explain();
    expect(profile).toEqual({
      hostClock: 'free-running',
      detected: {
        conclusion: 'unsteered',
        because: [
          'none of 2 processes is a known time daemon',
          'UDP ports 123, 319, 320, 323 are free',
          'no time daemon has its files in /run',
        ],
        lookedAgoNs: expect.any(BigInt),
      },
    });
    expect(basis).toBe('learned-rate');
    expect(parts?.wallGuardNs).toBe(0n);
    expect(maxDriftPpm).toBeCloseTo(500.25, 2);
    expect(advice).toEqual([]);
    for (const whole of [s.bounded.explain(), { profile }, { profile: { ...profile } }]) {
      const json = JSON.parse(JSON.stringify(whole));
      expect(json.profile.detected.lookedAgoNs).toMatch(/^\d+$/);
    }
  });

  it.each<[string, HandClock, string]>([
    ['a time daemon', new Host(() => machineWith('chronyd')), 'process 2 is called chronyd'],
    [
      'a container',
      new Host(() => ({ ...machineWith(), pidNamespace: 'pid:[5]' })),
      'this process is in a container, and sees the processes of that container only',
    ],
    ['no facts', new Host(() => undefined), 'this platform does not show who adjusts its clock'],
    [
      'a clock that tells none',
      new HandClock(),
      'this platform does not show who adjusts its clock',
    ],
    [
      'a clock that throws',
      new Host(() => {
        throw new Error('EPERM');
      }),
      'what the clock says of its machine cannot be used',
    ],
    [
      'a clock that returns nonsense',
      new Host(() => ({ processes: 7 }) as never),
      'what the clock says of its machine cannot be used',
    ],
  ])(
    'is disciplined with %s, and its drift bound is that of free-running',
    (_name, host, because) => {
      const s = stage(host);
      reply(host, s);
      const { profile, parts, maxDriftPpm } = s.bounded.explain();
      expect(profile).toMatchObject({ hostClock: 'disciplined', detected: { because: [because] } });
      expect(parts!.wallGuardNs > 67n * MS).toBe(true);
      expect(maxDriftPpm).toBeCloseTo(500.25, 2);
    },
  );

  it('a daemon that appears is noticed within a minute; then the answer is that of a disciplined clock', () => {
    const host = new Host();
    const s = stage(host);
    const always = stage(host, { hostClock: 'disciplined', maxDriftPpm: 500 });
    const run = (forNs: bigint): void => {
      for (const end = host.monotonic + forNs; host.monotonic < end; host.advance(15n * SECOND)) {
        reply(host, s);
        reply(host, always);
      }
    };
    run(20n * MINUTE); // the last look was 57 s ago
    host.advance(3n * SECOND);
    expect(s.bounded.explain().basis).toBe('learned-rate');
    const narrow = s.bounded.now();
    host.facts = () => machineWith('node', 'chronyd');
    const looks = host.looks;
    // The listener of the event sees the wide answer already.
    const seen: boolean[] = [];
    s.bounded.onChange(({ type }) => {
      if (type === 'profile') seen.push(s.bounded.now().latest > host.wallNs() - MS);
    });
    run(45n * SECOND);
    for (const each of [s, always]) reply(host, each);
    // A millisecond before the look: what this reader remembers of `earliest` is too late for the
    // wide answer.
    host.advance(15n * SECOND - MS);
    const last = s.bounded.now();
    expect(host.looks).toBe(looks);
    host.advance(MS);
    expect(host.looks).toBe(looks + 1);
    expect(s.bounded.now().earliest < last.earliest).toBe(true);
    expect(seen).toEqual([true]);
    expect(s.events.filter(({ type }) => type === 'profile')).toEqual([
      {
        type: 'profile',
        status: 'synchronized',
        hostClock: 'disciplined',
        because: ['process 3 is called chronyd'],
      },
    ]);
    expect(s.bounded.now()).toEqual(always.bounded.now());
    expect(s.bounded.now().latest - narrow.latest > 100n * MS).toBe(true);
    const { basis, profile } = s.bounded.explain();
    expect(basis).toBe('drift-bound');
    expect(profile.hostClock).toBe('disciplined');
    run(5n * MINUTE);
    expect(s.bounded.now()).toEqual(always.bounded.now());
  });

  it('looks after 1, 2, 4 ... s, and then once a minute: on a machine that boots, daemons start late', () => {
    const host = new Host();
    const start = host.monotonic;
    const at: number[] = [];
    host.facts = () => {
      at.push(Number((host.monotonic - start) / SECOND));
      return machineWith('node');
    };
    stage(host);
    host.advance(5n * MINUTE);
    expect(at).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('looks once a minute, and not at all any more once it is disciplined, even if the daemon ends', () => {
    const host = new Host();
    const { bounded } = stage(host);
    host.advance(63n * SECOND);
    const { looks } = host;
    host.advance(59n * SECOND);
    for (let i = 0; i < 100; i++) bounded.read();
    expect(host.looks).toBe(looks);
    host.advance(9n * MINUTE + 30n * SECOND);
    expect(host.looks).toBe(looks + 10);
    host.facts = () => machineWith('ntpd');
    host.advance(MINUTE);
    expect(host.looks).toBe(looks + 11);
    host.facts = () => machineWith();
    host.advance(30n * MINUTE);
    expect(host.looks).toBe(looks + 11);
    expect(bounded.explain().profile.hostClock).toBe('disciplined');
  });

  it('looks at the next tick after a jump of the clocks: that is how a daemon begins', () => {
    const host = new Host();
    const s = stage(host);
    reply(host, s);
    host.advance(20n * SECOND);
    const { looks } = host;
    host.facts = () => machineWith('chronyd');
    host.wallOffset += 300n * MS;
    host.advance(2n * SECOND);
    expect(s.bounded.explain()).toMatchObject({
      profile: { hostClock: 'disciplined' },
      disruptions: { step: 1 },
    });
    expect(host.looks).toBe(looks + 1);
  });

  it('whose thread hangs is not believed for more than two minutes: nobody looks meanwhile', () => {
    for (const [hostClock, afterNs] of [
      ['detect', 2n * MINUTE],
      ['free-running', 60n * MINUTE],
    ] as const) {
      const host = new Host();
      const s = stage(host, { hostClock });
      host.advance(MINUTE + 3n * SECOND); // a look
      reply(host, s);
      const reader = BoundedClock.attach(s.bounded.share(), { clock: host });
      host.monotonic += afterNs;
      expect(reader.tryNow()).toBeDefined();
      host.monotonic += 1n;
      expect(reader.read()).toMatchObject({ status: 'unsynchronized', reason: 'expired' });
      s.bounded.stop();
    }
    // That does not hide what the bound comes to while the thread runs.
    const warned = stage(new Host(), { warnUncertaintyMs: 500 });
    reply(warned.bounded.localClock as Host, warned);
    expect(Number(warned.bounded.explain().timeToLimitNs)).toBeGreaterThan(900e9);
    // The look that is overdue gives the bound back, and what is known with it.
    const host = new Host();
    const s = stage(host);
    reply(host, s);
    host.monotonic += 5n * MINUTE;
    expect(s.bounded.tryNow()).toBeUndefined();
    host.advance(SECOND);
    expect(s.bounded.tryNow()).toBeDefined();
  });

  it('a clock that is told its profile never looks, and shows no evidence', () => {
    for (const hostClock of ['disciplined', 'free-running'] as const) {
      const host = new Host();
      const { bounded, events } = stage(host, { hostClock });
      host.advance(10n * MINUTE);
      expect(host.looks).toBe(0);
      expect(bounded.explain().profile).toEqual({ hostClock, detected: undefined });
      expect(events).toEqual([]);
    }
  });

  it('takes the options of the crystal, and refuses a word that it does not know', () => {
    expect(() => stage(new Host(), { crystal: { maxWanderPpm: 10 } })).not.toThrow();
    expect(() => stage(new Host(), { hostClock: 'detected' as never })).toThrow(
      "hostClock must be 'disciplined', 'free-running' or 'detect'",
    );
  });
});

describe('advice where the wall clock makes the interval wide', () => {
  const adviceOf = (host: HandClock, hostClock?: BoundedClockOptions['hostClock']) => {
    const s = stage(host, { hostClock });
    reply(host, s);
    return s.bounded.explain().advice;
  };

  it('begins with the setting that mends it, in the words of a program and of the command line', () => {
    expect(adviceOf(new Host(), 'disciplined')).toEqual([
      "hostClock: 'free-running' (--host-clock free-running) turns ± 69 ms into about ± 1 ms, if nothing " +
        "adjusts this machine's clock; hostClock: 'detect' (--host-clock detect) looks for a time daemon",
      'the wall clock is 136 ms outside the bound, and the interval includes it, because the clock takes ' +
        'this host for disciplined',
    ]);
  });

  it('says what detection could not tell', () => {
    const [first] = adviceOf(new Host(() => ({ ...machineWith(), unreadable: 3 })), 'detect');
    expect(first).toBe(
      "hostClock: 'free-running' (--host-clock free-running) turns ± 69 ms into about ± 1 ms, if nothing " +
        "adjusts this machine's clock; 'detect' could not tell: the names of 3 processes cannot be read",
    );
  });

  it('leaves it to the daemon that was seen, and does not hide the other way', () => {
    const [first] = adviceOf(new Host(() => machineWith('ntpd')), 'detect');
    expect(first).toBe(
      '± 69 ms becomes about ± 1 ms when the time daemon has set the wall clock right ' +
        "(process 2 is called ntpd), or with hostClock: 'free-running' (--host-clock free-running) if it " +
        'never does',
    );
  });

  it('keeps its promise: the figure is that of a clock that is told so', () => {
    const host = new Host();
    const s = stage(host, { hostClock: 'free-running' });
    reply(host, s);
    const half = Number(s.bounded.explain().uncertaintyNs) / 1e6;
    expect(half).toBeCloseTo(1, 2);
    expect(s.bounded.explain().advice).toEqual([]);
  });
});
