/**
 * `clockBound()` against a writer in C that changes the segment as ClockBound's daemon does, but
 * all the time. Every field of a state says which state it is of, so a mixed one shows.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStable } from '../../src/sources/clock-bound/clock-bound.ts';

const READS = 250_000;

const WRITER = `
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* State k: as_of k s and k ns, void_after k + 5 s, bound k, marker k. */
int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
  if (fd < 0 || ftruncate(fd, 80) != 0) return 1;
  unsigned char *p = mmap(0, 80, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) return 1;
  _Atomic uint16_t *generation = (_Atomic uint16_t *)(p + 14);
  volatile uint32_t *head = (volatile uint32_t *)p;
  head[0] = 0x414D5A4E; head[1] = 0x43420200; head[2] = 80;
  *(volatile uint16_t *)(p + 12) = 2;
  volatile int64_t *t = (volatile int64_t *)(p + 16);
  volatile uint32_t *drift = (volatile uint32_t *)(p + 64);
  uint16_t g = 0;
  uint32_t random = 1;
  printf("ready\\n"); fflush(stdout);
  for (int64_t k = 1;; k++) {
    atomic_store_explicit(generation, (uint16_t)(g + 1), memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    t[0] = k; t[1] = k % 1000000000; t[2] = k + 5; t[3] = 0;
    /* As if the daemon lost the processor here, briefly. */
    for (volatile uint32_t i = 0; i < 100; i++) {}
    t[4] = k; t[5] = k;
    drift[0] = (uint32_t)k; drift[1] = 1;
    atomic_thread_fence(memory_order_release);
    g += 2; if (g == 0) g = 2;
    atomic_store_explicit(generation, g, memory_order_relaxed);
    /* Sometimes at once again, sometimes after some microseconds. */
    random = random * 1664525 + 1013904223;
    for (volatile uint32_t i = 0, n = random >> 20; i < n; i++) {}
    if (getppid() == 1) return 0;
  }
}
`;

const folder = mkdtempSync(join(tmpdir(), 'epsilon-clock-bound-writer-'));
let writer: ChildProcess;
let file: number;

beforeAll(async () => {
  const [source, program, segment] = ['writer.c', 'writer', 'shm0'].map((name) =>
    join(folder, name),
  );
  writeFileSync(source!, WRITER);
  execFileSync('gcc', ['-O1', '-o', program!, source!]);
  writer = spawn(program!, [segment!], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(writer.stdout!, 'data');
  file = openSync(segment!, 'r');
});
afterAll(() => {
  writer.kill();
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** The states that the fields of a segment are of. More than one: it is mixed. */
function statesOf(bytes: Buffer): Set<number> {
  const states = [16, 24, 48, 56].map((at) => Number(bytes.readBigInt64LE(at)));
  return new Set([...states, Number(bytes.readBigInt64LE(32)) - 5, bytes.readUInt32LE(64)]);
}

test('a quarter of a million reads, none of them mixed', () => {
  let stable = 0;
  let busy = 0;
  const seen = new Set<number>();
  for (let i = 0; i < READS; i++) {
    let bytes: Buffer;
    try {
      bytes = Buffer.from(readStable(file));
    } catch {
      busy++;
      continue;
    }
    if (bytes.readUInt16LE(14) % 2 === 1) continue; // not ready, and refused by readSegment
    const states = statesOf(bytes);
    if (states.size > 1) throw new Error(`a mixed state: ${[...states]}`);
    stable++;
    for (const state of states) seen.add(state);
  }
  console.log(`${stable} stable reads of ${seen.size} states, ${busy} times too busy`);
  // How many depends on how the two share the processors.
  expect(stable).toBeGreaterThan(1000);
  expect(seen.size).toBeGreaterThan(100);
});

test('reads that do not look at the generation see mixed states: the test would notice', () => {
  let mixed = 0;
  const bytes = Buffer.alloc(80);
  for (let i = 0; i < READS / 10; i++) {
    readSync(file, bytes, 0, 80, 0);
    if (statesOf(bytes).size > 1) mixed++;
  }
  console.log(`${mixed} of ${READS / 10} single reads are mixed`);
  expect(mixed).toBeGreaterThan(0);
});
