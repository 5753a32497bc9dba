/** What a service says once about the stamps of its messages, and the checks of it. */
import { checkHybridClock, type HybridClock } from '../logical/hybrid-clock.ts';
import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';
import type { Carrier } from './carrier.ts';
import { PropagationCounts } from './counts.ts';
import { checkHeader, hlcHeader } from './header.ts';

/**
 * Judges at once whether a sender is trusted. `Subject` is what an integration knows of the sender,
 * such as the request. Only `true` is trust: a promise is not.
 */
export type Trust<Subject> = {
  // A method, so that a function of a narrower type, such as Fastify's own request, is accepted.
  judge(subject: Subject): boolean;
}['judge'];

/** Options of all that carries timestamps between services. */
export interface PropagationOptions<Subject = Carrier> {
  /** Stamps what is sent, and advances by what is received. */
  readonly hlc: HybridClock;
  /**
   * Whose stamps advance the clock: those of everybody, of nobody (`false`, the default), or of
   * those for whom this function answers `true`. Who is trusted can push the clock ahead of
   * physical time by `maxRemoteAheadMs`. A function that throws answers `false`.
   */
  readonly trust?: boolean | Trust<Subject> | undefined;
  /**
   * Called with each error: of a stamp that was refused, of a `trust` that threw, of a send without
   * a stamp. What it throws itself, or rejects with, is dropped. Errors come as often as somebody
   * sends garbage, so count them, and do not log each.
   */
  readonly onRefused?: ((error: Error) => void) | undefined;
  /** The name of the header. Default {@link hlcHeader}. */
  readonly header?: string | undefined;
  /** Counts what happened. */
  readonly counts?: PropagationCounts | undefined;
}

const PROPAGATION_OPTIONS: Readonly<Record<keyof PropagationOptions, true>> = {
  hlc: true,
  trust: true,
  onRefused: true,
  header: true,
  counts: true,
};

/** Options that were checked. */
export interface Settings {
  readonly hlc: HybridClock;
  readonly trust: boolean | ((subject: unknown) => unknown);
  readonly onRefused: ((error: Error) => unknown) | undefined;
  readonly header: string;
  readonly counts: PropagationCounts | undefined;
}

/**
 * The settings of an integration.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 */
export function settingsOf<Subject>(options: PropagationOptions<Subject>): Settings {
  const { hlc } = checkOptionNames(options, PROPAGATION_OPTIONS);
  return settingsFor(hlc, options);
}

/**
 * The settings of one call. The names of its options are not searched.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the argument at fault
 */
export function settingsFor<Subject>(
  hlc: HybridClock,
  options: Omit<PropagationOptions<Subject>, 'hlc'>,
): Settings {
  const { trust = false, onRefused, header, counts } = checkObject('options', options);
  checkHybridClock(hlc);
  if (typeof trust !== 'boolean' && typeof trust !== 'function') {
    throw new ArgumentTypeError('trust', 'true, false or a function', trust);
  }
  if (onRefused !== undefined && typeof onRefused !== 'function') {
    throw new ArgumentTypeError('onRefused', 'a function', onRefused);
  }
  if (counts !== undefined && !(counts instanceof PropagationCounts)) {
    throw new ArgumentTypeError('counts', 'a PropagationCounts', counts);
  }
  return {
    hlc,
    trust: trust as Settings['trust'],
    onRefused,
    header: header === undefined ? hlcHeader : checkHeader(header),
    counts,
  };
}
