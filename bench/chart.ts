/**
 * Charts as SVG text: bars in multiples of the floor, curves on logarithmic axes, lines on any
 * axes.
 */
import type { CurvePoints } from './curves.ts';
import type { Measured } from './run.ts';

type Bar = Pick<Measured, 'group' | 'operation' | 'xFloor' | 'target'>;

const WIDTH = 860;
const LABEL = 400;
const LINE = 20;
const COLORS = ['#2b6cb0', '#c05621', '#2f855a', '#6b46c1'];

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('`', '');

/** Dark text on a light background, so that light and dark themes can show it. */
function svg(height: number, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13" fill="#1a202c">
<rect width="100%" height="100%" fill="#ffffff"/>
${body.join('\n')}
</svg>
`;
}

/**
 * A bar per row, as long as the logarithm of its cost in multiples of the floor, with a mark at its
 * target, if it has one. A row below the floor has no bar; only a row that reads no clock can be.
 */
export function barChart(rows: readonly Bar[]): string {
  const most = Math.max(10, ...rows.map(({ xFloor }) => xFloor));
  const x = (times: number): number =>
    LABEL + (Math.log(Math.max(1, times)) / Math.log(most)) * (WIDTH - LABEL - 60);
  const body: string[] = [];
  let y = 10;
  let group = '';
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      y += LINE;
      body.push(`<text x="10" y="${y + 14}" font-weight="bold">${escaped(group)}</text>`);
      y += LINE;
    }
    const end = x(row.xFloor);
    body.push(
      `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escaped(row.operation)}</text>`,
      `<rect x="${LABEL}" y="${y + 3}" width="${(end - LABEL).toFixed(1)}" height="14" fill="${COLORS[0]}"/>`,
      `<text x="${(end + 6).toFixed(1)}" y="${y + 14}">${row.xFloor.toFixed(2)}</text>`,
    );
    if (row.target && 'xFloor' in row.target) {
      const mark = x(row.target.xFloor).toFixed(1);
      body.push(`<path d="M${mark} ${y}v20" stroke="${COLORS[1]}" stroke-width="2"/>`);
    }
    y += LINE;
  }
  y += LINE;
  body.push(
    `<text x="10" y="${y + 14}">Cost in floors (C clock_gettime), logarithmic; the mark is the target.</text>`,
  );
  return svg(y + 2 * LINE, body);
}

/**
 * Draws each curve as a line through its points, with its name at the right end. Both axes are
 * logarithmic.
 */
export function logLogChart(curves: readonly CurvePoints[]): string {
  const [left, right, top, bottom] = [60, 250, 20, 340];
  const points = curves.flatMap((curve) => curve.points);
  const xs = decades(points.map(([x]) => x));
  const ys = decades(points.map(([, y]) => y));
  const along = (value: number, [low, high]: readonly [number, number]): number =>
    (Math.log10(value) - low) / (high - low);
  const px = (value: number): number => left + along(value, xs) * (WIDTH - left - right);
  const py = (value: number): number => bottom - along(value, ys) * (bottom - top);

  const body: string[] = [];
  for (let d = xs[0]; d <= xs[1]; d++) {
    const at = px(10 ** d);
    body.push(
      `<path d="M${at} ${top}V${bottom}" stroke="#cbd5e0"/>`,
      `<text x="${at}" y="${bottom + 18}" text-anchor="middle">${10 ** d}</text>`,
    );
  }
  for (let d = ys[0]; d <= ys[1]; d++) {
    const at = py(10 ** d);
    body.push(
      `<path d="M${left} ${at}H${WIDTH - right}" stroke="#cbd5e0"/>`,
      `<text x="${left - 6}" y="${at + 4}" text-anchor="end">${10 ** d} ns</text>`,
    );
  }
  curves.forEach(({ curve, slope, points: own }, i) => {
    const color = COLORS[i % COLORS.length];
    const spots = own.map(([x, y]) => [px(x).toFixed(1), py(y).toFixed(1)] as const);
    body.push(
      `<polyline points="${spots.map((spot) => spot.join(',')).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...spots.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`),
      `<text x="${WIDTH - right + 16}" y="${top + 20 + i * LINE}" fill="${color}">${escaped(curve)}: ${slope.toFixed(2)}</text>`,
    );
  });
  return svg(bottom + 2 * LINE, body);
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  /** The name of the axis, with its unit. */
  readonly name: string;
  /** Where the axis begins; above 0 when it is logarithmic. */
  readonly least: number;
  readonly logarithmic?: boolean;
}

/** Draws lines through their points, with their names at the right. */
export function lineChart(
  lines: readonly Line[],
  axes: { readonly x: Axis; readonly y: Axis },
): string {
  const [left, right, top, bottom] = [60, 200, 20, 340];
  const points = lines.flatMap((line) => line.points);
  const x = scale(axes.x, Math.max(...points.map(([value]) => value)), left, WIDTH - right);
  const y = scale(axes.y, Math.max(...points.map(([, value]) => value)), bottom, top);
  const body = [
    ...x.ticks.flatMap((tick) => [
      `<path d="M${x.at(tick)} ${top}V${bottom}" stroke="#cbd5e0"/>`,
      `<text x="${x.at(tick)}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      `<path d="M${left} ${y.at(tick)}H${WIDTH - right}" stroke="#cbd5e0"/>`,
      `<text x="${left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tick}</text>`,
    ]),
    `<text x="${(left + WIDTH - right) / 2}" y="${bottom + 38}" text-anchor="middle">${escaped(axes.x.name)}</text>`,
    `<text x="${left}" y="${top - 6}" text-anchor="middle">${escaped(axes.y.name)}</text>`,
  ];
  lines.forEach(({ name, points: own }, i) => {
    const color = COLORS[i % COLORS.length];
    const spots = own.map(([px, py]) => `${x.at(px)},${y.at(py)}`);
    body.push(
      `<polyline points="${spots.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
      `<text x="${WIDTH - right + 16}" y="${top + 20 + i * LINE}" fill="${color}">${escaped(name)}</text>`,
    );
  });
  return svg(bottom + 3 * LINE, body);
}

/**
 * Maps values to pixels: the least value of the axis to `from`, and a round value that is at least
 * `most` to `to`.
 */
function scale(
  { least, logarithmic = false }: Axis,
  most: number,
  from: number,
  to: number,
): { readonly ticks: readonly number[]; readonly at: (value: number) => number } {
  const ticks: number[] = [];
  if (logarithmic) {
    for (let tick = least; ; tick *= 10) {
      ticks.push(tick);
      if (tick >= most && ticks.length > 1) break;
    }
  } else {
    const step = [1, 2, 5, 10, 20, 50, 100].find((each) => (most - least) / each <= 8) ?? most;
    for (let tick = least; ; tick += step) {
      ticks.push(tick);
      if (tick >= most && ticks.length > 1) break;
    }
  }
  const end = ticks.at(-1) as number;
  const share = (value: number): number =>
    logarithmic ? Math.log(value / least) / Math.log(end / least) : (value - least) / (end - least);
  return { ticks, at: (value) => Math.round((from + share(value) * (to - from)) * 10) / 10 };
}

/** The powers of ten that enclose all values, as exponents; at least one decade apart. */
function decades(values: readonly number[]): readonly [low: number, high: number] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))];
}
