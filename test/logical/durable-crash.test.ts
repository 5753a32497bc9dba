/**
 * The guarantee of the durable clock, over many lives on one file. Power failures, kills and closes
 * end a life at any disk call. The wall clock is set to any time, and the disk fails now and then.
 * The timestamps handed out must strictly increase, and every start must succeed. The oracle is the
 * list of timestamps; it uses nothing of the clock.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DurableHybridClock } from '../../src/logical/durable-hybrid-clock.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { Crash, CrashDisk } from './crash-disk.ts';

const MS = 1_000_000n;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const anyMs = fc.integer({ min: -4_000, max: 400 });

const action = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('now' as const) }), weight: 6 },
  { arbitrary: fc.record({ do: fc.constant('disk' as const) }), weight: 6 },
  {
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(80) }),
    weight: 4,
  },
  { arbitrary: fc.record({ do: fc.constant('step' as const), ms: anyMs }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('receive' as const), ms: fc.nat(400) }), weight: 2 },
  {
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      call: fc.constantFrom('open' as const, 'writeFile', 'fsync', 'rename'),
    }),
    weight: 1,
  },
);

const life = fc.record({
  wallMs: anyMs,
  actions: fc.array(action, { maxLength: 30 }),
  callsToLive: fc.oneof(fc.constant(1_000), fc.nat(50)),
  end: fc.constantFrom('power' as const, 'kill', 'close'),
});

/** Runs the disk calls and timers until `promise` settles or the machine crashes. */
async function settle<T>(
  promise: Promise<T>,
  disk: CrashDisk,
  clock: HandClock,
): Promise<T | undefined> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  for (let steps = 0; ; steps++) {
    await turn();
    if (settled) return promise;
    if (disk.crashed) return undefined;
    if (steps > 1_000) throw new Error('it does not settle');
    if (!disk.step()) clock.advance(10n * MS);
  }
}

it('timestamps increase over all lives, and every start succeeds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.constantFrom(0 as const, 1 as const, 2 as const)),
      async (lives, fates) => {
        const disk = new CrashDisk();
        const clock = new HandClock();
        let last = 0n;
        const handedOut = (timestamp: bigint) => {
          expect(timestamp).toBeGreaterThan(last);
          last = timestamp;
        };

        for (const { wallMs, actions, callsToLive, end } of lives) {
          clock.kill();
          clock.wallOffset += BigInt(wallMs) * MS;
          disk.heal();
          disk.callsToLive = callsToLive;
          const opening = DurableHybridClock.open({
            clock,
            nodeId: 'a',
            path: '/d/hlc',
            windowMs: 100,
            disk,
            lock: async () => () => {},
          });
          const hlc = await settle(opening, disk, clock).catch((error) => {
            // A start fails by the crash only: the file is whole and the disk works.
            if (!disk.crashed) throw error;
            return undefined;
          });
          for (const what of hlc ? actions : []) {
            if (what.do === 'disk') disk.step();
            if (what.do === 'advance') clock.advance(BigInt(what.ms) * MS);
            if (what.do === 'step') clock.wallOffset += BigInt(what.ms) * MS;
            if (what.do === 'fail') disk.failNext(what.call, 'EIO');
            if (what.do === 'now' || what.do === 'receive') {
              const before = hlc!.peek();
              const remote = clock.wallNs() + BigInt(what.do === 'now' ? 0 : what.ms) * MS;
              let timestamp: bigint | undefined;
              try {
                timestamp = what.do === 'now' ? hlc!.now() : hlc!.receive(remote);
              } catch (error) {
                if ((error as { cause?: unknown }).cause instanceof Crash) break;
                expect(error).toMatchObject({ code: 'ERR_DURABLE_CLOCK_STORAGE' });
                expect(hlc!.peek()).toBe(before);
              }
              if (timestamp !== undefined) handedOut(timestamp);
            }
            await turn();
            if (disk.crashed) break;
          }
          if (end === 'close' && hlc && !disk.crashed) {
            await settle(hlc.close(), disk, clock);
            expect(() => hlc.now()).toThrow();
          }
          if (end === 'power' || disk.crashed) disk.restart(() => fates.next().value);
          else disk.kill();
        }
      },
    ),
    { seed: 3, numRuns: 1_000 },
  );
});
