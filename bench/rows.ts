/** The hot paths, by group. To measure another one, add a row to a group in the folder `rows`. */
import type { Groups } from './row.ts';
import { clocks } from './rows/clocks.ts';
import { codecs } from './rows/codecs.ts';
import { waits } from './rows/commit-wait.ts';
import { detection } from './rows/detection.ts';
import { lease } from './rows/lease.ts';
import { bareLines, compactLines, fullLines, hlcLines } from './rows/logging.ts';
import {
  durable,
  hybrid,
  hybridMixed,
  hybridOnBounded,
  lamport,
  secondHybrid,
  shared,
} from './rows/logical.ts';
import { nts } from './rows/nts.ts';
import { propagation } from './rows/propagation.ts';
import { attached, attachedLearned, bounded, host, learned } from './rows/readings.ts';
import { ingest } from './rows/samples.ts';

export const groups: Groups = {
  'Clocks of this machine': clocks,
  'Bounded clock, in the thread that publishes': bounded,
  'Bounded clock that has learned the rate, in the thread that publishes': learned,
  'Bounded clock, attached in another thread': attached,
  'Bounded clock that has learned the rate, attached in another thread': attachedLearned,
  'Bounded clock of another process of this host': host,
  'Hybrid clock on the system clock': hybrid,
  'Hybrid clock, the second in its process': secondHybrid,
  'Hybrid clock that writes to both kinds of bytes': hybridMixed,
  'Hybrid clock on a bounded clock': hybridOnBounded,
  'Hybrid clock that survives crashes': durable,
  'Hybrid clock shared by threads': shared,
  'Lamport clock': lamport,
  'Commit wait': waits,
  'Failure detection': detection,
  Lease: lease,
  Codecs: codecs,
  'Log line of pino': bareLines,
  'Log line of pino with `hlc`': hlcLines,
  'Log line of pino with a compact stamp': compactLines,
  'Log line of pino with a full stamp': fullLines,
  'Timestamps through services': propagation,
  'Agreement and samples': ingest,
  'Authenticated time (NTS)': nts,
};
