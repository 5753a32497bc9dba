/** Markdown tables whose columns line up as plain text too. */

/** @param aligned one letter per column: `l` or `r` */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  aligned: string,
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, c) => Math.max(3, ...lines.map((cells) => cells[c]?.length ?? 0)));
  const right = (c: number): boolean => aligned[c] === 'r';
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, c) => {
      const cell = cells[c] ?? '';
      return right(c) ? cell.padStart(width) : cell.padEnd(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, c) =>
    right(c) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

/** Three significant digits, as a benchmark has no more: `1.23`, `12.3`, `123`, `12,300`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) < 100) return value.toPrecision(3);
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

/** Bytes per call. The error of the method is a tenth of a byte. */
export function bytesFigure(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value)) : '–';
}
