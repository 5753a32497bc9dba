/** What the command line of `epsilon-clock order` asks for. */
import type { ParseArgsConfig } from 'node:util';
import { nsFromMsUp } from '../../time/rounding.ts';
import { UsageError } from '../exit.ts';
import { durationMs, parseOptions, quote } from '../options.ts';
import type { FieldNames } from './place-reader.ts';

/** A line of a file, as `--why` names it. */
export interface LinePlace {
  readonly path: string;
  readonly line: number;
}

/** `field=value` of `--where`. */
export interface Condition {
  readonly field: string;
  readonly value: string;
}

/** What comes out. */
export type OrderForm =
  | { readonly kind: 'text' | 'json' | 'shiviz' | 'perfetto' }
  | { readonly kind: 'check'; readonly json: boolean }
  | { readonly kind: 'why'; readonly places: readonly [LinePlace, LinePlace] }
  | { readonly kind: 'html'; readonly path: string };

export interface OrderArguments {
  /** Paths; `-` is standard input. At least one. */
  readonly files: readonly string[];
  readonly form: OrderForm;
  readonly fields: FieldNames;
  /** By node or file, ns; `''` is all others. */
  readonly uncertaintyNs: ReadonlyMap<string, bigint>;
  readonly windowMs: number;
  readonly maxLeadMs: number;
  readonly where: readonly Condition[];
  readonly sort: boolean;
  readonly strict: boolean;
  readonly follow: boolean;
}

const DEFAULT_WINDOW_MS = 5000;
/** The default limit of a hybrid clock, `maxRemoteAheadMs`. */
const DEFAULT_MAX_LEAD_MS = 500;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  check: { type: 'boolean' },
  why: { type: 'string' },
  html: { type: 'string' },
  format: { type: 'string' },
  hlc: { type: 'string' },
  node: { type: 'string' },
  earliest: { type: 'string' },
  latest: { type: 'string' },
  eps: { type: 'string' },
  time: { type: 'string' },
  uncertainty: { type: 'string', multiple: true },
  window: { type: 'string' },
  'max-lead': { type: 'string' },
  where: { type: 'string', multiple: true },
  sort: { type: 'boolean' },
  strict: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
} as const satisfies ParseArgsConfig['options'];

type Parsed = ReturnType<typeof parseOptions<typeof OPTIONS>>;

/**
 * The arguments behind `order`; `undefined` for `--help`.
 *
 * @throws UsageError when the options contradict each other, or a value is not understood
 */
export function orderArguments(args: readonly string[]): OrderArguments | undefined {
  const parsed = parseOptions(args, OPTIONS);
  const { values } = parsed;
  if (values.help) return undefined;
  const { hlc, node, earliest, latest, eps, time, sort = false, strict = false } = values;
  const places = whyPlaces(parsed);
  const named = parsed.positionals.filter((_, i) => i !== places?.secondIndex);
  const files = named.length > 0 ? named : [...new Set(places?.both.map(({ path }) => path))];
  if (files.length === 0) throw new UsageError('order needs a file; - is standard input');
  if (files.filter((file) => file === '-').length > 1) {
    throw new UsageError('standard input (-) can be read once');
  }
  const form = formOf(values, places?.both);
  const follow = values.follow ?? false;
  if (follow && (sort || !['text', 'json'].includes(form.kind))) {
    throw new UsageError('--follow goes with the lines themselves, and without --sort');
  }
  if (follow && files.includes('-')) throw new UsageError('--follow needs files, not -');
  return {
    files,
    form,
    fields: { hlc, node, earliest, latest, eps, time },
    uncertaintyNs: new Map(values.uncertainty?.map(uncertainty)),
    windowMs:
      values.window === undefined ? DEFAULT_WINDOW_MS : durationMs('--window', values.window),
    maxLeadMs:
      values['max-lead'] === undefined
        ? DEFAULT_MAX_LEAD_MS
        : durationMs('--max-lead', values['max-lead']),
    where: values.where?.map(condition) ?? [],
    sort,
    strict,
    follow,
  };
}

function formOf(
  { json = false, check = false, html, format }: Parsed['values'],
  places: readonly [LinePlace, LinePlace] | undefined,
): OrderForm {
  const asked = [
    check && '--check',
    html !== undefined && '--html',
    format !== undefined && '--format',
    places !== undefined && '--why',
    json && !check && '--json',
  ].filter((option) => option !== false);
  if (asked.length > 1) throw new UsageError(`${asked.join(' and ')} exclude each other`);
  if (check) return { kind: 'check', json };
  if (html !== undefined) return { kind: 'html', path: html };
  if (places !== undefined) return { kind: 'why', places };
  if (format === undefined) return { kind: json ? 'json' : 'text' };
  if (format === 'shiviz' || format === 'perfetto') return { kind: format };
  throw new UsageError(`--format must be shiviz or perfetto; got ${quote(format)}`);
}

/** The two places of `--why a:1 b:2`. The second one is the argument right behind the first. */
function whyPlaces({
  values,
  tokens,
}: Parsed):
  | { readonly both: readonly [LinePlace, LinePlace]; readonly secondIndex: number }
  | undefined {
  if (values.why === undefined) return undefined;
  const at = tokens.findIndex((token) => token.kind === 'option' && token.name === 'why');
  const second = tokens[at + 1];
  if (second?.kind !== 'positional') {
    throw new UsageError('--why needs two lines, such as --why api.ndjson:12 billing.ndjson:7');
  }
  const secondIndex = tokens.slice(0, at).filter(({ kind }) => kind === 'positional').length;
  return { both: [linePlace(values.why), linePlace(second.value)], secondIndex };
}

function linePlace(text: string): LinePlace {
  const match = /^(.+):([1-9]\d{0,14})$/s.exec(text);
  if (match === null) throw new UsageError(`a line is file:number; got ${quote(text)}`);
  return { path: match[1]!, line: Number(match[2]) };
}

/** `5ms` for all, or `api-1=5ms` for one node or file. */
function uncertainty(text: string): [name: string, ns: bigint] {
  const at = text.lastIndexOf('=');
  const ms = durationMs('--uncertainty', text.slice(at + 1));
  return [text.slice(0, Math.max(0, at)), nsFromMsUp(ms)];
}

function condition(text: string): Condition {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--where must be field=value; got ${quote(text)}`);
  return { field: text.slice(0, at), value: text.slice(at + 1) };
}
