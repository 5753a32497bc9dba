/**
 * What is proven of the arithmetic of the page, in int64 and in the reader: it is never inside of
 * the growth that it stands for, and nothing overflows. Each statement takes its formulas from the
 * source; see translation.ts.
 *
 * A side of a segment is described by a slope `s`, which may be negative, and a wander `w` from 0
 * (per ns). At an age of `t` ns it has moved outward by `s t + w t^2 / 2`, and is `s + w t` steep.
 * The terms are about the page as it is published: rounded slope and curve, and what the constant
 * carries for rounding (`slack`).
 */
import { fitsInt64, power, type SourceText, Translation } from './translation.ts';

export interface Statement {
  readonly name: string;
  /** The program of SMT-LIB whose answer must be `unsat`: there is no case in which it is false. */
  readonly program: string;
  /** Without the statement. The answer must be `sat`: there is a case at all. */
  readonly premises: string;
}

/** The steepest slope that any drift bound allows: 10 %. */
const STEEPEST = '0.1';
/** The greatest wander, per ns: a rate that changes by 100 % in a second. A2 allows a millionth. */
const MOST_WANDER = '0.000000001';

export function statements(sources: readonly SourceText[]): Statement[] {
  return [
    statement('a curved side is never inside of its growth', sources, (t) => {
      const side = curvedSide(t);
      const age = ageOf(t, side.t);
      return `(>= (+ ${t.call('growthNs', age, side.slope, side.curve)} ${side.slack}) ${side.exact})`;
    }),
    statement('a straight side is never inside of its growth', sources, (t) => {
      const side = straightSide(t);
      const age = ageOf(t, side.t);
      return `(>= (+ ${t.call('growthNs', age, side.slope, '0.0')} ${side.slack}) ${side.exact})`;
    }),
    statement('the hot path answers no later than the lower edge', sources, (t) => {
      const { edge, exactLo } = hotPath(t);
      return `(<= ${edge} ${exactLo})`;
    }),
    statement('the hot path answers no earlier than the upper edge', sources, (t) => {
      const { latest, exactHi } = hotPath(t);
      return `(>= ${latest} ${exactHi})`;
    }),
    statement('the hot path fits into int64', sources, (t) => {
      const { edge, latest } = hotPath(t);
      return `(and ${[...t.owed, fitsInt64(edge), fitsInt64(latest)].join(' ')})`;
    }),
    statement('a lower chord is never more than 1 ns inside of its parabola', sources, (t) => {
      const { parabola, outward } = chord(t, 'LO');
      return `(>= ${outward} (- ${parabola} 1.0))`;
    }),
    statement('an upper chord is never more than 1 ns inside of its parabola', sources, (t) => {
      const { parabola, outward } = chord(t, 'HI');
      return `(>= ${outward} (- ${parabola} 1.0))`;
    }),
    statement('1 ns inside of the parabola is not inside of the growth', sources, (t) => {
      const side = curvedSide(t);
      const { parabola } = published(side, ageOf(t, side.t));
      return `(>= (+ (- ${parabola} 1.0) ${side.slack}) ${side.exact})`;
    }),
    ...(['LO', 'HI'] as const).map((end) =>
      statement(`a chord fits into int64: ${end}`, sources, (t) => {
        const { slope, product } = chord(t, end);
        return `(and ${[slope, product].map(fitsInt64).join(' ')})`;
      }),
    ),
    statement('a page fits into int64', sources, (t) => {
      const side = curvedSide(t);
      return `(and ${[side.slope, side.curve, side.slack].map(fitsInt64).join(' ')})`;
    }),
    statement(
      'a reading from before the page is no narrower than the drift bound',
      sources,
      (t) => {
        const rate = t.variable('rate', '(>= @ 0.0)', `(<= @ ${STEEPEST})`);
        const before = t.variable('before', '(> @ 0.0)', `(<= @ ${power(2n ** 50n)})`);
        const meaning = {
          'own[START]': before,
          m: '0.0',
          'this.#copy[MAX_RATE]': t.call('pageSlope', rate),
        };
        const age = t.assignedTerm('#reachBack', 'age', meaning);
        const growth = t.assignedTerm('#reachBack', 'growth', { ...meaning, age });
        return `(>= ${growth} (* ${rate} ${before}))`;
      },
    ),
  ];
}

function statement(
  name: string,
  sources: readonly SourceText[],
  goalOf: (translation: Translation) => string,
): Statement {
  const translation = new Translation(sources);
  const goal = goalOf(translation);
  const premises = [
    '(set-logic QF_NRA)',
    ...translation.variables.map((each) => `(declare-const ${each} Real)`),
    ...translation.known.map((each) => `(assert ${each})`),
  ];
  const ask = (...asserted: string[]): string =>
    [...premises, ...asserted, '(check-sat)'].join('\n');
  return { name, program: ask(`(assert (not ${goal}))`), premises: ask() };
}

interface Side {
  /** The age, ns. */
  readonly t: string;
  /** How far the side has moved outward by then. */
  readonly exact: string;
  /** The slope, rounded, and as published. */
  readonly pageSlope: string;
  readonly slope: string;
  readonly curve: string;
  readonly slack: string;
  /** The steepest slope as published. */
  readonly steepest: string;
}

/** A side of a segment in which the rate rises. Its slope is within 10 % all the time. */
function curvedSide(t: Translation): Side {
  const s = t.variable('s', `(>= @ (- ${STEEPEST}))`, `(<= @ ${STEEPEST})`);
  const w = t.variable('w', '(> @ 0.0)', `(<= @ ${MOST_WANDER})`);
  const span = t.variable('span', '(>= @ 0.0)', `(<= (+ ${s} (* ${w} @)) ${STEEPEST})`);
  const age = t.variable('t', '(>= @ 0.0)', `(<= @ ${span})`);
  const last = `(+ ${s} (* ${w} ${span}))`;
  return sideOf(t, s, w, age, span, last);
}

/** A side that grows along a line. */
function straightSide(t: Translation): Side {
  const s = t.variable('s', `(>= @ (- ${STEEPEST}))`, `(<= @ ${STEEPEST})`);
  const span = t.variable('span', '(>= @ 0.0)');
  const age = t.variable('t', '(>= @ 0.0)', `(<= @ ${span})`);
  return sideOf(t, s, undefined, age, span, s);
}

function sideOf(
  t: Translation,
  s: string,
  w: string | undefined,
  age: string,
  span: string,
  last: string,
): Side {
  // In the source `curve` is compared with 0 to tell the two kinds of sides.
  const kind = { 'curve === 0n': w === undefined ? 'true' : 'false' };
  const curve = w === undefined ? '0.0' : t.call('pageCurve', w);
  const carried = t.assignedTerm('writeSide', 'carried', kind);
  const pageSlope = t.call('pageSlope', s);
  const slope = t.assignedTerm('writeSide', 'slots[slopeSlot]', {
    'pageSlope(slope)': pageSlope,
    carried,
  });
  const steepest = t.assignedTerm('writeSide', 'steepest', { slope: s, last, carried });
  const slack = t.call('pageSlack', last, 'false');
  // The span is cut to the longest one for the steepest side.
  const named = t.variable('steepest', `(= @ ${steepest})`);
  const longest = t.call('longestSpan', named);
  t.known.push(`(=> (> ${named} 0.0) (<= ${span} ${longest}))`);
  const square = w === undefined ? '' : ` (* 0.5 (* ${w} (* ${age} ${age})))`;
  const exact = `(+ (* ${s} ${age})${square} 0.0)`;
  return { t: age, exact, pageSlope, slope, curve, slack, steepest: named };
}

/** The age in the page's units, as the hot path computes it. */
function ageOf(t: Translation, ns: string): string {
  const age = t.assigned('#evaluate', 'own[AGE]');
  if (age.getText() !== 'own[READING]! - own[START]!') throw new Error('the hot path has changed');
  return t.term(unitsOf(t), { 'own[AGE]': ns });
}

/** `own[AGE]! >> 10n`: the second assignment to the age. */
function unitsOf(t: Translation) {
  return t.assigned('#evaluate', 'own[AGE]', 1);
}

/** The hot path at a reading `m`, for a segment of two straight sides. */
function hotPath(t: Translation) {
  const m = t.variable('m', '(>= @ 0.0)', `(< @ ${power(2n ** 61n)})`);
  const low = straightSide(t);
  const high = straightSide(t);
  t.known.push(`(= ${low.t} ${high.t})`, `(<= ${low.t} ${m})`);
  // Theta with its outward rounding: true time is after 1970, and before 2116.
  const lo = t.variable('lo', `(>= (+ ${m} @) 0.0)`, `(< (+ ${m} @) ${power(2n ** 62n)})`);
  const hi = t.variable('hi', `(>= @ ${lo})`, `(< (+ ${m} @) ${power(2n ** 62n)})`);
  const meaning = {
    'own[READING]': m,
    'own[AGE]': ageOf(t, low.t),
    'own[LO]': `(- ${lo} ${low.slack})`,
    'own[HI]': `(+ ${hi} ${high.slack})`,
    'own[SLOPE_LO]': low.slope,
    'own[SLOPE_HI]': high.slope,
  };
  return {
    edge: t.assignedTerm('#evaluate', 'own[EDGE]', meaning),
    latest: t.assignedTerm('#evaluate', 'own[LATEST]', meaning),
    exactLo: `(- (+ ${m} ${lo}) ${low.exact})`,
    exactHi: `(+ (+ ${m} ${hi}) ${high.exact})`,
  };
}

/**
 * The parabola that the slots of a curved side describe, without the unit of slope that is carried
 * for a rounding, and without any rounding itself.
 */
function published(side: Pick<Side, 'pageSlope' | 'curve'>, age: string): { parabola: string } {
  const inner = `(/ (* ${age} ${side.curve}) ${power(2n ** 32n)})`;
  return { parabola: `(/ (* ${age} (+ ${side.pageSlope} ${inner})) ${power(2n ** 24n)})` };
}

/** A curved side of any slots, its chord from some age on, and what is read on the chord. */
function chord(t: Translation, end: 'LO' | 'HI') {
  const limit = power(2n ** 34n / 10n);
  const pageSlope = t.variable('pageSlope', `(>= @ (- ${limit}))`, `(<= @ ${limit})`);
  const curve = t.variable('curve', '(>= @ 0.0)', `(<= @ (* ${MOST_WANDER} ${power(2n ** 75n)}))`);
  const carried = t.assignedTerm('writeSide', 'carried', { 'curve === 0n': 'false' });
  const first = t.variable('first', '(>= @ 0.0)');
  const begin = t.assignedTerm('#straighten', 'begin', { m: first, 'own[START]': '0.0' });
  // Over its span a side's slope rises by 20 % at most.
  t.known.push(`(<= (* ${begin} ${curve}) (* 0.2 ${power(2n ** 65n)}))`);
  const both = t.assignedTerm('#straighten', 'both', { begin });
  const meaning = {
    begin,
    both,
    [`own[${end}]`]: '0.0',
    [`own[SLOPE_${end}]`]: `(+ ${pageSlope} ${carried})`,
    [`own[CURVE_${end}]`]: curve,
  };
  const sloped = t.assignedTerm('#straighten', `own[SLOPE_${end}]`, meaning);
  const slope = t.variable('slope', `(= @ ${sloped})`);
  const constant = t.assignedTerm('#straighten', `own[${end}]`, meaning);
  const longest = t.term(t.constant('CHORD_NS'), {});
  const since = t.variable('since', '(>= @ 0.0)', `(<= @ ${longest})`);
  const age = ageOf(t, since);
  const read = t.assignedTerm('#evaluate', end === 'LO' ? 'own[EDGE]' : 'own[LATEST]', {
    'own[READING]': '0.0',
    'own[AGE]': age,
    [`own[${end}]`]: constant,
    [`own[SLOPE_${end}]`]: slope,
  });
  const { parabola } = published({ pageSlope, curve }, `(+ ${begin} ${age})`);
  const outward = end === 'LO' ? `(- ${read})` : read;
  return { slope, outward, product: `(* ${age} ${slope})`, parabola };
}
