/**
 * The smear against rational arithmetic that is written here a second time, from the other end: SI
 * seconds in, what each clock shows out.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedLeap, knownLeaps, TABLE_ENDS } from '../../src/bound/leap-seconds.ts';
import { newSourceState } from '../../src/bound/source-state.ts';
import { inUtc, type Timescale, utcAtLeast, utcAtMost } from '../../src/bound/timescale.ts';
import { asUnixNs, monotonicNs } from '../../src/time/instant.ts';
import { EngineHarness, MS, SECOND, sample } from '../kit/samples.ts';

const MONTH_END = asUnixNs(1_893_456_000n * SECOND); // 2030-01-01T00:00:00Z
const NOON = MONTH_END - 43_200n * SECOND;
const KINDS = ['insert', 'delete'] as const;
type Kind = (typeof KINDS)[number];

/** How long the day of the smear lasts, SI s. */
const lasts = (kind: Kind): bigint => (kind === 'insert' ? 86_401n : 86_399n);
/** When theta steps, SI ns after noon. */
const stepNs = (kind: Kind): bigint => (kind === 'insert' ? 43_200n : 43_199n) * SECOND;

/** Unix time minus noon, `si` SI ns after noon. */
function unixAfterNoon(si: bigint, kind: Kind): bigint {
  if (si < stepNs(kind)) return si;
  return kind === 'insert' ? si - SECOND : si + SECOND;
}

/** What the smeared clock shows, as a fraction over {@link lasts}, ns after noon. */
const shownTimesLasts = (si: bigint): bigint => si * 86_400n;

const ceil = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** Around an inserted second Unix time has two meanings. */
const isAmbiguous = (si: bigint, kind: Kind): boolean =>
  kind === 'insert' && si > stepNs(kind) - SECOND && si < stepNs(kind) + SECOND;

describe.each(KINDS)('a second that is smeared from noon to noon (%s)', (kind) => {
  it('is undone exactly, in every second of the day', () => {
    for (let s = 0n; s <= lasts(kind); s++) {
      const si = s * SECOND;
      const exact = NOON + unixAfterNoon(si, kind);
      const numerator = shownTimesLasts(si);
      const up = NOON + ceil(numerator, lasts(kind));
      const down = NOON + numerator / lasts(kind);
      const most = utcAtMost(up, MONTH_END, kind);
      const least = utcAtLeast(down, MONTH_END, kind);
      const clear = !isAmbiguous(si, kind) && si !== stepNs(kind);
      // Both hold, and what the ns of the stamp is worth is all that is lost.
      if (most < exact || least > exact || (clear && (most > exact + 2n || least < exact - 2n))) {
        expect.fail(`${s} s after noon: ${least - exact} to ${most - exact}`);
      }
    }
  });

  it('is rounded outward, by less than a nanosecond', () => {
    const shown = fc.bigInt({ min: 0n, max: 86_400n * SECOND });
    fc.assert(
      fc.property(shown, (s) => {
        // SI ns since noon are s * lasts / 86400; a step is added to the whole.
        const numerator = s * lasts(kind);
        const si = numerator / 86_400n;
        fc.pre(!isAmbiguous(si, kind) && si !== stepNs(kind) && si + 1n !== stepNs(kind));
        const step = unixAfterNoon(si, kind) - si;
        const most = utcAtMost(NOON + s, MONTH_END, kind) - NOON - step;
        const least = utcAtLeast(NOON + s, MONTH_END, kind) - NOON - step;
        expect(most * 86_400n).toBeGreaterThanOrEqual(numerator);
        expect((most - 1n) * 86_400n).toBeLessThan(numerator);
        expect(least * 86_400n).toBeLessThanOrEqual(numerator);
        expect((least + 1n) * 86_400n).toBeGreaterThan(numerator);
      }),
      { seed: 31, numRuns: 2000 },
    );
  });

  it('never goes back, and both facts of one time never cross', () => {
    let most = utcAtMost(NOON - 10n, MONTH_END, kind);
    let least = utcAtLeast(NOON - 10n, MONTH_END, kind);
    const step = 86_400n * SECOND;
    for (let i = 0n; i <= 20_000n; i++) {
      const shown = NOON - 10n + (i * (step + 20n)) / 20_000n;
      const nextMost = utcAtMost(shown, MONTH_END, kind);
      const nextLeast = utcAtLeast(shown, MONTH_END, kind);
      if (nextMost < most || nextLeast < least || nextLeast > nextMost) {
        expect.fail(`at ${shown - NOON}`);
      }
      most = nextMost;
      least = nextLeast;
    }
    expect(most - NOON).toBe(step + 10n);
  });

  it.each([
    ['a second before it begins', -SECOND],
    ['a ns before it begins', -1n],
    ['when it begins', 0n],
    ['when it ends', 86_400n * SECOND],
    ['a ns after it', 86_400n * SECOND + 1n],
    ['a day after it', 172_800n * SECOND],
  ])('%s the two clocks agree', (_, after) => {
    expect(utcAtMost(NOON + after, MONTH_END, kind)).toBe(NOON + after);
    expect(utcAtLeast(NOON + after, MONTH_END, kind)).toBe(NOON + after);
  });

  it.each([
    ['insert', 1n],
    ['insert', 43_199n * SECOND],
    ['delete', 1n],
    ['delete', 43_199n * SECOND],
  ] as const)('(%s) %i ns after noon they do not', (given, after) => {
    const most = utcAtMost(NOON + after, MONTH_END, given);
    const least = utcAtLeast(NOON + after, MONTH_END, given);
    if (given === 'insert') expect(most).toBeGreaterThan(NOON + after);
    else expect(least).toBeLessThan(NOON + after);
  });
});

it('around an inserted second the facts hold under both readings of Unix time', () => {
  // The SI seconds from 43200.001 to 43200.9 of the smeared day.
  for (const shown of [43_199_501n, 43_199_900n, 43_200_400n]) {
    const at = NOON + shown * MS;
    expect(utcAtMost(at, MONTH_END, 'insert')).toBe(MONTH_END);
    const passed = (shown * 86_401n) / 86_400n;
    expect(utcAtLeast(at, MONTH_END, 'insert')).toBeLessThanOrEqual(
      NOON + (passed + 1n) * MS - SECOND,
    );
  }
});

describe('a sample', () => {
  const monotonic = 5n * SECOND;
  const facts = (shown: bigint, half: bigint, gridNs = 0n) => {
    const theta = NOON + shown - monotonic;
    return sample({ sentAt: monotonic, lower: theta - half - gridNs, upper: theta + half });
  };
  const source = (timescale: Timescale) => ({ ...newSourceState('a'), timescale });
  const leap = expectedLeap(MONTH_END, ['insert']);
  const sixHours = 21_600n * SECOND;

  it('of a source that smears is converted at both ends', () => {
    const utc = inUtc(facts(sixHours, MS), source('smear-24h'), leap, 0n)!;
    // A quarter of the smear: the clock is a quarter of a second behind.
    const theta = NOON + sixHours + 250n * MS - monotonic;
    // A millisecond on the smeared clock lasts 11.6 ns longer.
    expect(utc.upperNs).toBe(theta + MS + 12n);
    expect(utc.lowerNs).toBe(theta - MS - 12n);
  });

  it.each(KINDS)('holds at both ends of the grid of a reading (%s)', (kind) => {
    const gridNs = 10n * MS;
    const expected = expectedLeap(MONTH_END, [kind]);
    const said = facts(sixHours, MS);
    const utc = inUtc(said, source('smear-24h'), expected, gridNs)!;
    for (const late of [0n, gridNs]) {
      const at = monotonic + late;
      expect(utc.upperNs + at).toBeGreaterThanOrEqual(
        utcAtMost(at + said.upperNs, MONTH_END, kind),
      );
      expect(utc.lowerNs + at).toBeLessThanOrEqual(utcAtLeast(at + said.lowerNs, MONTH_END, kind));
    }
  });

  it('near a leap second that is only possible holds whether it comes or not', () => {
    const possible = expectedLeap(MONTH_END, ['none', 'insert']);
    const said = facts(sixHours, MS);
    const utc = inUtc(said, source('smear-24h'), possible, 0n)!;
    const certain = inUtc(said, source('smear-24h'), leap, 0n)!;
    expect(utc).toMatchObject({ lowerNs: said.lowerNs, upperNs: certain.upperNs });
  });

  it('in UTC is taken as it is; of an unknown timescale only if its source announces', () => {
    const said = facts(sixHours, MS);
    expect(inUtc(said, source('utc'), leap, 0n)).toBe(said);
    expect(inUtc(said, source('unknown'), leap, 0n)).toBeUndefined();
    const announcing = { ...source('unknown'), announcedFor: MONTH_END };
    expect(inUtc(said, announcing, leap, 0n)).toBe(said);
    const another = { ...source('unknown'), announcedFor: asUnixNs(MONTH_END - SECOND) };
    expect(inUtc(said, another, leap, 0n)).toBeUndefined();
  });
});

describe('known leap seconds', () => {
  it('are those of the table and those of the program', () => {
    const known = knownLeaps([{ month: '2029-12', kind: 'delete' }]);
    expect(known).toHaveLength(28);
    // The first and the last of the list of the IERS, and ours.
    expect(known[0]!.monthEnd).toBe(78_796_800n * SECOND);
    expect(known[26]!.monthEnd).toBe(1_483_228_800n * SECOND);
    expect(known[27]).toEqual(expectedLeap(MONTH_END, ['delete']));
  });

  it.each([
    ['no list', { 0: 1 }, 'leapSeconds must be an array'],
    ['no object', [7], 'leapSeconds[0] must be an object'],
    ['a day', [{ month: '2029-12-31', kind: 'insert' }], 'leapSeconds[0].month must be a month'],
    ['month 13', [{ month: '2029-13', kind: 'insert' }], 'leapSeconds[0].month must be a month'],
    ['a known month', [{ month: TABLE_ENDS, kind: 'insert' }], 'after 2026-06'],
    ['beyond int64', [{ month: '2262-01', kind: 'insert' }], 'after 2026-06'],
    ['no kind', [{ month: '2029-12' }], "leapSeconds[0].kind must be 'insert' or 'delete'"],
    [
      'one twice',
      [
        { month: '2029-12', kind: 'insert' },
        { month: '2029-12', kind: 'insert' },
      ],
      'leapSeconds[1].month must be listed once',
    ],
  ])('refuse %s', (_, value, message) => {
    expect(() => knownLeaps(value as never)).toThrow(message);
  });
});

describe('what the engine expects', () => {
  const five = ['a', 'b', 'c', 'd', 'e'];
  /** Two hours before noon, and the same in the afternoon. */
  const before = -7200n * SECOND;
  const within = 7200n * SECOND;
  const timescales: Record<string, Timescale> = {
    a: 'utc',
    b: 'utc',
    c: 'utc',
    d: 'smear-24h',
    e: 'smear-24h',
  };

  /** All five sources say at `now` what their clocks show then; the first `announcing` announce. */
  function round(
    harness: EngineHarness,
    at: bigint,
    now: bigint,
    announcing: number,
    scales = timescales,
  ): string[] {
    return five.map((from, i) => {
      const passed = at + now;
      const smeared = passed < 0n ? passed : (passed * 86_400n) / 86_401n;
      const shown = NOON + (scales[from] === 'utc' ? passed : smeared);
      const theta = shown - now;
      return harness.ingest({
        from,
        sentAt: now,
        lower: theta - MS,
        upper: theta + MS,
        leap: i < announcing ? 'insert' : 'none',
        timescale: scales[from]!,
      });
    });
  }
  /** The bound minus the truth. */
  const error = (harness: EngineHarness, at: bigint, now: bigint) => {
    const bound = harness.at(now);
    return typeof bound === 'string' ? bound : bound.map((edge) => edge - NOON - at);
  };

  it('more than f announcements in time: converted from the first second of the smear on', () => {
    const harness = new EngineHarness(five);
    expect(round(harness, before - 86_400n * SECOND, 0n, 3).at(-1)).toBe('bounded');
    const now = 86_400n * SECOND + 9000n * SECOND;
    harness.tick(now);
    round(harness, before - 86_400n * SECOND, now, 3);
    expect(round(harness, before - 86_400n * SECOND, now, 3)).not.toContain('refuted');
    const [lo, hi] = error(harness, before - 86_400n * SECOND, now) as bigint[];
    expect([lo! > -2n * MS, lo! <= 0n, hi! >= 0n, hi! < 2n * MS]).toEqual([true, true, true, true]);
    expect(harness.source('d').agrees).toBe(true);
  });

  it('learned within the smear: what was taken for UTC is dropped, and the next round agrees', () => {
    const harness = new EngineHarness(five, { maxFaulty: 2 });
    // Nobody announces, so the two that smear are falsetickers.
    round(harness, within, 0n, 0);
    expect(harness.engine.bounded).toBe(true);
    expect(harness.source('d').agrees).toBe(false);
    const { era } = harness.engine;
    // One of three honest announcers is enough to expect it, and more than f = 2 to be certain.
    expect(round(harness, within, SECOND, 3)).toEqual([
      ...['waiting', 'waiting', 'waiting', 'waiting'],
      'bounded',
    ]);
    expect(harness.engine.era).toBe(era + 1n);
    expect(harness.engine.expectedLeap?.kinds).toEqual(['insert']);
    expect(five.map((id) => harness.source(id).agrees)).toEqual([true, true, true, true, true]);
  });

  it('learned before there is a bound: the sources in doubt are asked once more', () => {
    const harness = new EngineHarness(['e', 'd', 'a', 'b', 'c'], { maxFaulty: 2 });
    for (const announcing of [3, 3]) {
      for (const from of ['e', 'd', 'a', 'b', 'c']) {
        const isPlain = timescales[from] === 'utc';
        const theta = NOON + (isPlain ? within : (within * 86_400n) / 86_401n);
        harness.ingest({
          from,
          sentAt: 0n,
          lower: theta - MS,
          upper: theta + MS,
          leap: isPlain && announcing > 0 ? 'insert' : 'none',
          timescale: timescales[from]!,
        });
      }
      if (harness.engine.bounded) break;
    }
    expect(harness.engine.bounded).toBe(true);
    expect(harness.source('e').agrees && harness.source('a').agrees).toBe(true);
  });

  it('the announcements of a source that smears count for nothing', () => {
    const harness = new EngineHarness(five, { maxFaulty: 2 });
    const scales = { ...timescales, c: 'smear-24h' as const };
    // Two that may, and one that may not: not more than f, so nothing is certain.
    round(harness, before, 0n, 3, scales);
    round(harness, before, SECOND, 3, scales);
    expect(harness.source('c').leap).toBe('none');
    expect(harness.engine.expectedLeap?.kinds).toEqual(['none', 'insert']);
  });

  it('an insertion that one of one may announce ends the bound', () => {
    const harness = new EngineHarness(['a', 'd', 'e'], { maxFaulty: 1 });
    const theta = MONTH_END - 10n * SECOND;
    const say = (from: string, timescale: Timescale, leap: 'insert' | 'none') =>
      harness.ingest({
        from,
        sentAt: 0n,
        lower: theta - SECOND,
        upper: theta + SECOND,
        leap,
        timescale,
      });
    say('d', 'utc', 'none');
    say('e', 'utc', 'none');
    say('a', 'utc', 'insert');
    // One of three plain ones is not more than f = 1.
    expect(harness.engine.leapAt).toBeUndefined();
    const smeared = new EngineHarness(['a', 'd', 'e'], { maxFaulty: 1 });
    for (let i = 0n; i < 3n; i++) {
      for (const from of ['d', 'e', 'a']) {
        const plain = from === 'a';
        smeared.ingest({
          from,
          sentAt: i,
          lower: theta - SECOND,
          upper: theta + SECOND,
          leap: plain ? 'insert' : 'none',
          timescale: plain ? 'utc' : 'smear-24h',
        });
      }
    }
    expect(smeared.engine.leapAt).toBe(MONTH_END);
  });

  it.each([
    [1n, 'unknown-timescale'],
    [-1n, 'bounded'],
  ])('a source of unknown timescale, %d s into the day before: %s', (seconds, outcome) => {
    const known = [expectedLeap(MONTH_END, ['insert'])];
    const harness = new EngineHarness(['a'], { knownLeaps: known });
    const theta = MONTH_END - 86_400n * SECOND + seconds * SECOND;
    const facts = { sentAt: 0n, lower: theta, upper: theta + MS, timescale: 'unknown' as const };
    expect(harness.ingest(facts)).toBe(outcome);
    expect(harness.engine.voters).toBe(outcome === 'bounded' ? 1 : 0);
    // A day after the leap second it counts again.
    const later = MONTH_END + 86_400n * SECOND + seconds * SECOND;
    const after = { sentAt: 0n, lower: later, upper: later + MS, timescale: 'unknown' as const };
    const harness2 = new EngineHarness(['a'], { knownLeaps: known });
    expect(harness2.ingest(after)).toBe(seconds > 0n ? 'bounded' : 'unknown-timescale');
  });

  it.each([
    ['insert', -1n, 'bounded'],
    ['insert', 0n, 'waiting'],
    ['insert', 2n * SECOND - 1n, 'waiting'],
    ['insert', 2n * SECOND, 'bounded'],
    ['delete', -SECOND - 1n, 'bounded'],
    ['delete', -SECOND, 'waiting'],
    ['delete', 2n * SECOND, 'bounded'],
  ] as const)(
    'at a start, with %s, a server that says %i ns past the end of a known month: %s',
    (kind, past, outcome) => {
      const said = MONTH_END + past;
      const knownLeaps = [expectedLeap(MONTH_END, [kind])];
      const harness = new EngineHarness(['a'], { knownLeaps });
      expect(harness.ingest({ sentAt: 0n, lower: said, upper: said })).toBe(outcome);
    },
  );

  it('a known leap second ends the bound, though nobody announces it', () => {
    const knownLeaps = [expectedLeap(MONTH_END, ['insert'])];
    const harness = new EngineHarness(['a'], { knownLeaps });
    const theta = MONTH_END - 10n * SECOND;
    harness.ingest({ sentAt: 0n, lower: theta - MS, upper: theta + MS });
    expect(harness.engine.leapAt).toBe(MONTH_END);
    harness.tick(9_999n * MS);
    expect(harness.at(9_999n * MS)).toBe('leap-second');
    // A server that has not carried it out is not believed, though it announces nothing.
    const late = { sentAt: 11_999n * MS, lower: theta - MS, upper: theta + MS };
    expect(harness.ingest(late)).toBe('waiting');
    const now = 13_100n * MS;
    const done = { sentAt: now, lower: theta - SECOND - MS, upper: theta - SECOND + MS };
    expect(harness.ingest(done)).toBe('bounded');
    expect(harness.engine.leapAt).toBeUndefined();
  });

  it('a known leap second ends a bound that is a day old when it comes', () => {
    const knownLeaps = [expectedLeap(MONTH_END, ['insert'])];
    const harness = new EngineHarness(['a'], { knownLeaps, expireAfterNs: 86_400e9 });
    const theta = MONTH_END - 86_410n * SECOND;
    harness.ingest({ sentAt: 0n, lower: theta - MS, upper: theta + MS });
    expect(harness.engine.leapAt).toBe(MONTH_END);
  });
});

describe('what was said before a leap second, while there is no bound', () => {
  const kinds = ['insert', 'delete'] as const;
  const theta = MONTH_END - 5n * SECOND;
  const afterOf = (kind: 'insert' | 'delete') => theta + (kind === 'insert' ? -SECOND : SECOND);

  it.each(kinds)('%s, known: the next bound does not rest on it', (kind) => {
    const knownLeaps = [expectedLeap(MONTH_END, [kind])];
    const harness = new EngineHarness(['a', 'b'], { knownLeaps });
    harness.ingest({ from: 'a', sentAt: 0n, lower: theta - MS, upper: theta + MS });
    expect(harness.engine.miss('b', monotonicNs(6n * SECOND))).toBe('waiting');
    expect(harness.at(6n * SECOND)).toBe('too-few-sources');
    const now = 9n * SECOND;
    const after = { lower: afterOf(kind) - MS, upper: afterOf(kind) + MS };
    expect(harness.ingest({ from: 'a', sentAt: now, ...after })).toBe('bounded');
  });

  it.each(kinds)('%s, announced by one source of many: as well', (kind) => {
    const harness = new EngineHarness(['a', 'b', 'c', 'd']);
    for (const from of ['a', 'b']) {
      const leap = from === 'a' ? kind : 'none';
      harness.ingest({ from, sentAt: 0n, lower: theta - MS, upper: theta + MS, leap });
    }
    for (const id of ['c', 'd']) harness.engine.miss(id, monotonicNs(6n * SECOND));
    expect(harness.engine.voters).toBe(0);
    expect(harness.engine.bounded).toBe(false);
  });

  it('at the step itself: a source that is heard then no longer votes', () => {
    const harness = new EngineHarness(['a', 'b']);
    const said = { from: 'a', lower: theta - MS, upper: theta + MS };
    harness.ingest({ ...said, sentAt: 0n });
    expect(harness.engine.voters).toBe(1);
    const late = { ...said, sentAt: 5n * SECOND + MS, leap: 'insert' as const };
    expect(harness.ingest(late)).toBe('waiting');
    expect(harness.engine.voters).toBe(0);
  });
});
