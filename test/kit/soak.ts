/** Other worlds every night: the seed is in the name of the test that fails. */
export const SEED: number = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));

/** A line before each world: one that never ends is then known by its number. */
export function say(line: string): void {
  process.stdout.write(`${new Date().toISOString()}  ${line}\n`);
}
