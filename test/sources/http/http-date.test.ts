import { describe, expect, it, test } from 'vitest';
import { httpDateOf } from '../../../src/sources/http/http-date.ts';
import { FakePage } from '../../kit/fake-page.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const MS = 1_000_000n;
const DATE = 'Sun, 29 Nov 2026 19:00:00 GMT';
const BEGINS = BigInt(Date.UTC(2026, 10, 29, 19)) * MS;

async function asked(headers: Record<string, string>, status = 200): Promise<RecordingSink> {
  const clock = new HandClock();
  const page = new FakePage(clock);
  const methods: unknown[] = [];
  page.fetch = (async (_: string, init: RequestInit) => {
    methods.push(init.method);
    return new Response(null, { status, headers });
  }) as typeof fetch;
  const sink = new RecordingSink(clock);
  const running = httpDateOf(page, '/').start(sink);
  await clock.elapse(0);
  running.stop();
  expect(methods).toEqual(['HEAD']);
  return sink;
}

test('the header is any instant of its second, give or take the error', async () => {
  const { samples } = await asked({ date: DATE });
  const [sample] = samples;
  const { sentAt, receivedAt, upperNs, lowerNs } = sample!;
  expect(sentAt + upperNs).toBe(BEGINS + 1000n * MS + 1000n * MS);
  expect(receivedAt + lowerNs).toBe(BEGINS - 1000n * MS);
});

describe('a miss', () => {
  it.each<[string, Record<string, string>, number, string]>([
    ['without the header', {}, 200, 'no-date'],
    ['with an old form of it', { date: 'Sunday, 29-Nov-26 19:00:00 GMT' }, 200, 'no-date'],
    ['with a local time', { date: 'Sun, 29 Nov 2026 19:00:00 +0200' }, 200, 'no-date'],
    ['with a date before 1970', { date: 'Sun, 29 Nov 1826 19:00:00 GMT' }, 200, 'no-date'],
    ['with a date that is none', { date: 'Sun, 99 Nov 2026 19:00:00 GMT' }, 200, 'no-date'],
    ['with an age: a cache had it', { date: DATE, age: '12' }, 200, 'stored'],
    ['with an age of 0: a cache had it as well', { date: DATE, age: '0' }, 200, 'stored'],
    ['with an age that is nonsense', { date: DATE, age: 'x' }, 200, 'stored'],
    ['of an error', { date: DATE }, 500, 'http-500'],
  ])('%s', async (_, headers, status, reason) => {
    const { misses } = await asked(headers, status);
    expect(misses.map((miss) => miss.reason)).toEqual([reason]);
  });

  it('while nobody looks at the page', async () => {
    const clock = new HandClock();
    const page = new FakePage(clock);
    page.document.visibilityState = 'hidden';
    const sink = new RecordingSink(clock);
    httpDateOf(page, '/').start(sink);
    await clock.elapse(0);
    expect(sink.misses.map(({ reason }) => reason)).toEqual(['hidden']);
  });
});

test.each([-1, 60_001, Number.NaN, '5'])('refuses an error of %s ms', (errorMs) => {
  const page = new FakePage(new HandClock());
  expect(() => httpDateOf(page, '/', { errorMs: errorMs as number })).toThrow('errorMs');
});
