/** The kernel's lock and the real disk, with real processes. Children run the built package. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCeiling } from '../../src/logical/durable-file.ts';
import { DurableHybridClock } from '../../src/logical/durable-hybrid-clock.ts';
import { systemClock } from '../../src/time/system-clock.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'durable-'));
  path = join(directory, 'hlc');
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (at = path) =>
  DurableHybridClock.open({ clock: systemClock(), nodeId: 'a', path: at, windowMs: 10 });

const dist = new URL('../../dist/', import.meta.url).href;
/** Opens the clock when told to, prints the outcome, and holds the clock until stdin ends. */
const opener = `
  const { systemClock } = await import(${JSON.stringify(`${dist}index.js`)});
  const { DurableHybridClock } = await import(${JSON.stringify(`${dist}node.js`)});
  console.log('ready');
  process.stdin.once('data', async () => {
    const options = { clock: systemClock(), nodeId: 'a', path: process.argv[1], windowMs: 10 };
    const hlc = await DurableHybridClock.open(options).catch((error) => error);
    console.log(hlc.code ?? 'open');
  });
  process.stdin.on('end', () => process.exit());
`;

interface Opener {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
}

async function startOpener(env: NodeJS.ProcessEnv = process.env): Promise<Opener> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', opener, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  return { child, lines };
}

async function result({ child, lines }: Opener): Promise<string> {
  child.stdin!.write('go\n');
  return (await lines.next()).value;
}

describe('one clock per file', () => {
  it('of 20 processes that open at once exactly one succeeds; kill -9 frees the file', async () => {
    const openers = await Promise.all(Array.from({ length: 20 }, () => startOpener()));
    const results = await Promise.all(openers.map(result));
    expect(results.filter((code) => code === 'open')).toHaveLength(1);
    expect(results.filter((code) => code === 'ERR_DURABLE_CLOCK_IN_USE')).toHaveLength(19);

    const winner = openers[results.indexOf('open')]!.child;
    await expect(open()).rejects.toMatchObject({ code: 'ERR_DURABLE_CLOCK_IN_USE' });
    winner.kill('SIGKILL');
    await once(winner, 'exit');
    await using hlc = await open();
    expect(hlc.stats().ceilingNs).toBeGreaterThan(0n);

    for (const { child } of openers) {
      if (child !== winner) {
        child.stdin!.end();
        await once(child, 'exit');
      }
    }
  });

  it('a second clock in this process is refused, under any name of the file', async () => {
    const link = join(directory, 'link');
    const hlc = await open();
    symlinkSync(path, link);
    symlinkSync(directory, join(directory, 'here'));
    for (const name of [path, link, join(directory, 'here', 'hlc')]) {
      await expect(open(name)).rejects.toMatchObject({
        code: 'ERR_DURABLE_CLOCK_IN_USE',
        path: `${path}.lock`,
      });
    }
    const last = hlc.now();
    await hlc.close();
    const next = await open(link);
    expect(next.now()).toBeGreaterThan(last);
    await next.close();
  });

  it('also under a link to a file that does not exist yet; the link stays a link', async () => {
    const link = join(directory, 'link');
    const chain = join(directory, 'chain');
    symlinkSync('hlc', link);
    symlinkSync(link, chain);
    await using hlc = await open(chain);
    for (const name of [path, link, chain]) {
      await expect(open(name)).rejects.toMatchObject({
        code: 'ERR_DURABLE_CLOCK_IN_USE',
        path: `${path}.lock`,
      });
    }
    expect(readlinkSync(chain)).toBe(link);
    expect(hlc.now()).toBeGreaterThan(0n);

    const lost = join(directory, 'lost');
    symlinkSync('missing/hlc', lost);
    await expect(open(lost)).rejects.toMatchObject({
      code: 'ERR_DURABLE_CLOCK_STORAGE',
      systemCode: 'ENOENT',
    });
  });

  it.runIf(process.platform === 'linux')(
    'without flock(1) there is no lock, so open fails',
    async () => {
      const opener = await startOpener({ PATH: directory });
      expect(await result(opener)).toBe('ERR_DURABLE_CLOCK_LOCK');
      opener.child.stdin!.end();
      await once(opener.child, 'exit');
      await (await open()).close();
    },
  );
});

it('where no process may be started there is no lock, and the error tells the reason', async () => {
  const flag = ['--permission', '--experimental-permission'].find((name) =>
    process.allowedNodeEnvironmentFlags.has(name),
  );
  const flags = [flag!, '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', opener, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  const refused = process.platform === 'linux' ? 'ERR_DURABLE_CLOCK_LOCK' : 'open';
  expect(await result({ child, lines })).toBe(refused);
  child.stdin.end();
  await once(child, 'exit');
});

describe('the real disk', () => {
  it('keeps the clock over a close and a restart', async () => {
    const first = await open();
    const last = first.nowAtLeast(systemClock().wallNs() + 5_000_000_000n);
    await first.close();
    const second = await open();
    expect(second.peek()).toBe(last);
    expect(second.startedAheadNs).toBeGreaterThan(4_000_000_000n);
    expect(second.now()).toBe(last + 1n);
    await second.close();
  });

  it('names the error of the file system', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'not a ceiling');
    mkdirSync(join(directory, 'folder'));
    for (const [name, expected] of [
      ['missing/hlc', { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: 'ENOENT' }],
      ['file/hlc', { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: 'ENOTDIR' }],
      ['folder', { code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode: 'EISDIR' }],
      ['file', { code: 'ERR_DURABLE_CLOCK_FILE', reason: 'magic' }],
    ] as const) {
      await expect(open(join(directory, name)), name).rejects.toMatchObject(expected);
    }
  });

  it.runIf(process.platform === 'linux')(
    'neither waits for a pipe nor reads a device, and leaves no lock beside them',
    async () => {
      const refused = { code: 'ERR_DURABLE_CLOCK_FILE', reason: 'kind' };
      execFileSync('mkfifo', [join(directory, 'pipe')]);
      await expect(open(join(directory, 'pipe'))).rejects.toMatchObject(refused);
      expect(readdirSync(directory)).toEqual(['pipe']);
      // Only now, because the tests above would make a lock file beside the device.
      symlinkSync('/dev/zero', join(directory, 'endless'));
      await expect(open(join(directory, 'endless'))).rejects.toMatchObject(refused);
    },
  );

  it('reads no more of a file than a ceiling has', async () => {
    const long = join(directory, 'long');
    writeFileSync(long, '');
    truncateSync(long, 2 ** 40); // a terabyte of nothing
    await expect(open(long)).rejects.toMatchObject({ code: 'ERR_DURABLE_CLOCK_FILE' });
    writeFileSync(long, `${Buffer.from(encodeCeiling(7n))}\n`);
    await expect(open(long)).rejects.toMatchObject({ reason: 'length' });
  });

  it.runIf(process.platform === 'linux')(
    'a pipe in the place of a temporary file is an error, without a wait',
    async () => {
      execFileSync('mkfifo', [`${path}.next`]);
      await expect(open()).rejects.toMatchObject({
        code: 'ERR_DURABLE_CLOCK_STORAGE',
        systemCode: 'ENXIO',
      });
    },
  );
});
