/**
 * Mutants that no test can notice, or none need notice: by path in the repo, then by the reason,
 * each as the line of source on which it begins and that line with the change. Of a change over
 * several lines, the second text is what they become, on one line.
 */
type Changes = readonly (readonly [line: string, becomes: string])[];

export const ACCOUNTED: Readonly<Record<string, Readonly<Record<string, Changes>>>> = {
  'src/bound/vote.ts': {
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
  'src/bounded-clock/page/page.ts': {
    'one attempt more before it gives up': [
      [
        'for (let attempt = 0; attempt < 1000; attempt++) {',
        'for (let attempt = 0; attempt <= 1000; attempt++) {',
      ],
    ],
  },
  'src/bounded-clock/page/segments.ts': {
    'of two equal values either is the greater or the lesser one': [
      [
        'const longest = longestSpan(down.steepest > up.steepest ? down.steepest : up.steepest);',
        'const longest = longestSpan(down.steepest >= up.steepest ? down.steepest : up.steepest);',
      ],
      [
        'slots[base + SPAN] = span < longest ? span : longest;',
        'slots[base + SPAN] = span <= longest ? span : longest;',
      ],
    ],
    'START is 0': [
      ['slots[base + START] = at + BigInt(from);', 'slots[base - START] = at + BigInt(from);'],
    ],
    'a side with a flat part grows along a line: the next switch of that before its start is its start, and after it there is none':
      [
        [
          'return from < flatNs ? flatNs : flatNs + growth.nextSwitch(from - flatNs);',
          'return false ? flatNs : flatNs + growth.nextSwitch(from - flatNs);',
        ],
        [
          'return from < flatNs ? flatNs : flatNs + growth.nextSwitch(from - flatNs);',
          'return from < flatNs ? flatNs : flatNs + growth.nextSwitch(from + flatNs);',
        ],
        [
          'const last = curve === 0n ? slope : growth.rateAt(to - flatNs);',
          'const last = curve === 0n ? slope : growth.rateAt(to + flatNs);',
        ],
      ],
    'a rate that comes up to 0 does so where another piece begins': [
      [
        'slack: pageSlack(last, slope === 0 && last === 0),',
        'slack: pageSlack(last, true && last === 0),',
      ],
    ],
  },
  'src/interval/time-interval.ts': {
    'of two equal values either is the greater or the lesser one': [
      [
        'const earliest = a.earliest > b.earliest ? a.earliest : b.earliest;',
        'const earliest = a.earliest >= b.earliest ? a.earliest : b.earliest;',
      ],
      [
        'const latest = a.latest < b.latest ? a.latest : b.latest;',
        'const latest = a.latest <= b.latest ? a.latest : b.latest;',
      ],
      [
        'a.earliest < b.earliest ? a.earliest : b.earliest,',
        'a.earliest <= b.earliest ? a.earliest : b.earliest,',
      ],
      ['a.latest > b.latest ? a.latest : b.latest,', 'a.latest >= b.latest ? a.latest : b.latest,'],
      [
        'asUnixNs(earliest < INT64_MIN ? INT64_MIN : earliest),',
        'asUnixNs(earliest <= INT64_MIN ? INT64_MIN : earliest),',
      ],
      [
        'asUnixNs(latest > INT64_MAX ? INT64_MAX : latest),',
        'asUnixNs(latest >= INT64_MAX ? INT64_MAX : latest),',
      ],
    ],
  },
  'src/sources/ntp/address.ts': {
    'the text "undefined" matches ZONE': [
      [
        'if (zone !== undefined && !ZONE.test(zone)) return undefined;',
        'if (true && !ZONE.test(zone)) return undefined;',
      ],
    ],
    'what begins with % is no address either way': [
      [
        'return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];',
        'return at <= 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];',
      ],
    ],
  },
  'src/sources/ntp/timestamp.ts': {
    'of two equal values either is the lesser one': [
      [
        'return Number(short < MAX_SHORT ? short : MAX_SHORT);',
        'return Number(short <= MAX_SHORT ? short : MAX_SHORT);',
      ],
    ],
    'a precision of 0 is one second by either formula': [
      ['return precision >= 0', 'return precision > 0'],
    ],
  },
  'src/time/rounding.ts': {
    '0 has no remainder': [
      [
        'return a < 0n && quotient * b !== a ? quotient - 1n : quotient;',
        'return a <= 0n && quotient * b !== a ? quotient - 1n : quotient;',
      ],
    ],
    'it is called with -0, never with 0, and there the rest of the function is right': [
      ['if (value === 0) return -Number.MIN_VALUE;', 'if (false) return -Number.MIN_VALUE;'],
    ],
    '0 has been dealt with': [
      ['bits[0]! += value > 0 ? -1n : 1n;', 'bits[0]! += value >= 0 ? -1n : 1n;'],
    ],
    'no number of ms or s that a double can be comes out at the limit itself': [
      ['if (ns < INT64_MIN || ns > INT64_MAX) {', 'if (ns <= INT64_MIN || ns > INT64_MAX) {'],
      ['if (ns < INT64_MIN || ns > INT64_MAX) {', 'if (ns < INT64_MIN || ns >= INT64_MAX) {'],
    ],
  },
  'src/logical/uuidv7.ts': {
    'costs only time: any other number of bytes gives a text that is refused': [
      ["if (bytes.length !== 16) return '';", "if (false) return '';"],
    ],
  },
  'src/time/wall-offset.ts': {
    'of two equal values either is the greater or the lesser one': [
      [
        'const lowerNs = known && known.lowerNs > read.lowerNs ? known.lowerNs : read.lowerNs;',
        'const lowerNs = known && known.lowerNs >= read.lowerNs ? known.lowerNs : read.lowerNs;',
      ],
      [
        'const upperNs = known && known.upperNs < read.upperNs ? known.upperNs : read.upperNs;',
        'const upperNs = known && known.upperNs <= read.upperNs ? known.upperNs : read.upperNs;',
      ],
    ],
  },
  'src/sources/ntp/packet.ts': {
    'costs only time: a trailer of no bytes is parsed': [
      [
        'bytes.byteLength === HEADER_BYTES ? NO_TRAILER : parseTrailer(bytes, view, version);',
        'false ? NO_TRAILER : parseTrailer(bytes, view, version);',
      ],
    ],
  },
  'src/time/jump-detector.ts': {
    'a wall clock that moved did not move by 0': [
      ['return restMoved || wallNs < 0n', 'return restMoved || wallNs <= 0n'],
    ],
    'of two equal values either is the greater one, and 0 is its own negative': [
      [
        'return uncertaintyNs > THRESHOLD_NS ? uncertaintyNs : THRESHOLD_NS;',
        'return uncertaintyNs >= THRESHOLD_NS ? uncertaintyNs : THRESHOLD_NS;',
      ],
      ['return value < 0n ? -value : value;', 'return value <= 0n ? -value : value;'],
    ],
  },
  'src/sources/ntp/poller.ts': {
    'to call what is not a function throws, and that is caught': [
      ["if (typeof cancel !== 'function') return;", 'if (false) return;'],
    ],
  },
  'src/bounded-clock/bounded-reader.ts': {
    'costs only time: the page is copied again': [
      [
        'if (this.pageHeader[VERSION] !== this.#copiedVersion) this.#refresh();',
        'if (true) this.#refresh();',
      ],
    ],
    'costs only time: the slow path gives the same answer': [
      ['own[AGE] = own[READING]! - own[START]!;', 'own[AGE] = own[READING]! + own[START]!;'],
      ['(this.pageHeader[VERSION] !== this.#copiedVersion ||', '(true) &&'],
      ['own[AGE]! < own[ZERO]! ||', 'own[AGE]! <= own[ZERO]! ||'],
      ['own[AGE]! > own[SPAN]!) &&', 'own[AGE]! >= own[SPAN]!) &&'],
    ],
    'costs only time: a wall clock that is off by just NEAR_NS is looked at closely, or is not': [
      [
        'return ahead > -NEAR_NS && ahead < NEAR_NS;',
        'return ahead >= -NEAR_NS && ahead < NEAR_NS;',
      ],
      [
        'return ahead > -NEAR_NS && ahead < NEAR_NS;',
        'return ahead > -NEAR_NS && ahead <= NEAR_NS;',
      ],
    ],
    'NaN is near nothing': [
      ['if (wallMs === undefined) return false;', 'if (false) return false;'],
    ],
    'of two equal values either is the greater or the lesser one, and 0 is its own negative': [
      [
        'return (moved < 0n ? -moved : moved) > jumpLimitNs(this.localClock, elapsed);',
        'return (moved <= 0n ? -moved : moved) > jumpLimitNs(this.localClock, elapsed);',
      ],
      [
        'if (own[EDGE]! > own[EARLIEST]!) own[EARLIEST] = own[EDGE]!;',
        'if (own[EDGE]! >= own[EARLIEST]!) own[EARLIEST] = own[EDGE]!;',
      ],
      [
        'own[SPAN] = left < CHORD_NS ? left : CHORD_NS;',
        'own[SPAN] = left <= CHORD_NS ? left : CHORD_NS;',
      ],
    ],
    'START is 0': [
      [
        'while (segment < last && m >= copy[segment + SEGMENT_SLOTS + START]!) segment += SEGMENT_SLOTS;',
        'while (segment < last && m >= copy[segment + SEGMENT_SLOTS - START]!) segment += SEGMENT_SLOTS;',
      ],
      [
        'if (m - copy[segment + START]! > copy[segment + SPAN]!) return false;',
        'if (m - copy[segment - START]! > copy[segment + SPAN]!) return false;',
      ],
    ],
    'a chord may be used for one unit of age more: at its end it meets the parabola': [
      [
        'const CHORD_NS: bigint = (CHORD_AGE << 10n) - 1n;',
        'const CHORD_NS: bigint = (CHORD_AGE << 10n) + 1n;',
      ],
    ],
  },
  'src/bound/leap.ts': {
    'no moment is near NaN': [
      [
        '.find((end) => end !== undefined && areNear(sources, heard, end) > faulty)',
        '.find((end) => true && areNear(sources, heard, end) > faulty)',
      ],
      [
        'if (announcedFor !== undefined && spans(Number(announcedFor))) return true;',
        'if (true && spans(Number(announcedFor))) return true;',
      ],
    ],
    'a source that announces a leap second says for which month': [
      [
        'const kinds = monthEnd === undefined ? [] : kindsAt(monthEnd);',
        'const kinds = false ? [] : kindsAt(monthEnd);',
      ],
    ],
    'costs only time: the same is set again': [
      ['if (kind === this.#kind) return;', 'if (false) return;'],
    ],
    'its kinds are not asked for': [
      [
        'const leap = expectedLeap(monthEnd, []);',
        'const leap = expectedLeap(monthEnd, ["Stryker was here"]);',
      ],
    ],
    'how many announce nothing is not asked for': [
      [
        "if (leap !== 'none' && announcedFor === monthEnd) announcing[leap]++;",
        'if (true && announcedFor === monthEnd) announcing[leap]++;',
      ],
    ],
  },
  'src/logical/hybrid-clock.ts': {
    'only the names of the options count': [
      ['clock: true,', 'clock: false,'],
      ['nodeId: true,', 'nodeId: false,'],
      ['maxRemoteAheadMs: true,', 'maxRemoteAheadMs: false,'],
      ['maxLeadMs: true,', 'maxLeadMs: false,'],
      ['onLead: true,', 'onLead: false,'],
      ['beforeSync: true,', 'beforeSync: false,'],
      ['startAfter: true,', 'startAfter: false,'],
      ['nodeBits: true,', 'nodeBits: false,'],
    ],
    'LOW is 0 on a little-endian machine': [
      ['const LAST_LOW = 2 * LAST + LOW;', 'const LAST_LOW = 2 * LAST - LOW;'],
      ['const REMOTE_LOW = 2 * REMOTE + LOW;', 'const REMOTE_LOW = 2 * REMOTE - LOW;'],
      ['const COUNT_LOW = 2 * COUNT + LOW;', 'const COUNT_LOW = 2 * COUNT - LOW;'],
    ],
    'without onLead nobody is told either way': [
      [
        'this.#slots[MAX_LEAD] = options.onLead === undefined ? INT64_MAX : maxLeadNs;',
        'this.#slots[MAX_LEAD] = false ? INT64_MAX : maxLeadNs;',
      ],
      [
        'if (this.#leading && onLead !== undefined) void Promise.resolve(leadNs).then(onLead);',
        'if (this.#leading && true) void Promise.resolve(leadNs).then(onLead);',
      ],
    ],
    'of two equal values either is the greater one': [
      [
        'if (slots[REMOTE]! > slots[FLOOR]!) slots[FLOOR] = slots[REMOTE]!;',
        'if (slots[REMOTE]! >= slots[FLOOR]!) slots[FLOOR] = slots[REMOTE]!;',
      ],
      ['if (remote > greatest) greatest = remote;', 'if (remote >= greatest) greatest = remote;'],
      ['return lead > 0n ? lead : 0n;', 'return lead >= 0n ? lead : 0n;'],
      [
        'if (slots[NOW]! < slots[ZERO]!) slots[NOW] = slots[ZERO]!;',
        'if (slots[NOW]! <= slots[ZERO]!) slots[NOW] = slots[ZERO]!;',
      ],
    ],
    'the last timestamp of a reservation is at least 1': [
      [
        'if (slots[NEXT]! < slots[ZERO]!) throw exhausted();',
        'if (slots[NEXT]! <= slots[ZERO]!) throw exhausted();',
      ],
    ],
    'a typed array ignores what is written behind its end': [
      [
        'for (; i < target.length && i < LANES; i++) {',
        'for (; i <= target.length && i < LANES; i++) {',
      ],
      ['for (; i < target.length && i < LANES; i++) {', 'for (; true && i < LANES; i++) {'],
    ],
    'costs only time: one sum at a time, or eight': [
      [
        'for (; i < target.length && i < LANES; i++) {',
        'for (; i < target.length && i <= LANES; i++) {',
      ],
    ],
  },
  'src/logical/durable-file.ts': {
    'to read no bytes reads none': [['while (length < limit) {', 'while (length <= limit) {']],
    'there are 19 characters': [
      [
        "if (!/^\\d{19}$/.test(digits)) return 'checksum';",
        "if (!/\\d{19}$/.test(digits)) return 'checksum';",
      ],
      [
        "if (!/^\\d{19}$/.test(digits)) return 'checksum';",
        "if (!/^\\d{19}/.test(digits)) return 'checksum';",
      ],
    ],
    'on Windows only': [["if (process.platform === 'win32') return;", 'if (false) return;']],
    'undefined is as good as false': [
      [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
        'const calls = replacement(this.path, `${this.path}.urgent`, bytes, () => false);',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
        'const calls = replacement(this.path, `${this.path}.urgent`, bytes, () => undefined);',
      ],
    ],
    'it is only compared with what it was': [
      ['this.#urgentWrites += 1;', 'this.#urgentWrites -= 1;'],
    ],
  },
  'src/logical/timestamp-text.ts': {
    'LOW is 0 on a little-endian machine': [
      ['const NS_LOW: number = 2 * NS + LOW;', 'const NS_LOW: number = 2 * NS - LOW;'],
      ['const UPPER_LOW: number = 2 * UPPER + LOW;', 'const UPPER_LOW: number = 2 * UPPER - LOW;'],
      [
        'const MIDDLE_LOW: number = 2 * MIDDLE + LOW;',
        'const MIDDLE_LOW: number = 2 * MIDDLE - LOW;',
      ],
      ['const LOWER_LOW: number = 2 * LOWER + LOW;', 'const LOWER_LOW: number = 2 * LOWER - LOW;'],
    ],
    'costs only time: what is right is checked once more': [
      [
        "if (typeof timestamp !== 'bigint') checkTimestamp('timestamp', timestamp);",
        "if (true) checkTimestamp('timestamp', timestamp);",
      ],
      [
        "if (scratch[IN] !== timestamp) checkTimestamp('timestamp', timestamp);",
        "if (true) checkTimestamp('timestamp', timestamp);",
      ],
    ],
    'costs only time: the second is spelled anew': [
      [
        'if (halves[NS_HIGH] !== 0 || halves[NS_LOW]! >= 1_000_000_000) spellSecond();',
        'if (true) spellSecond();',
      ],
      [
        'scratch[NS] = BigInt.asIntN(64, scratch[IN]! - scratch[SECOND]!);',
        'scratch[NS] = BigInt.asIntN(64, scratch[IN]! + scratch[SECOND]!);',
      ],
    ],
    'd and 9 - d are not both 0': [
      ['if (sign < 0) throw malformedText();', 'if (sign <= 0) throw malformedText();'],
    ],
    'they are not equal': [
      [
        'if (left.timestamp !== right.timestamp) return left.timestamp < right.timestamp ? -1 : 1;',
        'if (left.timestamp !== right.timestamp) return left.timestamp <= right.timestamp ? -1 : 1;',
      ],
      [
        'if (left.nodeId !== right.nodeId) return left.nodeId < right.nodeId ? -1 : 1;',
        'if (left.nodeId !== right.nodeId) return left.nodeId <= right.nodeId ? -1 : 1;',
      ],
      ['return a === b ? 0 : a < b ? -1 : 1;', 'return a === b ? 0 : a <= b ? -1 : 1;'],
    ],
  },
  'src/commit-wait/wait-queue.ts': {
    'costs only time: there is room for fewer waits before it grows': [
      [
        '#numbers = new BigInt64Array(16 * WAIT_SLOTS);',
        '#numbers = new BigInt64Array(16 / WAIT_SLOTS);',
      ],
    ],
    'the first wait that is planned clears it': [['#resumes = false;', '#resumes = true;']],
    'TIMESTAMP is 0': [
      [
        'numbers[WAIT_SLOTS * id + TIMESTAMP] = timestamp;',
        'numbers[WAIT_SLOTS * id - TIMESTAMP] = timestamp;',
      ],
      [
        'if (this.#numbers[WAIT_SLOTS * id + TIMESTAMP]! < this.#slots[EARLIEST]!) {',
        'if (this.#numbers[WAIT_SLOTS * id - TIMESTAMP]! < this.#slots[EARLIEST]!) {',
      ],
      [
        'return asUnixNs(this.#numbers[WAIT_SLOTS * id + TIMESTAMP]!);',
        'return asUnixNs(this.#numbers[WAIT_SLOTS * id - TIMESTAMP]!);',
      ],
    ],
    'costs only time: what is not there is cleaned up': [
      [
        'if (signal || ending) this.#mayEnd(id, signal, ending);',
        'if (true) this.#mayEnd(id, signal, ending);',
      ],
      [
        'if (signal) removeAbortListener(signal, onAbort);',
        'if (true) removeAbortListener(signal, onAbort);',
      ],
      ['if (this.#cleanups.size > 0) {', 'if (true) {'],
      ['if (this.#cleanups.size > 0) {', 'if (this.#cleanups.size >= 0) {'],
    ],
    'costs only time: the listener is in the set already': [
      [
        'if (this.size === 0) this.#reader.publishListeners?.add(this.#onPublication);',
        'if (true) this.#reader.publishListeners?.add(this.#onPublication);',
      ],
    ],
    'undefined is not less than a number': [
      [
        'if (timeoutMs !== undefined && timeoutMs < MAX_TIME_LIMIT_MS) {',
        'if (true && timeoutMs < MAX_TIME_LIMIT_MS) {',
      ],
    ],
    'a limit of 146 years, or none': [
      [
        'if (timeoutMs !== undefined && timeoutMs < MAX_TIME_LIMIT_MS) {',
        'if (timeoutMs !== undefined && timeoutMs <= MAX_TIME_LIMIT_MS) {',
      ],
    ],
    'who listens to a signal has one': [
      [
        'const onAbort = (): void => end(signal?.reason);',
        'const onAbort = (): void => end(signal.reason);',
      ],
    ],
    'without a release the loop above has just ended for the same reason': [
      [
        'if (released >= RELEASE_BATCH || (released > 0 && this.#maySpin(true))) {',
        'if (released >= RELEASE_BATCH || (true && this.#maySpin(true))) {',
      ],
      [
        'if (released >= RELEASE_BATCH || (released > 0 && this.#maySpin(true))) {',
        'if (released >= RELEASE_BATCH || (released >= 0 && this.#maySpin(true))) {',
      ],
    ],
    'costs only time: one poll more or less in a turn': [
      [
        'if (released >= RELEASE_BATCH || (released > 0 && this.#maySpin(true))) {',
        'if (released >= RELEASE_BATCH || (released > 0 && this.#maySpin(false))) {',
      ],
      [
        'if (slots[NOW]! < slots[TURN_UNTIL]!) RELEASED.then(this.#pollAgain);',
        'if (slots[NOW]! <= slots[TURN_UNTIL]!) RELEASED.then(this.#pollAgain);',
      ],
      [
        'if (this.#precise.size === 0 || this.#stalledReadings >= MAX_STALLED_READINGS) return false;',
        'if (this.#precise.size === 0 || this.#stalledReadings > MAX_STALLED_READINGS) return false;',
      ],
      [
        'if (slots[NOW]! >= slots[SPIN_UNTIL]!) return false;',
        'if (slots[NOW]! > slots[SPIN_UNTIL]!) return false;',
      ],
      [
        'return asIntN(64, this.#precise.leastKey - slots[EARLIEST]!) < slots[HORIZON]!;',
        'return asIntN(64, this.#precise.leastKey - slots[EARLIEST]!) <= slots[HORIZON]!;',
      ],
    ],
    'costs only time: without time limits nothing has expired': [
      [
        'if (this.#deadlines.size > 0) this.#expireDeadlines();',
        'if (true) this.#expireDeadlines();',
      ],
      [
        'if (this.#deadlines.size > 0) this.#expireDeadlines();',
        'if (this.#deadlines.size >= 0) this.#expireDeadlines();',
      ],
    ],
    'behind the end of a list is undefined, which is skipped': [
      [
        'for (let id = 0; id < this.#settles.length; id++) {',
        'for (let id = 0; id <= this.#settles.length; id++) {',
      ],
    ],
    'costs only time: a wake-up is planned anew for the same instant': [
      ['if (atNs >= this.#plannedNs) return;', 'if (atNs > this.#plannedNs) return;'],
    ],
  },
  'src/commit-wait/min-queue.ts': {
    'costs only time: a key that could be in the run goes to the heap': [
      ['if (this.#inRun > 0 && key < this.#keys[last]!) {', 'if (this.#inRun > 0 && true) {'],
      [
        'if (this.#inRun > 0 && key < this.#keys[last]!) {',
        'if (this.#inRun > 0 && key <= this.#keys[last]!) {',
      ],
      ['if (last > this.#first && key < this.#keys[last - 1]!) {', 'if (true) {'],
      [
        'if (last > this.#first && key < this.#keys[last - 1]!) {',
        'if (last > this.#first || key < this.#keys[last - 1]!) {',
      ],
      [
        'if (last > this.#first && key < this.#keys[last - 1]!) {',
        'if (true && key < this.#keys[last - 1]!) {',
      ],
      [
        'if (last > this.#first && key < this.#keys[last - 1]!) {',
        'if (last >= this.#first && key < this.#keys[last - 1]!) {',
      ],
      [
        'if (last > this.#first && key < this.#keys[last - 1]!) {',
        'if (last > this.#first && true) {',
      ],
      [
        'if (last > this.#first && key < this.#keys[last - 1]!) {',
        'if (last > this.#first && key <= this.#keys[last - 1]!) {',
      ],
    ],
    'costs only time: gaps are removed before it is full': [
      ['if (this.#end === this.#keys.length) this.#makeRoom();', 'if (true) this.#makeRoom();'],
      [
        'if (this.#end === this.#keys.length) this.#makeRoom();',
        'if (this.#end !== this.#keys.length) this.#makeRoom();',
      ],
    ],
    'costs only time: the heap does not have it': [
      [
        'if (this.#outOfOrder.size > 0) this.#outOfOrder.remove(id);',
        'if (true) this.#outOfOrder.remove(id);',
      ],
      [
        'if (this.#outOfOrder.size > 0) this.#outOfOrder.remove(id);',
        'if (this.#outOfOrder.size >= 0) this.#outOfOrder.remove(id);',
      ],
    ],
    'of two equal keys either is the least': [
      [
        'return this.#outOfOrder.size === 0 || this.#keys[this.#first]! <= this.#outOfOrder.leastKey;',
        'return this.#outOfOrder.size === 0 || this.#keys[this.#first]! < this.#outOfOrder.leastKey;',
      ],
    ],
    'the memory doubles one entry later': [
      ['if (2 * this.#inRun >= keys.length) {', 'if (2 * this.#inRun > keys.length) {'],
    ],
  },
  'src/commit-wait/min-heap.ts': {
    'of two equal keys either is the least': [
      [
        'if (child < size && keys[child + 1]! < keys[child]!) child++;',
        'if (child < size && keys[child + 1]! <= keys[child]!) child++;',
      ],
      ['if (keys[MOVING]! <= keys[child]!) break;', 'if (keys[MOVING]! < keys[child]!) break;'],
    ],
    'behind the last entry stands the key that is being moved, which then stays where it would be':
      [
        [
          'if (child < size && keys[child + 1]! < keys[child]!) child++;',
          'if (true && keys[child + 1]! < keys[child]!) child++;',
        ],
        [
          'if (child < size && keys[child + 1]! < keys[child]!) child++;',
          'if (child <= size && keys[child + 1]! < keys[child]!) child++;',
        ],
      ],
  },
  'src/interval/agreement.ts': {
    'behind the last one there is none': [
      ['let upper = n - 1;', 'let upper = n + 1;'],
      ['for (let i = 0; i < n; i++) {', 'for (let i = 0; i <= n; i++) {'],
    ],
    'costs only time: refuse() looks itself what is wrong, if anything': [
      ['if (starts[i] !== earliest || ends[i] !== latest || earliest > latest) {', 'if (true) {'],
      [
        'if (starts[i] !== earliest || ends[i] !== latest || earliest > latest) {',
        'if (starts[i] !== earliest || ends[i] !== latest || earliest >= latest) {',
      ],
    ],
  },
};
