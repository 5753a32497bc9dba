/** What `explain()` asks of a bound engine. */
import type { MonotonicNs } from '../time/instant.ts';
import type { Edges, Provenance } from './aged-interval.ts';
import type { BoundEngine } from './bound-engine.ts';
import type { SourceState } from './source-state.ts';

/** Where the lower and the upper edge of the bound come from. */
export function provenanceOf({
  learned,
  memory,
}: BoundEngine): readonly [lower: Readonly<Provenance>, upper: Readonly<Provenance>] {
  if (learned?.known !== true) return [memory.loFrom, memory.hiFrom];
  return [learned.lower.origin, learned.upper.origin];
}

/**
 * The interval on theta that `source` vouches for at `now`, ns; `undefined` when it has no data.
 */
export function intervalOf(
  { local, learned, witnesses }: BoundEngine,
  source: Readonly<SourceState>,
  now: MonotonicNs,
): { lowerNs: bigint; upperNs: bigint } | undefined {
  local.advanceTo(now);
  const { cone, base } = source;
  if (!cone.known) return undefined;
  const edges: Edges = { lo: 0, hi: 0 };
  cone.edgesAt(local, edges);
  // Layer 2 knows nothing of witnesses.
  if (learned?.known === true && !witnesses.includes(source)) learned.narrow(edges, source);
  return { lowerNs: base + BigInt(edges.lo), upperNs: base + BigInt(edges.hi) };
}
