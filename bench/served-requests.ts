/**
 * How many requests a second a server of a bound answers, and what it drops: `npx tsx
 * bench/served-requests.ts`. Two parts:
 *
 * - the handler alone, in this process, without a network: each request from another address;
 * - over UDP, from a process that sends without pause from many addresses of 127.0.0.0/8, first
 *   with the limit off, then with one that holds for loopback. What a full socket loses is neither
 *   received nor counted here.
 */
import { fork } from 'node:child_process';
import { createSocket, Socket } from 'node:dgram';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { NtpServer } from '../src/node.ts';
import { TestClock } from '../src/testing.ts';

const SECONDS = 5;
const SENDERS = 200;
const HANDLED = 400_000;

const request = new Uint8Array(48);
request[0] = 0x23;

if (process.argv[2] === 'send') await flood(Number(process.argv[3]));
else await measure();

async function measure(): Promise<void> {
  console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()}`);
  await handlerAlone();
  await overUdp('no limit', false);
  await overUdp('limited', { loopback: true });
}

async function handlerAlone(): Promise<void> {
  const { bind, send } = Socket.prototype;
  let socket: Socket | undefined;
  Socket.prototype.bind = function (this: Socket, ...args: unknown[]) {
    socket = this;
    return bind.apply(this, args as Parameters<typeof bind>);
  } as typeof bind;
  const server = await NtpServer.start({ clock: new TestClock() });
  Socket.prototype.bind = bind;
  Socket.prototype.send = (() => {}) as typeof send;
  const round = (): void => {
    for (let i = 0; i < HANDLED; i++) {
      const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
      socket!.emit('message', request, { address, port: 1024 });
    }
  };
  round();
  const began = process.hrtime.bigint();
  round();
  const ns = Number(process.hrtime.bigint() - began) / HANDLED;
  Socket.prototype.send = send;
  await server.stop();
  console.log(`handler   ${(ns / 1000).toFixed(2)} us a request, ${perSecond(1e9 / ns)}`);
}

async function overUdp(name: string, rateLimit: false | { loopback: true }): Promise<void> {
  const server = await NtpServer.start({ clock: new TestClock(), host: '0.0.0.0', rateLimit });
  const args = ['send', String(server.port)];
  const sender = fork(new URL(import.meta.url), args, { execArgv: process.execArgv });
  while (server.received === 0) await pause(10);
  const before = { ...counts(server), cpu: process.cpuUsage(), memory: process.memoryUsage().rss };
  const began = process.hrtime.bigint();
  await pause(SECONDS * 1000);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const after = counts(server);
  const { user, system } = process.cpuUsage(before.cpu);
  const grown = (process.memoryUsage().rss - before.memory) / 2 ** 20;
  sender.kill();
  await once(sender, 'exit');
  await server.stop();
  const rate = (key: keyof typeof after): string => perSecond((after[key] - before[key]) / seconds);
  console.log(
    `${name.padEnd(9)} ${rate('received')} received, ${rate('answered')} answered, ` +
      `${rate('dropped')} dropped; ${((user + system) / 1e4 / seconds).toFixed(0)} % of a core, ` +
      `${grown.toFixed(1)} MiB more memory`,
  );
}

function counts({ received, answered, dropped }: NtpServer) {
  return { received, answered, dropped };
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

/** Sends requests to `port` until it is killed, from many addresses in turn. */
async function flood(port: number): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: SENDERS }, async (_, i) => {
      const socket = createSocket('udp4');
      socket.bind(0, `127.${1 + (i >> 6)}.${i & 63}.1`);
      await once(socket, 'listening');
      socket.on('message', () => {});
      socket.on('error', () => {});
      return socket;
    }),
  );
  for (;;) {
    for (const socket of sockets) socket.send(request, port, '127.0.0.1', () => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
}
