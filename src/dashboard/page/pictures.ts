/** The pictures of the page: the interval, what it is made of, the lead of the hybrid clock. */
import { Chart, type Picture } from './chart.ts';
import { byId } from './dom.ts';
import { duration, offset } from './format.ts';
import type { Series } from './series.ts';
import { PARTS } from './words.ts';

type Values = (number | null)[];

const interval = new Chart({
  into: byId('interval-chart'),
  readout: byId('interval-readout'),
  height: 220,
  series: (colour) => [
    { stroke: colour('accent'), width: 1.5, points: { show: false } },
    { stroke: colour('accent'), width: 1.5, points: { show: false } },
    { stroke: colour('wall'), width: 1.5, points: { show: false } },
  ],
  bands: (colour) => [{ series: [1, 2], fill: colour('band') }],
  range: (greatest) => [-1.15 * greatest, 1.15 * greatest],
  describe: ([upper, , wall]) =>
    typeof upper !== 'number'
      ? 'no interval'
      : `± ${duration(upper, 'up')}` +
        (typeof wall === 'number' ? `, this machine’s clock ${offset(wall)}` : ''),
});

const parts = new Chart({
  into: byId('parts-chart'),
  readout: byId('parts-readout'),
  height: 220,
  series: (colour) => [
    ...PARTS.map((_, i) => ({
      stroke: colour('card'),
      width: 0.5,
      points: { show: false },
      ...(i === 0 && { fill: colour('part-0') }),
    })),
    { stroke: colour('card'), width: 0.5, fill: colour('part-6'), points: { show: false } },
    { stroke: colour('ink'), width: 1.5, points: { show: false } },
  ],
  bands: (colour) =>
    PARTS.slice(1).map((_, i) => ({ series: [i + 2, i + 1], fill: colour(`part-${i + 1}`) })),
  // What agreement takes away is at most the rest, and seldom much of it.
  range: (greatest) => [-0.15 * greatest, 1.15 * greatest],
  describe: (values) => {
    const total = values.at(-1);
    return typeof total === 'number' ? `± ${duration(total, 'up')} in all` : 'no interval';
  },
});

const lead = new Chart({
  into: byId('lead-chart'),
  readout: byId('lead-readout'),
  height: 160,
  series: (colour) => [{ stroke: colour('accent'), width: 1.5, points: { show: false } }],
  range: (greatest) => [0, 1.15 * greatest],
  describe: ([ns]) =>
    typeof ns === 'number' ? `${duration(ns)} ahead of physical time` : 'not known',
});

export function drawPictures(series: Series, picture: Picture): void {
  const times = series.times();
  const uncertainty = series.column('uncertaintyNs');
  const bounds = { from: picture.from, to: picture.to };
  const seen = visible(times, uncertainty, bounds);
  const gaps = picture.gaps.filter(({ to }) => to > picture.from).length;
  const label = `${extent('Half the width of the interval', seen, 'up')}. ${counted(gaps, 'gap')}, ${counted(picture.marks.filter((at) => at > picture.from).length, 'disruption')}.`;
  const below = uncertainty.map((ns) => (ns === null ? null : -ns));
  interval.draw([times, uncertainty, below, series.column('wallNs')], picture, label);
  parts.draw(
    [times, ...stacked(series), uncertainty],
    picture,
    'The parts of the uncertainty, stacked. The table below has the amounts.',
  );
  const ahead = series.column('leadNs');
  if (ahead.some((ns) => ns !== null)) {
    lead.draw(
      [times, ahead],
      picture,
      extent('The lead', visible(times, ahead, bounds), 'nearest'),
    );
  }
}

/**
 * The parts on top of one another, as far as they add; then what agreement takes away, below zero.
 */
function stacked(series: Series): Values[] {
  const sums: Values[] = [];
  for (const { column } of PARTS) {
    const under = sums.at(-1);
    sums.push(
      series
        .column(column)
        .map((ns, i) => (ns === null ? null : Math.max(0, ns) + (under?.[i] ?? 0))),
    );
  }
  const taken = series.column('agreementNs').map((ns) => (ns === null ? null : Math.min(0, ns)));
  return [...sums, taken];
}

function visible(
  times: readonly number[],
  values: Values,
  { from, to }: { readonly from: number; readonly to: number },
): number[] {
  return values.filter(
    (value, i): value is number => value !== null && times[i]! >= from && times[i]! <= to,
  );
}

function extent(what: string, values: readonly number[], rounding: 'nearest' | 'up'): string {
  const now = values.at(-1);
  if (now === undefined) return `${what}: nothing to see`;
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  return `${what}: from ${duration(least, rounding)} to ${duration(greatest, rounding)}, now ${duration(now, rounding)}`;
}

const counted = (count: number, what: string): string =>
  `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
