/** How costs grow: the points of each curve, and the power law nearest to them. */
import type { Curve } from './row.ts';
import type { Run } from './run.ts';
import { exponent } from './statistics.ts';

export interface CurvePoints {
  readonly curve: Curve;
  /** The growth by theory. */
  readonly complexity: string;
  readonly points: readonly (readonly [x: number, ns: number])[];
  /** The exponent of the nearest power law. */
  readonly slope: number;
}

const COMPLEXITY: Readonly<Record<Curve, string>> = {
  'sample by sources': 'O(n): few of the sorted edges change places',
  'reading by sources': 'O(1): the bound is the same few slots',
  'reading by threads': 'O(1): readers write nothing that others read',
  'waiter by waiters': 'O(log n): a way through a heap',
  'learning by sources': 'O(n); of each source up to 32 dated facts are aged',
};

export function curvesOf({ rows }: Run): CurvePoints[] {
  return (Object.keys(COMPLEXITY) as Curve[]).flatMap((curve) => {
    const points = rows.flatMap(({ scale, medianNs }) =>
      scale?.curve === curve ? [[scale.x, medianNs] as const] : [],
    );
    if (points.length === 0) return [];
    return [{ curve, complexity: COMPLEXITY[curve], points, slope: exponent(points) }];
  });
}
