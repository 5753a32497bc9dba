import type { Clock } from '../../time/clock.ts';
import { checkMethods } from '../../time/errors.ts';
import { asUnixNs } from '../../time/instant.ts';
import { checkOptionNames } from '../../time/options.ts';
import { nsFromMsUp } from '../../time/rounding.ts';
import { COUNTED, type DurationStore } from '../duration-store.ts';
import { checkGrid, MAX_DRIFT_PPM } from '../lease-options.ts';
import type { LeaseRecord, LeaseStore } from '../lease-store.ts';

/** Options of {@link memoryLeases}. */
export interface MemoryOptions {
  /** By this clock's monotonic time the store counts, for leases of the kind `'duration'`. */
  readonly clock?: Clock | undefined;
}

/**
 * Leases in the memory of this process, for tests and for the simulator. Its records end with the
 * process, and with them the tokens.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when `clock` is not a Clock
 * @example
 * const store = memoryLeases();
 * const lease = await Lease.acquire({ store, clock, name: 'a', holder: 'b', ttlMs: 10_000 });
 */
export function memoryLeases(options: MemoryOptions = {}): LeaseStore {
  const { clock } = checkOptionNames(options, { clock: true });
  const records = new Map<string, LeaseRecord>();
  const end: LeaseStore['end'] = async (name, token) => {
    const record = records.get(name);
    if (record?.token === token) records.set(name, { ...record, expiresAt: asUnixNs(0n) });
  };
  return {
    name: 'memory',
    async take({ name, holder, claim, expiresAt, endedBefore }) {
      const record = records.get(name);
      if (record?.claim === claim) return { taken: true, record };
      if (record !== undefined && record.expiresAt >= endedBefore) return { taken: false, record };
      const taken = { holder, claim, token: (record?.token ?? 0n) + 1n, expiresAt };
      records.set(name, taken);
      return { taken: true, record: taken };
    },
    async extend({ name, token, expiresAt }) {
      const record = records.get(name);
      if (record?.token !== token || record.expiresAt === 0n) return false;
      if (expiresAt > record.expiresAt) records.set(name, { ...record, expiresAt });
      return true;
    },
    end,
    ...(clock !== undefined && { durations: countedBy(clock, records, end) }),
  };
}

function countedBy(
  clock: Clock,
  records: Map<string, LeaseRecord>,
  end: DurationStore['end'],
): DurationStore {
  checkMethods('clock', 'a Clock', clock, ['monotonicNs']);
  const gridNs = checkGrid('clock.monotonicGridNs', clock.monotonicGridNs);
  /** By name: the monotonic reading at which it may be taken. */
  const ends = new Map<string, bigint>();
  return {
    maxDriftPpm: MAX_DRIFT_PPM,
    gridMs: Number(gridNs) / 1e6,
    async take({ name, holder, claim, ttlMs }) {
      const now = clock.monotonicNs();
      let record = records.get(name);
      const isFree =
        record === undefined ||
        (record.expiresAt === 0n && record.claim !== claim) ||
        (record.expiresAt === COUNTED && ends.get(name)! <= now);
      if (isFree) {
        record = { holder, claim, token: (record?.token ?? 0n) + 1n, expiresAt: COUNTED };
        records.set(name, record);
      }
      const taken = record?.claim === claim && record.expiresAt === COUNTED;
      if (taken) ends.set(name, now + nsFromMsUp(ttlMs, 'ttlMs'));
      return { taken, holder: record!.holder, claim: record!.claim, token: record!.token, ttlMs };
    },
    async extend({ name, token, ttlMs }) {
      const record = records.get(name);
      if (record?.token !== token || record.expiresAt !== COUNTED) return undefined;
      ends.set(name, clock.monotonicNs() + nsFromMsUp(ttlMs, 'ttlMs'));
      return ttlMs;
    },
    end,
  };
}
