/**
 * A verifier of malfeasance reports (RFC 10049), written from the standard alone. It shares no code
 * with the library, so that a mistake in one is not repeated in the other.
 */
import { createHash, verify } from 'node:crypto';

/** Half a verdict: the report is what a client saw. `convicts`: two of the replies contradict. */
export interface Findings {
  /** The interval that each reply vouches for, Unix s. */
  readonly intervals: readonly (readonly [earliest: number, latest: number])[];
  /** Whether at least one of the servers certainly signed a wrong time. */
  readonly convicts: boolean;
}

/** @throws Error where the report is not a chain of exchanges that the servers signed */
export function examine(json: string): Findings {
  const { responses } = JSON.parse(json) as { responses: Record<string, string>[] };
  need(Array.isArray(responses) && responses.length > 0, 'no responses');
  let before: Buffer | undefined;
  const intervals = responses.map((each) => {
    const [request, response, publicKey] = ['request', 'response', 'publicKey'].map((name) =>
      Buffer.from(each[name]!, 'base64'),
    ) as [Buffer, Buffer, Buffer];
    const nonce = fieldsOf(unwrap(request)).get('NONC')!;
    if (before !== undefined) {
      const rand = Buffer.from(each.rand!, 'base64');
      need(rand.length === 32 && sha(before, rand).equals(nonce), 'not chained');
    }
    before = response;
    return intervalOf(request, nonce, response, publicKey);
  });
  const convicts = intervals.some(([earliest], i) =>
    intervals.slice(i + 1).some(([, latest]) => earliest > latest),
  );
  return { intervals, convicts };
}

function intervalOf(
  request: Buffer,
  nonce: Buffer,
  response: Buffer,
  publicKey: Buffer,
): readonly [number, number] {
  need(response.length <= request.length && publicKey.length === 32, 'sizes');
  const reply = fieldsOf(unwrap(response));
  const [srep, cert] = [reply.get('SREP')!, fieldsOf(reply.get('CERT')!)];
  const [time, dele] = [fieldsOf(srep), fieldsOf(cert.get('DELE')!)];
  need(reply.get('NONC')!.equals(nonce) && reply.get('TYPE')!.readUInt32LE() === 1, 'not ours');
  need(isSigned('delegation', cert.get('DELE')!, cert.get('SIG')!, publicKey), 'certificate');
  need(isSigned('response', srep, reply.get('SIG')!, dele.get('PUBK')!), 'signature');
  const [path, index] = [reply.get('PATH')!, reply.get('INDX')!];
  need(path.length % 32 === 0 && path.length <= 32 * 32 && index.length === 4, 'path');
  let node = sha(Buffer.of(0), request);
  let rest = BigInt(index.readUInt32LE());
  for (let at = 0; at < path.length; at += 32, rest >>= 1n) {
    const sibling = path.subarray(at, at + 32);
    node = rest & 1n ? sha(Buffer.of(1), sibling, node) : sha(Buffer.of(1), node, sibling);
  }
  need(rest === 0n && node.equals(time.get('ROOT')!), 'not in the tree');
  const midpoint = time.get('MIDP')!.readBigUInt64LE();
  const isValid =
    dele.get('MINT')!.readBigUInt64LE() <= midpoint &&
    midpoint <= dele.get('MAXT')!.readBigUInt64LE();
  const radius = time.get('RADI')!.readUInt32LE();
  need(isValid && radius > 0, 'dates');
  return [Number(midpoint) - radius, Number(midpoint) + radius];
}

function unwrap(packet: Buffer): Buffer {
  need(packet.toString('latin1', 0, 8) === 'ROUGHTIM', 'magic');
  need(packet.readUInt32LE(8) === packet.length - 12, 'length');
  return packet.subarray(12);
}

function fieldsOf(message: Buffer): Map<string, Buffer> {
  const count = message.readUInt32LE(0);
  const word = (i: number): number => message.readUInt32LE(4 * i);
  const ends = Array.from({ length: count }, (_, i) =>
    i + 1 < count ? word(1 + i) : message.length - 8 * count,
  );
  const fields = new Map<string, Buffer>();
  ends.forEach((end, i) => {
    const begin = i === 0 ? 0 : ends[i - 1]!;
    need(
      begin <= end && end % 4 === 0 && (i === 0 || word(count + i) > word(count + i - 1)),
      'order',
    );
    const tag = message.toString('latin1', 4 * (count + i), 4 * (count + i + 1)).replace(/\0/g, '');
    fields.set(tag, message.subarray(8 * count + begin, 8 * count + end));
  });
  return fields;
}

function isSigned(kind: string, bytes: Buffer, signature: Buffer, publicKey: Buffer): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') };
  const text = Buffer.concat([Buffer.from(`RoughTime v1 ${kind} signature\0`), bytes]);
  return verify(null, text, { key: jwk, format: 'jwk' }, signature);
}

const sha = (...parts: Buffer[]): Buffer =>
  createHash('sha512').update(Buffer.concat(parts)).digest().subarray(0, 32);

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
