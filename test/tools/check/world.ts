/**
 * The values that examples in docstrings may use: a synchronised bounded clock, and stand-ins for
 * the parts of a program.
 */
import {
  BoundedClock,
  type HlcTimestamp,
  HybridClock,
  systemClock,
  type TimeSource,
} from 'epsilon-clock';
import { NtpServer, ntp } from 'epsilon-clock/node';

const server = await NtpServer.start({ clock: systemClock() });
export const sources: TimeSource[] = [ntp(server.address, { port: server.port })];
export const clock: BoundedClock = BoundedClock.start({ sources });
await clock.waitSynced({ timeoutMs: 30_000 });
export const hlc: HybridClock = new HybridClock({ clock, nodeId: 'orders-3' });
export const timestamp: HlcTimestamp = hlc.now();
export const signal: AbortSignal = new AbortController().signal;
export async function prepare(_timestamp: bigint): Promise<void> {}
export async function makeVisible(): Promise<void> {}
/** A message from the network, with the timestamp of another node. */
export const message: { readonly at: bigint; readonly counter: number } = {
  at: timestamp,
  counter: 7,
};
