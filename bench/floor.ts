/**
 * The floor: the cost of reading the monotonic clock on this machine without any JavaScript. It is
 * measured by a C program, a loop around `clock_gettime`, compiled for each run. Without a compiler
 * the floor is a bare `process.hrtime.bigint()` into a slot, and the report says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Prints the mean ns per call of each window. Its windows are as long as those of the rows: 80,000
 * calls take about 2 ms.
 */
const SOURCE = `
#include <stdio.h>
#include <time.h>
static volatile long long slot;
static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
int main(void) {
  for (int window = 0; window < 9; window++) {
    long long start = now();
    for (int i = 0; i < 80000; i++) slot = now();
    if (window > 0) printf("%f\\n", (now() - start) / 80001.0);
  }
  return 0;
}
`;

export class Floor implements Disposable {
  readonly #folder: string;
  readonly #program: string;

  private constructor(folder: string, program: string) {
    this.#folder = folder;
    this.#program = program;
  }

  /** `undefined` when no C compiler is found. */
  static compile(): Floor | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'clock-floor-'));
    const source = join(folder, 'floor.c');
    const program = join(folder, 'floor');
    writeFileSync(source, SOURCE);
    for (const compiler of ['cc', 'gcc', 'clang']) {
      const { status } = spawnSync(compiler, ['-O2', '-o', program, source], { stdio: 'ignore' });
      if (status === 0) return new Floor(folder, program);
    }
    rmSync(folder, { recursive: true });
    return undefined;
  }

  /** The mean ns per call in each of eight windows. */
  sample(): number[] {
    return execFileSync(this.#program, { encoding: 'utf8' }).trim().split('\n').map(Number);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
