/**
 * Planted faults of layer 2: of learning, of ageing by what was learned, of publishing it, of
 * giving it up.
 */
import type { Mutant } from '../tools/mutants/mutant.ts';

const LEARNED_TEST = 'test/bound/learned/learned-bound.test.ts';
const WORLDS = 'test/bound/learned/rate-worlds.test.ts';
const PARTS = 'test/bound/learned/rate-parts.test.ts';
const FACTS = 'test/bound/learned/fact-list.test.ts';
const GROWTH = 'test/bound/growth.test.ts';
const SEGMENTS = 'test/bounded-clock/page/segments.test.ts';
const READER = 'test/bounded-clock/reader-curves.test.ts';
const LEARNED = 'src/bound/learned/learned-bound.ts';
const SIDE = 'src/bound/learned/learned-edge.ts';

export const mutants: Mutant[] = [
  {
    id: 'rate-learned-from-one-source',
    file: LEARNED,
    find: 'if (this.#agree(sources, m, faulty, x) && this.#learn()) return true;',
    replace: `if (this.#agree(sources, m, faulty, x)) {
      const [hi, lo] = [this.#upper.value, this.#lower.value];
      this.#upper.value = sources[0]!.hi;
      this.#lower.value = -sources[0]!.lo;
      const learned = this.#learn();
      this.#upper.value = hi;
      this.#lower.value = lo;
      if (learned) return true;
    }`,
    test: LEARNED_TEST,
    name: 'up to f liars teach nothing',
  },
  {
    id: 'rate-jitter-dropped-in-learning',
    file: SIDE,
    find: 'const mean = rise / dt + jitter + RATE_SLACK;',
    replace: 'const mean = rise / dt + RATE_SLACK;',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-jitter-dropped-in-growth',
    file: SIDE,
    find: 'growth.first = Math.max(-maxRate, this.rate + jitter);',
    replace: 'growth.first = Math.max(-maxRate, this.rate);',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-a-thirtieth-of-the-wander',
    file: 'src/bound/learned/wander-bound.ts',
    find: '    this.#wander = wander;\n',
    replace: '    this.#wander = wander / 30;\n',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-does-not-wander-between-samples',
    file: SIDE,
    find: 'this.rate += wander * age + RATE_SLACK;',
    replace: '',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-now-is-the-mean',
    file: SIDE,
    find: 'mean + (wander * dt) / 2 + RATE_SLACK',
    replace: 'mean',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-cap-without-span',
    file: SIDE,
    find: 'this.#cap.lower(mean + span);',
    replace: 'this.#cap.lower(mean);',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-cap-never-expires',
    file: 'src/bound/learned/rate-cap.ts',
    find: 'if (now - this.#formerSince.ns >= horizonNs) this.#former = NO_CAP;',
    replace: '',
    test: PARTS,
    name: 'does not outlive a silence',
  },
  {
    id: 'rate-caps-of-all-times',
    file: 'src/bound/learned/rate-cap.ts',
    find: 'if (now - this.#presentSince.ns >= horizonNs / 2) {',
    replace: 'if (now < 0) {',
    test: LEARNED_TEST,
    name: 'drifts for half a day',
  },
  {
    id: 'rate-cap-holds-for-ever-in-silence',
    file: SIDE,
    find: 'growth.cappedFor = CAPPED_HORIZONS * horizonNs;',
    replace: 'growth.cappedFor = Number.POSITIVE_INFINITY;',
    test: LEARNED_TEST,
    name: 'keeps what it learned during a silence',
  },
  {
    id: 'growth-linear',
    file: 'src/bound/growth.ts',
    find: '(this.first + 0.5 * this.wander * curved) * curved',
    replace: 'this.first * curved',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'growth-bend-forgotten-later',
    file: 'src/bound/growth.ts',
    find: 'const first = from.first + from.wander * age;',
    replace: 'const { first } = from;',
    test: GROWTH,
    name: 'growth over two ages in turn',
  },
  {
    id: 'rate-fallback-missing',
    file: LEARNED,
    find: 'if (this.#agree(sources, m, faulty, x) && this.#learn()) return true;',
    replace: 'this.#agree(sources, m, faulty, x);\n    if (this.#learn() || true) return true;',
    test: LEARNED_TEST,
    name: 'a thermal step refutes A2',
  },
  {
    id: 'rate-strike-forgives',
    file: LEARNED,
    find: '    this.#wander.strike(this.#local.now);\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'a thermal step refutes A2',
  },
  {
    id: 'rate-readers-keep-what-was-refuted',
    file: 'src/bound/bound-engine.ts',
    find: '    // What readers remember of the narrower bound is void.\n    this.#era++;\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'a thermal step refutes A2',
  },
  {
    id: 'rate-anchors-of-the-wrong-edge',
    file: LEARNED,
    find: 'const rise = raised(this.#upper.value, lower[i]!);',
    replace: 'const rise = raised(this.#upper.value, -upper[i]!);',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-anchors-redated',
    file: 'src/bound/learned/anchors.ts',
    find: 'if (this.size === 0 || this.at[this.size - 1]! < upper.at.ns) this.size++;',
    replace: 'if (this.size < 4) this.size++;',
    test: PARTS,
    name: 'anchors',
  },
  {
    id: 'rate-upper-fact-dated-on-receipt',
    file: LEARNED,
    find: 'fact.at = sample.sentAt + this.#gridNs;',
    replace: 'fact.at = sample.receivedAt;',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-grid-forgotten',
    file: LEARNED,
    find: 'return driftOver(this.#local.maxRate, this.#gridNs);',
    replace: 'return 0;',
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-first-lower-edge-not-widened',
    file: LEARNED,
    find: 'this.#lower.begin(this.#widening - x.lo, this.#local);',
    replace: 'this.#lower.begin(-x.lo, this.#local);',
    test: LEARNED_TEST,
    name: 'already holds for the whole grid',
  },
  {
    id: 'rate-edge-of-layer-1-published',
    file: 'src/bound/bound-engine.ts',
    find: 'if (this.#learned?.known === true) this.#learned.edgesNow(into);\n',
    replace: `if (this.#learned?.known === true) {
      this.#x.edgesAt(this.#local, into);
      const { lo } = into;
      this.#learned.edgesNow(into);
      into.lo = Math.max(lo, into.lo);
    }
`,
    test: LEARNED_TEST,
    name: 'just after a sample, whose lower fact renews X',
  },
  {
    id: 'rate-edge-of-layer-1-published-in-worlds',
    file: 'src/bound/bound-engine.ts',
    find: 'if (this.#learned?.known === true) this.#learned.edgesNow(into);\n',
    replace: `if (this.#learned?.known === true) {
      this.#x.edgesAt(this.#local, into);
      const { lo } = into;
      this.#learned.edgesNow(into);
      into.lo = Math.max(lo, into.lo);
    }
`,
    test: WORLDS,
    name: 'one source, f = 0',
  },
  {
    id: 'rate-who-is-apart-is-not-counted',
    file: LEARNED,
    find: 'return y.lo <= y.hi && vote.countApart(sources, y) <= faulty;',
    replace: 'return y.lo <= y.hi;',
    test: LEARNED_TEST,
    name: 'even while others overlap it',
  },
  {
    id: 'rate-facts-outlive-the-horizon',
    file: LEARNED,
    find: '    facts.expire(this.#local, this.#assumptions);\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'a fact older than the horizon',
  },
  {
    id: 'rate-self-contradiction-kept',
    file: LEARNED,
    find: '    facts.keepLast();\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'is one falseticker',
  },
  {
    id: 'rate-facts-survive-another-rate-bound',
    file: 'src/bound/bound-engine.ts',
    find: '    this.#drift.set(maxRate);\n    this.#learned?.forgetAll();\n',
    replace: '    this.#drift.set(maxRate);\n',
    test: LEARNED_TEST,
    name: 'another drift bound starts learning afresh',
  },
  {
    id: 'rate-facts-outlive-their-source-s-past',
    file: LEARNED,
    find: '    facts.enter(era);\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'a disruption drops all facts',
  },
  {
    id: 'rate-facts-survive-a-refutation',
    file: LEARNED,
    find: '    this.#era++;\n',
    replace: '',
    test: LEARNED_TEST,
    name: 'refutation',
  },
  {
    id: 'rate-suspects-age-like-the-bound',
    file: 'src/bound/bound-engine.ts',
    find: '} else if (this.#learned?.known === true) {',
    replace: '}\n    if (this.#learned?.known === true) {',
    test: LEARNED_TEST,
    name: 'at R from then on',
  },
  {
    id: 'facts-pruned-by-a-flat-rise',
    file: 'src/bound/learned/fact-list.ts',
    find: '(after >= 0 ? rise : -fall) * after) return;',
    replace: '0) return;',
    test: FACTS,
    name: 'no fact that would ever have been the best one',
  },
  {
    id: 'facts-pruned-with-the-slopes-swapped',
    file: 'src/bound/learned/fact-list.ts',
    find: '(after >= 0 ? -fall : rise) * after) continue;',
    replace: '(after >= 0 ? rise : -fall) * after) continue;',
    test: FACTS,
    name: 'no fact that would ever have been the best one',
  },
  {
    id: 'facts-the-best-goes-when-full',
    file: 'src/bound/learned/fact-list.ts',
    find: 'if (aged <= most) continue;',
    replace: 'if (aged > most && i > 0) continue;',
    test: FACTS,
    name: 'the fact that says least',
  },
  {
    id: 'segments-curve-rounded-down',
    file: 'src/bounded-clock/page/page.ts',
    find: 'BigInt(Math.ceil(wander * 2 ** 75))',
    replace: 'BigInt(Math.floor(wander * 2 ** 75))',
    test: SEGMENTS,
    name: 'the steadiest crystal',
  },
  {
    id: 'segments-curve-without-its-unit-of-slope',
    file: 'src/bounded-clock/page/segments.ts',
    find: 'const carried = curve === 0n ? 0n : 1n;',
    replace: 'const carried = 0n;',
    test: SEGMENTS,
    name: 'both bends in one ns',
  },
  {
    id: 'segments-slack-of-the-first-slope',
    file: 'src/bounded-clock/page/segments.ts',
    find: 'slack: pageSlack(last, slope === 0 && last === 0),',
    replace: 'slack: pageSlack(slope, slope === 0 && last === 0),',
    test: SEGMENTS,
    name: 'the ends of the range',
  },
  {
    id: 'segments-bend-early',
    file: 'src/bound/growth.ts',
    find: 'const end = Math.ceil(this.bend);',
    replace: 'const end = Math.ceil(this.bend / 2);',
    test: SEGMENTS,
    name: 'a slow crystal',
  },
  {
    id: 'reader-curve-ignored',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'else if (own[CURVE_LO] !== 0n || own[CURVE_HI] !== 0n) this.#straighten(m);',
    replace: '',
    test: READER,
    name: 'chord by chord',
  },
  {
    id: 'reader-tangent-for-chord',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'const both = begin + begin + CHORD_AGE;',
    replace: 'const both = begin + begin;',
    test: READER,
    name: 'chord by chord',
  },
  {
    id: 'reader-chord-for-ever',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'own[SPAN] = left < CHORD_NS ? left : CHORD_NS;',
    replace: 'own[SPAN] = left;',
    test: READER,
    name: 'chord by chord',
  },
  {
    id: 'reader-chord-beyond-the-end',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'const left = own[SPAN]! - (begin << 10n);',
    replace: 'const left = own[SPAN]! + (begin << 10n);',
    test: READER,
    name: 'cut short by the end',
  },
  {
    id: 'reader-first-ns-of-a-segment',
    file: 'src/bounded-clock/bounded-reader.ts',
    find: 'm >= copy[segment + SEGMENT_SLOTS + START]!',
    replace: 'm > copy[segment + SEGMENT_SLOTS + START]!',
    test: READER,
    name: 'from where one segment follows another',
  },
];
