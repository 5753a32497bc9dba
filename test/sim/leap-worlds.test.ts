/**
 * Months that end with a second more, a second less, or neither: no reading is wrong, whatever the
 * servers announce.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScenario } from '../../src/sim/scenario.ts';
import { unixNs } from '../../src/time/instant.ts';

const MONTH_END_NS = 1_798_761_600n * 1_000_000_000n;
/** How long after the beginning of the world the month would end without a leap second. */
const END_MS = 60_000;

const kind = fc.constantFrom('none', 'insert', 'delete');

const world = fc.record({
  seed: fc.nat(1e6),
  kind,
  /** How late each honest server carries the leap second out. */
  lateMs: fc.array(fc.constantFrom(0, 100, 1000, 1900), { minLength: 1, maxLength: 5 }),
  /** What the liars announce. There are at most f liars. */
  lies: fc.array(kind, { maxLength: 2 }),
  /** Whether the wall clock steps with the leap second. */
  stepped: fc.boolean(),
  hostClock: fc.constantFrom('disciplined' as const, 'free-running' as const),
  pollMs: fc.constantFrom(1000, 16_000),
});

test('drawn leap seconds: no reading excludes the truth, and the clock is back soon', async () => {
  const happened = new Set<string>();
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, kind, lateMs, lies, stepped, hostClock, pollMs }) => {
      const liars = lies.slice(0, lateMs.length - 1);
      const announced = [...lateMs.map(() => kind), ...liars] as const;
      const behaviours = announced.map((leap, i) => ({ leap, leapLateMs: lateMs[i] ?? 0 }));
      const stepAtMs = kind === 'delete' ? END_MS - 1000 : END_MS;
      const { world, clock, run } = openScenario(
        {
          seed,
          minutes: 2,
          readEveryMs: 20,
          pollMs,
          hostClock,
          servers: behaviours.map((behaviour) => ({ server: { behaviour } })),
          events: [
            ...(stepped && kind !== 'none'
              ? [{ atMs: stepAtMs, kind: 'step' as const, byMs: kind === 'insert' ? -1000 : 1000 }]
              : []),
            // A server that is late also ends its announcement late.
            ...behaviours.map(({ leapLateMs }, server) => ({
              atMs: stepAtMs + leapLateMs + 200,
              kind: 'behave' as const,
              server,
              behaviour: {},
            })),
          ],
        },
        {
          originNs: unixNs(MONTH_END_NS - BigInt(END_MS) * 1_000_000n),
          ...(kind !== 'none' && {
            leapSecondAtNs: unixNs(MONTH_END_NS),
            leapSecondKind: kind,
          }),
        },
      );
      const reasons: unknown[] = [];
      clock.onChange((event) => event.type === 'status' && reasons.push(event.reason));
      await run();
      expect(world.oracle.report()).toBe('');
      expect(world.oracle.summary().availability).toBeGreaterThan(0.85);
      expect(clock.read().status).toBe('synchronized');
      // The bound ended for every kind that enough servers announced, and for no other.
      const ends = kind !== 'none' || liars.includes('delete');
      if (!stepped) expect(reasons.includes('leap-second')).toBe(ends);
      happened.add(`${kind} ${ends}`);
      clock.stop();
    }),
    { seed: 20_281, numRuns: 40 },
  );
  expect([...happened].sort()).toEqual(['delete true', 'insert true', 'none false', 'none true']);
});

test.each([4, 9])(
  'with a liar and rare polls the clock is back in seconds, seed %i',
  async (seed) => {
    const lie = { offsetMs: 3000, leap: 'delete' } as const;
    const behaviours = [lie, { leap: 'insert' }, { leap: 'insert' }] as const;
    const { world, clock, run } = openScenario(
      {
        seed,
        minutes: 70 / 60,
        readEveryMs: 100,
        pollMs: 1_024_000,
        servers: behaviours.map((behaviour) => ({ path: 'internet', server: { behaviour } })),
        events: [1, 2].map((server) => ({
          atMs: END_MS + 300,
          kind: 'behave',
          server,
          behaviour: {},
        })),
      },
      {
        originNs: unixNs(MONTH_END_NS - BigInt(END_MS) * 1_000_000n),
        leapSecondAtNs: unixNs(MONTH_END_NS),
      },
    );
    await run();
    expect(world.oracle.report()).toBe('');
    expect(clock.read().status).toBe('synchronized');
    clock.stop();
  },
);
