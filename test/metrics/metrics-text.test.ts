import { readFileSync } from 'node:fs';
import {
  BoundedClock,
  type BoundedReader,
  HybridClock,
  runCommit,
  waitUntilAfter,
} from 'epsilon-clock';
import { PauseMeter } from 'epsilon-clock/failure-detection';
import { Lease, memoryLeases } from 'epsilon-clock/lease';
import { metricsContentType, metricsText, WaitHistogram } from 'epsilon-clock/metrics';
import { extract, inject, PropagationCounts } from 'epsilon-clock/propagation';
import { TestClock } from 'epsilon-clock/testing';
import { register } from 'prom-client';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { textOf } from '../../src/metrics/family.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

let clock: HandClock;
let sources: ScriptedSource[];
let bounded: BoundedClock;
let hlc: HybridClock;

beforeEach(() => {
  clock = new HandClock();
  sources = ['a', 'b', 'c'].map((name) => new ScriptedSource(name));
  bounded = BoundedClock.start({
    clock,
    sources,
    hostClock: 'free-running',
    warnUncertaintyMs: 20,
  });
  hlc = new HybridClock({ clock: bounded, nodeId: 'n', beforeSync: clock });
});

/** All sources answer; `c` tells another time. */
function hear(): void {
  const theta = clock.wallOffset;
  for (const source of sources) {
    const lie = source.name === 'c' ? 500n * MS : 0n;
    source.reply(clock, { theta: theta + lie, delay: MS, serverError: 40_000n });
  }
}

/** The values by series. */
function valuesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('the figures', () => {
  it('are those of `explain()` at the same instant', () => {
    hear();
    clock.advance(1500n * MS);
    sources[1]!.sink.miss('b', 'timeout');
    const explanation = bounded.explain();
    const { uncertaintyNs, parts, sources: said, timeToLimitNs, maxDriftPpm } = explanation;
    const values = valuesIn(metricsText({ clock: bounded }));
    const seconds = (ns: bigint | undefined): number => Number(ns) / 1e9;
    expect(values.get('epsilon_clock_uncertainty_seconds')).toBe(seconds(uncertaintyNs));
    expect(values.get('epsilon_clock_uncertainty_part_seconds{part="path_delay"}')).toBe(
      seconds(parts?.pathDelayNs),
    );
    const sum = [...values]
      .filter(([name]) => name.startsWith('epsilon_clock_uncertainty_part_seconds'))
      .reduce((all, [, value]) => all + value, 0);
    expect(sum).toBeCloseTo(seconds(uncertaintyNs), 12);
    expect(values.get('epsilon_clock_time_to_limit_seconds')).toBe(seconds(timeToLimitNs));
    expect(timeToLimitNs).toBeGreaterThan(0n);
    expect(values.get('epsilon_clock_source_interval_width_seconds{source="a"}')).toBe(
      seconds(said[0]?.interval?.widthNs),
    );
    expect(values.get('epsilon_clock_source_path_delay_seconds{source="a"}')).toBe(0.001);
    expect(values.get('epsilon_clock_source_server_error_seconds{source="a"}')).toBe(0.00004);
    expect(values.get('epsilon_clock_source_age_seconds{source="a"}')).toBe(1.5);
    expect(values.get('epsilon_clock_source_samples_total{source="b"}')).toBe(1);
    expect(values.get('epsilon_clock_source_misses_total{source="b",reason="timeout"}')).toBe(1);
    expect(values.get('epsilon_clock_sources{vote="agrees"}')).toBe(2);
    expect(values.get('epsilon_clock_sources{vote="falseticker"}')).toBe(1);
    expect(values.get('epsilon_clock_quorum')).toBe(1);
    expect(values.get('epsilon_clock_drift_bound_ratio')).toBe(maxDriftPpm / 1e6);
  });

  it('count misses under whatever name a source gives them', () => {
    hear();
    for (const reason of ['constructor', '__proto__', 'constructor']) {
      sources[0]!.sink.miss('a', reason);
    }
    const values = valuesIn(metricsText({ clock: bounded }));
    const series = 'epsilon_clock_source_misses_total{source="a",reason=';
    expect(values.get(`${series}"constructor"}`)).toBe(2);
    expect(values.get(`${series}"__proto__"}`)).toBe(1);
  });

  it('without a bound: the reason, and no figure that would be stale', () => {
    hear();
    clock.suspend(3600_000n * MS);
    const values = valuesIn(metricsText({ clock: bounded }));
    expect(values.get('epsilon_clock_status{status="disrupted"}')).toBe(1);
    expect(values.get('epsilon_clock_status{status="synchronized"}')).toBe(0);
    expect(values.get('epsilon_clock_no_bound{reason="suspend"}')).toBe(1);
    expect(values.get('epsilon_clock_disruptions_total{reason="suspend"}')).toBe(1);
    expect(values.get('epsilon_clock_disruptions_total{reason="step"}')).toBe(0);
    for (const name of values.keys()) expect(name).not.toMatch(/uncertainty|quorum|limit/);
  });

  it('of a hybrid clock: its lead, and what it refused', () => {
    hear();
    hlc.now();
    expect(() => hlc.receive(clock.wallNs() + 10_000n * MS)).toThrow();
    hlc.receive(clock.wallNs() + 200n * MS);
    const values = valuesIn(metricsText({ hlc }));
    expect(values.get('epsilon_hlc_refused_total')).toBe(1);
    expect(values.get('epsilon_hlc_lead_seconds')).toBe(Number(hlc.leadNs()) / 1e9);
    expect(values.get('epsilon_hlc_lead_seconds')).toBeCloseTo(0.2, 3);
  });

  it('of messages: what became of their stamps', () => {
    hear();
    const counts = new PropagationCounts();
    const headers = {};
    inject(hlc, headers, { counts });
    extract(hlc, headers, { counts });
    extract(hlc, headers, { counts, trust: true });
    const values = valuesIn(metricsText({ counts }));
    for (const outcome of ['sent', 'untrusted', 'received']) {
      expect(values.get(`epsilon_hlc_messages_total{outcome="${outcome}"}`)).toBe(1);
    }
    expect(values.get('epsilon_hlc_messages_total{outcome="malformed"}')).toBe(0);
  });

  it('of a hybrid clock before the first bound: no lead', () => {
    const early = new HybridClock({ clock: bounded, nodeId: 'n' });
    const values = valuesIn(metricsText({ hlc: early }));
    expect([...values.keys()]).toEqual(['epsilon_hlc_refused_total']);
  });

  it('the age of a publication grows while nobody looks at the clocks', () => {
    const age = (reader: BoundedReader): number | undefined =>
      valuesIn(metricsText({ clock: reader })).get('epsilon_clock_publication_age_seconds');
    hear();
    clock.advance(1000n * MS);
    clock.advance(500n * MS);
    const reader = BoundedClock.attach(bounded.share(), { clock });
    expect([age(bounded), age(reader)]).toEqual([0.5, 0.5]);
    clock.kill();
    clock.monotonic += 60_000n * MS;
    expect(age(reader)).toBe(60.5);
  });

  it('of a reader in another thread: status and uncertainty', () => {
    hear();
    const reader = BoundedClock.attach(bounded.share(), { clock });
    const values = valuesIn(metricsText({ clock: reader }));
    const own = valuesIn(metricsText({ clock: bounded }));
    const name = 'epsilon_clock_uncertainty_seconds';
    expect(values.get(name)).toBe(own.get(name));
    expect(values.get('epsilon_clock_status{status="synchronized"}')).toBe(1);
    for (const each of values.keys()) expect(each).not.toMatch(/source/);
  });
});

test('the table of the guide has every name, its type and its labels', async () => {
  hear();
  sources[1]!.sink.miss('b', 'timeout');
  const waits = new WaitHistogram();
  await expect(waits.measure(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  const unbounded = BoundedClock.start({ clock, sources: [new ScriptedSource('d')] });
  const leaseClock = new TestClock();
  const options = { store: memoryLeases(), clock: leaseClock, name: 'a', holder: 'b' };
  const lease = await Lease.acquire({ ...options, ttlMs: 1000 });
  await lease.release();
  const pauses = PauseMeter.start({ clock });
  const measured = { clock: bounded, hlc, counts: new PropagationCounts(), waits, pauses };
  const text = metricsText({ ...measured, leases: [lease] }) + metricsText({ clock: unbounded });
  const written = new Set<string>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const series = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\}`, 'm').exec(text)?.[1] ?? '';
    const labels = [...series.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
    written.add(`| \`${name}\` | ${type} | ${type === 'histogram' ? '' : labels.join(', ')} |`);
  }
  const page = readFileSync('docs/guides/metrics-and-health.md', 'utf8');
  const rows = [...page.matchAll(/^(\| `epsilon_\w+` \| \w+ \| [^|]*\|)/gm)].map(([row]) => row);
  expect(new Set(rows)).toEqual(written);
});

describe('commit waits', () => {
  it('are counted by how long they took', async () => {
    hear();
    const waits = new WaitHistogram({ limitsMs: [1, 5, 250] });
    const past = bounded.now().earliest - 1n;
    await waits.measure(waitUntilAfter(bounded, past));
    const wait = waits.measure(waitUntilAfter(bounded, bounded.now().latest + 3n * MS));
    await clock.elapse(20);
    const { waitedNs } = await wait;
    const values = valuesIn(metricsText({ waits }));
    const series = 'epsilon_commit_wait_seconds';
    expect(values.get(`${series}_bucket{le="0.001"}`)).toBe(1);
    expect(values.get(`${series}_bucket{le="0.005"}`)).toBe(Number(waitedNs) <= 5e6 ? 2 : 1);
    expect(values.get(`${series}_bucket{le="0.25"}`)).toBe(2);
    expect(values.get(`${series}_bucket{le="+Inf"}`)).toBe(2);
    expect(values.get(`${series}_count`)).toBe(2);
    expect(values.get(`${series}_sum`)).toBe(Number(waitedNs) / 1e9);
  });

  it('a limit counts what equals it, and longer waits are only in +Inf', async () => {
    const waits = new WaitHistogram({ limitsMs: [1, 1000] });
    for (const waitedNs of [MS, MS + 1n, 3000n * MS]) {
      await waits.measure(Promise.resolve({ waitedNs }));
    }
    const lines = metricsText({ waits }).split('\n');
    expect(lines.filter((line) => line.includes('_bucket'))).toEqual([
      'epsilon_commit_wait_seconds_bucket{le="0.001"} 1',
      'epsilon_commit_wait_seconds_bucket{le="1.0"} 2',
      'epsilon_commit_wait_seconds_bucket{le="+Inf"} 3',
    ]);
  });

  it('a limit of many digits stays a number', () => {
    const waits = new WaitHistogram({ limitsMs: [1e27] });
    expect(metricsText({ waits })).toContain('le="1e+24"}');
  });

  it('that fail are counted by code, and still fail', async () => {
    hear();
    const waits = new WaitHistogram();
    const steps = { prepare: async () => {}, makeVisible: async () => {} };
    const commit = waits.measure(runCommit({ clock: bounded, hlc }, steps));
    bounded.stop();
    await expect(commit).rejects.toMatchObject({ code: 'ERR_COMMIT_WAIT_INTERRUPTED' });
    await expect(waits.measure(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    await waits.measure(Promise.resolve(undefined as never));
    const values = valuesIn(metricsText({ waits }));
    const failures = 'epsilon_commit_wait_failures_total';
    expect(values.get(`${failures}{code="ERR_COMMIT_WAIT_INTERRUPTED"}`)).toBe(1);
    expect(values.get(`${failures}{code="other"}`)).toBe(2);
    expect(values.get('epsilon_commit_wait_seconds_count')).toBe(0);
  });

  it.each([[[]], [[0]], [[2, 1]], [[1, 1]], [[Number.NaN]], [[Infinity]]])(
    'limits %j are refused',
    (limitsMs) => {
      expect(() => new WaitHistogram({ limitsMs })).toThrow('limitsMs');
    },
  );
});

describe('the text', () => {
  it('for Prometheus', () => {
    const text = metricsText({ hlc, waits: new WaitHistogram({ limitsMs: [1] }) });
    expect(
      text,
    ).toBe(`# HELP epsilon_hlc_lead_seconds How far the hybrid clock is ahead of physical time.
# TYPE epsilon_hlc_lead_seconds gauge
epsilon_hlc_lead_seconds 0
# HELP epsilon_hlc_refused_total Remote timestamps that were refused as too far ahead.
# TYPE epsilon_hlc_refused_total counter
epsilon_hlc_refused_total 0
# HELP epsilon_commit_wait_seconds How long commit waits lasted.
# TYPE epsilon_commit_wait_seconds histogram
epsilon_commit_wait_seconds_bucket{le="0.001"} 0
epsilon_commit_wait_seconds_bucket{le="+Inf"} 0
epsilon_commit_wait_seconds_sum 0
epsilon_commit_wait_seconds_count 0
`);
  });

  it('for OpenMetrics: units, counters without _total, and an end', () => {
    const text = metricsText({ hlc }, { accept: 'application/openmetrics-text' });
    expect(
      text,
    ).toBe(`# HELP epsilon_hlc_lead_seconds How far the hybrid clock is ahead of physical time.
# TYPE epsilon_hlc_lead_seconds gauge
# UNIT epsilon_hlc_lead_seconds seconds
epsilon_hlc_lead_seconds 0
# HELP epsilon_hlc_refused Remote timestamps that were refused as too far ahead.
# TYPE epsilon_hlc_refused counter
epsilon_hlc_refused_total 0
# EOF
`);
  });

  it('escapes what comes from outside', () => {
    const source = 'a"b\\c\nd\ud800e';
    const points = [{ labels: { source }, value: 1 }];
    const text = textOf(
      [{ name: 'x', help: 'one\\two\nthree', type: 'gauge', points }],
      'prometheus',
    );
    expect(text).toBe(
      '# HELP x one\\\\two\\nthree\n# TYPE x gauge\nx{source="a\\"b\\\\c\\nd\ufffde"} 1\n',
    );
  });

  test.each<[string | undefined, string]>([
    [undefined, 'text/plain; version=0.0.4; charset=utf-8'],
    ['*/*', 'text/plain; version=0.0.4; charset=utf-8'],
    ['', 'text/plain; version=0.0.4; charset=utf-8'],
    ['application/openmetrics-text', 'application/openmetrics-text; version=1.0.0; charset=utf-8'],
    [
      // Prometheus 3
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    ],
    [
      'text/plain;q=0.9, application/openmetrics-text;q=0.1',
      'text/plain; version=0.0.4; charset=utf-8',
    ],
    ['application/openmetrics-text;q=0', 'text/plain; version=0.0.4; charset=utf-8'],
    ['application/openmetrics-text;q=x', 'text/plain; version=0.0.4; charset=utf-8'],
  ])('for a request that accepts %s', (accept, type) => {
    expect(metricsContentType({ accept })).toBe(type);
    const isOpen = metricsText({ hlc }, { accept }).endsWith('# EOF\n');
    expect(isOpen).toBe(type.startsWith('application/openmetrics'));
  });

  it('can stand behind that of prom-client', async () => {
    const all = (await register.metrics()) + metricsText({ clock: bounded, hlc });
    expect(valuesIn(all).get('epsilon_hlc_refused_total')).toBe(0);
  });
});
