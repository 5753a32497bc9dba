/**
 * The VMClock page against a writer in C that changes it as a hypervisor does, but all the time;
 * and a process that finds the page where Linux has it.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VmClockPage } from '../../src/time/vm-clock.ts';

const READS = 250_000;

/* State k has the marker k and the generation 2 k. */
const WRITER = `
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return 1;
  unsigned char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return 1;
  *(volatile uint32_t *)p = 0x4B4C4356;
  *(volatile uint32_t *)(p + 4) = 4096;
  *(volatile uint16_t *)(p + 8) = 1;
  _Atomic uint32_t *sequence = (_Atomic uint32_t *)(p + 12);
  volatile uint64_t *marker = (volatile uint64_t *)(p + 16);
  volatile uint64_t *generation = (volatile uint64_t *)(p + 104);
  uint32_t s = 0;
  uint32_t random = 1;
  printf("ready\\n"); fflush(stdout);
  for (uint64_t k = 1;; k++) {
    atomic_store_explicit(sequence, s + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    *marker = k;
    for (volatile uint32_t i = 0; i < 100; i++) {}
    *generation = 2 * k;
    atomic_thread_fence(memory_order_release);
    s += 2;
    atomic_store_explicit(sequence, s, memory_order_relaxed);
    random = random * 1664525 + 1013904223;
    for (volatile uint32_t i = 0, n = random >> 20; i < n; i++) {}
    if (getppid() == 1) return 0;
  }
}
`;

const folder = mkdtempSync(join(tmpdir(), 'epsilon-vm-clock-writer-'));
let writer: ChildProcess;
let file: number;

beforeAll(async () => {
  const [source, program, page] = ['writer.c', 'writer', 'page'].map((name) => join(folder, name));
  writeFileSync(source!, WRITER);
  execFileSync('gcc', ['-O1', '-o', program!, source!]);
  writer = spawn(program!, [page!], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(writer.stdout!, 'data');
  file = openSync(page!, 'r');
});
afterAll(() => {
  writer.kill();
  closeSync(file);
  rmSync(folder, { recursive: true });
});

const readPage = (bytes: Uint8Array): number => readSync(file, bytes, 0, bytes.length, 0);

/** The state that a copy is of; throws for a mixed one. */
function stateOf(bytes: DataView): bigint {
  const [marker, generation] = [bytes.getBigUint64(16, true), bytes.getBigUint64(104, true)];
  if (generation !== 2n * marker) throw new Error(`mixed: ${marker}, ${generation}`);
  return marker;
}

test('a quarter of a million reads, none of them mixed', () => {
  let copy: DataView = new DataView(new ArrayBuffer(112));
  const page = new VmClockPage((bytes) => {
    copy = new DataView(bytes.buffer);
    return readPage(bytes);
  });
  const states = new Map<bigint, bigint>();
  let read = 0;
  for (let i = 0; i < READS; i++) {
    const marker = page.marker();
    if (marker === undefined) continue;
    read++;
    states.set(stateOf(copy), marker);
  }
  console.log(`${read} markers of ${states.size} states`);
  expect(new Set(states.values()).size).toBe(states.size);
  // How many depends on how the two share the processors.
  expect(read).toBeGreaterThan(1000);
  expect(states.size).toBeGreaterThan(100);
});

test('copies that are taken as they come are mixed: the test would notice', () => {
  let mixed = 0;
  const bytes = new Uint8Array(112);
  for (let i = 0; i < READS / 10; i++) {
    readPage(bytes);
    try {
      stateOf(new DataView(bytes.buffer));
    } catch {
      mixed++;
    }
  }
  console.log(`${mixed} of ${READS / 10} single copies are mixed`);
  expect(mixed).toBeGreaterThan(0);
});

test('a move to another host interrupts a commit wait, and the clock recovers', async () => {
  const device = join(folder, 'dev');
  // In a mount namespace of its own, because /dev belongs to the whole machine.
  const script = [
    'mkdir "$1" && mount -t tmpfs none "$1"',
    'for node in null zero urandom; do touch "$1/$node"; mount --bind /dev/$node "$1/$node"; done',
    'touch "$1/vmclock0" && mount --bind "$1" /dev',
    'exec "$2" "$3"',
  ].join('\n');
  const child = fileURLToPath(new URL('../kit/vm-clock.child.mjs', import.meta.url));
  const args = ['--mount', 'sh', '-ec', script, 'sh', device, process.execPath, child];
  const { stdout } = await promisify(execFile)('unshare', args);
  expect(JSON.parse(stdout)).toEqual({
    before: { vmClock: true, status: 'synchronized' },
    code: 'ERR_COMMIT_WAIT_INTERRUPTED',
    status: 'disrupted',
    reason: 'vm-disruption',
    disruptions: { step: 0, suspend: 0, 'step-or-suspend': 0, 'vm-disruption': 1 },
  });
});
