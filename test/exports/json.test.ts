import { inspect } from 'node:util';
import {
  BoundedClock,
  beginCommit,
  type ClockEvent,
  HybridClock,
  runCommit,
  systemClock,
  waitUntilAfter,
} from 'epsilon-clock';
import { LamportClock } from 'epsilon-clock/lamport';
import { DurableHybridClock } from 'epsilon-clock/node';
import { Oracle, SimWorld } from 'epsilon-clock/sim';
import { JumpDetector, unixNs } from 'epsilon-clock/time';
import { describe, expect, test } from 'vitest';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';
import { CrashDisk } from '../logical/crash-disk.ts';
import { ERRORS, rows, T, world } from './rows.ts';

const MS = 1_000_000n;
const json = (value: unknown): unknown => JSON.parse(JSON.stringify({ value })).value;

describe('JSON never throws', () => {
  test.each(
    rows().flatMap((row) =>
      row.args.length > 0 && !row.refused ? [[row.name, row] as const] : [],
    ),
  )('at what %s gives', async (_, row) => {
    const given = await row.call(...(row.args as never[]));
    // A bare bigint and an int64 array have no JSON; the caller must convert them. All else has.
    if (typeof given === 'bigint' || given instanceof BigInt64Array)
      expect(() => JSON.stringify(given)).toThrow(TypeError);
    else expect(() => JSON.stringify({ given })).not.toThrow();
  });

  test.each(ERRORS)('at a %s', (name, error) => {
    const written = json(error) as Record<string, unknown>;
    if (name.startsWith('Argument')) return; // JavaScript's own error classes, with a code
    const { code, message } = error as Error & { code: string };
    expect(written).toMatchObject({ name, message, code });
    for (const [key, value] of Object.entries(error)) {
      if (typeof value === 'bigint') expect(written[key]).toBe(String(value));
    }
  });

  test('at clocks and what they say', () => {
    const { clock, source, bounded, hlc } = world();
    const reader = BoundedClock.attach(bounded.share(), { clock });
    const { earliest, latest } = bounded.now();
    expect(json(bounded.now())).toEqual({ earliest: String(earliest), latest: String(latest) });
    const reading = {
      status: 'synchronized',
      interval: { earliest: String(earliest), latest: String(latest) },
      quorum: 'full',
    };
    expect(json(bounded.read())).toEqual(reading);
    expect(json(bounded)).toEqual(reading);
    expect(json(reader)).toEqual(reading);
    hlc.tick();
    expect(json(hlc)).toEqual({ nodeId: 'a', timestamp: String(hlc.peek()) });
    expect(json(new LamportClock({ nodeId: 'a' }))).toEqual({ time: 0, nodeId: 'a' });
    expect(json(systemClock())).toMatchObject({ wallGridNs: expect.stringMatching(/^\d+$/) });
    const explanation = bounded.explain();
    const written = json(explanation) as { parts: Record<string, string> };
    expect(written).toMatchObject({ uncertaintyNs: String(explanation.uncertaintyNs), reading });
    expect(json(explanation.parts)).toEqual(written.parts);
    for (const part of Object.values(written.parts)) expect(part).toMatch(/^-?\d+$/);
    expect(json(explanation.sources[0])).toMatchObject({ sourceId: 'a', lastDelayNs: '2000000' });
    source.sink.sample(source.exchange(clock, { theta: clock.wallOffset + 10_000n * MS }));
    const { refuted } = bounded.explain();
    expect(json(refuted)).toEqual({
      assumption: refuted!.assumption,
      agoNs: String(refuted!.agoNs),
    });
  });

  test('at every event', () => {
    const clock = new HandClock({ wall: T });
    const source = new ScriptedSource('a');
    const bounded = BoundedClock.start({ sources: [source], clock, warnUncertaintyMs: 5 });
    const events: ClockEvent[] = [];
    bounded.onChange((event) => events.push(event));
    source.sink.sample(source.exchange(clock, { theta: clock.wallOffset }));
    clock.advance(60_000n * MS);
    const widening = events.find(({ type }) => type === 'widening');
    expect(json(widening)).toMatchObject({ type: 'widening', at: expect.stringMatching(/^\d+$/) });
    for (const event of events) expect(() => JSON.stringify(event)).not.toThrow();
  });

  test('at jumps and pauses', () => {
    const clock = new HandClock();
    const detector = new JumpDetector(clock);
    detector.tick({ expectedMs: 1000 });
    clock.wallOffset += 5000n * MS;
    expect(json(detector.check())).toMatchObject({ kind: 'step', stepNs: '5000000000' });
    clock.pause(9000n * MS);
    expect(json(detector.tick({ expectedMs: 1000 }))).toMatchObject({ pauseNs: '8000000000' });
  });

  test('at commits, and at what a wait resolves to', async () => {
    const { clock, bounded, hlc } = world();
    const commit = beginCommit({ clock: bounded, hlc });
    expect(json(commit)).toEqual({ timestamp: String(commit.timestamp) });
    expect(inspect(commit)).toBe(`Commit { ${commit.timestamp} }`);
    const past = unixNs(bounded.now().earliest - 1n);
    expect(json(await waitUntilAfter(bounded, past))).toEqual({ waitedNs: '0' });
    const settled = commit.settled();
    const committed = runCommit(
      { clock: bounded, hlc },
      { prepare: () => {}, makeVisible: () => 7 },
    );
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000n * MS);
    expect(json(await settled)).toEqual({ waitedNs: expect.stringMatching(/^[1-9]\d*$/) });
    expect(json(await committed)).toMatchObject({ timestamp: expect.any(String), result: 7 });
  });

  test('at a durable clock and its counters', async () => {
    const clock = new HandClock({ wall: T });
    const disk = new CrashDisk();
    let open = true;
    const opening = DurableHybridClock.open({
      ...{ clock, nodeId: 'a', path: '/d/x', disk, lock: async () => () => {} },
    }).finally(() => {
      open = false;
    });
    while (open) {
      await new Promise((resolve) => setImmediate(resolve));
      disk.step();
    }
    const hlc = await opening;
    expect(json(hlc)).toEqual({ nodeId: 'a', timestamp: '0' });
    expect(json(hlc.stats())).toMatchObject({ ceilingNs: String(T + 1000n * MS) });
  });

  test('at a violation', () => {
    const { scheduler } = new SimWorld({ seed: 1 });
    const oracle = new Oracle(scheduler, 'replay');
    oracle.judge('a', () => ({ earliest: unixNs(1n), latest: unixNs(2n) }));
    expect(json(oracle.violations[0])).toMatchObject({ earliest: '1', latest: '2' });
  });
});

describe('console.log', () => {
  const shown = async (value: unknown): Promise<string> => {
    const { inspect } = await import('node:util');
    return inspect(value);
  };

  test('shows a clock in one line', async () => {
    const { clock, bounded, hlc } = world();
    const reader = BoundedClock.attach(bounded.share(), { clock });
    expect(await shown(bounded)).toMatch(
      /^BoundedClock \{ synchronized 2026-\d\d-\d\dT[\d:.]{18}Z ± 1001 us, 1 of 1 agree \}$/,
    );
    expect(await shown(reader)).toMatch(/^BoundedReader \{ synchronized [^ ]+Z ± 1001 us \}$/);
    expect(await shown(hlc)).toBe('HybridClock { a, 0 }');
    expect(hlc.peek()).toBe(0n); // showing the clock does not advance it
    expect(String(new LamportClock({ nodeId: 'a', startAfter: 7 }))).toBe('LamportClock { a, 7 }');
    bounded.stop();
    expect(await shown(bounded)).toBe('BoundedClock { unsynchronized: stopped, 0 of 1 agree }');
    expect(await shown(reader)).toBe('BoundedReader { unsynchronized: stopped }');
  });

  test('shows a clock also when what is under it throws', async () => {
    const { clock, bounded } = world();
    clock.onRead = () => {
      throw new Error('no clock');
    };
    expect(await shown(bounded)).toMatch(/^BoundedClock \{ unreadable/);
  });

  test('classes of the built package have their own names', async () => {
    for (const entry of ['index', 'node', 'sim']) {
      const built = await import(new URL(`../../dist/${entry}.js`, import.meta.url).href);
      for (const [name, value] of Object.entries(built) as [string, { name: string }][]) {
        if (/^[A-Z]/.test(name)) expect(value.name).toBe(name);
      }
    }
    expect(new HybridClock({ clock: systemClock(), nodeId: 'a' }).constructor.name).toBe(
      'HybridClock',
    );
  });
});

test('a handle that was sent to another process is refused, and the error names the alternative', () => {
  const sent = JSON.parse(JSON.stringify(world().bounded.share()));
  expect(() => BoundedClock.attach(sent)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringMatching(/worker threads only: another process needs/),
    }),
  );
});
