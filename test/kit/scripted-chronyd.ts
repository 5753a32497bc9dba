/**
 * A chronyd of the tests' own on a loopback socket: it answers tracking requests with what the test
 * says. Written from chrony's protocol (candm.h), not from the code under test.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** The fields of a tracking report. Times in seconds. */
export interface Report {
  readonly status?: number;
  readonly reply?: number;
  readonly referenceId?: number;
  readonly family?: number;
  readonly stratum?: number;
  readonly leap?: number;
  /** When chronyd last learned something, Unix ns; `undefined` for never. */
  readonly referenceNs?: bigint | undefined;
  readonly correction?: number;
  readonly rootDelay?: number;
  readonly rootDispersion?: number;
  readonly interval?: number;
}

/** A double as the protocol writes it: 7 bits of exponent, 25 of coefficient. */
export function floatBits(value: number): number {
  if (value === 0) return 0;
  let exponent = Math.ceil(Math.log2(Math.abs(value))) + 1;
  let coefficient = Math.round((value / 2 ** exponent) * 2 ** 25);
  if (coefficient === 2 ** 24) coefficient = Math.round((value / 2 ** ++exponent) * 2 ** 25);
  if (exponent < -64) return 0;
  return (((exponent & 0x7f) << 25) | (coefficient & 0x1ff_ffff)) >>> 0;
}

export function reportBytes(request: Uint8Array, report: Report = {}): Buffer {
  const bytes = Buffer.alloc(104);
  bytes.writeUInt8(6, 0);
  bytes.writeUInt8(2, 1);
  bytes.writeUInt16BE(33, 4);
  bytes.writeUInt16BE(report.reply ?? 5, 6);
  bytes.writeUInt16BE(report.status ?? 0, 8);
  bytes.set(request.subarray(8, 12), 16);
  bytes.writeUInt32BE(report.referenceId ?? 0x0a000007, 28);
  bytes.writeUInt16BE(report.family ?? 1, 48);
  bytes.writeUInt16BE(report.stratum ?? 2, 52);
  bytes.writeUInt16BE(report.leap ?? 0, 54);
  const { referenceNs } = report;
  const seconds = referenceNs === undefined ? 0n : referenceNs / 1_000_000_000n;
  bytes.writeUInt32BE(referenceNs === undefined ? 0x7fff_ffff : Number(seconds >> 32n), 56);
  bytes.writeUInt32BE(Number(seconds & 0xffff_ffffn), 60);
  bytes.writeUInt32BE(Number((referenceNs ?? 0n) % 1_000_000_000n), 64);
  bytes.writeUInt32BE(floatBits(report.correction ?? 0), 68);
  bytes.writeUInt32BE(floatBits(report.rootDelay ?? 0), 92);
  bytes.writeUInt32BE(floatBits(report.rootDispersion ?? 0), 96);
  bytes.writeUInt32BE(floatBits(report.interval ?? 16), 100);
  return bytes;
}

export class ScriptedChronyd {
  readonly port: number;
  /** How many requests came. */
  asked = 0;
  /** The datagrams that answer a request. */
  answer: (request: Uint8Array, nth: number) => Uint8Array[];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.answer = (request) => [
      reportBytes(request, { referenceNs: BigInt(Date.now()) * 1_000_000n }),
    ];
    socket.on('message', (request, from) => {
      for (const datagram of this.answer(request, this.asked++)) {
        socket.send(datagram, from.port, from.address);
      }
    });
  }

  static async start(): Promise<ScriptedChronyd> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new ScriptedChronyd(socket);
  }

  stop(): void {
    this.#socket.close();
  }
}
