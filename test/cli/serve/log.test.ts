import { expect, test } from 'vitest';
import { Log, MAX_LINES_PER_WINDOW } from '../../../src/cli/serve/log.ts';
import { HandClock } from '../../kit/hand-clock.ts';

const MINUTE = 60_000_000_000n;

function logOf() {
  const clock = new HandClock();
  const lines: Record<string, unknown>[] = [];
  const state = { status: 'holdover' };
  const log = new Log(
    (line) => lines.push(JSON.parse(line)),
    clock,
    () => state,
  );
  return { clock, log, lines, events: () => lines.map(({ event }) => event) };
}

test('a line has ts, level and event first; int64 as text; what is undefined is left out', () => {
  const { log, lines } = logOf();
  log.write('info', 'status', { reason: undefined, uncertaintyNs: 2n ** 60n });
  expect(Object.keys(lines[0]!)).toEqual(['ts', 'level', 'event', 'uncertaintyNs']);
  expect(lines[0]).toMatchObject({ level: 'info', event: 'status', uncertaintyNs: `${2n ** 60n}` });
  expect(lines[0]!.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
});

test('a flood: at most so much a minute, and the state in the end', () => {
  const { clock, log, lines, events } = logOf();
  for (let i = 0; i < MAX_LINES_PER_WINDOW + 25; i++) log.writeLimited('warn', 'falseticker', {});
  expect(lines).toHaveLength(MAX_LINES_PER_WINDOW);
  clock.advance(MINUTE);
  expect(lines.at(-1)).toMatchObject({ event: 'suppressed', lines: 25, status: 'holdover' });
  // A new minute, and room again.
  log.writeLimited('info', 'status', {});
  expect(events().at(-1)).toBe('status');
  clock.advance(10n * MINUTE);
  expect(events().at(-1)).toBe('status');
});

test('what is not about the clock is never left out, and an end tells what was', () => {
  const { log, events } = logOf();
  for (let i = 0; i <= MAX_LINES_PER_WINDOW; i++) log.writeLimited('warn', 'falseticker', {});
  log.write('info', 'reload');
  expect(events().at(-1)).toBe('reload');
  log.close();
  expect(events().at(-1)).toBe('suppressed');
});

test('what a terminal would obey is escaped', () => {
  const lines: string[] = [];
  new Log(
    (line) => lines.push(line),
    new HandClock(),
    () => ({}),
  ).write('warn', 'x', {
    source: '\u001b[2J\u009b\n',
  });
  expect([...lines[0]!].every((each) => each >= ' ' && each <= '~')).toBe(true);
});
