import { Fence, memoryLeases, postgresFenceTrigger } from 'epsilon-clock/lease';
import { checkLeaseStore } from 'epsilon-clock/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeaseStore } from '../../src/lease/lease-store.ts';

test('a fence admits what never goes down', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 9n }),
      fc.array(fc.bigInt({ min: 0n, max: 9n })),
      (least, tokens) => {
        const fence = new Fence({ least });
        let greatest = least;
        for (const token of tokens) {
          expect(fence.tryAdmit(token)).toBe(token >= greatest);
          if (token > greatest) greatest = token;
          expect(fence.greatest).toBe(greatest);
        }
      },
    ),
    { seed: 1901 },
  );
});

test('a token that is refused is told the greatest one, and changes nothing', () => {
  const fence = new Fence();
  fence.admit(7n);
  expect(() => fence.admit(6n)).toThrow(
    expect.objectContaining({ code: 'ERR_FENCED_OUT', token: 6n, greatest: 7n }),
  );
  fence.admit(7n);
  expect(() => fence.admit(7 as never)).toThrow('token must be a bigint');
  for (const token of [-1n, 2n ** 63n]) {
    expect(() => fence.admit(token)).toThrow('token must be from 0 to 2^63 - 1');
  }
  expect(() => new Fence({ most: 1n } as never)).toThrow('there is no option most');
});

test('the fence around a table quotes what it is given', () => {
  const sql = postgresFenceTrigger({ table: 'a"b.c;d', name: "e'f\\g$epsilon_install$" });
  expect(sql).toContain(`fenced constant regclass := E'"a""b"."c;d"'::regclass;`);
  expect(sql).toContain("fence constant text := E'e''f\\\\g\\x24epsilon_install\\x24';");
});

test('the store in memory keeps every rule', async () => {
  await expect(checkLeaseStore(memoryLeases())).resolves.toBeUndefined();
});

// What stores get wrong. Each must be found by the rule that it breaks.
test.each<[string, (good: LeaseStore) => Partial<LeaseStore>, string]>([
  [
    'deletes the record at the end',
    () => {
      let good = memoryLeases();
      return {
        take: (...args) => good.take(...args),
        extend: (...args) => good.extend(...args),
        end: async () => {
          good = memoryLeases();
        },
      };
    },
    'an old token ends nothing',
  ],
  [
    'takes over at the end instead of after it',
    (good) => ({
      take: (claim, options) =>
        good.take({ ...claim, endedBefore: (claim.endedBefore + 1n) as never }, options),
    }),
    'a lease has not ended before its end',
  ],
  [
    'keeps milliseconds',
    (good) => ({
      take: async (claim, options) => {
        const { taken, record } = await good.take(claim, options);
        const expiresAt = (record.expiresAt - (record.expiresAt % 1_000_000n)) as never;
        return { taken, record: { ...record, expiresAt } };
      },
    }),
    'to the nanosecond',
  ],
  ['extends for anybody', () => ({ extend: async () => true }), 'another token'],
  [
    'forgets whose claim it was',
    (good) => ({
      take: async (claim, options) => {
        const answer = await good.take(claim, options);
        return { ...answer, taken: answer.taken && answer.record.expiresAt === claim.expiresAt };
      },
    }),
    'the same claim is told again',
  ],
  [
    'extends in two steps',
    (good) => ({
      extend: async (extension, options) => {
        const probe = { ...extension, expiresAt: 1n as never };
        if (!(await good.extend(probe, options))) return false;
        await new Promise((resolve) => setTimeout(resolve, 1));
        await good.extend(extension, options);
        return true;
      },
    }),
    'an extension and a claim at once',
  ],
  [
    'cuts names',
    (good) => ({
      take: (claim, options) => good.take({ ...claim, name: claim.name.slice(0, 64) }, options),
      extend: (extension, options) =>
        good.extend({ ...extension, name: extension.name.slice(0, 64) }, options),
      end: (name, token, options) => good.end(name.slice(0, 64), token, options),
    }),
    'is one of its own',
  ],
  [
    'answers nonsense',
    () => ({ take: async () => ({ taken: true }) as never }),
    'take answers a record',
  ],
  [
    'revives what was ended',
    (good) => ({
      extend: async (extension, options) =>
        (await good.extend(extension, options)) || extension.token === 3n,
    }),
    'what was ended is not extended',
  ],
  [
    'reads and writes in two steps',
    () => {
      const records = new Map<string, { claim: string; token: bigint; expiresAt: bigint }>();
      const good = memoryLeases();
      return {
        ...good,
        take: async (claim, options) => {
          if (!claim.name.endsWith('contested')) return good.take(claim, options);
          const found = records.get(claim.name);
          await Promise.resolve();
          const taken = found === undefined || found.expiresAt < claim.endedBefore;
          const token = (found?.token ?? 0n) + 1n;
          const record = taken
            ? { holder: claim.holder, claim: claim.claim, token, expiresAt: claim.expiresAt }
            : found;
          if (taken) records.set(claim.name, record);
          return { taken, record: record as never };
        },
      };
    },
    'exactly one is taken',
  ],
])('a store that %s is found out', async (_, broken, rule) => {
  const good = memoryLeases();
  const store: LeaseStore = {
    name: 'broken',
    take: (...args) => good.take(...args),
    extend: (...args) => good.extend(...args),
    end: (...args) => good.end(...args),
    ...broken(good),
  };
  await expect(checkLeaseStore(store)).rejects.toThrow(rule);
});
