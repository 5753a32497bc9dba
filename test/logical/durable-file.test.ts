import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CeilingFile,
  canonicalPath,
  type Disk,
  type DiskCall,
  DurableClockStorageError,
  decodeCeiling,
  encodeCeiling,
  systemDisk,
} from '../../src/logical/durable-file.ts';
import { INT64_MAX } from '../../src/time/instant.ts';
import { CrashDisk } from './crash-disk.ts';

const path = '/d/ceiling';
const text = (value: string) => Buffer.from(value, 'latin1');
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function open(disk: CrashDisk): Promise<CeilingFile> {
  const file = CeilingFile.read(path, disk);
  disk.step();
  return file;
}

function thrown(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Performs background calls until there are none left. */
async function drain(disk: CrashDisk): Promise<void> {
  do await turn();
  while (disk.step());
}

describe('the format', () => {
  it('is the one in the first comment of the module', () => {
    // Python computed the checksum: zlib.crc32(b'epsilon-clock ceiling 1 1795227787534418003 ').
    expect(Buffer.from(encodeCeiling(1795227787534418003n)).toString('latin1')).toBe(
      'epsilon-clock ceiling 1 1795227787534418003 8548682a\n',
    );
  });

  it('is read as it was written, over the whole range', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: INT64_MAX }), (ceilingNs) => {
        expect(decodeCeiling(encodeCeiling(ceilingNs))).toBe(ceilingNs);
      }),
      { seed: 1, examples: [[0n], [INT64_MAX]] },
    );
  });

  it('refuses every file with one bit flipped, and every beginning of a file', () => {
    const bytes = encodeCeiling(1795227787534418003n);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      expect(typeof decodeCeiling(flipped), `bit ${bit}`).toBe('string');
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeCeiling(bytes.slice(0, length)), `length ${length}`).toBe('length');
    }
  });

  it.each([
    ['zeros, as a crash leaves in place of unwritten bytes', '\0'.repeat(53), 'magic'],
    ['somebody else’s file', '1795227787534418003\n', 'magic'],
    ['a later version', 'epsilon-clock ceiling 2 {"ceiling":1795227787534418003}\n', 'version'],
    ['no digits', Buffer.from(encodeCeiling(7n)).toString('latin1').replace('0', '-'), 'checksum'],
    ['one byte more', `${Buffer.from(encodeCeiling(7n)).toString('latin1')}\n`, 'length'],
    ['beyond int64, though the checksum is right', beyond(), 'range'],
  ])('says what is wrong: %s', (_, content, fault) => {
    expect(decodeCeiling(text(content))).toBe(fault);
  });

  function beyond(): string {
    return Buffer.from(encodeCeiling(INT64_MAX + 1n)).toString('latin1');
  }
});

describe('a replacement', () => {
  it('is seen whole by the next reader, whether in the background or urgent', async () => {
    const disk = new CrashDisk();
    const file = await open(disk);
    expect(file.ceilingNs).toBeUndefined();
    file.writeNow(5n);
    expect(file.ceilingNs).toBe(5n);
    expect((await open(disk)).ceilingNs).toBe(5n);
    const written = file.write(9n);
    await drain(disk);
    await written;
    expect(file.ceilingNs).toBe(9n);
    expect((await open(disk)).ceilingNs).toBe(9n);
  });

  it('blocks the event loop for the rename only', async () => {
    const disk = new CrashDisk();
    const file = await open(disk);
    disk.log.length = 0;
    const written = file.write(9n);
    await turn();
    expect(disk.log).toEqual([]);
    await drain(disk);
    await written;
    expect(disk.log).toEqual('open writeFile fsync close rename open fsync close'.split(' '));
  });

  it('in the background returns false when an urgent one overtook it, and keeps the urgent ceiling', async () => {
    const disk = new CrashDisk();
    const file = await open(disk);
    const written = file.write(100n);
    file.writeNow(200n);
    await drain(disk);
    expect(await written).toBe(false);
    expect(file.ceilingNs).toBe(200n);
    expect((await open(disk)).ceilingNs).toBe(200n);
  });

  it('that is overtaken after its rename keeps the higher ceiling', async () => {
    const disk = new CrashDisk();
    const file = await open(disk);
    const written = file.write(100n);
    disk.log.length = 0;
    while (!disk.log.includes('rename')) {
      await turn();
      disk.step();
    }
    file.writeNow(200n);
    await drain(disk);
    expect(await written).toBe(false);
    expect(file.ceilingNs).toBe(200n);
    expect((await open(disk)).ceilingNs).toBe(200n);
  });

  it('keeps the old ceiling when any of its calls fails, and works the next time', async () => {
    const calls = ['open', 'writeFile', 'fsync', 'close', 'rename'] as const;
    for (const call of calls) {
      for (const urgent of [true, false]) {
        const disk = new CrashDisk();
        const file = await open(disk);
        file.writeNow(5n);
        disk.failNext(call, 'ENOSPC');
        const error = {
          code: 'ERR_DURABLE_CLOCK_STORAGE',
          systemCode: 'ENOSPC',
          path,
          cause: { code: 'ENOSPC' },
        };
        if (urgent) {
          expect(thrown(() => file.writeNow(9n))).toMatchObject(error);
        } else {
          const written = expect(file.write(9n)).rejects.toMatchObject(error);
          await drain(disk);
          await written;
        }
        expect(file.ceilingNs, call).toBe(5n);
        expect((await open(disk)).ceilingNs, call).toBe(5n);
        file.writeNow(9n);
        expect((await open(disk)).ceilingNs, call).toBe(9n);
      }
    }
  });

  it('claims no new ceiling when the directory could not be synced', async () => {
    const disk = new CrashDisk();
    const file = await open(disk);
    file.writeNow(5n);
    let syncs = 0;
    const failing = {
      now: (call: Parameters<CrashDisk['now']>[0]) => {
        if (call[0] === 'fsync' && ++syncs === 2) {
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        }
        return disk.now(call);
      },
      later: (call: Parameters<CrashDisk['later']>[0]) => disk.later(call),
    };
    const opened = CeilingFile.read(path, failing);
    disk.step();
    const second = await opened;
    expect(thrown(() => second.writeNow(9n))).toMatchObject({ systemCode: 'EIO' });
    expect(second.ceilingNs).toBe(5n);
  });
});

/**
 * Background and urgent writes, interleaved, with a crash at any call. The ceiling read after the
 * crash must be at least every ceiling claimed before it, and the file must not be damaged.
 */
describe('after a crash at any instant', () => {
  const action = fc.oneof(fc.constant('background' as const), fc.constant('urgent' as const), {
    arbitrary: fc.constant('step' as const),
    weight: 6,
  });

  it('the file is whole and at or above every ceiling claimed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 1, maxLength: 40 }),
        fc.nat(60),
        fc.infiniteStream(fc.constantFrom(0 as const, 1 as const, 2 as const)),
        async (actions, callsToLive, fates) => {
          const disk = new CrashDisk();
          const file = await open(disk);
          disk.callsToLive = callsToLive;
          let next = 1n;
          let busy = false;
          let claimed: bigint | undefined;
          for (const what of actions) {
            if (what === 'step') disk.step();
            else if (what === 'background' && !busy) {
              busy = true;
              const done = () => {
                busy = false;
              };
              file.write(next++).then(done, done); // only the crash makes it fail
            } else if (what === 'urgent') {
              try {
                file.writeNow(next++);
              } catch {
                break; // the crash
              }
            }
            await turn();
            if (disk.crashed) break;
            claimed = file.ceilingNs;
          }
          disk.restart(() => fates.next().value);
          const found = (await open(disk)).ceilingNs;
          if (claimed !== undefined) expect(found).toBeGreaterThanOrEqual(claimed);
        },
      ),
      { seed: 2, numRuns: 1500 },
    );
  });
});

describe('on the real disk', () => {
  let directory: string;
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'ceiling-')));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const error = (systemCode: string) =>
    expect.objectContaining({ code: 'ERR_DURABLE_CLOCK_STORAGE', systemCode });

  it('a ceiling is kept, by either kind of write, and nothing else is left', async () => {
    const at = join(directory, 'hlc');
    const file = await CeilingFile.read(at, systemDisk);
    expect(file.ceilingNs).toBeUndefined();
    file.writeNow(7n);
    expect((await CeilingFile.read(at, systemDisk)).ceilingNs).toBe(7n);
    expect(await file.write(9n)).toBe(true);
    expect((await CeilingFile.read(at, systemDisk)).ceilingNs).toBe(9n);
    expect(readdirSync(directory)).toEqual(['hlc']);
  });

  it('a file that holds no ceiling, or is none, is refused by name', async () => {
    writeFileSync(join(directory, 'other'), 'not a ceiling');
    writeFileSync(join(directory, 'longer'), Buffer.concat([encodeCeiling(7n), text('x')]));
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    symlinkSync('/dev/null', join(directory, 'device'));
    mkdirSync(join(directory, 'folder'));
    for (const [name, reason] of [
      ['other', 'magic'],
      ['longer', 'length'],
      ['pipe', 'kind'],
      ['device', 'kind'],
    ] as const) {
      await expect(CeilingFile.read(join(directory, name), systemDisk), name).rejects.toMatchObject(
        { code: 'ERR_DURABLE_CLOCK_FILE', reason, path: join(directory, name) },
      );
    }
    await expect(CeilingFile.read(join(directory, 'folder'), systemDisk)).rejects.toThrow(
      error('EISDIR'),
    );
  });

  it.runIf(process.platform === 'linux')('reading leaves no file open, refused or not', () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    writeFileSync(join(directory, 'file'), 'content');
    const before = open();
    for (let i = 0; i < 50; i++) {
      systemDisk.now(['readFile', join(directory, 'file'), 5]);
      expect(() => systemDisk.now(['readFile', '/dev/null', 5])).toThrow('EFTYPE');
    }
    // Others in this process may open a few meanwhile.
    expect(open() - before).toBeLessThan(25);
  });

  it('both kinds of call do the same', async () => {
    const link = join(directory, 'link');
    symlinkSync('file', link);
    const results: unknown[] = [];
    const kinds = [async (call: DiskCall) => systemDisk.now(call), systemDisk.later];
    for (const run of kinds) {
      const at = join(directory, 'file');
      const file = (await run(['open', at, 'w'])) as number;
      await run(['writeFile', file, text('content')]);
      await run(['fsync', file]);
      await run(['close', file]);
      const bytes = (await run(['readFile', link, 5])) as Uint8Array;
      const whole = (await run(['readFile', at, 100])) as Uint8Array;
      results.push([
        Buffer.from(bytes).toString(),
        Buffer.from(whole).toString(),
        await run(['realpath', link]),
        await run(['readlink', link]),
      ]);
      await run(['rename', at, `${at}-2`]);
      expect(readdirSync(directory)).toEqual(['file-2', 'link']);
    }
    const expected = ['conte', 'content', join(directory, 'file'), 'file'];
    expect(results).toEqual([expected, expected]);
  });

  it.each<[string, string | undefined]>([
    // A path, and the file that it leads to: as a rule `there/file`, which need not exist.
    ['there/file', undefined],
    ['there/../there/./file', undefined],
    ['here/file', undefined],
    ['relative', undefined],
    ['absolute', undefined],
    ['chain', undefined],
    // `..` of a link is the parent of where it leads.
    ['here/../file', 'file'],
    ['there/up', 'file'],
    ['here/up', 'file'],
  ])('%s has one canonical name, whether there is a file or not', async (given, leadsTo) => {
    mkdirSync(join(directory, 'there'));
    symlinkSync('there', join(directory, 'here'));
    symlinkSync('here/file', join(directory, 'relative'));
    symlinkSync(join(directory, 'here/file'), join(directory, 'absolute'));
    symlinkSync('absolute', join(directory, 'chain'));
    symlinkSync('../there/../file', join(directory, 'there/up'));
    const expected = join(directory, leadsTo ?? 'there/file');
    const asGiven = `${directory}/${given}`;
    expect(await canonicalPath(asGiven, systemDisk)).toBe(expected);
    writeFileSync(expected, '');
    expect(await canonicalPath(asGiven, systemDisk)).toBe(expected);
  });

  it('a path that leads nowhere is an error', async () => {
    writeFileSync(join(directory, 'file'), '');
    symlinkSync('missing/file', join(directory, 'lost'));
    symlinkSync('circle', join(directory, 'circle'));
    for (const [given, code] of [
      ['missing/file', 'ENOENT'],
      ['file/file', 'ENOTDIR'],
      ['lost', 'ENOENT'],
      ['circle', 'ELOOP'],
    ] as const) {
      await expect(canonicalPath(join(directory, given), systemDisk)).rejects.toThrow(error(code));
    }
  });

  it('what another disk gives for a path is checked, and its errors are told', async () => {
    const at = join(directory, 'file');
    const giving = (name: DiskCall[0], later: Disk['later']): Disk => ({
      now: systemDisk.now,
      later: (call) => (call[0] === name ? later(call) : systemDisk.later(call)),
    });
    for (const nothing of [undefined, '', 5]) {
      for (const name of ['realpath', 'readlink'] as const) {
        const disk = giving(name, async () => nothing);
        await expect(canonicalPath(at, disk)).rejects.toThrow(error('unknown'));
      }
    }
    const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
    for (const name of ['realpath', 'readlink'] as const) {
      const disk = giving(name, () => Promise.reject(denied));
      const thrown = await canonicalPath(at, disk).catch((reason: unknown) => reason);
      expect(thrown).toEqual(error('EACCES'));
      expect(thrown).toMatchObject({ cause: denied, path: at });
    }
    // Another opener made the file meanwhile: it is no link.
    const made = giving('readlink', () =>
      Promise.reject(Object.assign(new Error('EINVAL'), { code: 'EINVAL' })),
    );
    expect(await canonicalPath(at, made)).toBe(at);
    expect(new DurableClockStorageError(at, null).systemCode).toBe('unknown');
  });
});
