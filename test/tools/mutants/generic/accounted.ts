/**
 * Mutants that no test can notice, or none need notice: by path in the repo, then by the reason,
 * each as the line of source on which it begins and that line with the change. Of a change over
 * several lines, the second text is what they become, on one line.
 */
type Changes = readonly (readonly [line: string, becomes: string])[];

export const ACCOUNTED: Readonly<Record<string, Readonly<Record<string, Changes>>>> = {
  'src/bound/vote.ts': {
    'costs only time: arrays of the right length are made anew': [
      ['if (this.#starts.length !== m) {', 'if (true) {'],
    ],
    'of two equal distances either is the nearest': [
      [
        'if (distance < this.nearest) this.nearest = distance;',
        'if (distance <= this.nearest) this.nearest = distance;',
      ],
    ],
  },
  'src/bound/source-cone.ts': {
    'of two equal instants either is the later one': [
      [
        'const at = this.known && this.at.ns > receivedAt ? this.at.ns : receivedAt;',
        'const at = this.known && this.at.ns >= receivedAt ? this.at.ns : receivedAt;',
      ],
    ],
  },
  'src/bound/growth.ts': {
    'at the bend the parabola and the line have the same rate': [
      ['} else if (age >= from.bend) {', '} else if (age > from.bend) {'],
      [
        'return age >= this.bend ? this.most : this.first + this.wander * age;',
        'return age > this.bend ? this.most : this.first + this.wander * age;',
      ],
    ],
    'of two equal ages either is the next switch': [
      [
        'return age < end && end < this.cappedFor ? end : this.cappedFor;',
        'return age < end && end <= this.cappedFor ? end : this.cappedFor;',
      ],
    ],
  },
};
