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

/** A source of chronyd's. Times in seconds. */
export interface Followed {
  /** 16 bytes, the first ones filled. */
  readonly address: readonly number[];
  /** 1 for IPv4, 2 for IPv6. */
  readonly family?: number;
  readonly state?: number;
  readonly mode?: number;
  readonly stratum?: number;
  readonly reach?: number;
  readonly offset?: number;
  readonly offsetError?: number;
  readonly skewPpm?: number;
}

/** The reply to one of the commands `n_sources`, `source_data` and `sourcestats`. */
export function followedBytes(request: Buffer, list: readonly Followed[]): Buffer {
  const bytes = Buffer.alloc(104);
  const command = request.readUInt16BE(4);
  const followed = list[request.readUInt32BE(20)];
  bytes.writeUInt8(6, 0);
  bytes.writeUInt8(2, 1);
  bytes.writeUInt16BE(command, 4);
  bytes.writeUInt16BE({ 14: 2, 15: 3, 34: 6 }[command] ?? 1, 6);
  bytes.set(request.subarray(8, 12), 16);
  if (command === 14) {
    bytes.writeUInt32BE(list.length, 28);
    return bytes.subarray(0, 32);
  }
  if (followed === undefined) {
    bytes.writeUInt16BE(3, 8); // no such source
    return bytes;
  }
  const address = command === 15 ? 28 : 32;
  bytes.set(followed.address, address);
  bytes.writeUInt16BE(followed.family ?? 1, address + 16);
  if (command === 15) {
    bytes.writeUInt16BE(followed.stratum ?? 1, 50);
    bytes.writeUInt16BE(followed.state ?? 0, 52);
    bytes.writeUInt16BE(followed.mode ?? 0, 54);
    bytes.writeUInt16BE(followed.reach ?? 0o377, 58);
    return bytes.subarray(0, 76);
  }
  bytes.writeUInt32BE(floatBits(followed.skewPpm ?? 0), 72);
  bytes.writeUInt32BE(floatBits(followed.offset ?? 0), 76);
  bytes.writeUInt32BE(floatBits(followed.offsetError ?? 0), 80);
  return bytes.subarray(0, 84);
}

export class ScriptedChronyd {
  readonly port: number;
  /** How many requests for a tracking report came. */
  asked = 0;
  /** The datagrams that answer a request for a tracking report. */
  answer: (request: Uint8Array, nth: number) => Uint8Array[];
  /** The datagrams that answer any other request. */
  answerOther: (request: Buffer) => Uint8Array[] = () => [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.answer = (request) => [
      reportBytes(request, { referenceNs: BigInt(Date.now()) * 1_000_000n }),
    ];
    socket.on('message', (request, from) => {
      const isTracking = request.readUInt16BE(4) === 33;
      for (const datagram of isTracking
        ? this.answer(request, this.asked++)
        : this.answerOther(request)) {
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
