/** The dashboard's answers over HTTP, through both doors: who gets what, and with which headers. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as ask, createServer } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import type { DashboardResponse } from '../../src/dashboard/handler.ts';
import { dashboardWorld, StreamReader } from '../kit/dashboard-world.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function started(options: Parameters<typeof dashboardWorld>[1] = {}) {
  const world = dashboardWorld(undefined, options);
  ends.push(
    () => world.bounded.stop(),
    () => world.dashboard.stop(),
  );
  return world;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

const DOORS: readonly [
  string,
  (dashboard: Dashboard, method: string, path: string, headers: Headers) => Promise<Answer>,
][] = [
  [
    'fetch',
    async ({ handler }, method, path, headers) => {
      const url = `http://${headers.host ?? 'localhost'}${path}`;
      const response = handler.fetch(new Request(url, { method, headers }));
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body:
          response.headers.get('content-type') === 'text/event-stream' ? '' : await response.text(),
      };
    },
  ],
  [
    'node',
    async ({ handler }, method, path, headers) => {
      const server = createServer(handler.node).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const request = ask({ host: '127.0.0.1', port, method, path, headers }).end();
      const [response] = await once(request, 'response');
      let body = '';
      if (response.headers['content-type'] === 'text/event-stream') response.destroy();
      else for await (const chunk of response) body += chunk;
      server.closeAllConnections();
      server.close();
      return { status: response.statusCode, headers: response.headers, body };
    },
  ],
];

describe.each(DOORS)('by %s', (_, door) => {
  test('the page, with a policy that names its own script and style and no others', async () => {
    const { dashboard } = started();
    const { status, headers, body } = await door(dashboard, 'GET', '/', {});
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toContain('no-store');
    const hash = (text = ''): string =>
      `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const within = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(body)?.[1];
    expect(headers['content-security-policy']?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash(within('script'))}`,
      `style-src ${hash(within('style'))}`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
  });

  test('the stream', async () => {
    const { dashboard } = started();
    const { status, headers } = await door(dashboard, 'GET', '/clock/?events', {});
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/event-stream');
    expect(headers['content-security-policy']).toBe("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test.each(['/', '/?events'])('403 for %s under a foreign name', async (path) => {
    const { dashboard } = started({ hosts: ['clock.example.net'] });
    const under = (host: string) => door(dashboard, 'GET', path, { host });
    const refused = await under('evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers['content-security-policy']).toBe("frame-ancestors 'none'");
    expect(refused.body).toContain('hosts');
    expect(refused.body).not.toContain('evil');
    expect((await under('clock.example.net')).status).toBe(200);
    expect((await under('127.0.0.1:1')).status).toBe(200);
  });

  test('403 for the stream from a page of another site', async () => {
    const { dashboard } = started();
    const from = (site: string) => door(dashboard, 'GET', '/?events', { 'sec-fetch-site': site });
    expect((await from('cross-site')).status).toBe(403);
    expect((await from('same-site')).status).toBe(403);
    expect((await from('same-origin')).status).toBe(200);
  });

  test('405 for other methods', async () => {
    const { dashboard } = started();
    const { status, headers } = await door(dashboard, 'POST', '/', {});
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  test.each(['/', '/?events'])('HEAD of %s has no body and opens no stream', async (path) => {
    const { dashboard } = started();
    for (let i = 0; i < 25; i++) {
      const { status, body } = await door(dashboard, 'HEAD', path, {});
      expect([status, body]).toEqual([200, '']);
    }
  });

  test('503 when all places are taken, and after the end', async () => {
    const { dashboard } = started();
    const readers = Array.from({ length: 20 }, () => new StreamReader(dashboard));
    expect(readers.map(({ response }) => response.status)).toEqual(Array(20).fill(200));
    const refused = await door(dashboard, 'GET', '/?events', {});
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '10']);
    expect((await door(dashboard, 'GET', '/', {})).status).toBe(200);
    await readers[0]!.cancel();
    expect((await door(dashboard, 'GET', '/?events', {})).status).toBe(200);
    dashboard.stop();
    expect((await door(dashboard, 'GET', '/', {})).status).toBe(503);
  });
});

test('over HTTP/2 too', async () => {
  const { dashboard } = started();
  const server = createHttp2Server(dashboard.handler.node).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  ends.push(
    () => server.close(),
    () => session.destroy(),
  );
  const asked = (path: string, method = 'GET') =>
    once(session.request({ ':path': path, ':method': method }).resume(), 'response');
  expect((await asked('/'))[0]).toMatchObject({ ':status': 200 });
  expect((await asked('/?events'))[0]).toMatchObject({ 'content-type': 'text/event-stream' });
  expect((await asked('/?events', 'HEAD'))[0]).toMatchObject({ ':status': 200 });
});

test('the page has everything in it: it names no other address', async () => {
  const { dashboard } = started();
  const html = await dashboard.handler.fetch(new Request('http://localhost/')).text();
  const [markup = '', script = ''] = html.split('<script>');
  const links = [...markup.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link);
  expect(links).toEqual([expect.stringMatching(/^data:image/)]);
  expect([...markup.matchAll(/url\(|@import/g)]).toEqual([]);
  const addresses = [...script.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([url]) => url);
  // A namespace, which nobody fetches.
  expect([...new Set(addresses)]).toEqual(['http://www.w3.org/2000/svg']);
  // The licence of uPlot asks to be in every copy.
  expect(script.includes('Copyright (c) 2022 Leon Sorokin')).toBe(true);
});

/** A response of Node's kind whose reader does not read. */
class SlowResponse implements DashboardResponse {
  readonly written: string[] = [];
  readonly listeners: Record<string, () => void> = {};
  destroyed = false;

  writeHead(): void {}
  end(): void {}
  write(text: string): boolean {
    this.written.push(text);
    return false;
  }
  on(event: string, listener: () => void): void {
    this.listeners[event] = listener;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

test('a slow reader behind Node’s server is told the newest, or is cut off', async () => {
  const { dashboard, pass } = started();
  const response = new SlowResponse();
  const request = { method: 'GET', url: '/?events', headers: { host: 'localhost' } };
  dashboard.handler.node(request, response);
  await pass(10);
  expect(response.written).toHaveLength(1);
  response.listeners.drain!();
  expect(response.written).toHaveLength(2);
  expect(response.written[1]).toContain('"elapsedMs":10000');
  await pass(40);
  expect(response.written).toHaveLength(2);
  expect(response.destroyed).toBe(true);
});

test('a page that closes makes place', async () => {
  const { dashboard } = started();
  const request = { method: 'GET', url: '/?events', headers: { host: 'localhost' } };
  for (let i = 0; i < 50; i++) {
    const response = new SlowResponse();
    dashboard.handler.node(request, response);
    expect(response.written).toHaveLength(1);
    response.listeners[i % 2 === 0 ? 'close' : 'error']!();
  }
});
