/**
 * `epsilon-clock order` against `sort -m` on the same files by the same key: processor time, and
 * the most memory that each holds. A program of its own, which prints an {@link OrderMeasured} as
 * JSON.
 *
 * `sort` only merges. `order` also finds the stamps, narrows the intervals and computes groups and
 * watermarks. Both write to /dev/null, and both run once before they are measured, so that the
 * files are in memory.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

export interface OrderMeasured {
  readonly lines: number;
  readonly bytes: number;
  readonly orderCpuS: number;
  readonly sortCpuS: number;
  readonly orderPeakBytes: number;
}

const smoke = process.argv.includes('--smoke');
const LINES = smoke ? 20_000 : 2_000_000;
const RUNS = smoke ? 1 : 3;
const FILES = 4;
const BEGIN_NS = 1_795_227_787_534_418_003n;
/** The column of the first digit of the stamp, from 1. It is the same in every line. */
const HLC_AT = '{"level":30,"time":1795227787534,"hlc":"'.length + 1;
const CLI = new URL('../../dist/cli.js', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'order-bench-'));

/** Lines as pino writes them with `stampLines`, 250 bytes each, 4,000 a second. */
function writeFiles(): string[] {
  const names = Array.from({ length: FILES }, (_, i) => join(folder, `api-${i}.ndjson`));
  const files = names.map((name) => openSync(name, 'w'));
  const parts = files.map((): string[] => []);
  for (let i = 0; i < LINES; i++) {
    const hlc = String(BEGIN_NS + BigInt(i) * 250_000n);
    const earliest = String(BEGIN_NS + BigInt(i) * 250_000n - 112_000n);
    const latest = String(BEGIN_NS + BigInt(i) * 250_000n + 112_000n);
    const at = (i * 7 + (i >> 4)) % FILES;
    parts[at]!.push(
      `{"level":30,"time":${hlc.slice(0, 13)},"hlc":"${hlc}","node":"api-${at}",` +
        `"earliest":"${earliest}","latest":"${latest}","pid":${1000 + at},"hostname":"web-${at}",` +
        `"req":{"method":"GET","url":"/orders/${i}"},"responseTime":12,"msg":"request completed"}\n`,
    );
    if (parts[at]!.length === 10_000) writeSync(files[at]!, parts[at]!.splice(0).join(''));
  }
  files.forEach((file, i) => {
    writeSync(file, parts[i]!.join(''));
    closeSync(file);
  });
  return names;
}

/** Runs a program. Resolves to its processor time, s, and the most memory that it held, bytes. */
async function cost(program: string, args: readonly string[]): Promise<[number, number]> {
  // The shell reports the processor time of what it ran; /proc tells the memory while it runs.
  const script = 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null 2>&1';
  const child = spawn('bash', ['-c', script, program, ...args], {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  let peak = 0;
  const poll = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid!));
  }, 20);
  const [code] = await once(child, 'close');
  clearInterval(poll);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
  const [user, system] = said.trim().split(' ').map(Number);
  return [user! + system!, peak];
}

/** The peak resident size so far of the only child of process `shell`, bytes. */
function peakOf(shell: number): number {
  try {
    const child = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim();
    const status = readFileSync(`/proc/${child}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0; // not begun, or ended
  }
}

try {
  const files = writeFiles();
  const sort = ['-m', '-t', '\x01', '-k', `1.${HLC_AT},1.${HLC_AT + 18}`, ...files];
  const order = [CLI, 'order', '--json', ...files];
  const orders: number[] = [];
  const sorts: number[] = [];
  let orderPeakBytes = 0;
  for (let run = 0; run <= RUNS; run++) {
    const [sortCpuS] = await cost('sort', sort);
    const [orderCpuS, peak] = await cost(process.execPath, order);
    orderPeakBytes = Math.max(orderPeakBytes, peak);
    if (run === 0) continue;
    sorts.push(sortCpuS);
    orders.push(orderCpuS);
  }
  const measured: OrderMeasured = {
    lines: LINES,
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    orderCpuS: median(orders),
    sortCpuS: median(sorts),
    orderPeakBytes,
  };
  console.log(JSON.stringify(measured));
} finally {
  rmSync(folder, { recursive: true });
}
