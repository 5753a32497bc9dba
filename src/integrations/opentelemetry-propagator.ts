/**
 * Timestamps through whatever OpenTelemetry instruments: its propagation API writes headers into
 * each request that is sent, and reads those of each request that is received.
 *
 * The stamp has a header of its own. The other two places are for callers whose proxies drop
 * headers that they do not know:
 *
 * - `baggage` (https://www.w3.org/TR/baggage): forwarded by every hop, also to third parties.
 * - `tracestate` (https://www.w3.org/TR/trace-context): lost where a proxy restarts the trace.
 *
 * Both are lists that other propagators write too, and a propagator cannot read what another one
 * has written. So ours writes the whole list anew, from the context: our member first, then those
 * that the context holds. It must come behind the propagator of that list.
 *
 * Nothing of OpenTelemetry is imported. A context is asked by two symbols of the global registry.
 * They are the same in all 1.x releases of the API, because copies of different releases in one
 * process must find each other's spans and baggage.
 */
import { hlcHeader } from '../propagation/header.ts';
import { type PropagationOptions, type Settings, settingsFor } from '../propagation/options.ts';
import { receive, send } from '../propagation/propagation.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';

/** The part of a context of OpenTelemetry that the propagator reads. */
export interface OtelContext {
  /** The value of a key. */
  getValue(key: symbol): unknown;
}

/** Writes one header into a carrier, as OpenTelemetry's `TextMapSetter`. */
export interface OtelSetter<Carrier> {
  /** Writes the header `key`. */
  set(carrier: Carrier, key: string, value: string): void;
}

/** Reads one header of a carrier, as OpenTelemetry's `TextMapGetter`. */
export interface OtelGetter<Carrier> {
  /** The header `key`. */
  get(carrier: Carrier, key: string): undefined | string | string[];
}

/** What OpenTelemetry calls a `TextMapPropagator`. */
export interface OtelPropagator {
  /** A send event. Never throws. */
  inject<Carrier>(context: OtelContext, carrier: Carrier, setter: OtelSetter<Carrier>): void;
  /** A receipt. Never throws; the context comes back as it is. */
  extract<Context, Carrier>(
    context: Context,
    carrier: Carrier,
    getter: OtelGetter<Carrier>,
  ): Context;
  /** The names of the headers. */
  fields(): string[];
}

/** Options of {@link hlcPropagator}. `trust` is given the carrier, such as the headers. */
export interface HlcPropagatorOptions extends PropagationOptions<unknown> {
  /**
   * Where the stamp travels:
   *
   * - `'header'` (default): in the header {@link PropagationOptions.header}.
   * - `'baggage'`, `'tracestate'`: as the member `epsilon-hlc` of that header.
   */
  readonly carrier?: 'header' | 'baggage' | 'tracestate' | undefined;
}

const OPTIONS: Readonly<Record<keyof HlcPropagatorOptions, true>> = {
  hlc: true,
  trust: true,
  onRefused: true,
  header: true,
  counts: true,
  carrier: true,
};

/**
 * A propagator that sends a stamp of `hlc` with each request, and advances `hlc` by the stamp of
 * each request that is received. Use it beside those of W3C in a `CompositePropagator`, and behind
 * them. It does not carry a trace by itself.
 *
 * OpenTelemetry propagates requests, not replies: `epsilon-clock/fastify` and the like carry
 * stamps both ways. Do not use both for one direction, because then a request counts as two events.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const propagator = hlcPropagator({ hlc, trust: true });
 * propagator.fields() // ['epsilon-hlc']
 */
export function hlcPropagator(options: HlcPropagatorOptions): OtelPropagator {
  const { hlc, carrier = 'header', header } = checkOptionNames(options, OPTIONS);
  const settings = settingsFor(hlc, options);
  if (carrier === 'header') return new HeaderPropagator(settings);
  const list = Object.hasOwn(LISTS, carrier) ? LISTS[carrier] : undefined;
  if (list === undefined) {
    throw new ArgumentRangeError('carrier', "'header', 'baggage' or 'tracestate'", carrier);
  }
  if (header !== undefined) {
    throw new ArgumentTypeError('header', `left out with carrier: '${carrier}'`, header);
  }
  return new ListPropagator(settings, list);
}

class HeaderPropagator implements OtelPropagator {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  inject<C>(_context: OtelContext, carrier: C, setter: OtelSetter<C>): void {
    send(this.#settings, { get() {}, set: (name, stamp) => setter.set(carrier, name, stamp) });
  }

  extract<T, C>(context: T, carrier: C, getter: OtelGetter<C>): T {
    receive(this.#settings, { get: (name: string) => getter.get(carrier, name) }, carrier);
    return context;
  }

  fields(): string[] {
    return [this.#settings.header];
  }
}

class ListPropagator implements OtelPropagator {
  readonly #settings: Settings;
  readonly #list: List;

  constructor(settings: Settings, list: List) {
    this.#settings = settings;
    this.#list = list;
  }

  inject<C>(context: OtelContext, carrier: C, setter: OtelSetter<C>): void {
    const set = (_name: string, stamp: string): void => {
      const members = [`${hlcHeader}=${stamp}`, ...othersOf(this.#list.membersOf(context))];
      setter.set(carrier, this.#list.name, joined(members, this.#list));
    };
    send(this.#settings, { get() {}, set });
  }

  extract<T, C>(context: T, carrier: C, getter: OtelGetter<C>): T {
    const get = (): string | undefined => stampIn(getter.get(carrier, this.#list.name));
    receive(this.#settings, { get }, carrier);
    return context;
  }

  fields(): string[] {
    return [this.#list.name];
  }
}

/** A header that is a list with commas, and the limits of its specification. */
interface List {
  readonly name: string;
  readonly maxMembers: number;
  readonly maxLength: number;
  /** The members that the context holds. */
  readonly membersOf: (context: OtelContext) => readonly string[];
}

/** What the API of OpenTelemetry puts into a context: `createContextKey` is `Symbol.for`. */
const BAGGAGE: symbol = Symbol.for('OpenTelemetry Baggage Key');
const SPAN: symbol = Symbol.for('OpenTelemetry Context Key SPAN');

interface BaggageLike {
  getAllEntries(): [string, { readonly value: string; readonly metadata?: unknown }][];
}

interface SpanLike {
  spanContext(): { readonly traceState?: { serialize(): string } | undefined };
}

const LISTS: Readonly<Record<string, List>> = {
  baggage: {
    name: 'baggage',
    maxMembers: 64,
    maxLength: 8192,
    membersOf: (context) => {
      const baggage = context.getValue(BAGGAGE) as BaggageLike | undefined;
      return (baggage?.getAllEntries() ?? []).map(([key, { value, metadata }]) => {
        const properties = metadata === undefined ? '' : `;${metadata}`;
        return `${encodeURIComponent(key)}=${encodeURIComponent(value)}${properties}`;
      });
    },
  },
  tracestate: {
    name: 'tracestate',
    maxMembers: 32,
    maxLength: 512,
    membersOf: (context) => {
      const span = context.getValue(SPAN) as SpanLike | undefined;
      return span?.spanContext().traceState?.serialize().split(',') ?? [];
    },
  },
};

/** Without the stamp of our caller, which the context of a request still holds. */
function othersOf(members: readonly string[]): readonly string[] {
  return members.filter((member) => member !== '' && nameOf(member) !== hlcHeader);
}

/** As much of a list as its specification allows. What is cut off is at the end. */
function joined(members: readonly string[], { maxMembers, maxLength }: List): string {
  let text = '';
  for (const member of members.slice(0, maxMembers)) {
    const longer = text === '' ? member : `${text},${member}`;
    if (longer.length <= maxLength) text = longer;
  }
  return text;
}

/** A longer header is not searched to its end: our own member is the first. */
const MAX_SEARCHED = 8192;

/** The value of our member, decoded if it can be; `undefined` without one. */
function stampIn(header: undefined | string | string[]): string | undefined {
  if (header === undefined) return undefined;
  const text = (Array.isArray(header) ? header : [header]).join(',').slice(0, MAX_SEARCHED);
  const member = text.split(',').find((each) => nameOf(each) === hlcHeader);
  const value = member?.slice(member.indexOf('=') + 1).split(';', 1)[0];
  try {
    return value === undefined ? undefined : decodeURIComponent(value.trim());
  } catch {
    return value; // not a stamp either
  }
}

function nameOf(member: string): string {
  return member.split('=', 1)[0]!.trim();
}
