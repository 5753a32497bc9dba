/**
 * One answered NTP exchange, for people and for programs: every field of the packet (RFC 5905
 * section 7.3) with its raw value and its meaning, the four instants, and the two facts that they
 * prove.
 *
 * Texts from the network (the reference id's letters) are shown only where they are printable
 * ASCII.
 */
import type { ExchangeRecord, Verdict } from '../sources/ntp/exchange.ts';
import type { NtpPacket } from '../sources/ntp/packet.ts';
import { nsFromPrecisionUp, unixNsFromTimestamp } from '../sources/ntp/timestamp.ts';
import { asUnixNs } from '../time/instant.ts';
import { formatIso } from '../time/iso.ts';
import type { OffsetBounds } from '../time/wall-offset.ts';
import { formatNs, formatOffset } from './durations.ts';
import { shortName } from './hosts.ts';
import { type Paint, pad } from './paint.ts';
import { json } from './report.ts';

export interface Answer {
  readonly record: ExchangeRecord;
  readonly verdict: Exclude<Verdict, { kind: 'ignored' }>;
  /** The length of the reply in bytes. */
  readonly bytes: number;
  /** This machine's wall clock minus its monotonic clock; `undefined` when it could not be read. */
  readonly wall: OffsetBounds | undefined;
}

type Line = readonly [label: string, value: string];

/** All of the answer as lines of text, a heading above each part. */
export function answerLines(answer: Answer, paint: Paint): string[] {
  const { record, verdict, bytes } = answer;
  const parts: readonly (readonly [string, readonly Line[]])[] = [
    [`reply from ${shortName(record.sourceId)}, ${bytes} bytes`, packetLines(answer)],
    ['exchange', exchangeLines(answer)],
    verdict.kind === 'sample'
      ? ['sample', sampleLines(answer)]
      : ['no sample', [['because', refusal(verdict)]]],
  ];
  return parts.flatMap(([title, lines], i) => [
    ...(i === 0 ? [] : ['']),
    paint.bold(title),
    ...lines.map(([label, value]) => `  ${paint.dim(pad(label, 16))}  ${value}`),
  ]);
}

/** The answer as one JSON object: the packet's raw fields, and int64 as decimal strings. */
export function answerJson({ record, verdict, bytes, wall }: Answer): string {
  const { kind, packet, ...rest } = verdict;
  const { extensions, mac, ...header } = packet;
  return json({
    verdict: kind,
    server: record.sourceId,
    bytes,
    packet: {
      ...header,
      extensions: extensions.map(({ type, body }) => ({ type, body: hex(body) })),
      mac: mac && hex(mac),
    },
    exchange: {
      sentAt: record.sentAt,
      receivedAt: record.receivedAt,
      roundTripNs: record.receivedAt - record.sentAt,
    },
    ...rest,
    wallAheadNs: 'sample' in rest && wall ? wallAhead(rest.sample, wall) : undefined,
  });
}

const LEAPS = ['none', 'insert', 'delete', 'not synchronised'];
const MODES = [
  'reserved',
  'symmetric active',
  'symmetric passive',
  'client',
  'server',
  'broadcast',
  'control',
  'private',
];

function packetLines({ record, verdict: { packet } }: Answer): Line[] {
  const timestamp = (value: bigint): string =>
    value === 0n ? 'none (0)' : formatIso(unixNsFromTimestamp(value, record.pivot, 'down'));
  const matches = packet.originTime === record.nonce ? 'our nonce' : 'not our nonce';
  const { extensions, mac } = packet;
  return [
    ['leap indicator', `${packet.leap}  ${LEAPS[packet.leap]}`],
    ['version', `${packet.version}`],
    ['mode', `${packet.mode}  ${MODES[packet.mode]}`],
    ['stratum', `${packet.stratum}  ${stratumText(packet.stratum)}`],
    ['poll', `${packet.poll}  ${log2Text(packet.poll)}`],
    ['precision', `${packet.precision}  ${log2Text(packet.precision)}`],
    ['root delay', shortText(packet.rootDelay)],
    ['root dispersion', shortText(packet.rootDispersion)],
    ['reference id', referenceText(packet)],
    ['reference time', timestamp(packet.referenceTime)],
    ['origin', `0x${packet.originTime.toString(16).padStart(16, '0')}  ${matches}`],
    ['receive, T2', timestamp(packet.receiveTime)],
    ['transmit, T3', timestamp(packet.transmitTime)],
    ['extensions', extensions.map(extensionText).join(', ') || 'none'],
    ['authentication', mac === undefined ? 'none' : `${mac.byteLength} bytes, not verified`],
  ];
}

function exchangeLines({ record }: Answer): Line[] {
  const { sentAt, receivedAt, monotonicGridNs } = record;
  return [
    ['sent, t1', `${sentAt}  monotonic ns`],
    ['received, t4', `${receivedAt}  monotonic ns, to ${monotonicGridNs} ns`],
    ['round trip', formatNs(receivedAt - sentAt)],
  ];
}

function sampleLines({ verdict, wall }: Answer): Line[] {
  if (verdict.kind !== 'sample') return [];
  const { sample } = verdict;
  const { lowerNs, upperNs, receivedAt, pathDelayNs, serverErrorNs } = sample;
  const [earliest, latest] = [asUnixNs(receivedAt + lowerNs), asUnixNs(receivedAt + upperNs)];
  const lines: Line[] = [
    ['true - monotonic', `>= ${lowerNs} ns at t4`],
    ['', `<= ${upperNs} ns at t1`],
    ['true time at t4', `${formatIso(earliest)} to`],
    ['', formatIso(latest)],
    ['epsilon', `± ${formatNs((latest - earliest + 1n) / 2n, 'up')}`],
    ['path delay', formatNs(pathDelayNs, 'up')],
    ['server error', formatNs(serverErrorNs, 'up')],
    ['leap warning', sample.leap],
  ];
  if (wall !== undefined) {
    const { earliest, latest } = wallAhead(sample, wall);
    const middle = (earliest + latest) >> 1n;
    const where = `${formatOffset(middle)} ± ${formatNs(latest - middle, 'up')}`;
    lines.push(['our wall clock', `${where} ahead of the server`]);
  }
  return lines;
}

/**
 * How far this machine's wall clock is ahead of true time according to this sample, both ends in
 * ns.
 */
function wallAhead(
  sample: { readonly lowerNs: bigint; readonly upperNs: bigint },
  wall: OffsetBounds,
): { earliest: bigint; latest: bigint } {
  return { earliest: wall.lowerNs - sample.upperNs, latest: wall.upperNs - sample.lowerNs };
}

function refusal(verdict: Exclude<Answer['verdict'], { kind: 'sample' }>): string {
  return verdict.kind === 'kiss' ? `kiss-o'-death ${verdict.code}` : verdict.reason;
}

function stratumText(stratum: number): string {
  if (stratum === 0) return "kiss-o'-death or unspecified";
  if (stratum === 1) return 'reference clock';
  return stratum < 16 ? 'synchronised over the network' : 'not synchronised';
}

/** `2^n s`, also as a duration where the exponent is a usual one. */
function log2Text(exponent: number): string {
  const power = `2^${exponent} s`;
  return Math.abs(exponent) > 30 ? power : `${power} = ${formatNs(nsFromPrecisionUp(exponent))}`;
}

/** A 16.16 value: the raw value, and as a duration. */
function shortText(short: number): string {
  const raw = `0x${short.toString(16).padStart(8, '0')}`;
  return `${raw}  ${formatNs((BigInt(short) * 1_000_000_000n) >> 16n)}`;
}

function referenceText({ referenceId, stratum }: NtpPacket): string {
  const raw = `0x${referenceId.toString(16).padStart(8, '0')}`;
  const bytes = [24, 16, 8, 0].map((shift) => (referenceId >>> shift) & 0xff);
  if (stratum > 1) return `${raw}  ${bytes.join('.')} or a hash`;
  const letters = String.fromCharCode(...bytes).replace(/\0+$/, '');
  return /^[ -~]+$/.test(letters) ? `${raw}  ${letters}` : raw;
}

function extensionText({ type, body }: NtpPacket['extensions'][number]): string {
  return `0x${type.toString(16).padStart(4, '0')} (${body.byteLength} bytes)`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
