/**
 * Leases in etcd, by its JSON gateway and plain `fetch`: one key per name, replaced only at the
 * revision that was read. In true time etcd counts nothing. Leases of the kind `duration` are in
 * etcd-durations.ts.
 *
 * In the gateway's JSON keys and values are base64, int64 are text, and what is 0 or false is left
 * out.
 */
import { ArgumentTypeError, checkNumber, checkObject } from '../../time/errors.ts';
import { checkOptionNames } from '../../time/options.ts';
import { LeaseStoreError } from '../errors.ts';
import { MAX_DRIFT_PPM } from '../lease-options.ts';
import type { LeaseStore } from '../lease-store.ts';
import { etcdDurations } from './etcd-durations.ts';
import { decode, type EtcdReply, encode } from './etcd-json.ts';
import { versionedLeases } from './versioned.ts';

/** Options of {@link etcdLeases}. */
export interface EtcdOptions {
  /** The address of the client port: `http://127.0.0.1:2379`. */
  readonly url: string | URL;
  /** Before each key. Default `epsilon/lease/`. */
  readonly prefix?: string | undefined;
  /** With each request, such as `{ authorization: token }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /**
   * For leases of the kind `'duration'`: how much faster than true time the monotonic clock of any
   * member may run, ppm. 0 to 100,000, which is the default.
   */
  readonly maxDriftPpm?: number | undefined;
}

const NAMES: Readonly<Record<keyof EtcdOptions, true>> = {
  url: true,
  prefix: true,
  headers: true,
  fetch: true,
  maxDriftPpm: true,
};

/**
 * Leases in etcd 3.4 and later. It assumes that a majority of the members keeps what it has
 * acknowledged, which etcd is made for.
 *
 * @throws ArgumentTypeError, ArgumentRangeError for a bad option
 * @example const store = etcdLeases({ url: 'http://127.0.0.1:2379' });
 */
export function etcdLeases(options: EtcdOptions): LeaseStore {
  const { url, prefix = 'epsilon/lease/', headers, ...rest } = checkOptionNames(options, NAMES);
  const { maxDriftPpm = MAX_DRIFT_PPM } = rest;
  checkNumber('maxDriftPpm', maxDriftPpm, 0, MAX_DRIFT_PPM);
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new ArgumentTypeError('url', 'a URL', url);
  }
  if (typeof prefix !== 'string') throw new ArgumentTypeError('prefix', 'a string', prefix);
  if (headers !== undefined) checkObject('headers', headers);
  const send = options.fetch ?? fetch;
  if (typeof send !== 'function') throw new ArgumentTypeError('fetch', 'a function', send);
  const base = String(new URL(url)).replace(/\/*$/, '');

  async function ask(path: string, body: object, signal: AbortSignal): Promise<EtcdReply> {
    const reply = await send(`${base}${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    if (!reply.ok) throw new Error(`${reply.status} ${(await reply.text()).slice(0, 200)}`);
    const said = (await reply.json()) as EtcdReply | null;
    // What is 0 is left out, so without its header `{}` would say that nothing is there.
    const header = said?.header ?? said?.result?.header;
    if (said === null || header === undefined) throw new LeaseStoreError('etcd', 'malformed');
    return said;
  }

  const leases = versionedLeases({
    name: 'etcd',
    async read(name, { signal }) {
      const { kvs = [] } = await ask('/v3/kv/range', { key: encode(prefix + name) }, signal);
      const entry = kvs[0];
      if (entry === undefined) return undefined;
      return { text: decode(entry.value ?? ''), version: entry.mod_revision ?? '0' };
    },
    async replace(name, text, found, { signal }) {
      const key = encode(prefix + name);
      const transaction = {
        compare: [{ key, target: 'MOD', mod_revision: found?.version ?? '0' }],
        success: [{ request_put: { key, value: encode(text) } }],
      };
      return (await ask('/v3/kv/txn', transaction, signal)).succeeded === true;
    },
  });
  return { ...leases, durations: etcdDurations({ ask, prefix, maxDriftPpm }) };
}
