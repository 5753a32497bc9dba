/** What the clock does with the timescale of a source. The engine: bound/timescale.test.ts. */
import { BoundedClock, type LeapSecond, type Timescale } from 'epsilon-clock';
import { expect, it } from 'vitest';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const SECOND = 1_000_000_000n;
const MONTH_END = 1_893_456_000n * SECOND; // 2030-01-01T00:00:00Z
const LISTED: readonly LeapSecond[] = [{ month: '2029-12', kind: 'insert' }];
/** Six hours after noon a smeared clock has fallen behind by a quarter of a second. */
const SIX_O_CLOCK = MONTH_END - 21_600n * SECOND;
const BEHIND = 250_000_000n;

/** `source` under a label. */
const labelled = (source: ScriptedSource, timescale?: Timescale) => ({
  name: source.name,
  role: source.role,
  timescale,
  start: source.start.bind(source),
});

it.each([
  ['an unknown timescale', { timescale: 'tai' }, {}, /sources\[0\].timescale must be 'utc'/],
  ['a timescale of another type', { timescale: 7 }, {}, /sources\[0\].timescale must be/],
  ['a bad list', {}, { leapSeconds: 'none' }, /leapSeconds must be an array/],
  [
    'a misspelt field',
    {},
    { leapSeconds: [{ month: '2029-12', kind: 'insert', knd: 'delete' }] },
    /did you mean kind/,
  ],
  ['a known month', {}, { leapSeconds: [{ month: '2016-12', kind: 'insert' }] }, /after 2026-06/],
])('%s is refused, and nothing is started', (_, label, options, message) => {
  const source = new ScriptedSource('a');
  const sources = [{ ...labelled(source), ...label } as never];
  expect(() =>
    BoundedClock.start({ sources, clock: new HandClock(), ...(options as object) }),
  ).toThrow(message);
  expect(source.starts).toBe(0);
});

it('a source that smears is taken at its word, in UTC', () => {
  const clock = new HandClock({ wall: SIX_O_CLOCK });
  const source = new ScriptedSource('a');
  const sources = [labelled(source, 'smear-24h')];
  const bounded = BoundedClock.start({ sources, clock, leapSeconds: LISTED });
  source.reply(clock, { theta: clock.wallOffset - BEHIND });
  const { earliest, latest } = bounded.now();
  const truth = clock.wallNs();
  expect(earliest <= truth && truth <= latest).toBe(true);
  expect(latest - earliest).toBeLessThan(SECOND / 20n);
  expect(bounded.explain().sources[0]).toMatchObject({ timescale: 'smear-24h', verdict: 'agrees' });
  bounded.stop();
});

it('a source without a label is a miss near a leap second, until it announces it', () => {
  const clock = new HandClock({ wall: SIX_O_CLOCK });
  const source = new ScriptedSource('a');
  const bounded = BoundedClock.start({ sources: [source], clock, leapSeconds: LISTED });
  source.reply(clock, { theta: clock.wallOffset });
  expect(bounded.explain()).toMatchObject({ voters: 0 });
  expect(bounded.explain().sources[0]).toMatchObject({
    ...{ timescale: 'unknown', accepted: 0, votes: false },
    ...{ misses: { 'unknown-timescale': 1 }, lastReason: 'unknown-timescale' },
  });
  source.reply(clock, { theta: clock.wallOffset, leap: 'insert' });
  expect(bounded.explain().sources[0]).toMatchObject({ accepted: 1, verdict: 'agrees' });
  expect(bounded.now().latest).toBeLessThan(MONTH_END);
  bounded.stop();
});

it('a lone miss of that kind completes the first bound of the others', () => {
  const clock = new HandClock({ wall: SIX_O_CLOCK });
  const plain = ['a', 'b'].map((name) => new ScriptedSource(name));
  const unlabelled = new ScriptedSource('c');
  const sources = [...plain.map((source) => labelled(source, 'utc')), labelled(unlabelled)];
  const bounded = BoundedClock.start({ sources, clock, leapSeconds: LISTED });
  for (const source of plain) source.reply(clock, { theta: clock.wallOffset });
  expect(bounded.tryNow()).toBeUndefined();
  unlabelled.reply(clock, { theta: clock.wallOffset });
  expect(bounded.tryNow()).toBeDefined();
  bounded.stop();
});

it('of two sources that lead to one endpoint, the first decides', () => {
  const clock = new HandClock({ wall: SIX_O_CLOCK });
  const [first, second] = [new ScriptedSource('a'), new ScriptedSource('a')];
  const sources = [labelled(first, 'smear-24h'), labelled(second, 'utc')];
  const bounded = BoundedClock.start({ sources, clock, leapSeconds: LISTED });
  second.reply(clock, { theta: clock.wallOffset - BEHIND });
  const { earliest, latest } = bounded.now();
  expect(earliest <= clock.wallNs() && clock.wallNs() <= latest).toBe(true);
  bounded.stop();
});

it.each([
  ['utc', 0n, 'synchronized'],
  ['smear-24h', BEHIND, 'synchronized'],
  ['utc', BEHIND, 'unsynchronized'],
  // What it says may be smeared, so it cannot object.
  ['unknown', BEHIND, 'synchronized'],
] as const)('a witness that says %s, and is %i ns behind: %s', (timescale, behind, status) => {
  const clock = new HandClock({ wall: SIX_O_CLOCK });
  const source = new ScriptedSource('a');
  const witness = new ScriptedSource('w', 'witness');
  const sources = [labelled(source, 'utc'), labelled(witness, timescale)];
  const bounded = BoundedClock.start({ sources, clock, leapSeconds: LISTED });
  source.reply(clock, { theta: clock.wallOffset });
  witness.reply(clock, { theta: clock.wallOffset - behind });
  expect(bounded.read().status).toBe(status);
  expect(bounded.explain().witnesses[0]!.timescale).toBe(timescale);
  bounded.stop();
});
