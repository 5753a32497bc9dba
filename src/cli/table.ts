/**
 * A table that fits the screen. Columns are as wide as their widest cell. While the table is wider
 * than the screen, the least important columns are left out. Lines that are still too wide are
 * clipped, never wrapped.
 */
import { clip, type Paint, pad, widthOf } from './paint.ts';

export interface Column<Row> {
  readonly title: string;
  /** The cell's text, painted or not. */
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right' | undefined;
  /** The column with the highest value is left out first. Default 0: it is never left out. */
  readonly expendable?: number | undefined;
}

const GAP = '  ';

/** A heading and one line per row, each at most `width` columns wide. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { readonly width: number; readonly paint: Paint },
): string[] {
  const { width, paint } = options;
  let laidOut = columns.map((column) => {
    const cells = rows.map(column.cell);
    return { column, cells, width: Math.max(widthOf(column.title), ...cells.map(widthOf)) };
  });
  const total = (): number =>
    laidOut.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);
  const rank = ({ column }: { column: Column<Row> }): number => column.expendable ?? 0;
  while (total() > width) {
    const worst = Math.max(0, ...laidOut.map(rank));
    if (worst === 0) break;
    laidOut = laidOut.filter((each) => rank(each) !== worst);
  }
  const line = (texts: readonly string[]): string => {
    const cells = laidOut.map(({ column, width }, i) => pad(texts[i]!, width, column.align));
    return clip(cells.join(GAP).trimEnd(), width);
  };
  const heading = line(laidOut.map(({ column }) => column.title));
  return [paint.dim(heading), ...rows.map((_, i) => line(laidOut.map(({ cells }) => cells[i]!)))];
}
