/**
 * `ClockBoundPublisher` against a client in C, which maps the segment and computes from it as
 * ClockBound's own does: the same copy under the generation, the same clocks in the same order, the
 * same formula in doubles. Written from its source, because the client itself cannot be built here.
 *
 * True time is known: an NTP server of the test serves the monotonic clock plus an offset that
 * moves by 100 ppm, 7 ms from the wall clock. So the wall clock is wrong, and a client is right
 * only through the bound.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { ClockBoundFile } from '../../src/host-page/clock-bound-file.ts';
import { ClockBoundPublisher } from '../../src/host-page/clock-bound-publisher.ts';
import { type SegmentFields, segmentFields } from '../../src/sources/clock-bound/segment.ts';
import { ntp } from '../../src/sources/ntp/ntp.ts';
import { NtpServer } from '../../src/sources/ntp/udp-server.ts';
import { unixNs } from '../../src/time/instant.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { WallTruth } from '../kit/wall-truth.ts';

const READINGS = 120_000;

const CLIENT = `
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct header {
  uint32_t magic[2]; _Atomic uint32_t size; _Atomic uint16_t version; _Atomic uint16_t generation;
};
struct fields {
  struct timespec as_of, void_after; int64_t bound; uint64_t marker;
  uint32_t drift; int32_t status; uint8_t support; uint8_t padding[7];
};
_Static_assert(sizeof(struct header) == 16 && sizeof(struct fields) == 64, "the layout");

static struct header *head;
static volatile struct fields *body;
static struct fields kept;
static uint16_t kept_generation;
static long fresh, retried;

/* The client's snapshot(): the last copy while the segment is written. */
static void snapshot(void) {
  if (atomic_load(&head->version) != 2) exit(3);
  uint16_t first = atomic_load_explicit(&head->generation, memory_order_acquire);
  if (first == 0 || first == kept_generation || first % 2 == 1) return;
  for (int tries = 1000000; tries > 0; tries--) {
    struct fields copy;
    memcpy(&copy, (void *)body, sizeof copy);
    atomic_thread_fence(memory_order_acquire);
    uint16_t second = atomic_load_explicit(&head->generation, memory_order_acquire);
    if (first == second) { kept = copy; kept_generation = first; fresh++; return; }
    retried++;
    if (second % 2 == 0) first = second;
  }
  /* The writer lost the processor within a write. The client reports that, and would ask again. */
}

static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
static int64_t now(clockid_t id) { struct timespec t; clock_gettime(id, &t); return ns(t); }

/* argv: segment, mode (fields or truth), how many, then of the truth: theta, at, ppb, share in % */
int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDONLY);
  struct header h;
  if (read(fd, &h, sizeof h) != sizeof h) return 1;
  if (h.magic[0] != 0x414D5A4E || h.magic[1] != 0x43420200 || h.version != 2) return 1;
  if (h.generation == 0 || h.size != 80) return 1;
  head = mmap(0, h.size, PROT_READ, MAP_SHARED, fd, 0);
  if (head == MAP_FAILED) return 2;
  body = (volatile struct fields *)(head + 1);
  long readings = atol(argv[3]), known = 0, wrong = 0, status[4] = {0};
  int64_t widest = 0, narrowest = INT64_MAX;
  /* For so many states, or as many as there are in some seconds. */
  for (int64_t end = now(CLOCK_MONOTONIC) + 6000000000LL; argv[2][0] == 'f';) {
    if (known >= readings || now(CLOCK_MONOTONIC) > end) { readings = 0; break; }
    int64_t last = kept.bound;
    kept_generation = 0;
    snapshot();
    if (fresh == 0) continue; /* the first one was being written */
    int64_t k = kept.bound;
    known += k != last;
    wrong += kept.as_of.tv_sec != k || kept.as_of.tv_nsec != k || kept.void_after.tv_sec != k + 5
      || (int64_t)kept.marker != k || kept.drift != (uint32_t)k || kept.status != (int32_t)(k % 4);
  }
  for (long i = 0; i < readings; i++) {
    int64_t theta = atoll(argv[4]), at = atoll(argv[5]), ppb = atoll(argv[6]);
    snapshot();
    int64_t before = now(CLOCK_MONOTONIC);
    int64_t real = now(CLOCK_REALTIME);
    int64_t mono = now(CLOCK_MONOTONIC_COARSE);
    int64_t after = now(CLOCK_MONOTONIC);
    int64_t age = mono - ns(kept.as_of);
    if (age <= -1000) return 5;
    if (age < 0) age = 0;
    int said = kept.status;
    if ((said == 1 || said == 2) && age >= 5000000000LL) said = mono < ns(kept.void_after) ? 2 : 0;
    status[said]++;
    if (said == 1 || said == 2) {
      int64_t bound = kept.bound + (int64_t)((double)age / 1e9 * (double)kept.drift);
      bound = bound * atoll(argv[7]) / 100;
      int64_t earliest = real - bound, latest = real + bound;
      /* True time is theta + ppb * (m - at) ahead of the monotonic clock. */
      int64_t least = before + theta + (before - at) * ppb / 1000000000LL - 300;
      int64_t most = after + theta + (after - at) * ppb / 1000000000LL + 300;
      known++;
      wrong += earliest > most || latest < least;
      if (bound > widest) widest = bound;
      if (bound < narrowest) narrowest = bound;
    }
    struct timespec pause = { 0, i % 64 == 0 ? 2000000 : 0 };
    if (pause.tv_nsec) nanosleep(&pause, 0);
  }
  printf("{\\"known\\":%ld,\\"wrong\\":%ld,\\"fresh\\":%ld,\\"retried\\":%ld,", known, wrong, fresh, retried);
  printf("\\"status\\":[%ld,%ld,%ld,%ld],", status[0], status[1], status[2], status[3]);
  printf("\\"narrowest\\":%lld,\\"widest\\":%lld}\\n", (long long)narrowest, (long long)widest);
  return 0;
}
`;

interface Found {
  readonly known: number;
  readonly wrong: number;
  readonly fresh: number;
  readonly retried: number;
  readonly status: readonly number[];
  readonly narrowest: number;
  readonly widest: number;
}

const folder = mkdtempSync(join(tmpdir(), 'epsilon-clock-bound-client-'));
const program = join(folder, 'client');
let path: string;
let files = 0;
const ends: (() => unknown)[] = [];

beforeAll(() => {
  const source = join(folder, 'client.c');
  writeFileSync(source, CLIENT);
  execFileSync('gcc', ['-O2', '-Wall', '-o', program, source]);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Runs the client; `meanwhile` is called again and again until it ends. */
async function client(args: readonly (string | number | bigint)[], meanwhile = () => {}) {
  const child = spawn(program, [path, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let ended = false;
  child.stdout.on('data', (text: Buffer) => {
    output += text;
  });
  const end = once(child, 'close').finally(() => {
    ended = true;
  });
  while (!ended) {
    meanwhile();
    await nextTurn();
  }
  expect(await end).toEqual([0, null]);
  return JSON.parse(output) as Found;
}

describe('the copy', () => {
  /** Every field says which state it is of. */
  const stateOf = (k: bigint): SegmentFields => ({
    asOf: k * 1_000_000_000n + k,
    voidAfter: (k + 5n) * 1_000_000_000n,
    boundNs: k,
    marker: k,
    driftPpb: k,
    status: Number(k % 4n),
  });
  const open = async () => {
    path = join(folder, `shm${files++}`);
    const file = await ClockBoundFile.open(path, async () => () => {});
    ends.push(() => file.close());
    file.write(stateOf(1n));
    return file;
  };

  test('100,000 states while the segment is written all the time, none of them mixed', async () => {
    const file = await open();
    let k = 1n;
    const found = await client(['fields', 100_000], () => {
      for (let i = 0; i < 500; i++) file.write(stateOf(++k));
    });
    console.log(`${found.known} of ${k} states in ${found.fresh} copies, ${found.retried} retries`);
    expect(found.wrong).toBe(0);
    // How many depends on how the two share the processors.
    expect(found.known).toBeGreaterThan(100);
  });

  test('control: the fields without the generation around them are seen mixed', async () => {
    await open();
    const raw = openSync(path, 'r+');
    ends.push(() => closeSync(raw));
    let k = 1n;
    const found = await client(['fields', 1_000_000], () => {
      for (let i = 0; i < 500; i++) writeSync(raw, segmentFields(stateOf(++k)), 0, 64, 16);
    });
    console.log(`${found.wrong} of ${found.fresh} copies are mixed`);
    expect(found.wrong).toBeGreaterThan(0);
  });
});

describe('the interval', () => {
  /** True time is 7 ms from the wall clock, and drifts away from it. */
  const PPB = 100_000n;

  async function started() {
    const system = systemClock();
    const { lowerNs, upperNs } = new WallTruth();
    const theta = (lowerNs + upperNs) / 2n + 7_000_000n;
    const at = system.monotonicNs();
    const served = Object.create(system, {
      wallNs: {
        value: () => {
          const m = system.monotonicNs();
          return unixNs(m + theta + ((m - at) * PPB) / 1_000_000_000n);
        },
      },
    });
    const server = await NtpServer.start({ clock: served });
    ends.push(() => server.stop());
    const clock = BoundedClock.start({
      sources: [ntp('127.0.0.1', { port: server.port, pollIntervalMs: 100 })],
    });
    ends.push(() => clock.stop());
    await clock.waitSynced({ timeoutMs: 30_000 });
    path = join(folder, `shm${files++}`);
    const publisher = await ClockBoundPublisher.start({ clock, path });
    ends.push(() => publisher.stop());
    return { publisher, truth: [theta, at, PPB] };
  }

  test('holds true time, 120,000 times; half of it does not', async () => {
    const { publisher, truth } = await started();
    const found = await client(['truth', READINGS, ...truth, 100]);
    console.log(found);
    expect(found.wrong).toBe(0);
    expect(found.known).toBeGreaterThan(100_000);
    // Updates while it read; more than one a second even on a busy machine.
    expect(found.fresh).toBeGreaterThan(5);
    expect(found.narrowest).toBeGreaterThan(7_000_000);
    const control = await client(['truth', 1000, ...truth, 50]);
    expect(control.wrong).toBeGreaterThan(900);
    await publisher.stop();
    const after = await client(['truth', 100, ...truth, 100]);
    expect(after.status).toEqual([100, 0, 0, 0]);
  });
});
