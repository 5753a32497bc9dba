/**
 * Drawn worlds of an hour, in which a clock is read from its page too: writers are killed, stopped
 * and replaced, and readers begin at any time. Every reading is judged against true time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { HostClock } from '../../src/host-page/host-clock.ts';
import { HostClockPublisher } from '../../src/host-page/host-clock-publisher.ts';
import { openScenario, type Scenario } from '../../src/sim/scenario.ts';
import { scenarioArbitrary } from '../../src/sim/scenario-arbitrary.ts';

export interface HostPageSummary {
  readonly readings: number;
  /** How many of them had an interval. */
  readonly bounded: number;
}

const PART_MS = 150_000;
const READ_EVERY_MS = 1000;

/** @throws what the oracle reports, shrunk to a small world */
export async function runHostPageWorlds(seed: number, hours: number): Promise<HostPageSummary> {
  let readings = 0;
  let bounded = 0;
  await fc.assert(
    fc.asyncProperty(scenarioArbitrary(fc), async (scenario) => {
      const summary = await runWorld(scenario);
      readings += summary.readings;
      bounded += summary.bounded;
    }),
    { seed, numRuns: hours },
  );
  return { readings, bounded };
}

async function runWorld(scenario: Scenario): Promise<HostPageSummary> {
  const directory = mkdtempSync(join(tmpdir(), 'host-page-'));
  const path = join(directory, 'clock');
  const { world, process, clock } = openScenario({ ...scenario, readEveryMs: 60_000 });
  const random = world.random.fork('host page');
  const readers: HostClock[] = [];
  let publisher = await HostClockPublisher.start({ clock, path });
  let bounded = 0;
  const begin = async (): Promise<void> => {
    const reader = await HostClock.open({ path, clock: process.clock });
    readers.push(reader);
    const read = () => {
      const reading = reader.read();
      if (reading.interval !== undefined) bounded++;
      return reading;
    };
    world.watch(process, { read }, READ_EVERY_MS);
  };
  try {
    await begin();
    for (let t = 0; t < scenario.minutes * 60_000; t += PART_MS) {
      await world.run(PART_MS);
      const what = random.unit();
      if (what < 0.2) {
        await publisher.stop();
        publisher = await HostClockPublisher.start({ clock, path });
      } else if (what < 0.4) {
        // As if killed: it says nothing any more.
        const dead = publisher;
        clock.publishListeners.clear();
        await world.run(20_000);
        rmSync(`${path}.lock`); // the lock of a process that lives on
        publisher = await HostClockPublisher.start({ clock, path });
        await dead.stop(); // closes its file, which nobody reads any more
      } else if (what < 0.6 && readers.length < 4) {
        await begin();
      }
    }
    expect(world.oracle.report()).toBe('');
    return { readings: world.oracle.summary().readings, bounded };
  } finally {
    clock.stop();
    for (const reader of readers) await reader.close();
    await publisher.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
