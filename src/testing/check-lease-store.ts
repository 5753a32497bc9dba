/** Whether something is a store of leases: the rules of `LeaseStore`, tried one after the other. */
import { LeaseStoreError } from '../lease/errors.ts';
import type { LeaseAnswer, LeaseClaim, LeaseStore } from '../lease/lease-store.ts';
import { checkMethods } from '../time/errors.ts';
import { asUnixNs } from '../time/instant.ts';
import { systemClock } from '../time/system-clock.ts';
import { checkDurations } from './check-durations.ts';

/** How many claim one lease at once. */
const RIVALS = 20;
/** How often an extension and a claim come at once. */
const RACES = 20;
/** A call without an answer after this, ms, has failed. */
const ANSWER_MS = 30_000;
/** Names that a store may confuse: by cutting them, or by what they mean elsewhere. */
const NAMES: readonly string[] = [
  `${'x'.repeat(200)} 1`,
  `${'x'.repeat(200)} 2`,
  ...[
    'a.b',
    'a/b',
    'a b',
    'A b',
    'a*',
    'a>',
    'a%',
    "a'b",
    'a"b',
    'a\\b',
    'a$1',
    'a\nb',
    'é',
    'e\u0301',
  ],
  '../a',
];
const SECOND_NS = 1_000_000_000n;

/**
 * Tries the rules of a {@link LeaseStore}, one after the other and at once, on names of its own,
 * which it leaves behind. Resolves when all hold; rejects with an Error that says which rule does
 * not. It cannot try what a store does when it fails over or loses power.
 *
 * With a store that counts time by itself (`durations`) it also tries the rules of
 * `DurationStore`, and waits for the ends of some short leases.
 *
 * @example await checkLeaseStore(memoryLeases());
 */
export async function checkLeaseStore(given: LeaseStore): Promise<void> {
  const store = answering(given);
  // Each call has a signal of its own, as in use.
  const call = () => ({ signal: new AbortController().signal });
  let names = 0;
  const run = crypto.randomUUID();
  const newName = (): string => `check ${run} ${++names}`;
  const now = systemClock().wallNs();
  const at = (seconds: bigint) => asUnixNs(now + seconds * SECOND_NS);
  const claimOf = (name: string, claim: string, given: Partial<LeaseClaim> = {}): LeaseClaim => ({
    name,
    holder: `holder of ${claim}`,
    claim,
    expiresAt: at(10n),
    endedBefore: at(0n),
    ...given,
  });
  const take = (claim: LeaseClaim): Promise<LeaseAnswer> => store.take(claim, call());

  const name = newName();
  const first = await take(claimOf(name, 'a'));
  rule('the first claim is taken, with the token 1', first.taken && first.record.token === 1n);
  rule(
    'the record has the holder, the claim and the end to the nanosecond',
    first.record.holder === 'holder of a' &&
      first.record.claim === 'a' &&
      first.record.expiresAt === at(10n),
  );
  const again = await take(claimOf(name, 'a', { expiresAt: at(99n) }));
  rule('the same claim is told again what it has, unchanged', again.taken && same(first, again));
  const other = await take(claimOf(name, 'b'));
  rule('another claim is told who has it', !other.taken && same(first, other));
  const onTheEnd = await take(claimOf(name, 'b', { endedBefore: at(10n) }));
  rule('a lease has not ended before its end', !onTheEnd.taken && same(first, onTheEnd));
  const wrong = await store.extend({ name, token: 2n, expiresAt: at(20n) }, call());
  const unknown = await store.extend({ name: newName(), token: 1n, expiresAt: at(20n) }, call());
  rule('another token, or another name, extends nothing', !wrong && !unknown);
  const extended = await store.extend({ name, token: 1n, expiresAt: at(20n) }, call());
  const shortened = await store.extend({ name, token: 1n, expiresAt: at(5n) }, call());
  rule('the token extends it, and never shortens it', extended && shortened);
  const seen = await take(claimOf(name, 'b', { endedBefore: at(20n) }));
  rule('the end is the greatest one', !seen.taken && seen.record.expiresAt === at(20n));
  const next = await take(
    claimOf(name, 'b', { endedBefore: asUnixNs(at(20n) + 1n), expiresAt: at(40n) }),
  );
  rule(
    'one nanosecond later it is taken, with the next token',
    next.taken && next.record.token === 2n,
  );
  await store.end(name, 1n, call());
  const kept = await take(claimOf(name, 'c'));
  rule('an old token ends nothing', !kept.taken && kept.record.expiresAt === at(40n));
  const late = await store.extend({ name, token: 1n, expiresAt: at(90n) }, call());
  rule('an old token extends nothing', !late);
  await store.end(name, 2n, call());
  const ended = await take(claimOf(name, 'c'));
  rule('after its end by its token, the token goes on', ended.taken && ended.record.token === 3n);
  await store.end(newName(), 1n, call()); // of a name that is not there: nothing

  await store.end(name, 3n, call());
  const revived = await store.extend({ name, token: 3n, expiresAt: at(90n) }, call());
  rule('what was ended is not extended any more', !revived);

  for (const odd of NAMES) {
    const own = await take(claimOf(`check ${run} ${odd}`, odd, { holder: odd }));
    const { holder, claim, token } = own.record;
    rule(`the name ${JSON.stringify(odd)} is one of its own`, own.taken && token === 1n);
    rule(`the holder ${JSON.stringify(odd)} is kept as it is`, holder === odd && claim === odd);
  }

  for (let race = 0; race < RACES; race++) {
    const contested = newName();
    await take(claimOf(contested, 'old', { expiresAt: at(-1n) }));
    const [extended, taken] = await Promise.all([
      store.extend({ name: contested, token: 1n, expiresAt: at(50n) }, call()),
      take(claimOf(contested, 'new')),
    ]);
    rule('of an extension and a claim at once one succeeds', extended !== taken.taken);
    const after = await take(claimOf(contested, 'later'));
    rule('and the record is that of the one', after.record.token === (extended ? 1n : 2n));
  }

  const far = newName();
  const latest = asUnixNs(9_223_372_036_854_775_807n);
  const greatest = await take(claimOf(far, 'a', { expiresAt: latest }));
  rule('the greatest int64 is an end like any other', greatest.record.expiresAt === latest);

  const rivals = Array.from({ length: RIVALS }, (_, i) => `rival ${i}`);
  for (const token of [1n, 2n]) {
    const contested = `check ${run} contested`;
    const answers = await Promise.all(
      rivals.map((rival) =>
        // A store may give up on a claim that it cannot order among the others. It must not lie.
        take(claimOf(contested, `${rival} ${token}`)).catch((error: unknown) => {
          if (error instanceof LeaseStoreError) return undefined;
          throw error;
        }),
      ),
    );
    const taken = answers.filter((answer) => answer?.taken === true);
    rule(`of ${RIVALS} claims at once exactly one is taken`, taken.length === 1);
    rule('with one more than the last token', taken[0]?.record.token === token);
    await store.end(contested, token, call());
  }
  if (store.durations !== undefined) await checkDurations(store, run);
}

/** `store`, whose methods answer in time and not nonsense, or reject. */
function answering(store: LeaseStore): LeaseStore {
  checkMethods('store', 'a LeaseStore', store, ['take', 'extend', 'end']);
  const { durations } = store;
  if (durations !== undefined) {
    checkMethods('store.durations', 'a DurationStore', durations, ['take', 'extend', 'end']);
  }
  const clock = systemClock();
  const inTime = <T>(what: string, run: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const late = new Error(`not a lease store: ${what} did not answer in ${ANSWER_MS} ms`);
      const cancel = clock.setTimer(ANSWER_MS, () => reject(late));
      new Promise<T>((settle) => settle(run())).then(resolve, reject).finally(cancel);
    });
  return {
    name: store.name,
    async take(...args) {
      const answer = await inTime('take', () => store.take(...args));
      const { token, expiresAt } = answer?.record ?? {};
      const sound = typeof token === 'bigint' && typeof expiresAt === 'bigint';
      rule('take answers a record with a token and an end', sound);
      return answer;
    },
    async extend(...args) {
      const extended = await inTime('extend', () => store.extend(...args));
      rule('extend answers true or false', typeof extended === 'boolean');
      return extended;
    },
    end: (...args) => inTime('end', () => store.end(...args)),
    durations: durations && {
      maxDriftPpm: durations.maxDriftPpm,
      gridMs: durations.gridMs,
      take: (...args) => inTime('durations.take', () => durations.take(...args)),
      extend: (...args) => inTime('durations.extend', () => durations.extend(...args)),
      end: (...args) => inTime('durations.end', () => durations.end(...args)),
    },
  };
}

export function rule(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not a lease store: the rule "${what}" does not hold`);
}

function same({ record: a }: LeaseAnswer, { record: b }: LeaseAnswer): boolean {
  return (
    a.holder === b.holder &&
    a.claim === b.claim &&
    a.token === b.token &&
    a.expiresAt === b.expiresAt
  );
}
