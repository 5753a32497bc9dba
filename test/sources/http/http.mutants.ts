import type { Mutant } from '../../tools/mutants/mutant.ts';

const inFile = (file: string, test: string) => ({
  file: `src/sources/http/${file}.ts`,
  test: `test/sources/http/${test}.test.ts`,
});
const timing = inFile('resource-timing', 'http-time');
const time = inFile('http-time', 'http-time');
const request = inFile('request', 'http-time');
const statement = inFile('statement', 'statement');
const stamps = inFile('server-stamps', 'time-handler');
const attention = inFile('attention', 'http-time');
const listening = inFile('server-timing-source', 'server-timing-source');
const date = inFile('http-date', 'http-date');
const tabs = inFile('across-tabs', 'across-tabs');
const aged = inFile('aged-facts', 'across-tabs');

const measured = { file: 'src/time/measured-clock.ts', test: 'test/time/measured-clock.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'http-facts-outlive-a-leap-second',
    ...aged,
    find: 'if (mayHoldLeap(asUnixNs(since',
    replace: 'if (since === undefined && mayHoldLeap(asUnixNs(since',
    name: 'no fact outlives its month',
  },
  {
    id: 'http-measured-grid-of-one-step',
    ...measured,
    find: 'const grid = 2n * moves[moves.length >> 1]!;',
    replace: 'const grid = moves[moves.length >> 1]!;',
    name: 'a step of',
  },
  {
    id: 'http-measured-grid-of-a-pause',
    ...measured,
    find: 'moves[moves.length >> 1]!',
    replace: 'moves[moves.length - 1]!',
    name: 'is not misled by pauses',
  },
  {
    id: 'http-bracket-of-the-entry-before',
    ...timing,
    find: 'find(({ name }) => name === url);',
    replace: 'find(({ name }) => name.slice(0, 20) === url.slice(0, 20));',
    name: 'of an entry that never comes|is never that of an earlier request',
  },
  {
    id: 'http-zero-fields-taken',
    ...timing,
    find: 'return requestStart > 0 && workerStart === 0',
    replace: 'return requestStart >= 0 && workerStart === 0',
    name: 'whose times are withheld is not taken for one of the network',
  },
  {
    id: 'http-zero-end-taken',
    ...timing,
    find: 'stamped && finalResponseHeadersStart > 0',
    replace: 'stamped && finalResponseHeadersStart >= 0',
    name: 'a browser that does not tell it',
  },
  {
    id: 'http-bracket-through-a-service-worker',
    ...timing,
    find: 'workerStart === 0 && ',
    replace: '',
    name: 'with a service worker',
  },
  {
    id: 'http-bracket-of-a-stored-reply',
    ...timing,
    find: "const stored = deliveryType !== '' || entry.transferSize === 0;",
    replace: 'const stored = false;',
    name: 'cache|nothing from the network',
  },
  {
    id: 'http-bracket-of-a-redirect',
    ...timing,
    find: 'redirectStart === 0 && ',
    replace: '',
    name: 'with a redirect',
  },
  {
    id: 'http-interim-reply-taken',
    ...timing,
    find: 'const { requestStart, finalResponseHeadersStart = 0, serverTiming = [] } = entry;',
    replace:
      'const { requestStart, responseStart: finalResponseHeadersStart = 0, serverTiming = [] } = entry;',
    name: 'after an interim reply|a browser that does not tell it',
  },
  {
    id: 'http-head-without-stamps-taken',
    ...timing,
    find: 'stamped && finalResponseHeadersStart > 0',
    replace: 'finalResponseHeadersStart > 0',
    name: 'a head without the stamps|another reply',
  },
  {
    id: 'http-bracket-outside-of-our-own',
    ...timing,
    find: 'return innerBracket(outer, {',
    replace: 'return ((_: Bracket, inner: Bracket) => inner)(outer, {',
    name: 'has no end after the reply was read',
  },
  {
    id: 'http-entry-on-another-clock',
    ...timing,
    find: 'return before <= between && between <= clock.monotonicNs();',
    replace: 'return before <= clock.monotonicNs() || between > 0n;',
    name: 'where the clock is not that of the page',
  },
  {
    id: 'http-entry-awaited-for-ever',
    ...timing,
    find: 'const give = (): void => this.#settle(undefined);',
    replace: 'const give = (): void => {};',
    name: 'of an entry that never comes',
  },
  {
    id: 'http-observer-left-behind',
    ...timing,
    find: 'observer.disconnect();',
    replace: '',
    name: 'listens to nothing',
  },
  {
    id: 'http-received-when-the-head-came',
    ...time,
    find:
      'const text = await textOf(reply, signal);\n' +
      '    // Not when the head came: its stamps are in the body, which a proxy may send long after it.\n' +
      '    const receivedAt = clock.monotonicNs();',
    replace:
      'const receivedAt = clock.monotonicNs();\n    const text = await textOf(reply, signal);',
    name: 'of a body that came long after its head',
  },
  {
    id: 'http-nonce-unchecked',
    ...statement,
    find: 'if (said.nonce !== nonce) throw',
    replace: 'if (said.nonce === undefined) throw',
    name: 'with the nonce of another request',
  },
  {
    id: 'http-one-nonce-for-all',
    ...time,
    find: 'target.searchParams.set(NONCE, nonce);',
    replace: "target.searchParams.set(NONCE, 'a');",
    name: 'has a new nonce each time',
  },
  {
    id: 'http-hidden-page-goes-on-polling',
    ...time,
    find: "if (!isVisible(page)) throw new AskMiss('hidden');",
    replace: '',
    name: 'asks nothing',
  },
  {
    id: 'http-jump-not-looked-for',
    ...attention,
    find: 'sink.checkJump?.();',
    replace: '',
    name: 'is asked for a jump',
  },
  {
    id: 'http-listeners-left-behind',
    ...attention,
    find: 'end();\n      running.stop();',
    replace: 'running.stop();',
    name: 'listens to nothing',
  },
  {
    id: 'http-error-status-taken',
    ...request,
    find: 'return ok ? undefined :',
    replace: 'return ok || status > 0 ? undefined :',
    name: 'a 500 with a good body',
  },
  {
    id: 'http-redirect-taken',
    ...request,
    find: "if (type === 'opaqueredirect' || redirected ||",
    replace: "if (type === 'opaqueredirect' ||",
    name: 'a redirect that was followed',
  },
  {
    id: 'http-retry-after-ignored',
    ...request,
    find: 'this.#noteHoldBack(reply, clock);',
    replace: '',
    name: 'is left alone',
  },
  {
    id: 'http-retry-after-without-end',
    ...request,
    find: 'Math.min(seconds, MAX_HOLD_BACK_S)',
    replace: 'seconds',
    name: 'for ever',
  },
  {
    id: 'http-endless-body-kept',
    ...request,
    find: 'if (length > MAX_BODY_BYTES ||',
    replace: 'if (length > 1024 * MAX_BODY_BYTES ||',
    name: 'an endless body|a long body',
  },
  {
    id: 'http-any-type-taken',
    ...request,
    find: 'if (!isJson(reply)) {',
    replace: 'if (reply.status === 0) {',
    name: 'HTML|no type',
  },
  {
    id: 'http-huge-error-taken',
    ...statement,
    find: "if (errorNs > MAX_ERROR_NS) throw new AskMiss('root-distance');",
    replace: '',
    name: 'with an error above',
  },
  {
    id: 'http-sent-stamp-for-the-receipt',
    ...stamps,
    find: 'receivedNs: before.midpoint,',
    replace: 'receivedNs: after.midpoint,',
    name: 'a header holds the time of the receipt',
  },
  {
    id: 'http-receive-stamp-for-the-sending',
    ...stamps,
    find: 'sentNs: after.midpoint,',
    replace: 'sentNs: before.midpoint,',
    name: 'a header holds the time of the receipt',
  },
  {
    id: 'http-grid-of-the-wall-forgotten',
    ...stamps,
    find: 'const receivedNs = asUnixNs(clock.wallReadNs() + clock.wallGridNs);',
    replace: 'const receivedNs = asUnixNs(clock.wallReadNs());',
    name: 'its grid counts on one side|stands still',
  },
  {
    id: 'http-sleep-of-the-server-unseen',
    ...stamps,
    find: 'const arrived = clock.read();',
    replace: "const arrived = { interval: clock.tryNow(), reason: 'expired' };",
    name: 'a sleep before the request',
  },
  {
    id: 'http-sleep-during-the-work-unseen',
    ...stamps,
    find: 'const leaving = clock.read();',
    replace: "const leaving = { interval: clock.tryNow(), reason: 'expired' };",
    name: 'a sleep during the work',
  },
  {
    id: 'http-leap-not-passed-on',
    ...stamps,
    find: 'leap: clock.leap,',
    replace: "leap: 'none',",
    name: 'announces a leap second',
  },
  {
    id: 'http-waking-page-does-not-look',
    file: 'src/bounded-clock/bounded-clock.ts',
    test: time.test,
    find: 'checkJump: () => void this.checkWall(),',
    replace: '',
    name: 'a machine that wakes up',
  },
  {
    id: 'http-stale-reply-taken',
    ...listening,
    find: 'if (this.#facts.isStale(sample)) {',
    replace: 'if (this.#facts.isStale(sample) && sample.leap === undefined) {',
    name: 'a stored reply: its upper fact would be false',
  },
  {
    id: 'http-other-origin-taken',
    ...listening,
    find: '}/`) ||',
    replace: '}`) ||',
    name: 'of an origin that begins like ours',
  },
  {
    id: 'http-date-without-its-second',
    ...date,
    find: 'serverReceivedAt: asUnixNs(begins + GRID_NS),',
    replace: 'serverReceivedAt: asUnixNs(begins),',
    name: 'is any instant of its second',
  },
  {
    id: 'http-stored-date-taken',
    ...date,
    find: "throw new AskMiss('stored');",
    replace: 'void 0;',
    name: 'with an age',
  },
  {
    id: 'http-request-from-before-a-jump-taken',
    ...listening,
    find: 'if (sample.sentAt < this.#validFrom) return;',
    replace: '',
    name: 'a request that began before a jump',
  },
  {
    id: 'http-stale-for-ever-after-a-leap-second',
    ...listening,
    find: 'this.#facts.drop();\n    if (!this.#begun) return;',
    replace: 'if (!this.#begun) return;',
    name: 'after a leap second',
  },
  {
    id: 'tabs-old-facts-without-a-bound',
    ...tabs,
    find: 'this.#facts.drop();\n    this.#running?.burst();',
    replace: 'this.#running?.burst();',
    name: 'whose clock has lost its bound',
  },
  {
    id: 'tabs-hidden-tab-keeps-the-lock',
    ...tabs,
    find: 'if (!isVisible(page)) {\n      this.#giveUp?.();',
    replace: 'if (!isVisible(page)) {',
    name: 'ask by another tab',
  },
  {
    id: 'tabs-sleep-unseen',
    ...tabs,
    find: '// Should the machine have slept, this drops the facts.\n    sink.checkJump?.();',
    replace: '',
    name: 'after a sleep',
  },
  {
    id: 'tabs-facts-kept-after-a-jump',
    ...tabs,
    find: 'this.#facts.drop();\n    this.#running?.discardInFlight();',
    replace: 'this.#running?.discardInFlight();',
    name: 'whose clock has jumped',
  },
  {
    id: 'tabs-facts-not-aged',
    ...aged,
    find: 'return (age * ppb) / 1_000_000_000n + 1n;',
    replace: 'return (age * ppb) / 1_000_000_000_000n + 1n;',
    name: 'is aged by its drift bound',
  },
  {
    id: 'tabs-nonce-unchecked',
    ...tabs,
    find: 'if (message.answer !== nonce) return;',
    replace: '',
    name: 'the answer to the question of another tab',
  },
];
