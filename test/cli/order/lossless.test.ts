/** No line is lost, whatever is in the files. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/cli/exit.ts';
import { file, line, run, stampOf, useFolder } from './command.ts';

useFolder();

const AFTER = /,"order":(\{.*\})\}$/s;

const record = fc
  .tuple(fc.nat(40), fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 1, 20))
  .chain(([ms, node, eps]) =>
    fc.constantFrom<object>(
      line(ms, node, eps),
      line(ms, node, eps, { msg: 'é "\\', from: stampOf(ms - 1, 'a') }),
      { ...line(ms, node, eps), earliest: undefined, latest: undefined },
      { ...line(ms, node, eps), node: undefined },
      { time: 1_795_227_787_000 + ms, node },
      { timestamp: new Date(1_795_227_787_000 + ms).toISOString() },
      {
        __REALTIME_TIMESTAMP: String((1_795_227_787_000 + ms) * 1000),
        MESSAGE: 'm',
        _HOSTNAME: node,
      },
      {
        resourceSpans: [{ scopeSpans: [{ spans: [{ startTimeUnixNano: `${ms}000000000000` }] }] }],
      },
    ),
  )
  .map((object) => JSON.stringify(object));

const stray = fc.oneof(
  fc.constantFrom('', '{', '{}', 'Error: no', '   at x', '{"hlc":"1"}', '{"time":"noon"}', '[1]'),
  fc.constantFrom(
    '{"hlc":"1795227787000000000","node":"?"}',
    '{"__proto__":{"time":1795227787000}}',
  ),
  record.chain((text) => fc.nat(text.length - 1).map((end) => text.slice(0, end))),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
);

const log = fc.array(fc.oneof({ weight: 2, arbitrary: record }, stray), { maxLength: 15 });

test('every line is in the output once, as it was', async () => {
  await fc.assert(
    fc.asyncProperty(log, log, fc.boolean(), async (first, second, sort) => {
      const files = [file('first.log', [...first]), file('second.log', [...second])];
      const { stdout, remarks, error } = await run('--json', ...(sort ? ['--sort'] : []), ...files);
      // A time far from the others is an error that names the line; then not all is printed.
      if (error !== undefined) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toMatch(/^(first|second)\.log:\d+: its (time|stamp) is /);
        expect(sort).toBe(false);
        return;
      }
      const printed = stdout
        .toString()
        .split('\n')
        .slice(0, -1)
        .flatMap((text) => {
          const { before = [], after = [] } = JSON.parse(AFTER.exec(text)![1]!);
          return [...before, text.replace(AFTER, '}'), ...after];
        });
      // A file without any record is named on standard error, and not printed.
      const given = [first, second].filter(
        (_, i) =>
          !remarks.some((remark) =>
            remark.startsWith(
              `epsilon-clock: ${['first', 'second'][i]}.log: no line has a stamp or a time`,
            ),
          ),
      );
      expect(printed.toSorted()).toEqual(given.flat().toSorted());
    }),
    { seed: 21, numRuns: 400 },
  );
});
