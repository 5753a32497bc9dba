/**
 * The floor: what reading the monotonic clock costs on this machine without any JavaScript. A C program
 * of one loop around `clock_gettime`, compiled on the spot; where there is no compiler, the bare
 * `process.hrtime.bigint()` into a slot has to do, and the report says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Windows as long as those of the rows: 80,000 calls are about 2 ms. Prints the mean ns of each. */
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
