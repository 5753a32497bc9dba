/** The hour that is kept: fixed in size, and thinned out without hiding what was bad. */
import { expect, test } from 'vitest';
import { History, KEPT, MAX_SENT } from '../../src/dashboard/history.ts';
import { COLUMNS, type Row } from '../../src/dashboard/wire.ts';

const row = (second: number, uncertaintyNs: number | null = 1000): Row => ({
  ...(Object.fromEntries(COLUMNS.map((column) => [column, null])) as Row),
  elapsedMs: second * 1000,
  uncertaintyNs,
});

test('is empty at first', () => {
  const { everyS, history } = new History().since(0);
  expect(everyS).toBe(1);
  expect(history.elapsedMs).toEqual([]);
});

test('keeps an hour, in memory that does not grow', () => {
  const history = new History();
  const before = history.byteLength;
  for (let second = 0; second < 3 * KEPT; second++) history.add(row(second));
  expect(history.byteLength).toBe(before);
  expect(before).toBe(KEPT * COLUMNS.length * 8);
  const { elapsedMs } = history.since(0).history;
  expect(elapsedMs[0]).toBe(2 * KEPT * 1000);
  expect(elapsedMs.at(-1)! / 1000).toBeGreaterThanOrEqual(3 * KEPT - 5);
});

test('sends few rows, of which each is one as it was', () => {
  const history = new History();
  for (let second = 0; second < KEPT; second++) history.add(row(second, second % 7));
  const { everyS, history: sent } = history.since(0);
  expect(everyS).toBe(KEPT / MAX_SENT);
  expect(sent.elapsedMs).toHaveLength(MAX_SENT);
  for (const [i, at] of sent.elapsedMs.entries()) {
    expect(sent.uncertaintyNs[i]).toBe((at! / 1000) % 7);
  }
});

test.each([
  ['the widest', 900_000],
  ['one without a bound', null],
])('a second that stands out, %s, is among those sent, wherever it is', (_, uncertaintyNs) => {
  for (let bad = 0; bad < 10; bad++) {
    const history = new History();
    for (let second = 0; second < KEPT; second++) {
      history.add(row(second, second === bad ? uncertaintyNs : 1000));
    }
    const { uncertaintyNs: sent, elapsedMs } = history.since(0).history;
    const at = sent.indexOf(uncertaintyNs);
    expect(elapsedMs[at]).toBe(bad * 1000);
  }
});

test('sends only the rows that a page has not seen', () => {
  const history = new History();
  for (let second = 0; second < 20; second++) history.add(row(second));
  expect(history.since(17).history.elapsedMs).toEqual([17_000, 18_000, 19_000]);
  expect(history.since(20).history.elapsedMs).toEqual([]);
  expect(history.since(1e15).history.elapsedMs).toEqual([]);
});

test('a row keeps its group as time goes on', () => {
  const history = new History();
  for (let second = 0; second < KEPT + 3; second++) history.add(row(second, second % 5));
  const before = history.since(0).history.elapsedMs;
  history.add(row(KEPT + 3, 0));
  const after = history.since(0).history.elapsedMs;
  expect(after.slice(5, 700)).toEqual(before.slice(5, 700));
});
