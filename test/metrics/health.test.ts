import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BoundedClock } from 'epsilon-clock';
import { type HttpHandler, health, healthHandler, metricsHandler } from 'epsilon-clock/metrics';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;

let clock: HandClock;
let sources: ScriptedSource[];
let bounded: BoundedClock;

beforeEach(() => {
  clock = new HandClock();
  sources = ['a', 'b', 'c'].map((name) => new ScriptedSource(name));
  bounded = BoundedClock.start({ clock, sources, hostClock: 'free-running' });
});

/** The first `count` sources answer. The uncertainty is then 3 ms and a little. */
function hear(count = 3): void {
  for (const source of sources.slice(0, count)) {
    source.reply(clock, { theta: clock.wallOffset, delay: 2n * MS, serverError: 2n * MS });
  }
}

const of = (maxUncertaintyMs: number): string => {
  const { status, reason } = health(bounded, { maxUncertaintyMs });
  return reason === undefined ? status : `${status}: ${reason}`;
};

describe('health', () => {
  it('is ok, or too wide, by the limit', () => {
    hear();
    expect(of(3.1)).toBe('ok');
    expect(of(2.9)).toBe('failing: too-wide');
    expect(health(bounded, { maxUncertaintyMs: 3.1 })).toMatchObject({
      uncertaintyNs: bounded.now().uncertaintyNs,
    });
  });

  it('is exact at the limit', () => {
    hear();
    const { uncertaintyNs } = bounded.now();
    expect(of(Number(uncertaintyNs) / 1e6)).toBe('ok');
    expect(of(Number(uncertaintyNs - 1n) / 1e6)).toBe('failing: too-wide');
  });

  it('is degraded when no source was heard lately, until it is too wide', () => {
    hear();
    clock.advance(60_000n * MS);
    expect(of(100)).toBe('degraded: holdover');
    expect(of(5)).toBe('failing: too-wide');
  });

  it('is degraded when few sources vote', () => {
    hear(2);
    clock.advance(30_000n * MS);
    hear(2);
    sources[2]!.sink.miss('c', 'timeout');
    expect(bounded.read()).toMatchObject({ quorum: 'partial' });
    expect(of(100)).toBe('degraded: partial-quorum');
  });

  it('is failing without a bound, and says why', () => {
    expect(of(100)).toBe('failing: starting');
    hear();
    clock.suspend(3600_000n * MS);
    expect(of(100)).toBe('failing: suspend');
    bounded.stop();
    expect(of(100)).toBe('failing: stopped');
  });

  test.each([0, -1, Number.NaN, '5', undefined])('refuses a limit of %s', (maxUncertaintyMs) => {
    const options = { maxUncertaintyMs: maxUncertaintyMs as number };
    expect(() => health(bounded, options)).toThrow('maxUncertaintyMs');
    expect(() => healthHandler(bounded, options)).toThrow('maxUncertaintyMs');
  });
});

describe('handlers', () => {
  /** Asks by `fetch` of the handler, and over a real connection; both must say the same. */
  async function ask(handler: HttpHandler, init?: RequestInit): Promise<[number, string, string]> {
    const server = createServer(handler.node);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const answers = [handler.fetch(new Request(url, init)), await fetch(url, init)];
      const [web, node] = await Promise.all(
        answers.map(async (each): Promise<[number, string, string]> => {
          expect(each.headers.get('cache-control')).toBe('no-store');
          return [each.status, each.headers.get('content-type')!, await each.text()];
        }),
      );
      expect(node).toEqual(web);
      return node!;
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it('health: 200 while the clock is good enough, 503 when it is not', async () => {
    const handler = healthHandler(bounded, { maxUncertaintyMs: 10 });
    const [status, type, body] = await ask(handler);
    expect([status, type]).toEqual([503, 'application/json']);
    expect(JSON.parse(body)).toEqual({ status: 'failing', reason: 'starting' });
    hear();
    const [good, , said] = await ask(handler);
    expect(good).toBe(200);
    const uncertaintyNs = String(bounded.now().uncertaintyNs);
    expect(JSON.parse(said)).toEqual({ status: 'ok', uncertaintyNs });
    clock.advance(60_000n * MS);
    expect((await ask(healthHandler(bounded, { maxUncertaintyMs: 100 })))[0]).toBe(200);
  });

  it('metrics: in the format that is accepted', async () => {
    const handler = metricsHandler({ clock: bounded });
    const [status, type, body] = await ask(handler);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body).toContain('epsilon_clock_status{status="unsynchronized"} 1\n');
    const headers = { accept: 'application/openmetrics-text' };
    const [, open, text] = await ask(handler, { headers });
    expect(open).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  it('HEAD has no body, and nothing else is allowed', async () => {
    const handler = healthHandler(bounded, { maxUncertaintyMs: 10 });
    expect(await ask(handler, { method: 'HEAD' })).toEqual([503, 'application/json', '']);
    expect((await ask(handler, { method: 'POST' }))[0]).toBe(405);
  });

  it('fake timers over the clock are an answer, not an exception', async () => {
    const faked = Object.assign(new HandClock(), { faked: () => true });
    const misused = BoundedClock.start({ clock: faked, sources });
    const [status, , body] = await ask(metricsHandler({ clock: misused }));
    expect(status).toBe(500);
    expect(body).toMatch(/^ERR_FAKE_TIMERS: /);
  });
});
