/**
 * The values that examples in docstrings may use: a synchronised bounded clock, and stand-ins for
 * the parts of a program.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
/** Where a page of the clock can be. */
export const path: string = join(mkdtempSync(join(tmpdir(), 'epsilon-clock-')), 'clock');
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

/** A key for examples, and its certificate for localhost. They protect nothing. */
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf0tsW91Kk6ee1Ljn
ThmKwV96zLUQegvHD9Apc6SgoSqhRANCAAS0Eed5ZiPgeBGv3Q17s7Ac8Lp68Xav
ArewV0r3yP9hXTttJW7sfEE6/Gj9/gz4raXnUPlbYD2EaEAuQFWM3XZW
-----END PRIVATE KEY-----`;
export const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUBuMDFKuGiiMKjDxGZ1b3Y6Lz5JIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTEzMzM0NVoYDzIxMjYxMTA1
MTMzMzQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS0Eed5ZiPgeBGv3Q17s7Ac8Lp68XavArewV0r3yP9hXTttJW7sfEE6
/Gj9/gz4raXnUPlbYD2EaEAuQFWM3XZWo28wbTAdBgNVHQ4EFgQUgyHWJD7znMOX
Jnraa2Np9zMRgXUwHwYDVR0jBBgwFoAUgyHWJD7znMOXJnraa2Np9zMRgXUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAMMe1G1XWi/z3AQSpWZTfxDUgFO/JaT26509k2nFfMhMAiBr
bE45PQRtz9rrhliJLC2OzqHnCTAoEA3TJAUMsXYENg==
-----END CERTIFICATE-----`;
