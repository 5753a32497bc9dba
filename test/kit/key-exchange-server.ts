import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Certificate } from './certificate.ts';

/** A TLS server that answers a key exchange as the test says. */
export class KeyExchangeServer implements AsyncDisposable {
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  /** @param respond called once the client has sent something */
  static async start(
    { key, cert }: Certificate,
    respond: (socket: TLSSocket) => void,
    options: TlsOptions = { ALPNProtocols: ['ntske/1'] },
  ): Promise<KeyExchangeServer> {
    const open = new Set<TLSSocket>();
    const server = createServer({ key, cert, ...options }, (socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => respond(socket));
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new KeyExchangeServer((server.address() as AddressInfo).port, async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
