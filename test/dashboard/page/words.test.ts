/** Every word of the library has a sentence for newcomers. */
import { expect, test } from 'vitest';
import { type Assumption, NO_BOUND_REASONS } from '../../../src/bound/bound.ts';
import type { SourceVerdict, WitnessVerdict } from '../../../src/bounded-clock/explain.ts';
import type { ClockStatus } from '../../../src/bounded-clock/reading.ts';
import {
  ASSUMPTIONS,
  isGrave,
  labelOf,
  PARTS,
  REASONS,
  STANDSTILLS,
  STATUSES,
  sentenceOf,
  titleOf,
  VERDICTS,
} from '../../../src/dashboard/page/words.ts';
import type { Row } from '../../../src/dashboard/wire.ts';
import { anExplanation } from '../../kit/explanation.ts';

const VERDICTS_OF_THE_LIBRARY: Readonly<Record<SourceVerdict | WitnessVerdict, true>> = {
  agrees: true,
  falseticker: true,
  suspect: true,
  silent: true,
  refused: true,
  undecided: true,
  pending: true,
  contradicts: true,
};
const ASSUMPTIONS_OF_THE_LIBRARY: Readonly<Record<Assumption, true>> = {
  A0: true,
  A1: true,
  'A0-or-A1': true,
  A2: true,
  A3: true,
};
const STATUSES_OF_THE_LIBRARY: Readonly<Record<ClockStatus, true>> = {
  synchronized: true,
  holdover: true,
  unsynchronized: true,
  disrupted: true,
};

test('every status, reason, verdict, assumption and part is explained', () => {
  expect(Object.keys(ASSUMPTIONS).sort()).toEqual(Object.keys(ASSUMPTIONS_OF_THE_LIBRARY).sort());
  expect(Object.keys(STATUSES).sort()).toEqual(Object.keys(STATUSES_OF_THE_LIBRARY).sort());
  expect(Object.keys(REASONS).sort()).toEqual([...NO_BOUND_REASONS].sort());
  expect(Object.keys(VERDICTS).sort()).toEqual(Object.keys(VERDICTS_OF_THE_LIBRARY).sort());
  expect(PARTS.map(({ column }) => column).sort()).toEqual(
    Object.keys(anExplanation().parts!).sort(),
  );
});

test('votes differ by their words, and good from bad by the mark', () => {
  const words = Object.values(VERDICTS).map(({ word }) => word);
  expect(new Set(words).size).toBe(words.length);
  expect(VERDICTS.agrees!.mark).not.toBe(VERDICTS.falseticker!.mark);
  expect(new Set(Object.values(STATUSES).map(({ mark }) => mark)).size).toBe(4);
});

test.each([
  [{ type: 'status', status: 'synchronized' }, 'Synchronized.', false],
  [{ type: 'status', status: 'disrupted', reason: 'suspend' }, 'This machine was asleep.', true],
  [{ type: 'status', status: 'unsynchronized', reason: 'novel' }, 'No time. novel', false],
  [{ type: 'refuted', assumption: 'A1' }, 'assumption A1, the clock of this machine drifts', true],
  [
    { type: 'falseticker', sourceId: 'ntp://192.0.2.7:123', present: true },
    '192.0.2.7 is wrong',
    false,
  ],
  [
    { type: 'falseticker', sourceId: 'ntp://192.0.2.7:99', present: false },
    '192.0.2.7:99 is no longer',
    false,
  ],
  [{ type: 'widening', inMs: 2500 }, 'too wide in 2.500 s', false],
  [{ type: 'widening' }, 'no longer about to', false],
  [{ type: 'misuse', message: 'fake timers' }, 'Misuse: fake timers', true],
  [
    { type: 'profile', hostClock: 'disciplined', because: ['process 7 is called ntpd'] },
    "Something may adjust this machine's clock: process 7 is called ntpd.",
    false,
  ],
  [{ type: 'novel' }, 'novel', false],
])('%j', (event, words, grave) => {
  expect(sentenceOf({ event })).toContain(words);
  expect(isGrave({ event })).toBe(grave);
});

test('a source has its address, and its name where that differs', () => {
  expect(labelOf({ id: 'ntp://192.0.2.7:123', name: 'ntp://192.0.2.7:123' })).toBe('192.0.2.7');
  expect(labelOf({ id: 'ntp://192.0.2.7:123', name: 'ntp://time.example.net:123' })).toBe(
    'time.example.net (192.0.2.7)',
  );
});

test('the title says the bound only of what is now', () => {
  const row = { uncertaintyNs: 1_500_000 } as Row;
  expect(titleOf({ status: 'synchronized', row })).toBe('± 1.500 ms · epsilon-clock');
  const none = { ...row, uncertaintyNs: null };
  expect(titleOf({ status: 'disrupted', row: none })).toBe('Disrupted · epsilon-clock');
  expect(titleOf('lost')).toBe('Connection lost · epsilon-clock');
  expect(titleOf('hidden')).toBe(`${STANDSTILLS.hidden.word} · epsilon-clock`);
  expect(titleOf(undefined)).toBe('epsilon-clock');
});
