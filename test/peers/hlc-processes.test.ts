/**
 * Three real processes with wrong clocks exchange messages. The parent, whose clock is not faked,
 * checks them.
 *
 * CLOCK_MONOTONIC is common to all processes and not faked, so it gives the true time of each
 * event. Happened-before is the closure of two relations: the order of events on one node, and send
 * before receive. So causality holds everywhere when it holds for each pair of these.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const FAKETIME = process.env.FAKETIME_LIB ?? '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const MS = 1_000_000n;
const LIMIT = 500n * MS;
/** How well the parent knows a child's clock: Date.now's grid, and 500 ppm over a slow run. */
const TOLERANCE = 60n * MS;
const PHASES = 4;
const PER_PHASE = 4167; // to each of two peers: 4 x 3 x 2 x 4167 = 100,008 messages
const MESSAGES = PHASES * 3 * 2 * PER_PHASE;

interface Log {
  readonly kind: readonly ('send' | 'receive' | 'refuse')[];
  readonly id: readonly number[];
  readonly timestamp: BigInt64Array;
  readonly at: BigInt64Array;
}

class Node {
  readonly process: ChildProcess;
  /** The error of its wall clock, ns. A file sets that of the third node. */
  offsetNs: bigint;
  readonly listening: Promise<number>;
  readonly #died: Promise<never>;

  constructor(index: number, offsetNs: bigint, env: NodeJS.ProcessEnv) {
    this.offsetNs = offsetNs;
    const child = new URL('hlc-node.child.mjs', import.meta.url).pathname;
    this.process = fork(child, [String(index), String(PER_PHASE)], {
      serialization: 'advanced',
      execArgv: [],
      env: {
        ...process.env,
        ...env,
        LD_PRELOAD: FAKETIME,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        NODE_OPTIONS: '',
      },
    });
    this.#died = new Promise((_, reject) => {
      this.process.once('exit', (code) => reject(new Error(`node ${index} exited: ${code}`)));
    });
    this.#died.catch(() => {});
    this.listening = this.#answer<number>('listening');
  }

  ask<T>(command: string, args: object = {}): Promise<T> {
    const answer = this.#answer<T>(command);
    this.process.send({ command, ...args });
    return answer;
  }

  #answer<T>(command: string): Promise<T> {
    const answered = new Promise<T>((resolve) => {
      const hear = (said: { command: string; result: T }) => {
        if (said.command !== command) return;
        this.process.off('message', hear);
        resolve(said.result);
      };
      this.process.on('message', hear);
    });
    return Promise.race([answered, this.#died]);
  }
}

let directory: string;
let nodes: Node[] = [];

beforeAll(() => {
  if (!existsSync(FAKETIME)) {
    throw new Error(`no ${FAKETIME}: apt-get install -y faketime, or set FAKETIME_LIB`);
  }
  directory = mkdtempSync(join(tmpdir(), 'hlc-'));
});

afterAll(async () => {
  for (const { process: child } of nodes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    await exit;
  }
  rmSync(directory, { recursive: true, force: true });
});

/** True time as Unix ns at a reading of the common monotonic clock. */
const origin = BigInt(Date.now()) * MS - process.hrtime.bigint();
const trueAt = (monotonicNs: bigint) => monotonicNs + origin;

test('100,008 messages between skewed, drifting and stepping nodes: no order lost', async () => {
  const stepFile = join(directory, 'step');
  writeFileSync(stepFile, '+0\n');
  nodes = [
    new Node(0, 137n * MS, { FAKETIME: '+0.137' }),
    new Node(1, -80n * MS, { FAKETIME: '-0.080 x1.0005' }),
    new Node(2, 0n, { FAKETIME_TIMESTAMP_FILE: stepFile, FAKETIME_NO_CACHE: '1' }),
  ];
  const stepping = nodes[2]!;
  const each = <T>(command: string, args: object = {}) =>
    Promise.all(nodes.map((node) => node.ask<T>(command, args)));
  const ports = await Promise.all(nodes.map((node) => node.listening));
  await Promise.all(
    nodes.map((node, i) => node.ask('connect', { ports: ports.filter((_, j) => j !== i) })),
  );
  const checkClocks = async () => {
    for (const node of nodes) {
      const { wall, at } = await node.ask<{ wall: bigint; at: bigint }>('time');
      const error = wall - trueAt(at) - node.offsetNs;
      expect(error).toBeGreaterThan(-TOLERANCE);
      expect(error).toBeLessThan(TOLERANCE);
    }
  };
  const step = async (seconds: bigint) => {
    writeFileSync(stepFile, `+${seconds}\n`);
    stepping.offsetNs = seconds * 1000n * MS;
    await stepping.ask('stepped', { offset: origin + stepping.offsetNs });
  };
  /** [phase begins, on the common monotonic clock; offset of each node during it] */
  const phases: { from: bigint; offsets: bigint[] }[] = [];
  const phase = async () => {
    await checkClocks();
    phases.push({ from: process.hrtime.bigint(), offsets: nodes.map((node) => node.offsetNs) });
    await each('phase', { number: phases.length });
  };

  await phase(); // the clocks are 217 ms apart, within the limit
  await step(2n);
  await phase(); // the third is 2 s ahead: the others refuse it
  await step(0n);
  await phase(); // its wall clock is right again, its timestamps still lead by 2 s
  await each('caughtUp');
  await phase(); // all is well
  const logs = await each<Log>('record');

  let lost = 0;
  const sent = new Map<number, { node: number; timestamp: bigint }>();
  logs.forEach((log, node) => {
    let last = 0n;
    log.kind.forEach((kind, i) => {
      const timestamp = log.timestamp[i]!;
      if (kind === 'send') sent.set(log.id[i]!, { node, timestamp });
      if (kind === 'refuse') return;
      if (!(timestamp > last)) lost++;
      last = timestamp;
    });
  });
  expect(sent.size).toBe(MESSAGES);

  let wrongly = 0;
  const arrived = new Set<number>();
  /** Refusals by phase and sender. */
  const refusals = phases.map(() => [0, 0, 0]);
  logs.forEach((log, node) => {
    log.kind.forEach((kind, i) => {
      if (kind === 'send') return;
      const id = log.id[i]!;
      const at = log.at[i]!;
      const message = sent.get(id)!;
      arrived.add(id);
      const number = phases.findLastIndex(({ from }) => from <= at);
      const physical = trueAt(at) + phases[number]!.offsets[node]!;
      const ahead = message.timestamp - physical;
      if (kind === 'receive') {
        if (!(log.timestamp[i]! > message.timestamp)) lost++;
        if (ahead > LIMIT + TOLERANCE) wrongly++;
      } else {
        refusals[number]![message.node]!++;
        if (ahead < LIMIT - TOLERANCE) wrongly++;
      }
    });
  });
  expect(lost).toBe(0);
  expect(arrived.size).toBe(MESSAGES);
  // Whether a message was refused is what true time and the known offsets say.
  expect(wrongly).toBe(0);
  expect(refusals[0]).toEqual([0, 0, 0]);
  expect(refusals[1]).toEqual([0, 0, 2 * PER_PHASE]);
  expect(refusals[3]).toEqual([0, 0, 0]);
});
