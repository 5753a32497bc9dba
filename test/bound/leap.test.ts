import { describe, expect, test } from 'vitest';
import type { ClockSample, LeapWarning } from '../../src/bound/clock-sample.ts';
import { LeapWatch, leapFollowing, mayHoldLeap } from '../../src/bound/leap.ts';
import { type ExpectedLeap, expectedLeap } from '../../src/bound/leap-seconds.ts';
import { newSourceState, type SourceState } from '../../src/bound/source-state.ts';
import { asUnixNs, type UnixNs } from '../../src/time/instant.ts';

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;
/** The ends of December 2026 and of January 2027. */
const END = at(1_798_761_600n * SECOND);
const NEXT_END = at(1_801_440_000n * SECOND);
/** Near the end of December: doubles are 256 ns apart there. */
const STEP = 256;

function at(ns: bigint): UnixNs {
  return asUnixNs(ns);
}

/** A source with data, an hour before the end of the month by its own account. */
function announcing(leap: LeapWarning, more: Partial<SourceState> = {}): SourceState {
  const source = newSourceState('a');
  source.cone.known = true;
  const announcedFor = leap === 'none' ? undefined : END;
  return Object.assign(source, { leap, announcedFor, saidNs: Number(END) - 3600e9 }, more);
}

/** As {@link announcing}, without data. */
function silent(leap: LeapWarning): SourceState {
  const source = announcing(leap);
  source.cone.forget();
  return source;
}

const all = (...leaps: LeapWarning[]): SourceState[] => leaps.map((leap) => announcing(leap));
const insertion = expectedLeap(END, ['insert']);
const inDecember = () => at(END - 3600n * SECOND);
const inJanuary = () => at(END + 3600n * SECOND);
const moment = { saidNs: Number(END) - 3600e9 };

test('the month ends with the first instant of the next one', () => {
  expect([END - 1n, END, NEXT_END - 1n, END - 31n * DAY].map(at).map(leapFollowing)).toEqual([
    END,
    NEXT_END,
    NEXT_END,
    END,
  ]);
});

test.each([
  // From, to: relative to the end of the month.
  [-10n * SECOND, -2n * SECOND - 1n, false],
  [-10n * SECOND, -2n * SECOND, true],
  [-10n * SECOND, 10n * SECOND, true],
  [2n * SECOND - 1n, 5n * SECOND, true],
  [2n * SECOND, 5n * SECOND, false],
])('facts from %i ns to %i ns from the end may hold a leap second: %s', (from, to, may) => {
  expect(mayHoldLeap(at(END + from), at(END + to))).toBe(may);
});

describe('the end of the bound', () => {
  function watching(sources: SourceState[], faulty: number, known: ExpectedLeap[] = []): LeapWatch {
    const watch = new LeapWatch(known);
    watch.watch(sources, faulty, moment, inDecember);
    return watch;
  }

  test.each<[SourceState[], number, LeapWarning]>([
    [all('none', 'none', 'none'), 1, 'none'],
    // With f = 1, f + 1 of many; of two the one that may be right.
    [all('insert', 'none', 'none'), 1, 'none'],
    [all('insert', 'insert', 'none'), 1, 'insert'],
    [all('insert', 'insert', 'none', 'none', 'none'), 1, 'insert'],
    [all('insert', 'none'), 1, 'insert'],
    [all('insert'), 1, 'insert'],
    [all('none', 'none'), 2, 'none'],
    // With f = 0 all must announce it that have a say; but not more than one.
    [all('insert', 'none'), 0, 'insert'],
    // One source suffices for a deletion.
    [all('insert', 'insert', 'delete'), 1, 'delete'],
    [all('none', 'none', 'delete'), 1, 'delete'],
    // Who smears or has no data has no say.
    [[announcing('delete', { timescale: 'smear-24h' }), silent('delete')], 0, 'none'],
    [[announcing('insert'), silent('none'), silent('none')], 1, 'insert'],
    [
      [...all('insert', 'none', 'none'), announcing('insert', { timescale: 'smear-24h' })],
      1,
      'none',
    ],
  ])('case %#', (sources, faulty, kind) => {
    const watch = watching(sources, faulty);
    expect(watch.kind).toBe(kind);
    const step = { none: undefined, insert: END, delete: END - SECOND };
    expect(watch.at).toBe(step[kind]);
  });

  test('follows the announcements, for the month that it began with', () => {
    const watch = watching(all('insert'), 0);
    watch.watch(all('delete'), 0, moment, () => expect.fail('the month is known'));
    expect([watch.kind, watch.at]).toEqual(['delete', END - SECOND]);
    watch.watch(all('none'), 0, moment, inDecember);
    expect([watch.kind, watch.at]).toEqual(['none', undefined]);
    watch.watch(all('insert'), 0, moment, inJanuary);
    expect([watch.kind, watch.at]).toEqual(['insert', NEXT_END]);
  });

  test('a known leap second counts from two days before, whatever the sources say', () => {
    const watch = new LeapWatch([insertion]);
    const ahead = (ns: number) => ({ saidNs: Number(END) - ns });
    watch.watch(all('none'), 0, ahead(2 * 86_400e9 + STEP), inDecember);
    expect(watch.kind).toBe('none');
    watch.watch(all('none'), 0, ahead(2 * 86_400e9), inDecember);
    expect([watch.kind, watch.at]).toEqual(['insert', END]);
    // Once due it stays, until the bound is in another month.
    watch.watch(all('none'), 0, ahead(20 * 86_400e9), inDecember);
    expect(watch.kind).toBe('insert');
    watch.watch(all('delete'), 0, ahead(0), inDecember);
    expect([watch.kind, watch.at]).toEqual(['delete', END - SECOND]);
    watch.watch(all('none'), 0, ahead(20 * 86_400e9), inJanuary);
    expect([watch.kind, watch.at]).toEqual(['none', undefined]);
  });

  test('comes when the latest instant reaches the step, once', () => {
    const watch = watching(all('insert'), 0);
    expect(watch.reached(() => at(END - 1n))).toBe(false);
    expect(watch.kind).toBe('insert');
    expect(watch.reached(() => END)).toBe(true);
    expect([watch.kind, watch.at]).toEqual(['none', undefined]);
    expect(watch.reached(() => expect.fail('nothing is announced'))).toBe(false);
  });

  test('of a known leap second comes once, and the next one is that of another month', () => {
    const watch = watching(all('none'), 0, [insertion]);
    expect(watch.reached(() => END)).toBe(true);
    watch.watch(all('none'), 0, { saidNs: Number(NEXT_END) - 5 * 86_400e9 }, inJanuary);
    expect(watch.kind).toBe('none');
  });
});

describe('the time that a server says is ambiguous', () => {
  const ns = [-SECOND - 1n, -SECOND, -1n, 0n, 2n * SECOND - 1n, 2n * SECOND];
  const ambiguous = (watch: LeapWatch, leap: LeapWarning, near?: ExpectedLeap) =>
    ns.map((each) => watch.isAmbiguous(END + each, leap, near));

  test('around a leap second that is expected', () => {
    const watch = new LeapWatch([]);
    expect(ambiguous(watch, 'none')).toEqual(Array(6).fill(false));
    const [no, yes] = [false, true];
    expect(ambiguous(watch, 'none', insertion)).toEqual([no, no, no, yes, yes, no]);
    const either = expectedLeap(END, ['none', 'insert', 'delete']);
    expect(ambiguous(watch, 'none', either)).toEqual([no, yes, yes, yes, yes, no]);
  });

  test('while it still announces the one of the month that has just ended', () => {
    const watch = new LeapWatch([]);
    expect(ambiguous(watch, 'insert')).toEqual([false, false, false, true, true, false]);
  });

  test('after one that ended the bound, until there is a bound again', () => {
    const watch = new LeapWatch([]);
    watch.watch(all('insert'), 0, moment, inDecember);
    watch.reached(() => END);
    expect(ambiguous(watch, 'none')).toEqual([true, true, true, true, true, false]);
    watch.passed();
    expect(ambiguous(watch, 'none')).toEqual(Array(6).fill(false));
  });
});

describe('theta may have stepped', () => {
  const end = Number(END);
  const spans: readonly (readonly [number, number, boolean])[] = [
    [end - 10e9, end - 2e9 - STEP, false],
    [end - 10e9, end - 2e9, true],
    [end - 10e9, end + 10e9, true],
    [end + 1e9 - STEP, end + 10e9, true],
    [end + 1e9, end + 10e9, false],
  ];

  test.each<[string, () => LeapWatch, SourceState[]]>([
    ['is known', () => new LeapWatch([expectedLeap(NEXT_END, ['insert']), insertion]), []],
    ['one source announced', () => new LeapWatch([]), [newSourceState('b'), announcing('insert')]],
    [
      'is expected',
      () => {
        const watch = new LeapWatch([]);
        watch.learn(all('insert'), announcing('none'), 0, inDecember);
        return watch;
      },
      [],
    ],
  ])('at a leap second that %s', (_, make, sources) => {
    const watch = make();
    for (const [from, to, may] of spans) {
      expect(watch.mayLieWithin(from, to, sources), `${from - end} to ${to - end}`).toBe(may);
    }
  });

  test('not without one', () => {
    expect(new LeapWatch([]).mayLieWithin(0, end * 2, all('none'))).toBe(false);
  });
});

describe('what a source announces', () => {
  function noted(said: bigint, leap: LeapWarning, more: Partial<SourceState> = {}): SourceState {
    const source = Object.assign(newSourceState('a'), more);
    const sample = { leap, receivedAt: 5n * SECOND, lowerNs: said - 5n * SECOND };
    new LeapWatch([]).note(source, sample as ClockSample, { saidNs: Number(said) });
    return source;
  }

  test('is about the month that it is in; on its first day about the one before', () => {
    expect(noted(END - SECOND, 'insert')).toMatchObject({
      leap: 'insert',
      announcedFor: END,
      saidNs: Number(END - SECOND),
    });
    expect(noted(END + DAY - 1n, 'delete')).toMatchObject({ leap: 'delete', announcedFor: END });
    expect(noted(END + DAY, 'delete').announcedFor).toBe(NEXT_END);
  });

  test('nothing is announced by one that says so or that smears; what it announced is kept', () => {
    const before = { announcedFor: END, leap: 'insert' as const };
    expect(noted(NEXT_END - SECOND, 'none', before)).toMatchObject({
      leap: 'none',
      announcedFor: END,
    });
    expect(noted(END - SECOND, 'insert', { timescale: 'smear-24h' })).toMatchObject({
      leap: 'none',
      announcedFor: undefined,
      saidNs: Number(END - SECOND),
    });
  });
});

describe('which leap second to expect', () => {
  const smearing = announcing('none', { timescale: 'smear-24h' });
  const heard = silent('none');

  /** What is learned in December from sources that have data. */
  function learned(sources: SourceState[], faulty: number): readonly LeapWarning[] | undefined {
    const watch = new LeapWatch([]);
    const changed = watch.learn(sources, heard, faulty, inDecember);
    expect(changed).toBe(watch.announced !== undefined);
    if (changed) expect(watch.announced).toMatchObject({ monthEnd: END, monthEndNs: Number(END) });
    return watch.announced?.kinds;
  }

  test.each<[SourceState[], number, readonly LeapWarning[] | undefined]>([
    // Certain: more than f announce it.
    [all('insert', 'insert', 'none'), 1, ['insert']],
    [all('delete', 'none', 'none'), 0, ['delete']],
    [all('insert', 'none', 'none'), 1, undefined],
    // Possible: enough to end the bound. It matters only to sources that smear.
    [all('insert', 'none'), 1, undefined],
    [[smearing, ...all('insert', 'none')], 1, ['none', 'insert']],
    [[...all('insert', 'delete'), smearing], 1, ['none', 'insert', 'delete']],
    [[smearing, ...all('insert', 'none', 'none')], 1, undefined],
    // Who smears has no say, nor has one without data, except the one just heard.
    [[announcing('insert', { timescale: 'smear-24h' }), ...all('none')], 0, undefined],
    [[silent('insert'), ...all('none')], 0, undefined],
    // An announcement for another month.
    [[announcing('insert', { announcedFor: NEXT_END })], 0, undefined],
  ])('case %#', (sources, faulty, kinds) => {
    expect(learned(sources, faulty)).toEqual(kinds);
  });

  test('the source just heard counts although it has no data yet', () => {
    const watch = new LeapWatch([]);
    const first = silent('insert');
    expect(watch.learn([first, ...all('none')], first, 0, inDecember)).toBe(true);
    expect(watch.announced?.kinds).toEqual(['insert']);
  });

  test('without an announcement nothing is asked', () => {
    const watch = new LeapWatch([]);
    const asked = () => expect.fail('not needed');
    expect(watch.learn(all('none', 'none'), heard, 1, asked)).toBe(false);
    expect(watch.announced).toBeUndefined();
  });

  test('what is certain stays; what is possible may become more, or certain', () => {
    const watch = new LeapWatch([]);
    expect(watch.learn([smearing, ...all('insert', 'none')], heard, 1, inDecember)).toBe(true);
    expect(watch.learn([smearing, ...all('insert', 'none')], heard, 1, inDecember)).toBe(false);
    // Another kind as well: all that was possible stays.
    expect(watch.learn([smearing, ...all('none', 'delete')], heard, 1, inDecember)).toBe(true);
    expect(watch.announced?.kinds).toEqual(['none', 'insert', 'delete']);
    // Nobody announces it any more: it stays for as long as its day.
    expect(watch.learn([smearing, ...all('none', 'none')], heard, 1, inDecember)).toBe(false);
    expect(watch.announced?.kinds).toEqual(['none', 'insert', 'delete']);
    expect(watch.learn(all('insert', 'insert'), heard, 1, inDecember)).toBe(true);
    expect(watch.announced?.kinds).toEqual(['insert']);
    expect(watch.learn(all('delete', 'delete'), heard, 1, inDecember)).toBe(false);
    expect(watch.announced?.kinds).toEqual(['insert']);
  });

  test('it is forgotten a day after its month, and the next one is another', () => {
    const watch = new LeapWatch([]);
    watch.learn(all('insert'), heard, 0, inDecember);
    expect(watch.learn(all('none'), heard, 0, () => at(END + DAY))).toBe(false);
    expect(watch.announced?.monthEnd).toBe(END);
    const later = () => at(END + DAY + BigInt(STEP));
    expect(watch.learn(all('none'), heard, 0, later)).toBe(false);
    expect(watch.announced).toBeUndefined();
    const next = announcing('insert', { announcedFor: NEXT_END });
    expect(watch.learn([next], heard, 0, later)).toBe(true);
    expect(watch.announced?.monthEnd).toBe(NEXT_END);
  });

  test('weeks before, whatever is announced now is expected', () => {
    const early = () => at(END - 20n * DAY);
    const watch = new LeapWatch([]);
    expect(watch.learn(all('insert'), heard, 0, early)).toBe(true);
    expect(watch.learn(all('insert'), heard, 0, early)).toBe(false);
    expect(watch.learn(all('delete'), heard, 0, early)).toBe(true);
    expect(watch.announced).toMatchObject({ monthEnd: END, kinds: ['delete'] });
    expect(watch.learn(all('none'), heard, 0, early)).toBe(false);
    expect(watch.announced).toBeUndefined();
  });

  test('one that the program knows for another month changes nothing', () => {
    const watch = new LeapWatch([expectedLeap(NEXT_END, ['insert'])]);
    expect(watch.learn(all('insert'), heard, 0, inDecember)).toBe(true);
    expect(watch.announced?.monthEnd).toBe(END);
  });

  test('one that the program knows is not announced once more', () => {
    const watch = new LeapWatch([insertion]);
    expect(watch.learn(all('insert'), heard, 0, inDecember)).toBe(false);
    expect(watch.announced).toBeUndefined();
  });

  describe('without a bound', () => {
    test.each([
      // How far three sources are from the end by their own account, days; f; whether it is near.
      [[1, 1, 1], 1, true],
      [[1, 1, 5], 1, true],
      [[1, 5, 5], 1, false],
      [[1, 1, 5], 2, false],
      [[-1, -1, -1.001], 1, true],
      [[-1.001, -1, 1.001], 1, false],
    ])('more than f sources must be within a day of it: %o, f = %i: %s', (days, faulty, near) => {
      const sources = days.map((day) =>
        announcing('insert', { saidNs: Number(END) - day * 86_400e9 }),
      );
      const watch = new LeapWatch([]);
      expect(watch.learn(sources, heard, faulty, undefined)).toBe(near);
      expect(watch.announced?.kinds).toEqual(near ? ['insert'] : undefined);
    });

    test('those without data do not count, except the one just heard', () => {
      const [first, second] = [announcing('insert'), silent('insert')];
      const watch = new LeapWatch([]);
      expect(watch.learn([first, second], heard, 1, undefined)).toBe(false);
      expect(watch.learn([first, second], second, 1, undefined)).toBe(true);
    });

    test('nor make they possible what matters to a source that smears', () => {
      const far = announcing('none', { timescale: 'smear-24h', saidNs: 0 });
      const watch = new LeapWatch([]);
      const sources = [far, announcing('insert'), silent('none')];
      expect(watch.learn(sources, heard, 1, undefined)).toBe(false);
      expect(watch.learn([...sources, announcing('none')], heard, 1, undefined)).toBe(true);
      expect(watch.announced?.kinds).toEqual(['none', 'insert']);
    });

    test('what was expected stays', () => {
      const watch = new LeapWatch([]);
      watch.learn(all('insert'), heard, 0, undefined);
      const far = announcing('none', { saidNs: 0 });
      expect(watch.learn([far], heard, 0, undefined)).toBe(false);
      expect(watch.announced?.kinds).toEqual(['insert']);
    });
  });

  test('near it are moments within a day, of a known one or an expected one', () => {
    const expected = new LeapWatch([]);
    expected.learn(all('insert'), heard, 0, inDecember);
    for (const watch of [new LeapWatch([insertion]), expected]) {
      const near = [-86_400e9 - STEP, -86_400e9, 0, 86_400e9, 86_400e9 + STEP].map((ns) =>
        watch.near({ saidNs: Number(END) + ns }),
      );
      expect(near.map((leap) => leap?.monthEnd)).toEqual([undefined, END, END, END, undefined]);
    }
    expect(new LeapWatch([]).near(moment)).toBeUndefined();
  });
});
