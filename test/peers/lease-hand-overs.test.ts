/**
 * Leases in real stores between four processes whose clocks are up to 300 ms and 300 ppm off, while
 * holders are stopped beyond their end, killed, cut off in the middle of a renewal, and the stores
 * restarted. In true time no two hold a lease at once, and the audit trail of what they write shows
 * no token that goes down. kit/lease-judge.ts says what true time is here.
 */
import { postgresLeaseTables } from 'epsilon-clock/lease';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditGoesDown } from '../kit/lease-judge.ts';
import { LEASES, LeaseLab, LeaseServers, type WorkerOptions } from '../kit/lease-lab.ts';

const HAND_OVERS = Number(process.env.HAND_OVERS ?? 500);
/** Each round of faults hits every kind of fault once, and another store. */
const ROUND_EVERY = 100;

let servers: LeaseServers;
beforeAll(async () => {
  servers = await LeaseServers.start();
  await servers.cluster.query(
    `${postgresLeaseTables}
    create table audit (id bigserial primary key, lease text not null, token bigint not null)`,
  );
});
afterAll(() => servers?.[Symbol.asyncDispose]());

const skews: readonly WorkerOptions[] = [
  { skew: { offsetMs: 300, ratePpm: 300 } },
  { skew: { offsetMs: -300, ratePpm: -300 } },
  { skew: { offsetMs: 180, ratePpm: -300 } },
  { skew: { offsetMs: -120, ratePpm: 300 } },
];

test(`${HAND_OVERS} hand-overs under faults: no overlap, no token goes down`, async () => {
  const options = { servers, leases: LEASES, ttlMs: 700, lets: 0.9, audit: true } as const;
  await using lab = await LeaseLab.start({ ...options, rule: 'library' }, skews);
  const acts: string[] = [];
  const cuts = { renewed: 0, unknown: 0 };
  for (let i = 0; i < LEASES.length || lab.handOvers < HAND_OVERS; i++) {
    await lab.until(() => lab.handOvers >= Math.min(i * ROUND_EVERY, HAND_OVERS));
    const lease = LEASES[i % LEASES.length]!;
    acts.push(await lab.stopHolder(lease));
    const direction = i % 2 === 0 ? 'to-client' : 'to-server';
    for (let cut = false; !cut; ) {
      const renewal = await lab.cutRenewal(lease, direction);
      // An outcome that is not known leaves the old end in force.
      expect(renewal.moved).toBe(renewal.renewed);
      cuts[renewal.renewed ? 'renewed' : 'unknown']++;
      cut = renewal.cut;
    }
    const other = LEASES[(i + 1) % LEASES.length]!;
    await Promise.all([lab.killHolder(other, skews[i % skews.length]!), servers.restart(lease)]);
  }
  await lab.finish();
  const verdict = lab.verdict();
  const rows = (await servers.cluster.query('select lease, token from audit order by id'))
    .map((row) => row.split('|') as [string, string])
    .map(([lease, token]) => [lease, BigInt(token)] as const);
  console.log(
    JSON.stringify({ ...verdict, written: rows.length, acts, cuts }),
    `true time to ${lab.mappingErrorMs.toFixed(3)} ms`,
  );
  expect(verdict).toMatchObject({ overlaps: 0, tokensDown: 0 });
  // In some no check passed, because the machine was too busy.
  expect(verdict.holdings).toBeGreaterThan(0.9 * HAND_OVERS);
  expect(auditGoesDown(rows)).toBe(0);
  expect(rows.length).toBeGreaterThan(HAND_OVERS / 2);
  // What a stopped holder wrote after its end was refused.
  expect(acts).toContain('fenced');
  expect(acts).not.toContain('written');
});
