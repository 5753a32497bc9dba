/** What holds for the lines of pino only. line-stamp.test.ts has what holds for all loggers. */
import { BoundedClock, HybridClock } from 'epsilon-clock';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { StampOptions } from '../../src/integrations/line-stamp.ts';
import { stampLines } from '../../src/integrations/pino.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';
import { MS, openPino, T, world } from './loggers.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A logger whose lines are kept as text, without process id and host name. */
function openText(options: StampOptions): { log: pino.Logger; lines: string[] } {
  const lines: string[] = [];
  const log = pino(
    { ...stampLines(options), base: null },
    { write: (line) => void lines.push(line) },
  );
  return { log, lines };
}

test('the whole line, in each form and without a bound', () => {
  const { clock, dial, hlc } = world();
  dial.ns = T - MS;
  const full = openText({ hlc, clock });
  const compact = openText({ hlc, clock, fields: 'compact' });
  const alone = openText({ hlc, fields: 'hlc' });
  dial.ns = T;
  full.log.info('taken');
  dial.ns = T + 2000n * MS;
  compact.log.info('taken');
  dial.ns = T + 3000n * MS;
  alone.log.info({ from: `${T}@billing-1` }, 'taken');
  clock.stop();
  full.log.warn('taken');
  expect([...full.lines, ...compact.lines, ...alone.lines]).toEqual([
    '{"level":30,"time":1795227787534,"hlc":"1795227787534418003","node":"orders-3",' +
      '"earliest":"1795227787533418001","latest":"1795227787535418005","msg":"taken"}\n',
    '{"level":40,"time":1795227790534,"hlc":"1795227790534418004","node":"orders-3","msg":"taken"}\n',
    '{"level":30,"time":1795227789534,"hlc":"1795227789534418003","node":"orders-3",' +
      '"eps":1001,"lead":"2000000000","msg":"taken"}\n',
    '{"level":30,"time":1795227790534,"hlc":"1795227790534418003",' +
      '"from":"1795227787534418003@billing-1","msg":"taken"}\n',
  ]);
});

test('the digits of a new millisecond', () => {
  const { dial, hlc } = world();
  const log = openPino({ hlc, fields: 'hlc' });
  dial.ns = 1_795_227_787_534_999_999n;
  for (const step of [0n, 1n, 999n, 998_999n, 1n, 2n ** 32n, 7n * MS]) {
    dial.ns += step;
    expect(log()).toMatchObject({ hlc: String(dial.ns), time: Number(dial.ns / MS) });
  }
});

test('child loggers take their stamps from the same clocks', () => {
  const { clock, hlc } = world();
  const { log, lines } = openText({ hlc, clock });
  const child = log.child({ request: 7 });
  log.info('a');
  child.info('b');
  child.child({ step: 2 }).info('c');
  log.info('d');
  const parsed = lines.map((line) => JSON.parse(line));
  expect(parsed.map(({ hlc }) => BigInt(hlc) - BigInt(parsed[0].hlc))).toEqual([0n, 1n, 2n, 3n]);
  expect(parsed[2]).toMatchObject({ request: 7, step: 2, node: 'orders-3' });
  expect(parsed[2]).toHaveProperty('earliest');
});

describe('time', () => {
  test('is a number, the milliseconds of the stamp, and does not go back', () => {
    const { clock, dial, hlc } = world();
    const log = openPino({ hlc, clock });
    expect(log().time).toBe(1_795_227_787_534);
    dial.ns = T + 7000n * MS;
    expect(log().time).toBe(1_795_227_794_534);
    dial.ns = T;
    expect(log().time).toBe(1_795_227_794_534);
  });

  test('is a number also on a host that boots in 1970', () => {
    const { dial, hlc } = world();
    dial.ns = 12n * MS;
    const log = openPino({ hlc, fields: 'hlc' });
    dial.ns = 12_345n * MS + 7n;
    expect(log()).toMatchObject({ time: 12_345, hlc: '0000000012345000007' });
  });

  test('is that of the system where there is no stamp', () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_234_567_890_123);
    const clock = BoundedClock.start({
      sources: [new ScriptedSource('a')],
      clock: new HandClock(),
    });
    const log = openPino({ hlc: new HybridClock({ clock, nodeId: 'a' }), clock });
    const { time } = log();
    expect(Number.isInteger(time)).toBe(true);
    expect(Math.floor(time! / 1e6)).toBe(1_234_567); // the real clock runs on meanwhile
  });
});

test('the options are pino options: others may stand beside them', () => {
  const { clock, hlc } = world();
  const lines: string[] = [];
  const log = pino(
    {
      ...stampLines({ hlc, clock, fields: 'hlc' }),
      base: { service: 'orders' },
      messageKey: 'message',
      nestedKey: 'payload',
      mixin: () => ({ trace: 9 }),
      redact: ['secret'],
    },
    { write: (line) => void lines.push(line) },
  );
  log.info({ secret: 'x' }, 'taken');
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 30,
    time: Number(T / MS),
    hlc: String(T + 1n), // pino has called the function once to make the logger
    service: 'orders',
    payload: { trace: 9, secret: '[Redacted]' },
    message: 'taken',
  });
});
