import { ntp } from 'epsilon-clock/node';
import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import type { TimeSource } from '../../src/bounded-clock/time-source.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

interface World {
  readonly clock: HandClock;
  readonly scripted: readonly ScriptedSource[];
  readonly bounded: BoundedClock;
}

/** A clock with sources `s0`, `s1`, …, none of which has been heard. */
function clockOver(sources: number, options: Partial<BoundedClockOptions> = {}): World {
  const clock = new HandClock();
  const scripted = Array.from({ length: sources }, (_, i) => new ScriptedSource(`s${i}`));
  const bounded = BoundedClock.start({ ...options, sources: scripted, clock });
  return { clock, scripted, bounded };
}

/**
 * Each source replies with a time that is off by its offset, ns. `undefined` stands for a time-out.
 */
function answer({ clock, scripted }: World, offsets: readonly (bigint | undefined)[]): void {
  for (const [i, offset] of offsets.entries()) {
    const source = scripted[i] as ScriptedSource;
    if (offset === undefined) source.miss('timeout');
    else source.reply(clock, { theta: clock.wallOffset + offset, delay: MS });
  }
}

const adviceOf = ({ bounded }: World): readonly string[] => bounded.explain().advice;

describe('what is missing for a bound', () => {
  it('at the start: how many have answered, how many are needed, and what each said last', () => {
    const world = clockOver(3);
    answer(world, [0n]);
    expect(adviceOf(world)).toEqual([
      '1 of 3 sources have answered or failed once since the start or the last disruption; all must, ' +
        'and 2 must be usable (s0: replied, s1: not heard yet, s2: not heard yet)',
    ]);
    expect(world.bounded.explain()).toMatchObject({ voters: 1, votersNeeded: 2, maxFaulty: 1 });
  });

  it('too few sources: how many can be used, and why the others cannot', () => {
    const world = clockOver(3);
    answer(world, [0n, undefined, undefined]);
    expect(adviceOf(world)).toEqual([
      '1 of 3 sources can be used; 2 are needed, since maxFaulty is 1 (s1: timeout, s2: timeout)',
    ]);
  });

  it('maxFaulty is not below the number of sources: no reply can help', () => {
    const world = clockOver(1, { maxFaulty: 9 });
    answer(world, [0n]);
    expect(adviceOf(world)).toEqual([
      'maxFaulty is 9, so at least 10 sources are needed; there is 1',
    ]);
  });

  it('a maxFaulty with which no bound could ever come is refused', () => {
    const source = (maxEndpoints?: number): TimeSource => ({
      name: 's',
      maxEndpoints,
      start: () => {
        throw new Error('started');
      },
    });
    const start = (maxFaulty: number, ...sources: TimeSource[]) => {
      BoundedClock.start({ sources, maxFaulty, clock: new HandClock() });
    };
    expect(() => start(9, source(1))).toThrow(
      'maxFaulty must be less than 1, the number of endpoints that the sources can have; got 9',
    );
    expect(() => start(5, source(1), source(4))).toThrow('maxFaulty must be less than 5');
    expect(() => start(4, source(1), source(4))).toThrow('started');
    // A source that does not say how many it can have may have any number.
    expect(() => start(9, source(1), source())).toThrow('started');
    expect(ntp('pool.ntp.example', { pool: true, maxServers: 7 }).maxEndpoints).toBe(7);
    expect(ntp('time.example.net').maxEndpoints).toBe(1);
  });

  it('no agreement: which differ by how much', () => {
    const world = clockOver(3);
    answer(world, [0n, 250n * MS, -40n * MS]);
    // Each interval is 1 ms wide.
    expect(adviceOf(world)[0]).toBe(
      '2 of 3 sources must agree, and they do not: ' +
        's1 is at least 249 ms ahead of s0, s2 is at least 39 ms behind s0',
    );
  });

  it('no agreement: the source that most agree with is what the others are compared with', () => {
    const world = clockOver(4, { maxFaulty: 1 });
    answer(world, [300n * MS, 0n, 0n, -40n * MS]);
    expect(adviceOf(world)[0]).toBe(
      '3 of 4 sources must agree, and they do not: ' +
        's0 is at least 299 ms ahead of s1, s3 is at least 39 ms behind s1',
    );
  });

  it('with a bound nothing is missing', () => {
    const world = clockOver(3);
    answer(world, [0n, 0n, 0n]);
    expect(adviceOf(world)).toEqual([]);
    expect(world.bounded.read().status).toBe('synchronized');
  });

  it('waitSynced says it too', async () => {
    const world = clockOver(3);
    answer(world, [0n, undefined, undefined]);
    const wait = world.bounded.waitSynced({ timeoutMs: 5 });
    world.clock.advance(6n * MS);
    await expect(wait).rejects.toThrow(
      'too-few-sources); 1 of 3 sources can be used; 2 are needed, since maxFaulty is 1',
    );
  });
});
