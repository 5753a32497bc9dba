/**
 * Worlds in which some servers smear the leap second at the end of 2029 and others do not.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { LeapSecond } from '../../src/bound/leap-seconds.ts';
import type { Oracle } from '../../src/sim/oracle.ts';
import {
  type OpenScenarioOptions,
  openScenario,
  type Scenario,
  type ScenarioEvent,
  type ServerPlan,
} from '../../src/sim/scenario.ts';
import type { SimNtpBehaviour } from '../../src/sim/sim-ntp-server.ts';
import { unixNs } from '../../src/time/instant.ts';

const MONTH_END_NS = 1_893_456_000n * 1_000_000_000n; // 2030-01-01T00:00:00Z
export const HOUR_S: number = 3600;
export const HALF_DAY_S: number = 12 * HOUR_S;
type Kind = 'insert' | 'delete';

/**
 * Until the first bound readings come every 20 ms, so a start within the smear, where sources are
 * asked a second time, costs a percent of the readings of an hour.
 */
export interface SmearWorld {
  readonly seed: number;
  readonly kind: Kind;
  readonly plain: number;
  readonly smeared: number;
  /** Whether the clock is told which server smears. */
  readonly labelled: boolean;
  /** Whether the plain servers announce the leap second until it comes. */
  readonly announced: boolean;
  readonly leapSeconds?: readonly LeapSecond[];
  /** When the world begins, in seconds from the end of the month. */
  readonly beginS: number;
  readonly hours: number;
  readonly hostClock?: 'free-running' | 'disciplined';
  readonly pollMs?: number;
  readonly readEveryMs?: number;
  /** A server that lies, and how. */
  readonly liar?: { readonly server: number; readonly behaviour: SimNtpBehaviour };
  /** When the machine sleeps for a while. */
  readonly suspendAtS?: number | undefined;
}

/** The scenario, and the leap second that befalls it. */
export function buildSmearWorld(world: SmearWorld): {
  readonly scenario: Scenario;
  readonly options: OpenScenarioOptions;
} {
  const { seed, kind, plain, smeared, labelled, announced, leapSeconds, beginS, hours } = world;
  const { hostClock = 'free-running', pollMs = 64_000, readEveryMs = 2000 } = world;
  const stepS = -beginS - (kind === 'delete' ? 1 : 0);
  const announces = announced && beginS < 0;
  const servers: ServerPlan[] = [
    ...Array.from({ length: plain }, (_, i) => ({
      server: {
        errorShare: [1, -1, 0.5][i % 3],
        behaviour: { leap: announces ? kind : ('none' as const) },
      },
      ...(labelled && { timescale: 'utc' as const }),
    })),
    ...Array.from({ length: smeared }, (_, i) => ({
      server: { errorShare: [-1, 1, 0][i % 3], timescale: 'smear-24h' as const },
      ...(labelled && { timescale: 'smear-24h' as const }),
    })),
  ];
  const { liar, suspendAtS } = world;
  if (liar !== undefined) {
    const { server, ...plan } = servers[liar.server]!;
    servers[liar.server] = { ...plan, server: { ...server, behaviour: liar.behaviour } };
  }
  const events: ScenarioEvent[] = servers.slice(0, stepS > 0 ? plain : 0).map((_, server) => ({
    atMs: stepS * 1000 + 300,
    kind: 'behave',
    server,
    behaviour: server === liar?.server ? liar.behaviour : {},
  }));
  if (suspendAtS !== undefined) {
    events.push({ atMs: suspendAtS * 1000, kind: 'suspend', forMs: 1500 });
  }
  const clock = { driftPpm: seed % 2 === 0 ? 90 : -90 };
  return {
    scenario: {
      ...{ seed, minutes: hours * 60, readEveryMs, pollMs, hostClock, clock, servers },
      events,
      ...(leapSeconds !== undefined && { leapSeconds }),
    },
    options: {
      originNs: unixNs(MONTH_END_NS + BigInt(beginS) * 1_000_000_000n),
      leapSecondAtNs: unixNs(MONTH_END_NS),
      leapSecondKind: kind,
    },
  };
}

/** Runs the world and returns the judge of its readings. */
export async function runSmearWorld(world: SmearWorld): Promise<Oracle> {
  const { scenario, options } = buildSmearWorld(world);
  const opened = openScenario(scenario, options);
  await opened.run();
  opened.clock.stop();
  return opened.world.oracle;
}

/** The leap second, for the option `leapSeconds`. */
export const listed = (kind: Kind): readonly LeapSecond[] => [{ month: '2029-12', kind }];

const drawn = fc.record({
  seed: fc.nat(1e6),
  kind: fc.constantFrom('insert' as const, 'delete' as const),
  plain: fc.integer({ min: 1, max: 4 }),
  smeared: fc.integer({ min: 0, max: 4 }),
  hostClock: fc.constantFrom('disciplined' as const, 'free-running' as const),
  pollMs: fc.constantFrom(4000, 16_000, 64_000),
  /** Before, at and after the beginning and the end of the smear, the leap second, and a day. */
  beginS: fc.constantFrom(
    ...[-24 * HOUR_S - 600, -HALF_DAY_S - 600, -HALF_DAY_S + 5, -HOUR_S, -600, -5],
    ...[1, HALF_DAY_S - 600, HALF_DAY_S, 24 * HOUR_S - 600],
  ),
  known: fc.boolean(),
  /** Whether the clock is told which server smears, or nothing. */
  labelled: fc.boolean(),
  liar: fc.record({
    server: fc.nat(7),
    behaviour: fc.constantFrom<SimNtpBehaviour>(
      { offsetMs: 400 },
      { offsetMs: -400 },
      { leap: 'none' },
      { leap: 'insert' },
      { leap: 'delete', offsetMs: 86_400_000 },
    ),
  }),
  suspendAtS: fc.constantFrom(undefined, 300, 1000),
});

/**
 * Draws and runs worlds of half an hour in which T1 and T2 hold, and checks that no reading is
 * wrong. Returns how many different situations there were.
 */
export async function drawSmearWorlds(seed: number, numRuns: number): Promise<number> {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(drawn, async ({ known, beginS, kind, liar, labelled, ...world }) => {
      const { plain, smeared } = world;
      const mayLie = Math.floor((plain + smeared - 1) / 2);
      // After it has happened nobody announces it, so the program has to know. The same holds where
      // no honest server announces or, without labels, not more than may lie.
      const fromTable = known || beginS > 0 || (!labelled && plain <= mayLie + 1);
      const lies = mayLie > 0 && (fromTable || plain > mayLie);
      const server = liar.server % (plain + smeared);
      const oracle = await runSmearWorld({
        ...{ ...world, kind, beginS, labelled, announced: true, hours: labelled ? 0.5 : 0.15 },
        ...(lies && { liar: { ...liar, server } }),
        ...(fromTable && { leapSeconds: listed(kind) }),
      });
      expect(oracle.report()).toBe('');
      // Sources without labels have no vote unless they announce.
      if (labelled) expect(oracle.summary().availability).toBeGreaterThan(0.8);
      seen.add(`${kind} ${beginS} ${fromTable} ${labelled}`);
    }),
    { seed, numRuns },
  );
  return seen.size;
}
