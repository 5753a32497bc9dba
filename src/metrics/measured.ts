/**
 * What is measured, as families of metrics.
 *
 * All figures of a clock come from one `explain()`, so they are about one instant and fit together:
 * the parts of the uncertainty add up to it. Instants are not among them, because a double has no
 * room for their nanoseconds. A figure that does not exist at present, such as the uncertainty of a
 * clock without a bound, is left out and never stale.
 */
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import { type BoundedReader, checkReader } from '../bounded-clock/bounded-reader.ts';
import type { Explanation, SourceExplanation } from '../bounded-clock/explain.ts';
import type { ClockReading } from '../bounded-clock/reading.ts';
import { checkPauses, type PauseMeter } from '../failure-detection/pause-meter.ts';
import { Election } from '../lease/election.ts';
import { Lease } from '../lease/lease.ts';
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { PropagationCounts } from '../propagation/counts.ts';
import { ArgumentTypeError } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import type { Family, Point } from './family.ts';
import { WaitHistogram } from './wait-histogram.ts';

/** What to measure. Each part is optional. */
export interface Measured {
  /**
   * A clock. Of a reader in another thread or process there are only the status, the uncertainty
   * and the age of what it reads: measure the rest where the clock runs.
   */
  readonly clock?: BoundedReader | undefined;
  /** How far it leads, and what it refused. */
  readonly hlc?: HybridClock | undefined;
  /** What became of the stamps of messages: the object that the integrations are given. */
  readonly counts?: PropagationCounts | undefined;
  /** How long commit waits last. */
  readonly waits?: WaitHistogram | undefined;
  /**
   * How long leases are still held, their tokens, and what became of their renewals. Of an election
   * it is the lease that it has. Of two with one name the one counts that is held for longer.
   */
  readonly leases?: readonly (Lease | Election)[] | undefined;
  /** How long this thread was not running. */
  readonly pauses?: PauseMeter | undefined;
}

const MEASURED: Readonly<Record<keyof Measured, true>> = {
  clock: true,
  hlc: true,
  counts: true,
  waits: true,
  leases: true,
  pauses: true,
};

const STATUSES = ['synchronized', 'holdover', 'unsynchronized', 'disrupted'] as const;
const VERDICTS = [
  'agrees',
  'falseticker',
  'suspect',
  'silent',
  'refused',
  'undecided',
  'pending',
] as const;

/** @throws ArgumentTypeError when a part is not what its name says */
export function checkMeasured(measured: Measured): Measured {
  const { clock, hlc, counts, waits, leases, pauses } = checkOptionNames(measured, MEASURED);
  if (clock !== undefined) checkReader(clock);
  if (hlc !== undefined) checkHybridClock(hlc);
  if (counts !== undefined && !(counts instanceof PropagationCounts)) {
    throw new ArgumentTypeError('counts', 'a PropagationCounts', counts);
  }
  if (waits !== undefined && !(waits instanceof WaitHistogram)) {
    throw new ArgumentTypeError('waits', 'a WaitHistogram', waits);
  }
  // A copy has no holes, which `every` would pass over.
  if (leases !== undefined && !(Array.isArray(leases) && [...leases].every(isLeaseOrElection))) {
    throw new ArgumentTypeError('leases', 'an array of Lease and Election', leases);
  }
  checkPauses(pauses);
  return measured;
}

const isLeaseOrElection = (value: unknown): boolean =>
  value instanceof Lease || value instanceof Election;

/** @throws FakeTimersError as `BoundedReader.read` */
export function familiesOf(measured: Measured): Family[] {
  const { clock, hlc, counts, waits, leases, pauses } = measured;
  return [
    ...(clock === undefined ? [] : clockFamilies(clock)),
    ...(hlc === undefined ? [] : hlcFamilies(hlc)),
    ...(counts === undefined ? [] : [messageFamily(counts)]),
    ...(waits === undefined ? [] : waitFamilies(waits)),
    ...(leases === undefined ? [] : leaseFamilies(leases)),
    ...(pauses === undefined ? [] : pauseFamilies(pauses)),
  ];
}

function clockFamilies(clock: BoundedReader): Family[] {
  if (!(clock instanceof BoundedClock)) {
    return [...readingFamilies(clock.read()), ageFamily(clock)];
  }
  const explanation = clock.explain();
  return [
    ...readingFamilies(explanation.reading),
    ageFamily(clock),
    ...boundFamilies(explanation),
    ...sourceFamilies(explanation.sources),
  ];
}

function readingFamilies({ status, reason, interval, quorum }: ClockReading): Family[] {
  const reasons = reason === undefined ? [] : [{ labels: { reason }, value: 1 }];
  return [
    gauge(
      'epsilon_clock_status',
      '1 for the status of the clock, 0 for the others.',
      STATUSES.map((each) => ({ labels: { status: each }, value: each === status ? 1 : 0 })),
    ),
    gauge('epsilon_clock_no_bound', 'Why the clock has no bound; absent while it has.', reasons),
    gauge(
      'epsilon_clock_uncertainty_seconds',
      'Half the width of the interval that holds true time.',
      one(interval && seconds(interval.uncertaintyNs)),
    ),
    gauge(
      'epsilon_clock_quorum',
      '1 if at least 2f + 1 sources vote, 0 if fewer do.',
      one(quorum && (quorum === 'full' ? 1 : 0)),
    ),
  ];
}

/** After the reading, which may take up a newer publication. */
function ageFamily({ publicationAgeNs }: BoundedReader): Family {
  return gauge(
    'epsilon_clock_publication_age_seconds',
    'Since the thread that runs the clock last looked at it.',
    one(publicationAgeNs === undefined ? undefined : seconds(publicationAgeNs)),
  );
}

function boundFamilies(explanation: Explanation): Family[] {
  const { parts, sources, disruptions, maxDriftPpm, timeToLimitNs } = explanation;
  return [
    gauge(
      'epsilon_clock_uncertainty_part_seconds',
      'What the uncertainty is made of; the parts add up to it.',
      Object.entries(parts ?? {}).map(([name, ns]) => ({
        labels: { part: name.replace(/Ns$/, '').replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) },
        value: seconds(ns),
      })),
    ),
    gauge(
      'epsilon_clock_sources',
      'How many time servers the clock judges so.',
      VERDICTS.map((vote) => ({
        labels: { vote },
        value: sources.filter(({ verdict }) => verdict === vote).length,
      })),
    ),
    gauge(
      'epsilon_clock_drift_bound_ratio',
      'How much the monotonic clock may be off in rate.',
      one(maxDriftPpm / 1e6),
    ),
    gauge(
      'epsilon_clock_time_to_limit_seconds',
      'Until the uncertainty exceeds warnUncertaintyMs, if no sample arrives.',
      one(timeToLimitNs === undefined ? undefined : seconds(timeToLimitNs)),
    ),
    counter(
      'epsilon_clock_disruptions',
      'Jumps of the clocks of this machine.',
      Object.entries(disruptions).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
  ];
}

function sourceFamilies(sources: readonly SourceExplanation[]): Family[] {
  const perSource = (
    name: string,
    help: string,
    value: (source: SourceExplanation) => bigint | undefined,
  ): Family => {
    const points = sources.flatMap((source): Point[] => {
      const ns = value(source);
      return ns === undefined ? [] : [{ labels: { source: source.sourceId }, value: seconds(ns) }];
    });
    return gauge(`epsilon_clock_source_${name}_seconds`, help, points);
  };
  return [
    perSource('interval_width', 'How precisely this source alone tells the time.', (source) =>
      source.interval === undefined ? undefined : source.interval.widthNs,
    ),
    perSource('path_delay', 'The round trip of the last sample.', (source) => source.lastDelayNs),
    perSource(
      'server_error',
      'The error that the server claims.',
      (source) => source.lastServerErrorNs,
    ),
    perSource('age', 'Since the last sample.', (source) => source.lastHeardAgoNs),
    counter(
      'epsilon_clock_source_samples',
      'Exchanges that yielded a sample.',
      sources.map(({ sourceId, accepted }) => ({ labels: { source: sourceId }, value: accepted })),
    ),
    counter(
      'epsilon_clock_source_misses',
      'Exchanges that yielded nothing.',
      sources.flatMap(({ sourceId, misses }) =>
        Object.entries(misses).map(([reason, value]) => ({
          labels: { source: sourceId, reason },
          value,
        })),
      ),
    ),
  ];
}

function hlcFamilies(hlc: HybridClock): Family[] {
  return [
    gauge(
      'epsilon_hlc_lead_seconds',
      'How far the hybrid clock is ahead of physical time.',
      one(leadOf(hlc)),
    ),
    counter(
      'epsilon_hlc_refused',
      'Remote timestamps that were refused as too far ahead.',
      one(hlc.refused),
    ),
  ];
}

/** `undefined` while the physical clock does not know the time. */
function leadOf(hlc: HybridClock): number | undefined {
  try {
    return seconds(hlc.leadNs());
  } catch {
    return undefined;
  }
}

function messageFamily(counts: PropagationCounts): Family {
  return counter(
    'epsilon_hlc_messages',
    'Messages, by what became of their stamps.',
    Object.entries(counts).map(([outcome, value]) => ({ labels: { outcome }, value })),
  );
}

function waitFamilies({ distribution, failures }: WaitHistogram): Family[] {
  return [
    {
      name: 'epsilon_commit_wait_seconds',
      help: 'How long commit waits lasted.',
      type: 'histogram',
      distribution,
    },
    counter('epsilon_commit_wait_failures', 'Commit waits that were rejected.', failures),
  ];
}

function leaseFamilies(leases: readonly (Lease | Election)[]): Family[] {
  const byName = new Map<string, { name: string; lease: Lease | undefined; remaining: number }>();
  for (const each of leases) {
    const { name } = each;
    const lease = each instanceof Lease ? each : each.lease;
    // One look at the clock for both figures, so that they fit together.
    const remaining = lease === undefined ? 0 : seconds(lease.remainingNs());
    const known = byName.get(name);
    const isBetter = known === undefined || remaining > known.remaining || !known.lease;
    if (isBetter) byName.set(name, { name, lease, remaining });
  }
  const all = [...byName.values()];
  const had = all.flatMap(({ name, lease }) =>
    lease === undefined ? [] : [{ name, lease, stats: lease.stats() }],
  );
  return [
    gauge(
      'epsilon_lease_held',
      '1 if this process certainly has the lease, 0 otherwise.',
      all.map(({ name, remaining }) => ({ labels: { lease: name }, value: remaining > 0 ? 1 : 0 })),
    ),
    gauge(
      'epsilon_lease_remaining_seconds',
      'How long the lease is certainly held if it is not renewed.',
      all.map(({ name, remaining }) => ({ labels: { lease: name }, value: remaining })),
    ),
    gauge(
      'epsilon_lease_token',
      'The fencing token; absent without a lease.',
      had.map(({ name, lease }) => ({ labels: { lease: name }, value: Number(lease.token) })),
    ),
    counter(
      'epsilon_lease_renewals',
      'Renewals that the store has confirmed, since the lease was got.',
      had.map(({ name, stats }) => ({ labels: { lease: name }, value: stats.renewals })),
    ),
    counter(
      'epsilon_lease_renewal_failures',
      'Renewals that failed, by what the store did, since the lease was got.',
      had.flatMap(({ name, stats }) =>
        Object.entries(stats.failures).map(([reason, value]) => ({
          labels: { lease: name, reason },
          value,
        })),
      ),
    ),
  ];
}

/** The span of the gauge: scrapes are seldom further apart. */
const LONGEST_WITHIN_MS = 60_000;

function pauseFamilies(pauses: PauseMeter): Family[] {
  return [
    {
      name: 'epsilon_event_loop_delay_seconds',
      help: 'How late a timer is at a random moment, corrected for coordinated omission.',
      type: 'histogram',
      distribution: pauses.distribution(),
    },
    counter(
      'epsilon_event_loop_pauses',
      'Pauses of this thread, by what they were.',
      Object.entries(pauses.counts()).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    gauge(
      'epsilon_event_loop_longest_pause_seconds',
      'The longest pause of the last minute.',
      one(seconds(pauses.longestNs(LONGEST_WITHIN_MS))),
    ),
  ];
}

const gauge = (name: string, help: string, points: readonly Point[]): Family => ({
  name,
  help,
  type: 'gauge',
  points,
});

const counter = (name: string, help: string, points: readonly Point[]): Family => ({
  name,
  help,
  type: 'counter',
  points,
});

const one = (value: number | undefined): readonly Point[] =>
  value === undefined ? [] : [{ labels: {}, value }];

const seconds = (ns: bigint): number => Number(ns) / 1e9;
