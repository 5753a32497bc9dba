/**
 * What the engine's values of theta are relative to.
 *
 * Values of theta are integer-valued doubles of ns, exact below 2^53. So each source has a base of
 * its own, and the bound has one, which is chosen where most sources are within 2^51 ns (26 days).
 * The edges of a source that is farther away are rounded outward by 1 us. They can be edges of the
 * bound while the quorum is partial.
 */
import type { ClockSample } from './clock-sample.ts';
import type { LocalNow } from './local-now.ts';
import type { RelativeSample } from './relative-sample.ts';
import type { SourceState } from './source-state.ts';

/** Values this far from their base are exact, and so are their sums. */
const EXACT_RANGE_NS = 2 ** 51;

export class ThetaBase {
  /** The base of the bound, ns. */
  value = 0n;

  /**
   * Moves the base to the source that most others are in range of. Only while there is no bound.
   * `witnesses` follow it.
   */
  choose(sources: readonly SourceState[], witnesses: readonly SourceState[]): void {
    let best = -1;
    for (const candidate of sources) {
      if (!candidate.cone.known) continue;
      let near = 0;
      for (const { cone, base } of sources) {
        if (cone.known && Math.abs(Number(base - candidate.base)) < EXACT_RANGE_NS) near++;
      }
      if (near <= best) continue;
      best = near;
      this.value = candidate.base;
    }
    for (const source of sources) source.shift = Number(source.base - this.value);
    for (const witness of witnesses) witness.shift = Number(witness.base - this.value);
  }

  /**
   * Makes `relative`, which was loaded from `sample`, relative to the base of its source. Returns
   * true if the source jumped farther than the numbers reach. The base of the source is then the
   * new sample.
   */
  relate(
    relative: RelativeSample,
    sample: ClockSample,
    source: SourceState,
    local: LocalNow,
  ): boolean {
    const { known } = source.cone;
    if (known) {
      relative.relateTo(local.base, source.base);
      if (Math.abs(relative.lower) <= EXACT_RANGE_NS) return false;
    }
    source.base = sample.lowerNs;
    source.shift = Number(source.base - this.value);
    relative.relateTo(local.base, source.base);
    return known;
  }
}
