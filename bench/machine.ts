/** Which machine this is. Speeds compare only between runs on the same processor and Node. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface Machine {
  /** `v20.20.2` */
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** `2026-11-21` */
  readonly date: string;
}

export function thisMachine(): Machine {
  return {
    node: process.version,
    cpu: processor(),
    cores: cpus().length,
    date: new Date().toISOString().slice(0, 10),
  };
}

/**
 * The name that the processor gives itself, and on Linux its family and model too: `AMD EPYC` alone
 * stands for six generations.
 */
function processor(): string {
  const name = cpus()[0]?.model.trim() ?? 'unknown';
  let text: string;
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return name; // not Linux
  }
  const kinds = ['cpu family', 'model'].flatMap((kind) => {
    const value = new RegExp(`^${kind}\\s*: (\\d+)$`, 'm').exec(text)?.[1];
    return value === undefined ? [] : [`${kind.replace('cpu ', '')} ${value}`];
  });
  return [name, ...kinds].join(', ');
}
