/** Other sources for a clock that runs: what it knows stays true, and no reader loses its bound. */
import { expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { SourceSink, TimeSource } from '../../src/bounded-clock/time-source.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

function clockOf(...names: string[]) {
  const clock = new HandClock();
  const sources = names.map((name) => new ScriptedSource(name));
  const bounded = BoundedClock.start({ sources, clock });
  const events: ClockEvent[] = [];
  bounded.onChange((event) => events.push(event));
  const theta = clock.wallOffset;
  for (const source of sources) source.reply(clock, { theta });
  return { clock, sources, bounded, theta, events };
}

const votesOf = (bounded: BoundedClock): (readonly [string, string])[] =>
  bounded.explain().sources.map(({ sourceId, verdict }) => [sourceId, verdict] as const);

test('the bound goes on, grows, holds the truth, and is renewed by the new sources', () => {
  const { clock, sources, bounded, theta, events } = clockOf('a', 'b', 'c');
  const fresh = ['d', 'e'].map((name) => new ScriptedSource(name));
  const before = bounded.now().uncertaintyNs;
  events.length = 0;
  bounded.replaceSources([...sources, ...fresh]);
  clock.advance(10_000n * MS);
  for (const source of fresh) source.reply(clock, { theta });
  bounded.replaceSources([sources[0]!, ...fresh]);
  expect(sources.map(({ stops }) => stops)).toEqual([0, 1, 1]);
  clock.advance(60_000n * MS);
  const held = bounded.now();
  expect(held.uncertaintyNs > before).toBe(true);
  expect(held.earliest <= clock.monotonic + theta).toBe(true);
  expect(held.latest >= clock.monotonic + theta).toBe(true);
  for (const source of fresh) source.reply(clock, { theta });
  expect(bounded.now().uncertaintyNs < held.uncertaintyNs).toBe(true);
  expect(votesOf(bounded)).toEqual(['a', 'd', 'e'].map((id) => [id, 'agrees']));
  expect(events.filter(({ status }) => status === 'unsynchronized')).toEqual([]);
});

test('without the old votes there is no bound until the new sources were heard', () => {
  const { clock, bounded, theta } = clockOf('a', 'b', 'c');
  const fresh = ['d', 'e', 'f'].map((name) => new ScriptedSource(name));
  bounded.replaceSources(fresh);
  expect(bounded.read()).toEqual({ status: 'unsynchronized', reason: 'too-few-sources' });
  for (const source of fresh) source.reply(clock, { theta: theta + 1000n * MS });
  expect(votesOf(bounded)).toEqual(['d', 'e', 'f'].map((id) => [id, 'agrees']));
});

test('a source that stays, the same object, is not disturbed and keeps its vote', () => {
  const { sources, bounded } = clockOf('a', 'b');
  bounded.replaceSources([sources[1]!, new ScriptedSource('c')]);
  expect(sources.map(({ stops }) => stops)).toEqual([1, 0]);
  expect(sources.map(({ starts }) => starts)).toEqual([1, 1]);
  expect(votesOf(bounded)).toEqual([
    ['b', 'agrees'],
    ['c', 'pending'],
  ]);
});

test('another source for the same endpoint goes on with what is known of it', () => {
  const { sources, bounded } = clockOf('a', 'b');
  bounded.replaceSources([new ScriptedSource('a'), new ScriptedSource('b')]);
  expect(sources.map(({ stops }) => stops)).toEqual([1, 1]);
  expect(bounded.explain().voters).toBe(2);
  expect(bounded.read().status).toBe('synchronized');
});

test('with another timescale it begins with nothing: the facts meant something else', () => {
  const { bounded } = clockOf('a', 'b');
  const smeared = ['a', 'b'].map((name) =>
    Object.assign(new ScriptedSource(name), { timescale: 'smear-24h' as const }),
  );
  bounded.replaceSources(smeared);
  expect(bounded.explain().voters).toBe(0);
  expect(votesOf(bounded)).toEqual([
    ['a', 'pending'],
    ['b', 'pending'],
  ]);
});

test('a source that cannot start changes nothing', () => {
  const { sources, bounded } = clockOf('a', 'b');
  const good = new ScriptedSource('c');
  const bad: TimeSource = {
    name: 'bad',
    start: (_: SourceSink) => {
      throw new Error('no socket');
    },
  };
  expect(() => bounded.replaceSources([good, bad])).toThrow('no socket');
  expect(good.stops).toBe(1);
  expect(sources.map(({ stops }) => stops)).toEqual([0, 0]);
  expect(votesOf(bounded).map(([id]) => id)).toEqual(['a', 'b']);
});

test('misuse is what it is at the start, and changes nothing', () => {
  const { bounded } = clockOf('a', 'b');
  expect(() => bounded.replaceSources([])).toThrow('sources must be at least one source');
  expect(() => bounded.replaceSources([{} as never])).toThrow('sources[0] must be a TimeSource');
  expect(votesOf(bounded).map(([id]) => id)).toEqual(['a', 'b']);
});

test('after a stop nothing is started', () => {
  const { bounded } = clockOf('a');
  bounded.stop();
  const late = new ScriptedSource('b');
  bounded.replaceSources([late]);
  expect(late.starts).toBe(0);
});
