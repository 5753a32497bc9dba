/** From old sources to new ones, on a clock of the test. */
import { describe, expect, test } from 'vitest';
import { BoundedClock } from '../../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../../src/bounded-clock/change-events.ts';
import { mayBeWrong, nextSources, SourceChange } from '../../../src/cli/serve/source-change.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { ScriptedSource } from '../../kit/scripted-source.ts';

const SECOND = 1_000_000_000n;

function harness(count: number, heard = count) {
  const clock = new HandClock();
  const sources = Array.from({ length: count }, (_, i) => new ScriptedSource(`old-${i}`));
  const bounded = BoundedClock.start({ sources, clock });
  const theta = clock.wallOffset;
  for (const source of sources.slice(0, heard)) source.reply(clock, { theta });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  return { clock, sources, bounded, theta, events };
}

const named = (prefix: string, count: number): ScriptedSource[] =>
  Array.from({ length: count }, (_, i) => new ScriptedSource(`${prefix}-${i}`));

/** Replaces sources by others, of which the first ones lie by 40 ms. Returns the events. */
function replace(from: number, to: number, liars: number): readonly ClockEvent[] {
  const { clock, sources, bounded, theta, events } = harness(from);
  const fresh = named('new', to);
  const change = new SourceChange(bounded, sources, undefined);
  change.to(fresh);
  for (let second = 0; second < 25; second++) {
    clock.advance(SECOND);
    // Each answers before the clock's next look at what is asked, the liars first.
    for (const source of change.current as ScriptedSource[]) {
      const lies = fresh.indexOf(source) >= 0 && fresh.indexOf(source) < liars;
      source.reply(clock, { theta: lies ? theta + 40_000_000n : theta });
      const reading = bounded.tryNow();
      const truth = clock.monotonic + theta;
      if (reading) expect(reading.earliest <= truth && truth <= reading.latest).toBe(true);
    }
  }
  expect(change.current).toEqual(fresh);
  expect(bounded.explain().sources.map(({ sourceId }) => sourceId)).toEqual(
    fresh.map(({ name }) => name),
  );
  expect(bounded.read().status).toBe('synchronized');
  expect(sources.every(({ stops }) => stops === 1)).toBe(true);
  return events.filter(({ type }) => type === 'status');
}

test.each([
  [1, 1],
  [3, 3],
  [4, 4],
  [5, 2],
  [5, 5],
])('%d replaced by %d: bounded all the time', (from, to) => {
  expect(replace(from, to, 0)).toEqual([]);
});

test.each([
  [1, 3],
  [1, 5],
  [2, 5],
  [2, 7],
  [3, 5],
  [4, 9],
])('%d replaced by %d: never wrong, whatever as many as allowed say', (from, to) => {
  for (let liars = 0; liars <= (to - 1) / 2; liars++) replace(from, to, liars);
});

test('new sources that never answer do not keep the old ones for ever', () => {
  const { clock, sources, bounded } = harness(3);
  const fresh = named('new', 3);
  const change = new SourceChange(bounded, sources, undefined);
  change.to(fresh);
  clock.advance(SECOND);
  expect(bounded.read().interval).toBeDefined();
  expect(sources.map(({ stops }) => stops)).toEqual([0, 0, 0]);
  clock.advance(30n * SECOND);
  expect(sources.map(({ stops }) => stops)).toEqual([1, 1, 1]);
  expect(change.current).toEqual(fresh);
});

test('without a bound to lose, the new sources are asked at once', () => {
  const { sources, bounded } = harness(3, 0);
  const fresh = named('new', 2);
  const change = new SourceChange(bounded, sources, undefined);
  change.to(fresh);
  expect(change.current).toBe(fresh);
});

test('a second change takes over from the first', () => {
  const { clock, sources, bounded, theta } = harness(3);
  const [first, second] = [named('first', 3), named('second', 3)];
  const change = new SourceChange(bounded, sources, undefined);
  change.to(first);
  change.to(second);
  for (let i = 0; i < 5; i++) {
    clock.advance(SECOND);
    for (const source of change.current) (source as ScriptedSource).reply(clock, { theta });
  }
  expect(change.current).toEqual(second);
});

test('the same servers asked in another way: no fact is lost', () => {
  const { clock, sources, bounded, events } = harness(4);
  const fresh = sources.map(({ name }) => new ScriptedSource(name));
  const change = new SourceChange(bounded, sources, undefined);
  change.to(fresh);
  clock.advance(3n * SECOND);
  expect(change.current).toEqual(fresh);
  expect(bounded.explain().voters).toBe(4);
  expect(events.filter(({ type }) => type === 'status')).toEqual([]);
});

test('sources that cannot stand alone are refused before anything changes', () => {
  const { sources, bounded } = harness(3);
  const change = new SourceChange(bounded, sources, undefined);
  const witness = new ScriptedSource('witness', 'witness');
  expect(() => change.to([witness])).toThrow('at least one source that is not a witness');
  expect(change.current).toBe(sources);
  expect(witness.starts).toBe(0);
});

describe('nextSources', () => {
  const asked = (source: ScriptedSource, voters = 1) => ({ source, endpoints: 1, voters });
  const [a, b, c] = named('old', 3) as [ScriptedSource, ScriptedSource, ScriptedSource];

  const next = (
    current: readonly ScriptedSource[],
    wanted: readonly ScriptedSource[],
    maxFaulty?: number,
  ) =>
    nextSources(
      current.map((each) => asked(each)),
      { wanted, maxFaulty, old: current, oldMayBeWrong: mayBeWrong(current.length, maxFaulty) },
    );

  test('one of four exchanged: at once', () => {
    const [d, e] = named('new', 2) as [ScriptedSource, ScriptedSource];
    const wanted = [a, b, c, e];
    expect(next([a, b, c, d], wanted)).toBe(wanted);
  });

  test('all of three: the old ones stay, and all of the new ones join', () => {
    const fresh = named('new', 3);
    expect(next([a, b, c], fresh)).toEqual([a, b, c, ...fresh]);
  });

  test('no more join than the votes outnumber, and what may be wrong is covered', () => {
    const fresh = named('new', 7);
    expect(next([a, b], fresh)).toEqual([a, b, fresh[0]]);
    // None would be both: all join, and the bound waits for their answers.
    expect(next([a], fresh)).toEqual([a, ...fresh]);
  });

  test('a witness has no vote', () => {
    const witness = new ScriptedSource('witness', 'witness');
    const wanted = [a, witness];
    expect(next([a], wanted)).toBe(wanted);
  });

  test('maxFaulty, if it is said, holds for the old sources and for the new ones', () => {
    const wanted = [a, b];
    expect(next([a, b, c], wanted, 1)).toBe(wanted);
    const fresh = named('new', 3);
    expect(next([a, b, c], fresh, 1)).toBe(fresh);
    expect(next([a, b, c], fresh, 0)).toEqual([a, b, c, ...fresh]);
  });
});
