/** Servers of HTTP for the command line: how they listen, answer in plain text, and end. */
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';

/** Resolves once `server` listens; rejects with the system's error. */
export async function listenAt(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

/** Closes `server` and every connection. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** The name to listen at as `Host` headers have it; none for an IP address. */
export function namesOf(host: string): readonly string[] {
  const isName = !host.includes(':') && !/^[\d.]+$/.test(host);
  return isName ? [host.toLowerCase().replace(/\.$/, '')] : [];
}

/** An address as it stands in a URL. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Answers with one line for people. */
export function plain(response: ServerResponse, status: number, text: string): void {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': "frame-ancestors 'none'",
    'cache-control': 'no-store',
  };
  response.writeHead(status, headers).end(text);
}
