import { describe, expect, test } from 'vitest';
import { ansiPaint, plainPaint, widthOf } from '../../src/cli/paint.ts';
import { reportJson } from '../../src/cli/report.ts';
import { reachBits, screen, sourceTable, type View } from '../../src/cli/screen.ts';
import { statusLine } from '../../src/cli/status-line.ts';
import {
  describeEvent,
  describeFailure,
  describeParts,
  describeProfile,
  describeQuorum,
} from '../../src/cli/wording.ts';
import { unixNs } from '../../src/time/instant.ts';
import { anExplanation, aSource, intervalAround, NOON_NS } from '../kit/explanation.ts';

const LIAR = aSource(40_005, {
  verdict: 'falseticker',
  interval: intervalAround(NOON_NS + 250_000_000n, 1_200_000n),
});
const WITH_LIAR = anExplanation({ sources: [...anExplanation().sources, LIAR] });
const NO_BOUND = anExplanation({
  reading: { status: 'unsynchronized', reason: 'too-few-sources' },
  uncertaintyNs: undefined,
  parts: undefined,
  voters: 1,
  sources: [
    aSource(1, { verdict: 'undecided' }),
    aSource(2, {
      verdict: 'silent',
      interval: undefined,
      reach: 0,
      accepted: 0,
      misses: { timeout: 2 },
      lastReason: 'timeout',
      lastDelayNs: undefined,
      sourceName: 'ntp://time.example.net:123',
    }),
  ],
});

const view = (given: Partial<View> = {}): View => ({
  headline: ['True to this test.', 'Five servers.'],
  elapsedMs: 12_345,
  explanation: WITH_LIAR,
  history: [1_000_000n, 1_100_000n],
  events: [{ elapsedMs: 2000, text: 'synchronized' }],
  ...given,
});

describe('the screen', () => {
  const lines = screen(view(), { columns: 80, rows: 24 }, plainPaint);

  test('begins with what its time is true to', () => {
    expect(lines[0]).toBe('True to this test.');
  });

  test('states status, quorum and time since the start', () => {
    expect(lines[3]).toBe(
      ' ● synchronized  quorum full: 5 vote, at most 2 wrong                      12 s',
    );
  });

  test('states both ends to the nanosecond, epsilon over time with its scale, and its parts', () => {
    expect(lines.slice(5, 9)).toEqual([
      '   earliest  2026-11-21T00:23:07.533318003Z',
      '   latest    2026-11-21T00:23:07.535518003Z',
      '   epsilon   ± 1.100 ms  ▁█  1.000 ms to 1.100 ms',
      '           = server error 1.015 ms + drift 60.00 µs + path delay 42.00 µs - agr…',
    ]);
  });

  test('marks the falseticker, with its offset and the reason', () => {
    const [honest, liar] = [lines[11], lines[15]];
    expect(honest).toBe(' ✓  127.0.0.1:40001  agrees       ▪      84.22 µs      +0 ns');
    expect(liar).toBe(
      ' ✗  127.0.0.1:40005  falseticker  ▪      84.22 µs  +250.0 ms  outside bound',
    );
  });

  test('ends with the changes', () => {
    expect(lines.slice(16)).toEqual(['', '     2 s  synchronized']);
  });

  test('shows the changes of the last lines only, and none where there is no room', () => {
    const events = Array.from({ length: 10 }, (_, i) => ({ elapsedMs: i * 1000, text: `e${i}` }));
    const tall = screen(view({ events }), { columns: 80, rows: 40 }, plainPaint);
    expect(tall.slice(-6).map((line) => line.trim().slice(-2))).toEqual([
      'e4',
      'e5',
      'e6',
      'e7',
      'e8',
      'e9',
    ]);
    const low = screen(view({ events }), { columns: 80, rows: 17 }, plainPaint);
    expect(low.at(-1)).toContain('falseticker');
  });

  test.each([20, 40, 60, 80, 100, 120, 200])('fits %d columns, painted or not', (columns) => {
    for (const explanation of [WITH_LIAR, NO_BOUND]) {
      for (const paint of [plainPaint, ansiPaint]) {
        const history = Array.from({ length: 300 }, (_, i) => BigInt(i + 1) * 1000n);
        const drawn = screen(view({ explanation, history }), { columns, rows: 12 }, paint);
        expect(drawn.length).toBeLessThanOrEqual(12);
        for (const line of drawn) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('without a bound there is no interval but the reason', () => {
    const drawn = screen(view({ explanation: NO_BOUND }), { columns: 80, rows: 24 }, plainPaint);
    expect(drawn[3]).toContain(' ● unsynchronized  1 of 2 sources vote');
    expect(drawn.join('\n')).toContain('no interval: too-few-sources');
    expect(drawn.join('\n')).not.toContain('earliest');
  });

  test('the setting that mends a wide interval comes first; other advice is below, and is wrapped', () => {
    const explanation = anExplanation({
      advice: [
        "hostClock: 'free-running' turns ± 69 ms into about ± 1 ms",
        'the wall clock is 137 ms outside the bound, and the interval includes it',
      ],
      refuted: { assumption: 'A1', agoNs: 3_000_000_000n },
    });
    const drawn = screen(view({ explanation }), { columns: 40, rows: 30 }, plainPaint);
    expect(drawn.slice(0, 3)).toEqual([
      "hostClock: 'free-running' turns ± 69 ms",
      'into about ± 1 ms',
      'True to this test.',
    ]);
    expect(drawn.slice(11, 15)).toEqual([
      '   assumption A1 was contradicted 3.000',
      '   s ago',
      '   the wall clock is 137 ms outside the',
      '   bound, and the interval includes it',
    ]);
  });

  test('without an interval all advice is below: it is about the sources', () => {
    const explanation = { ...NO_BOUND, advice: ['1 of 2 sources can be used'] };
    const drawn = screen(view({ explanation }), { columns: 80, rows: 30 }, plainPaint);
    expect(drawn[0]).toBe('True to this test.');
    expect(drawn).toContain('   1 of 2 sources can be used');
  });

  test('the digits on which the two ends differ are painted apart', () => {
    const drawn = screen(view(), { columns: 80, rows: 24 }, ansiPaint);
    expect(drawn[5]).toContain('\x1b[1m2026-11-21T00:23:07.53\x1b[22m\x1b[36m3318003Z\x1b[39m');
  });
});

describe('the table of sources', () => {
  test('at full width has intervals on one axis, names and reasons', () => {
    const lines = sourceTable(NO_BOUND, { width: 160, paint: plainPaint });
    expect(lines).toEqual([
      '    source       name              verdict    reach     delay  offset         ±  reason',
      ' ·  127.0.0.1:1  127.0.0.1:1       undecided  ▪      84.22 µs          1.200 ms  no bound to compare with',
      ' ·  127.0.0.1:2  time.example.net  silent     ▫▫                                 timeout',
    ]);
    const [, honest, , , , liar] = sourceTable(WITH_LIAR, { width: 160, paint: plainPaint });
    expect(honest).toMatch(/ {9}━{7}$/);
    expect(liar).toMatch(/▶ {2}outside bound$/);
  });

  test.each([
    [{ reach: 0b1011, accepted: 3, misses: { timeout: 1 } }, '▪▫▪▪'],
    [{ reach: 0b1111_0111, accepted: 20, misses: { timeout: 3 } }, '▪▪▪▪▫▪▪▪'],
    [{ reach: 0, accepted: 0, misses: {} }, ''],
    [{ reach: 0, accepted: 0, misses: { stratum: 1, timeout: 1 } }, '▫▫'],
  ])('reach of %o: newest on the right, as many as there were polls', (given, bits) => {
    expect(reachBits(aSource(1, given))).toBe(bits);
  });
});

describe('the line', () => {
  test('stands on its own', () => {
    expect(statusLine(WITH_LIAR, 3000, plainPaint)).toBe(
      '     3 s  ● synchronized  2026-11-21T00:23:07.534418003Z ± 1.100 ms  4 of 5 agree  ' +
        '127.0.0.1:40005 falseticker +250.0 ms',
    );
  });

  test('covers an interval whose middle is no whole nanosecond', () => {
    const reading = {
      status: 'holdover' as const,
      quorum: 'partial' as const,
      interval: intervalAround(NOON_NS, 0n),
    };
    const { earliest, latest } = reading.interval;
    const uneven = { ...reading, interval: { earliest, latest: latest + 3n, toJSON: () => ({}) } };
    const line = statusLine(anExplanation({ reading: uneven as never }), 0, plainPaint);
    expect(line).toContain('.534418004Z ± 2 ns');
  });

  test('says why there is no bound', () => {
    expect(statusLine(NO_BOUND, 0, plainPaint)).toBe(
      '     0 s  ● unsynchronized  too-few-sources  127.0.0.1:1 undecided  127.0.0.1:2 silent',
    );
  });
});

describe('the report', () => {
  const report = JSON.parse(
    reportJson({
      explanation: WITH_LIAR,
      trueTo: 'this-machine',
      elapsedMs: 1000.4,
      events: [{ type: 'falseticker', status: 'synchronized', sourceId: 'a', present: true }],
    }),
  );

  test('has the status on top and every int64 as a decimal string', () => {
    expect(report).toMatchObject({
      status: 'synchronized',
      quorum: 'full',
      interval: { earliest: '1795220587533318003', latest: '1795220587535518003' },
      uncertaintyNs: '1100000',
      trueTo: 'this-machine',
      elapsedMs: 1000,
      events: [{ type: 'falseticker', sourceId: 'a', present: true }],
    });
  });

  test('has each source with its verdict and offset', () => {
    expect(report.sources).toHaveLength(5);
    expect(report.sources[4]).toMatchObject({
      sourceId: 'ntp://127.0.0.1:40005',
      verdict: 'falseticker',
      offsetNs: '250000000',
    });
  });

  test('has a reason and no interval without a bound', () => {
    const input = { explanation: NO_BOUND, trueTo: 'sources', elapsedMs: 0, events: [] } as const;
    const without = JSON.parse(reportJson(input));
    expect(without).toMatchObject({ status: 'unsynchronized', reason: 'too-few-sources' });
    expect(without).not.toHaveProperty('interval');
    expect(without).not.toHaveProperty('uncertaintyNs');
  });
});

describe('in words', () => {
  test('quorum', () => {
    expect(describeQuorum(WITH_LIAR)).toBe('quorum full: 5 vote, at most 2 wrong');
    expect(describeQuorum(anExplanation({ voters: 1, maxFaulty: 0 }))).toBe(
      'quorum full: 1 votes, none may be wrong',
    );
  });

  test('the parts of epsilon that matter, largest first', () => {
    const { parts } = anExplanation();
    expect(describeParts(anExplanation())).toBe(
      'server error 1.015 ms + drift 60.00 µs + path delay 42.00 µs - agreement 17.28 µs',
    );
    const guarded = { ...parts!, wallGuardNs: 137_000_000n, agreementNs: -100_000_000n };
    expect(describeParts(anExplanation({ parts: guarded, uncertaintyNs: 38_000_000n }))).toBe(
      'wall guard 137.0 ms - agreement 100.0 ms + server error 1.015 ms',
    );
  });

  test('changes', () => {
    const status = 'unsynchronized';
    expect(
      describeEvent({ type: 'status', status, from: 'synchronized', reason: 'no-agreement' }),
    ).toBe('unsynchronized: no-agreement');
    const refuted = { type: 'refuted', status, maxDriftPpm: 400.0800160032006 } as const;
    expect(describeEvent({ ...refuted, assumption: 'A1', wanderPpmPerSecond: undefined })).toBe(
      'the observations contradict assumption A1; rate bound 400.1 ppm',
    );
    expect(describeEvent({ ...refuted, assumption: 'A2', wanderPpmPerSecond: 0.2 })).toBe(
      'the observations contradict assumption A2; wander bound 0.2 ppm/s',
    );
    expect(describeEvent({ type: 'widening', status, inMs: 2500, at: unixNs(0n) })).toBe(
      'without samples the bound will be too wide in 2.500 s',
    );
    expect(describeEvent({ type: 'widening', status, inMs: undefined, at: undefined })).toBe(
      'the bound is no longer about to become too wide',
    );
    expect(
      describeEvent({ type: 'falseticker', status, sourceId: 'ntp://a:123', present: false }),
    ).toBe('a is no longer a falseticker');
    const because = ['process 7 is called ntpd', 'process 8 is called ptp4l'];
    expect(describeEvent({ type: 'profile', status, hostClock: 'disciplined', because })).toBe(
      'host clock disciplined: process 7 is called ntpd; process 8 is called ptp4l',
    );
  });

  test('who adjusts the clock, and what that rests on', () => {
    const detected = { conclusion: 'unknown', because: ['a', 'b'], lookedAgoNs: 7n } as const;
    expect(describeProfile(anExplanation())).toBe('Host clock: disciplined.');
    const profile = { hostClock: 'disciplined', detected } as const;
    expect(describeProfile(anExplanation({ profile }))).toBe(
      'Host clock: disciplined, detected: a; b.',
    );
  });

  test('why there is no bound: what each source said', () => {
    expect(describeFailure(NO_BOUND)).toBe(
      'unsynchronized: too-few-sources (127.0.0.1:1 answered, time.example.net (127.0.0.1:2) timeout)',
    );
    const refused = aSource(3, { lastReason: 'unreachable', lastCause: 'ECONNREFUSED' });
    expect(describeFailure({ ...NO_BOUND, sources: [refused] })).toBe(
      'unsynchronized: too-few-sources (127.0.0.1:3 unreachable: ECONNREFUSED)',
    );
  });

  test('why there is no bound although all answered: how far they differ', () => {
    const reading = { status: 'unsynchronized', reason: 'no-agreement' } as const;
    const advice = ['they differ by 250 ms', 'more'];
    expect(describeFailure({ ...NO_BOUND, reading, advice, sources: [aSource(1)] })).toBe(
      'unsynchronized: no-agreement (127.0.0.1:1 answered); they differ by 250 ms',
    );
    expect(describeFailure({ ...NO_BOUND, advice, sources: [aSource(1)] })).not.toContain('250 ms');
  });
});
