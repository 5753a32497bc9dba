/**
 * The same work for every library: a stamp, a receive, a stamp as text, as bytes, and sorting
 * 100,000.
 *
 * A stamp as text includes making the stamp, because some libraries do both in one call. Text is
 * read once, because V8 builds a concatenation only when its characters are read.
 */
import { formatTimestamp, type HlcTimestamp } from 'epsilon-clock';
import type { Groups, Row } from '../row.ts';
import { OURS, PEERS, type Peer } from './adapters.ts';

const MASK = 63;
const SORTED = 100_000;
const kept: unknown[] = new Array(MASK + 1);

/** Ours is the baseline of every kind of work. */
const baselineOf = (kind: string): string => `${OURS} ${kind}`;

function rowsOf(name: string, peer: Peer): Row[] {
  const { stamp, remote, receive, text, bytes } = peer;
  const rows: Row[] = [];
  const row = (kind: string, run: Row['run'], batch = 200): void => {
    rows.push({ id: `${name} ${kind}`, operation: kind, run, batch, baseline: baselineOf(kind) });
  };
  row('stamp', (i) => {
    kept[i & MASK] = stamp();
  });
  if (remote && receive) {
    const past = Date.now() - 1000;
    const remotes = Array.from({ length: MASK + 1 }, (_, i) => remote(past - i));
    row('receive', (i) => {
      kept[i & MASK] = receive(remotes[i & MASK]);
    });
  }
  if (text) {
    row('to text', (i) => {
      const made = text(stamp());
      kept[i & MASK] = made;
      return made.charCodeAt(0);
    });
  }
  if (bytes) {
    row('to bytes', (i) => {
      kept[i & MASK] = bytes(stamp());
    });
  }
  row('sort', sorting(peer), 1);
  return rows;
}

/** Sorts a shuffled copy, in the form and by the order that the library provides for sorting. */
function sorting({ stamp, text, compare }: Peer): Row['run'] {
  const stamps = Array.from({ length: SORTED }, () => stamp());
  if (compare) {
    const mixed = shuffled(stamps);
    return () => mixed.slice().sort(compare);
  }
  if (typeof stamps[0] === 'bigint') {
    const mixed = BigInt64Array.from(shuffled(stamps as bigint[]));
    return () => mixed.slice().sort();
  }
  const mixed = shuffled(stamps.map((each) => (text as (stamp: unknown) => string)(each)));
  return () => mixed.slice().sort();
}

/** Shuffles by Fisher and Yates, with a fixed sequence in place of random numbers. */
function shuffled<T>(values: readonly T[]): T[] {
  const mixed = [...values];
  let seed = 1;
  for (let i = mixed.length - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const j = seed % (i + 1);
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}

/** Our timestamps sorted as text, beside the peers whose timestamps are text. */
async function oursAsText(): Promise<Row> {
  const { stamp } = await (PEERS[OURS] as (fake: boolean) => Peer | Promise<Peer>)(false);
  const texts = Array.from({ length: SORTED }, () => formatTimestamp(stamp() as HlcTimestamp));
  const mixed = shuffled(texts);
  return {
    id: `${OURS} sort as text`,
    operation: 'sort as text',
    run: () => mixed.slice().sort(),
    batch: 1,
    baseline: baselineOf('sort'),
  };
}

export const groups: Groups = {
  'this machine': () => {
    const hrtime = process.hrtime.bigint;
    const slot = new BigInt64Array(1);
    const run = (): void => {
      slot[0] = hrtime();
    };
    return [{ id: 'hrtime', operation: '`process.hrtime.bigint()` into a slot', run }];
  },
  ...Object.fromEntries(
    Object.entries(PEERS).map(([name, make]) => [
      name,
      async () => {
        const rows = rowsOf(name, await make(false));
        if (name === OURS) rows.push(await oursAsText());
        return rows;
      },
    ]),
  ),
};
