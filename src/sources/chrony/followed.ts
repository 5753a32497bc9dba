/**
 * What chronyd says of the sources that it follows (its commands `sources` and `sourcestats`), as
 * lines for people. No bound rests on it.
 */
import { canonicalAddress } from '../ntp/address.ts';
import { chronyFloat, hasReply, viewOf } from './command.ts';

/** The numbers of the commands. */
export const SOURCE_COUNT = 14;
export const SOURCE = 15;
export const STATISTICS = 34;

const COUNT_REPLY = 2;
const SOURCE_REPLY = 3;
const STATISTICS_REPLY = 6;

const STATES = ['selected', 'unusable', 'falseticker', 'jittery', 'combined', 'not combined'];
const REFERENCE_CLOCK = 2;
const IPV4 = 1;
const IPV6 = 2;

/** How many sources chronyd has; 0 when it does not say. */
export function readCount(reply: Uint8Array): number {
  const view = viewOf(reply);
  const answered = hasReply(reply, COUNT_REPLY, 32) && view.getUint16(8) === 0;
  return answered ? view.getUint32(28) : 0;
}

/**
 * One source in a line. `undefined` when chronyd has none of that number any more, or does not say.
 *
 * @param statistics the reply about the same number; left out of the line if it is about another
 *   source, because the list changed in between
 */
export function describeSource(source: Uint8Array, statistics: Uint8Array): string | undefined {
  const view = viewOf(source);
  if (!hasReply(source, SOURCE_REPLY, 76) || view.getUint16(8) !== 0) return undefined;
  const name = nameOf(view, 28, view.getUint16(54) === REFERENCE_CLOCK);
  const state = STATES[view.getUint16(52)] ?? 'in an unknown state';
  const reach = view.getUint16(58).toString(8);
  const line = `${name}: ${state}, stratum ${view.getUint16(50)}, reach ${reach}`;
  const sameSource = sameAddress(source, statistics);
  return sameSource ? `${line}, ${describeStatistics(viewOf(statistics))}` : line;
}

function describeStatistics(view: DataView): string {
  // chronyd counts how far its own clock is ahead of the source.
  const ahead = -chronyFloat(view.getUint32(76));
  const offset = `${microseconds(Math.abs(ahead))} us ${ahead < 0 ? 'behind' : 'ahead'}`;
  const error = microseconds(chronyFloat(view.getUint32(80)));
  const skew = chronyFloat(view.getUint32(72)).toPrecision(2);
  return `${offset} (give or take ${error} us), skew ${Number(skew)} ppm`;
}

/** Whether the statistics are there, and of the source with the same address. */
function sameAddress(source: Uint8Array, statistics: Uint8Array): boolean {
  if (!hasReply(statistics, STATISTICS_REPLY, 84)) return false;
  if (viewOf(statistics).getUint16(8) !== 0) return false;
  return source.subarray(28, 46).every((byte, i) => statistics[32 + i] === byte);
}

/** An address, or the reference id of a clock in the place of one. */
function nameOf(view: DataView, at: number, isClock: boolean): string {
  const bytes = Array.from({ length: 16 }, (_, i) => view.getUint8(at + i));
  const family = view.getUint16(at + 16);
  if (isClock) return bytes.slice(0, 4).map(letter).join('');
  if (family === IPV4) return bytes.slice(0, 4).join('.');
  if (family !== IPV6) return 'a source without an address';
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i).toString(16));
  return canonicalAddress(groups.join(':')) ?? groups.join(':');
}

/** A byte of a reference id. What is not printable could steer a terminal. */
function letter(byte: number): string {
  if (byte === 0) return '';
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}

function microseconds(seconds: number): string {
  return (seconds * 1e6).toFixed(1);
}
