/** What holds for the lines of winston only. line-stamp.test.ts has what holds for all loggers. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import winston from 'winston';
import { stampFormat } from '../../src/integrations/winston.ts';
import { Dial, T, world } from './loggers.ts';

test('an object that is logged again has the stamp of the last time only', () => {
  const { clock, dial, hlc } = world();
  const error = Object.assign(new Error('no stock'), { level: 'error' });

  const compact = stampFormat({ hlc, clock, fields: 'compact' });
  dial.ns = T - 7_000_000_000n;
  expect(compact.transform(error)).toHaveProperty('lead');
  dial.ns = T;
  expect(compact.transform(error)).not.toHaveProperty('lead');
  expect(error).toHaveProperty('eps');

  const full = stampFormat({ hlc, clock });
  const info = { level: 'info', message: 'taken' };
  expect(full.transform(info)).toBe(info); // as winston's own formats
  expect(info).toHaveProperty('earliest');
  clock.stop();
  expect(full.transform(info)).toStrictEqual({
    level: 'info',
    message: 'taken',
    hlc: String(hlc.peek()),
    node: 'orders-3',
  });
  dial.wallNs = () => {
    throw new Error();
  };
  expect(full.transform(info)).toStrictEqual({
    level: 'info',
    message: 'taken',
    unstamped: 'unknown',
  });
  dial.wallNs = Dial.prototype.wallNs;
  expect(full.transform(info)).not.toHaveProperty('unstamped');
});

test('a field of the program stays where the stamp has none of that name', () => {
  const { hlc } = world();
  const format = stampFormat({ hlc, fields: 'hlc' });
  expect(format.transform({ node: 'mine', eps: 7 })).toEqual({
    hlc: String(T),
    node: 'mine',
    eps: 7,
  });
});

test('child loggers, errors and other formats', () => {
  const { clock, hlc } = world();
  const lines: string[] = [];
  const stream = new Writable({
    write(line, _, done) {
      lines.push(String(line));
      done();
    },
  });
  const { combine, errors, printf } = winston.format;
  const log = winston.createLogger({
    format: combine(
      stampFormat({ hlc, clock }),
      errors({ stack: true }),
      printf(({ hlc, node, message, request }) => `${hlc}@${node} ${request} ${message}`),
    ),
    transports: [new winston.transports.Stream({ stream })],
  });
  log.info('a');
  const child = log.child({ request: 7 });
  child.info('b');
  child.error(new Error('c'));
  expect(lines.map((line) => line.trim())).toEqual([
    `${T}@orders-3 undefined a`,
    `${T + 1n}@orders-3 7 b`,
    `${T + 2n}@orders-3 7 c`,
  ]);
});
