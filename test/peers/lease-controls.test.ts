/**
 * Rules that are wrong, in the harness of lease-hand-overs.test.ts: it must report each of them,
 * and not the right rule in the same place. All overlaps are in true time.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresLeaseTables } from 'epsilon-clock/lease';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabOptions, LeaseLab, LeaseServers, type WorkerOptions } from '../kit/lease-lab.ts';

let servers: LeaseServers;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lease-controls-'));
  servers = await LeaseServers.start();
  await servers.cluster.query(postgresLeaseTables);
});
afterAll(async () => {
  await servers?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const ROUNDS = 30;

/** All last to their end, unless `more` says otherwise. */
function start(
  more: Pick<LabOptions, 'rule' | 'leases'> & Partial<LabOptions>,
  workers: readonly WorkerOptions[],
): Promise<LeaseLab> {
  return LeaseLab.start({ servers, ttlMs: 600, lets: 0, ...more }, workers);
}

/** Two overlap for longer than the mapping to true time could err, by far. */
function overlaps(lab: LeaseLab): boolean {
  return lab.verdict().longestOverlapMs > 10 * lab.mappingErrorMs;
}

/** Lets them contend until it shows, at most for `rounds` hand-overs. */
async function contendUntil(lab: LeaseLab, shows: () => boolean, rounds = ROUNDS): Promise<void> {
  for (let i = 0; i < rounds && !shows(); i++) await lab.next(({ type }) => type === 'got');
}

function report(lab: LeaseLab): void {
  console.log(JSON.stringify(lab.verdict()), `true time to ${lab.mappingErrorMs.toFixed(3)} ms`);
}

describe('wall clocks that differ by 600 ms', () => {
  const skews: readonly WorkerOptions[] = [
    { skew: { offsetMs: -300, ratePpm: 0 } },
    { skew: { offsetMs: 300, ratePpm: 0 } },
  ];

  test('Date.now() on both sides: two hold it at once', async () => {
    await using lab = await start({ rule: 'wall', leases: ['postgres'] }, skews);
    await contendUntil(lab, () => overlaps(lab));
    report(lab);
    expect(overlaps(lab)).toBe(true);
  });

  test('the library: nobody does', async () => {
    await using lab = await start({ rule: 'library', leases: ['postgres'] }, skews);
    await contendUntil(lab, () => overlaps(lab), 6);
    report(lab);
    expect(lab.verdict()).toMatchObject({ overlaps: 0, tokensDown: 0 });
  });
});

describe('replies to one of two that are 400 ms late, from a store that counts by itself', () => {
  const good = { offsetMs: 0, ratePpm: 0 };
  const workers: readonly WorkerOptions[] = [{ skew: good, replyMs: 400 }, { skew: good }];

  test('counted from the reply on: two hold it at once', async () => {
    await using lab = await start({ rule: 'from-reply', leases: ['redis'] }, workers);
    await contendUntil(lab, () => overlaps(lab));
    report(lab);
    expect(overlaps(lab)).toBe(true);
  });

  test('counted from before the request: nobody does', async () => {
    await using lab = await start({ rule: 'from-request', leases: ['redis'] }, workers);
    await contendUntil(lab, () => overlaps(lab), 6);
    report(lab);
    expect(lab.verdict()).toMatchObject({ overlaps: 0, tokensDown: 0 });
  });
});

test('a release that deletes the record: tokens go down', async () => {
  const good: WorkerOptions = { skew: { offsetMs: 0, ratePpm: 0 } };
  await using lab = await start({ rule: 'deletes', leases: ['postgres'], lets: 0.8 }, [good, good]);
  await contendUntil(lab, () => lab.verdict().tokensDown > 0);
  report(lab);
  expect(lab.verdict().tokensDown).toBeGreaterThan(0);
});

describe('the wall clock of a holder is set back by 5 s', () => {
  /** Steps the first worker whenever it has got the lease. */
  async function stepped(lab: LeaseLab, wallFile: string, times: number): Promise<void> {
    for (let i = 1; i <= times && !overlaps(lab); i++) {
      const { worker } = await lab.next(
        ({ type, worker }) => type === 'got' && worker.name === 'w0',
      );
      writeFileSync(`${wallFile}.new`, `-${5 * i}\n`);
      renameSync(`${wallFile}.new`, wallFile); // the process may read at any moment
      const isOther = ({ type, ...event }: (typeof lab.events)[number]): boolean =>
        type === 'got' && event.worker !== worker;
      await lab.next(isOther);
      await lab.next(({ type }) => type === 'got');
    }
  }

  test('redlock: two hold it at once, and there is no token to refuse either', async () => {
    const wallFile = join(directory, 'redlock');
    writeFileSync(wallFile, '+0\n');
    const workers = [{ skew: { wallFile } }, { skew: { offsetMs: 0, ratePpm: 0 } }];
    await using lab = await start({ rule: 'redlock', leases: ['redis'] }, workers);
    await stepped(lab, wallFile, 10);
    report(lab);
    expect(overlaps(lab)).toBe(true);
  });

  test('the library: nobody does', async () => {
    const wallFile = join(directory, 'library');
    writeFileSync(wallFile, '+0\n');
    const workers = [{ skew: { wallFile } }, { skew: { offsetMs: 0, ratePpm: 0 } }];
    await using lab = await start({ rule: 'library', leases: ['redis'] }, workers);
    await stepped(lab, wallFile, 3);
    report(lab);
    expect(lab.verdict()).toMatchObject({ overlaps: 0, tokensDown: 0 });
  });
});
