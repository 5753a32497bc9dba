import { type ExchangeFacts, sampleFrom } from 'epsilon-clock/sources';
import { monotonicNs } from 'epsilon-clock/time';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const S = 1_000_000_000n;
const facts = {
  sourceId: 'gps',
  sentAt: monotonicNs(5n * S),
  receivedAt: monotonicNs(7n * S),
  serverReceivedAt: 100n * S,
  serverSentAt: 101n * S,
  serverErrorNs: 40n,
  localGridNs: 3n,
  leap: 'insert',
} as const;

test('the two facts, the path and what the server said', () => {
  expect(sampleFrom(facts)).toEqual({
    sourceId: 'gps',
    sentAt: 5n * S,
    receivedAt: 7n * S,
    upperNs: 95n * S + 40n,
    lowerNs: 94n * S - 43n,
    pathDelayNs: S,
    serverErrorNs: 40n,
    leap: 'insert',
  });
  expect(sampleFrom({ ...facts, leap: undefined }).leap).toBe('none');
  expect(sampleFrom({ ...facts, serverSentAt: 999n * S }).pathDelayNs).toBe(0n);
});

test('true time is between the facts, whatever the path, the grid and the error', () => {
  const ns = fc.oneof(fc.constant(0n), fc.bigInt(0n, 10n * S));
  const error = fc.bigInt(0n, S);
  const world = fc.record({
    theta: fc.bigInt(-(10n ** 18n), 10n ** 18n),
    sent: ns,
    there: ns,
    hold: ns,
    back: ns,
    grid: fc.bigInt(1n, 2_000_000n),
    bound: error,
    errors: fc.tuple(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
    ),
  });
  fc.assert(
    fc.property(world, ({ theta, sent, there, hold, back, grid, bound, errors }) => {
      const floor = (t: bigint): bigint => t - (t % grid);
      const wrong = (share: number): bigint =>
        (bound * BigInt(Math.trunc(share * 1e6))) / 1_000_000n;
      const arrived = sent + there;
      const left = arrived + hold;
      const received = left + back;
      const sample = sampleFrom({
        sourceId: 'a',
        sentAt: monotonicNs(floor(sent)),
        receivedAt: monotonicNs(floor(received)),
        serverReceivedAt: theta + arrived + wrong(errors[0]),
        serverSentAt: theta + left + wrong(errors[1]),
        serverErrorNs: bound,
        localGridNs: grid,
      });
      expect(theta).toBeLessThanOrEqual(sample.upperNs);
      expect(theta).toBeGreaterThanOrEqual(sample.lowerNs);
    }),
  );
});

test.each<[string, Partial<Record<keyof ExchangeFacts, unknown>>, string]>([
  ['no name', { sourceId: 7 }, 'sourceId must be a string; got 7'],
  ['a number', { serverSentAt: 5 }, 'serverSentAt must be a bigint'],
  ['a negative error', { serverErrorNs: -1n }, 'serverErrorNs must be 0 or more; got -1n'],
  ['a negative grid', { localGridNs: -1n }, 'localGridNs must be 0 or more; got -1n'],
  ['an answer before its request', { receivedAt: 4n }, 'receivedAt must be at least sentAt'],
  ['a leap of another kind', { leap: 'both' }, "leap must be 'none', 'insert' or 'delete'"],
  ['beyond int64', { serverReceivedAt: 2n ** 63n }, 'serverReceivedAt must be'],
])('refuses %s', (_, wrong, message) => {
  expect(() => sampleFrom({ ...facts, ...wrong } as ExchangeFacts)).toThrow(message);
});
