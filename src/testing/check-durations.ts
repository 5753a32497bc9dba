/** The rules of `DurationStore`, tried one after the other, on names of their own. */
import type { DurationAnswer, DurationStore } from '../lease/duration-store.ts';
import { LeaseStoreError } from '../lease/errors.ts';
import { MAX_DRIFT_PPM } from '../lease/lease-options.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import { asUnixNs } from '../time/instant.ts';
import { sleep } from '../time/sleep.ts';
import { systemClock } from '../time/system-clock.ts';
import { rule } from './check-lease-store.ts';

/** For how long leases are taken: some stores give a second or two at least. */
const TTL_MS = 300;
/** A lease must be free when this much more than its time has passed, ms. */
const LATE_MS = 10_000;
const RIVALS = 10;
/** Far in the future: in true time every end has passed then. */
const LATER = asUnixNs(9_000_000_000_000_000_000n);

/** @param run makes the names unlike those of other runs */
export async function checkDurations(store: LeaseStore, run: string): Promise<void> {
  const durations = store.durations as DurationStore;
  const { maxDriftPpm, gridMs } = durations;
  const isRate = Number.isFinite(maxDriftPpm) && maxDriftPpm >= 0 && maxDriftPpm <= MAX_DRIFT_PPM;
  rule('maxDriftPpm is a rate, ppm', isRate);
  rule('gridMs is a time, of less than a second', gridMs >= 0 && gridMs < 1000);
  const clock = systemClock();
  const call = () => ({ signal: new AbortController().signal });
  const nameOf = (what: string): string => `check ${run} ${what}`;
  const take = (name: string, claim: string, ttlMs = 60_000): Promise<DurationAnswer> =>
    durations.take({ name, holder: `holder of ${claim}`, claim, ttlMs }, call());
  const takeInTrueTime = (name: string, claim: string) =>
    store.take(
      { name, holder: 'in true time', claim, expiresAt: LATER, endedBefore: LATER },
      call(),
    );

  const name = nameOf('counted');
  const first = await take(name, 'a');
  rule('the first claim is given time, with the token 1', first.taken && first.token === 1n);
  const isWanted = Number.isFinite(first.ttlMs) && first.ttlMs >= 60_000;
  rule('it is given no less time than it wanted', isWanted);
  const again = await take(name, 'a');
  rule('the same claim is given its time anew', again.taken && again.token === 1n);
  rule('and no less of it', again.ttlMs >= 60_000);
  const other = await take(name, 'b');
  const told = other.holder === 'holder of a' && other.claim === 'a' && other.token === 1n;
  rule('while time is counted, another claim is told who has it', !other.taken && told);
  const { taken } = await takeInTrueTime(name, 'true');
  rule('what is counted has no end in true time', !taken);

  const extend = (of: string, token: bigint) =>
    durations.extend({ name: of, token, ttlMs: 60_000 }, call());
  rule('another token extends nothing that is counted', (await extend(name, 2n)) === undefined);
  rule('nor does another name', (await extend(nameOf('nobody'), 1n)) === undefined);
  const extended = await extend(name, 1n);
  const isMore = Number.isFinite(extended) && extended! >= 60_000;
  rule('the token is given more time, no less than it wanted', isMore);
  await durations.end(name, 2n, call());
  rule('another token ends nothing that is counted', !(await take(name, 'b')).taken);
  await durations.end(name, 1n, call());
  await durations.end(nameOf('nobody'), 1n, call());
  rule('what was ended is given no more time', (await extend(name, 1n)) === undefined);
  rule('nor is it to its own claim, by a request that comes again', !(await take(name, 'a')).taken);
  const inTrueTime = await takeInTrueTime(name, 'true');
  const isNext = inTrueTime.taken && inTrueTime.record.token === 2n;
  rule('after that it may be taken in true time, with the next token', isNext);
  rule('while it has an end in true time, it is not counted', !(await take(name, 'b')).taken);
  await store.end(name, 2n, call());
  const next = await take(name, 'b');
  rule('after that its time is counted again, with the next token', next.taken);
  rule('and the tokens go on through both kinds', next.token === 3n);

  /** Takes a lease, then `renew`s it, and asks for it until it is free. */
  async function outlast(what: string, renew?: (name: string) => Promise<number>): Promise<void> {
    const short = nameOf(what);
    let startedAt = clock.monotonicNs();
    let { ttlMs } = await take(short, 'short', TTL_MS);
    if (renew !== undefined) {
      await sleep(clock, ttlMs / 2);
      startedAt = clock.monotonicNs();
      ttlMs = await renew(short);
    }
    const leastMs = ttlMs * (1 - maxDriftPpm / 1e6) - gridMs;
    for (;;) {
      const probe = await take(short, 'probe');
      const sinceMs = Number(clock.monotonicNs() - startedAt) / 1e6;
      if (probe.taken) {
        rule(`${what}: a lease is not over before its time`, sinceMs >= leastMs);
        rule(`${what}: when its time is over, the next token is taken`, probe.token === 2n);
        return;
      }
      rule(`${what}: a lease is free when its time is over`, sinceMs < ttlMs + LATE_MS);
      await sleep(clock, 20);
    }
  }
  await Promise.all([
    outlast('taken once'),
    outlast('claimed again', async (short) => (await take(short, 'short', TTL_MS)).ttlMs),
    outlast('extended', async (short) => {
      const given = await durations.extend({ name: short, token: 1n, ttlMs: TTL_MS }, call());
      rule('what is not over can be extended', given !== undefined);
      return given!;
    }),
  ]);

  const contested = nameOf('contested, counted');
  const answers = await Promise.all(
    Array.from({ length: RIVALS }, (_, i) =>
      // A store may give up on a claim that it cannot order among the others. It must not lie.
      take(contested, `rival ${i}`).catch((error: unknown) => {
        if (error instanceof LeaseStoreError) return undefined;
        throw error;
      }),
    ),
  );
  const winners = answers.filter((answer) => answer?.taken === true);
  rule(`of ${RIVALS} claims at once exactly one is given time`, winners.length === 1);
  rule('with the first token', winners[0]?.token === 1n);
}
