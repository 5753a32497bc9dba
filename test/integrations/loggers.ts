/** Real loggers whose lines a test reads, and a world whose clocks it moves. */
import { Writable } from 'node:stream';
import { BoundedClock, HybridClock, type UnixNs } from 'epsilon-clock';
import { pino } from 'pino';
import winston from 'winston';
import type { StampOptions } from '../../src/integrations/line-stamp.ts';
import { stampLines } from '../../src/integrations/pino.ts';
import { stampFormat } from '../../src/integrations/winston.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

export const T = 1_795_227_787_534_418_003n;
export const MS = 1_000_000n;

export interface Line {
  readonly time?: number;
  readonly hlc?: string;
  readonly node?: string;
  readonly earliest?: string;
  readonly latest?: string;
  readonly eps?: number;
  readonly lead?: string;
  readonly unstamped?: string;
  readonly from?: string;
  readonly [name: string]: unknown;
}

/** A text that is not JSON comes back as a field, so that a test fails by what it expects. */
function parse(text: string | undefined): Line {
  try {
    return JSON.parse(text!);
  } catch {
    return { malformed: text };
  }
}

/** Logs one message, and returns the line that came of it. */
export type Log = (fields?: object) => Line;

export function openPino(options: StampOptions): Log {
  const lines: string[] = [];
  const log = pino({ ...stampLines(options) }, { write: (line) => void lines.push(line) });
  return (fields = {}) => {
    log.info(fields, 'order taken');
    return parse(lines.at(-1));
  };
}

export function openWinston(options: StampOptions): Log {
  const lines: string[] = [];
  const stream = new Writable({
    write(line, _, done) {
      lines.push(String(line));
      done();
    },
  });
  const log = winston.createLogger({
    format: winston.format.combine(stampFormat(options), winston.format.json()),
    transports: [new winston.transports.Stream({ stream })],
  });
  return (fields = {}) => {
    log.info('order taken', fields);
    return parse(lines.at(-1));
  };
}

export const LOGGERS: readonly (readonly [string, (options: StampOptions) => Log])[] = [
  ['pino', openPino],
  ['winston', openWinston],
];

export const FORMS = ['full', 'compact', 'hlc'] as const;

/** A physical clock whose reading the test sets. */
export class Dial {
  ns: bigint = T;
  wallNs(): UnixNs {
    return this.ns as UnixNs;
  }
}

/** The clocks of a test, and what moves them. */
export interface World {
  readonly local: HandClock;
  /** A bounded clock on `local`, synchronised by one source. */
  readonly clock: BoundedClock;
  /** A sample of that source, right to `uncertaintyNs`. */
  readonly sync: () => void;
  /** The physical clock of `hlc`. */
  readonly dial: Dial;
  readonly hlc: HybridClock;
}

export function world(uncertaintyNs: bigint = MS): World {
  const local = new HandClock({ wall: T });
  const source = new ScriptedSource('a');
  const clock = BoundedClock.start({ sources: [source], clock: local });
  const sync = (): void =>
    source.reply(local, { theta: local.wallOffset, delay: 0n, serverError: uncertaintyNs });
  sync();
  const dial = new Dial();
  const hlc = new HybridClock({ clock: dial, nodeId: 'orders-3' });
  return { local, clock, sync, dial, hlc };
}
