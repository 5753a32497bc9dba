/**
 * A picture over time, drawn by uPlot. Values are in nanoseconds, times in seconds since 1970.
 *
 * Time without data is hatched and said in words. The arrow keys move along the picture as the
 * pointer does, and what is there is told in words below it.
 */
import uPlot from 'uplot';
import { setText } from './dom.ts';
import { axisLabel, timeOfDay } from './format.ts';
import type { Gap } from './series.ts';

/** What is drawn, besides the data. */
export interface Picture {
  /** The first and the last instant, s since 1970. */
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly Gap[];
  /** The instants of disruptions and refutations. */
  readonly marks: readonly number[];
}

export type Columns = readonly (readonly (number | null)[])[];

export interface Kind {
  readonly into: HTMLElement;
  readonly readout: HTMLElement;
  readonly height: number;
  readonly series: (colour: (name: string) => string) => uPlot.Series[];
  readonly bands?: (colour: (name: string) => string) => uPlot.Band[];
  /** Where the picture begins and ends, given the greatest value that it should show. */
  readonly range: (greatest: number) => [number, number];
  /** What the pointer is at, in words. */
  readonly describe: (values: readonly (number | null)[]) => string;
}

/** A picture of zeros has a height too. */
const LEAST_HEIGHT_NS = 1000;
/** The interval is wide at first, and shrinks within seconds. */
const SETTLING_S = 3;
const FONT = '12.5px Inter, system-ui, sans-serif';

export class Chart {
  readonly #kind: Kind;
  #plot: uPlot | undefined;
  #data: Columns = [];
  #picture: Picture = { from: 0, to: 1, gaps: [], marks: [] };

  constructor(kind: Kind) {
    this.#kind = kind;
    const { into } = kind;
    into.tabIndex = 0;
    into.setAttribute('role', 'img');
    into.addEventListener('keydown', (event) => this.#onKey(event));
    into.addEventListener('blur', () => this.#plot?.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => this.#resize()).observe(into);
    // uPlot paints colours once, so another scheme needs another plot.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#remake());
  }

  /** @param label what is to be seen, for people who do not see it */
  draw(data: Columns, picture: Picture, label: string): void {
    this.#data = data;
    this.#picture = picture;
    this.#kind.into.setAttribute('aria-label', label);
    if (this.#plot === undefined) this.#remake();
    else this.#plot.setData(this.#data as uPlot.AlignedData);
  }

  #remake(): void {
    const { into, height, series, bands } = this.#kind;
    if (into.clientWidth === 0 || this.#data.length === 0) return;
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour('soft'),
      font: FONT,
      grid: { stroke: colour('rule'), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new uPlot(
      {
        width: into.clientWidth,
        height,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        scales: {
          x: { range: () => [this.#picture.from, this.#picture.to] },
          y: { range: () => this.#kind.range(this.#greatest()) },
        },
        axes: [
          {
            ...axis,
            size: 30,
            space: 90,
            values: (_, times) => times.map((each) => timeOfDay(each)),
          },
          { ...axis, size: 76, space: 34, values: (_, values) => values.map(axisLabel) },
        ],
        series: [{}, ...series(colour)],
        bands: bands?.(colour) ?? [],
        hooks: {
          drawClear: [(plot) => this.#drawGaps(plot, colour)],
          draw: [(plot) => this.#drawMarks(plot, colour)],
          setCursor: [(plot) => this.#read(plot.cursor.idx ?? undefined)],
        },
      },
      this.#data as uPlot.AlignedData,
      into,
    );
  }

  #resize(): void {
    const { into, height } = this.#kind;
    if (this.#plot === undefined) this.#remake();
    else if (into.clientWidth > 0) this.#plot.setSize({ width: into.clientWidth, height });
  }

  /**
   * The greatest amount that the picture should have room for. The first seconds after a start or a
   * disruption are not asked: they are cut off at the edge, so that they do not flatten all others.
   */
  #greatest(): number {
    const [times = [], ...columns] = this.#data;
    const { from, to } = this.#picture;
    let settled = LEAST_HEIGHT_NS;
    let any = 0;
    for (const column of columns) {
      let settlesAt = Number.NEGATIVE_INFINITY;
      for (const [i, value] of column.entries()) {
        const time = times[i] ?? 0;
        if (value === null || i === 0) settlesAt = time + SETTLING_S;
        if (value === null || time < from || time > to) continue;
        any = Math.max(any, Math.abs(value));
        if (time > settlesAt) settled = Math.max(settled, Math.abs(value));
      }
    }
    return settled > LEAST_HEIGHT_NS ? settled : Math.max(settled, any);
  }

  /** Hatches the time of which nothing is known, and says why. */
  #drawGaps(plot: uPlot, colour: (name: string) => string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { from, to, why } of this.#picture.gaps) {
      const left = plot.valToPos(from, 'x', true);
      const right = Math.max(left + 2, plot.valToPos(to, 'x', true));
      if (right < bbox.left || left > bbox.left + bbox.width) continue;
      ctx.fillStyle = hatching(ctx, colour(why === 'no data' ? 'soft' : 'bad'));
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      if (right - left < 70 * devicePixelRatio) continue;
      ctx.fillStyle = colour('ink');
      ctx.font = FONT.replace('12.5', String(12.5 * devicePixelRatio));
      ctx.textAlign = 'center';
      const middle = (Math.max(left, bbox.left) + Math.min(right, bbox.left + bbox.width)) / 2;
      ctx.fillText(why, middle, bbox.top + 18 * devicePixelRatio);
    }
    ctx.restore();
  }

  #drawMarks(plot: uPlot, colour: (name: string) => string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour('bad');
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const mark of this.#picture.marks) {
      const x = plot.valToPos(mark, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  #read(index: number | undefined): void {
    const time = index === undefined ? undefined : this.#data[0]?.[index];
    if (index === undefined || typeof time !== 'number') {
      setText(this.#kind.readout, '');
      return;
    }
    const values = this.#data.slice(1).map((column) => column[index] ?? null);
    setText(this.#kind.readout, `${timeOfDay(time)}  ${this.#kind.describe(values)}`);
  }

  /** The arrow keys move along the picture, as the pointer does. */
  #onKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const times = this.#data[0] ?? [];
    if (step === undefined || this.#plot === undefined || times.length === 0) return;
    event.preventDefault();
    const at = this.#plot.cursor.idx ?? times.length - 1;
    const next = Math.min(times.length - 1, Math.max(0, at + step));
    this.#plot.setCursor({ left: this.#plot.valToPos(times[next]!, 'x'), top: 0 });
  }
}

/** A pattern of slanting lines. */
function hatching(ctx: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement('canvas');
  const size = 8 * devicePixelRatio;
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (pen === null) return colour;
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.45;
  pen.lineWidth = devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, 'repeat') ?? colour;
}
