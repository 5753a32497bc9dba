/**
 * `hostClock: 'detect'` in worlds whose true time is known: what it costs when a time daemon is
 * started later, and that nothing which a stranger can do makes a reading wrong. The figures are
 * those of docs/guarantees/profiles.md, "`'detect'`".
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { openScenario, type ServerPlan } from '../../src/sim/scenario.ts';
import type { SteeringFacts } from '../../src/time/steering.ts';
import { MINUTE_S } from '../kit/observe.ts';
import { FIRST_NAMESPACE } from '../kit/proc-tree.ts';

/** Five good and near servers, so that the learned rate matters. None of them lies. */
const SERVERS: ServerPlan[] = Array(5).fill({
  server: { rootDelayMs: 0, rootDispersionMs: 0.05, updateEveryMs: 16_000 },
});
/** The daemon starts soon after the first look from here on, so that the next one is late. */
const QUIET_S = 60 * MINUTE_S;

function machineWith(...names: string[]): SteeringFacts {
  const processes = ['systemd', ...names].map((name, i) => ({ pid: i + 1, name }));
  return {
    pidNamespace: FIRST_NAMESPACE,
    processes,
    unreadable: 0,
    complete: true,
    udpPorts: [],
    paths: [],
  };
}

interface Seen {
  /** When readings of each clock were wrong, s. */
  readonly wrongS: { readonly detect: readonly number[]; readonly disciplined: readonly number[] };
  /** How far outside of the interval the truth was at worst with `detect`, ms. */
  readonly worstMs: number;
  /** When the daemon was started, s. */
  readonly startedS: number;
  /** When `detect` became disciplined, s. */
  readonly noticedS: number | undefined;
}

interface Late {
  readonly daemon: string;
  /** How fast it corrects the clock, ppm; 0: it does nothing, being no daemon at all. */
  readonly ppm: number;
  readonly pollMs: number;
  /** How long after a look of the clock, s. */
  readonly delayS: number;
}

/** How far the next polls are away differs from one to the other. */
const DELAYS_S: readonly number[] = [0.1, 5, 10, 15];

/** A process of this name is started after an hour, on a machine that nobody steered before. */
async function run({ daemon, ppm, pollMs, delayS }: Late): Promise<Seen> {
  const { world, process, servers, clock, ...scenario } = openScenario({
    seed: 9,
    minutes: QUIET_S / MINUTE_S + 12,
    hostClock: 'disciplined',
    maxDriftPpm: 500,
    clock: { driftPpm: 15 },
    servers: SERVERS,
    pollMs,
  });
  const nowS = (): number => world.scheduler.elapsedNs / 1e9;
  let startedS: number | undefined;
  const startDaemon = (): void => {
    if (ppm === 0) return;
    const errorNs = Number(process.clock.wallErrorNs());
    process.clock.slew(errorNs > 0 ? -ppm : ppm);
    world.scheduler.after(Math.abs(errorNs) / (ppm * 1e-6), () => process.clock.slew(0));
  };
  const steeringFacts = (): SteeringFacts => {
    if (startedS !== undefined) return machineWith('node', daemon);
    if (nowS() >= QUIET_S) {
      startedS = nowS();
      world.scheduler.after(delayS * 1e9, startDaemon);
    }
    return machineWith('node');
  };
  const detecting = BoundedClock.start({
    clock: Object.assign(process.clock, { steeringFacts }),
    hostClock: 'detect',
    sources: servers.map(({ address }) =>
      world.ntp(process, address, { pollIntervalMs: pollMs, force: true }),
    ),
  });
  let noticedS: number | undefined;
  detecting.onChange(({ type }) => {
    if (type === 'profile') noticedS = nowS();
  });
  const wrongS = { detect: [] as number[], disciplined: [] as number[] };
  let worstNs = 0n;
  const takeReading = (): void => {
    const truth = world.scheduler.trueNs();
    for (const [name, each] of [
      ['detect', detecting],
      ['disciplined', clock],
    ] as const) {
      const { interval } = each.read();
      if (interval === undefined) continue;
      const early = interval.earliest - truth;
      const outside = early > 0n ? early : truth - interval.latest;
      if (outside <= 0n) continue;
      wrongS[name].push(nowS());
      if (name === 'detect' && outside > worstNs) worstNs = outside;
    }
    world.scheduler.after(startedS === undefined ? 1e9 : 1e8, takeReading);
  };
  takeReading();
  await scenario.run();
  expect(detecting.explain().profile.hostClock).toBe('disciplined');
  detecting.stop();
  return { wrongS, worstMs: Number(worstNs) / 1e6, startedS: startedS!, noticedS };
}

const said = readFileSync(
  new URL('../../docs/guarantees/profiles.md', import.meta.url),
  'utf8',
).replace(/\s+/g, ' ');

test.each([
  ['ntpd, 500 ppm', { daemon: 'ntpd', ppm: 500 }],
  ['systemd-timesyncd, 50,000 ppm', { daemon: 'systemd-timesyn', ppm: 50_000 }],
  ['chronyd, 83,333 ppm', { daemon: 'chronyd', ppm: 83_333 }],
])(
  'a daemon that is started later: %s. Wrong until it is seen, and never after',
  async (name, late) => {
    const cells: string[] = [];
    for (const pollMs of [16_000, 64_000]) {
      let [readings, ms] = [0, 0];
      for (const delayS of DELAYS_S) {
        const { wrongS, worstMs, startedS, noticedS } = await run({ ...late, pollMs, delayS });
        expect(noticedS).toBeLessThan(startedS + MINUTE_S + 2);
        expect(wrongS.detect.every((at) => at >= startedS && at <= noticedS!)).toBe(true);
        expect(wrongS.disciplined).toEqual([]);
        readings = Math.max(readings, wrongS.detect.length);
        ms = Math.max(ms, worstMs);
      }
      cells.push(`${(readings / 10).toFixed(1)} s, ${ms.toFixed(1)} ms`);
    }
    expect(said).toContain(`| ${name} | ${cells.join(' | ')} |`);
  },
);

test('a process that only calls itself a daemon costs width, and makes no reading wrong', async () => {
  const { wrongS, startedS, noticedS } = await run({
    daemon: 'chronyd',
    ppm: 0,
    pollMs: 16_000,
    delayS: 0.1,
  });
  expect(noticedS).toBeLessThan(startedS + MINUTE_S + 2);
  expect(wrongS).toEqual({ detect: [], disciplined: [] });
});
