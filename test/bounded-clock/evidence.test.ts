import { describe, expect, it } from 'vitest';
import { EvidenceLog, type SignedStatement } from '../../src/bounded-clock/evidence.ts';
import { asUnixNs } from '../../src/time/instant.ts';

/** Statements of this log's witnesses, each made from the one before. */
class Log {
  readonly log = new EvidenceLog();
  #count = 0;

  say(
    sourceId: string,
    earliest: number,
    latest: number,
    { chained = true }: { chained?: boolean } = {},
  ): SignedStatement {
    const n = ++this.#count;
    const statement = {
      sourceId,
      earliest: asUnixNs(BigInt(earliest)),
      latest: asUnixNs(BigInt(latest)),
      exchange: { rand: `r${n}`, publicKey: sourceId, request: `q${n}`, response: `a${n}` },
      previous: chained ? this.log.last : undefined,
    };
    this.log.take(statement);
    return statement;
  }

  /** Who contradicts whom, and with which responses. */
  get found(): string[] {
    return this.log.evidence.map(({ sourceId, against, report: { responses } }) => {
      const said = responses.map(({ response, rand }) => (rand ? `${rand}>${response}` : response));
      return `${sourceId} x ${against}: ${said.join(' ')}`;
    });
  }
}

describe('evidence', () => {
  it('an earlier statement that is later: all from that one on, the first without `rand`', () => {
    const s = new Log();
    s.say('a', 10, 12);
    s.say('b', 20, 22);
    s.say('a', 11, 20); // touches: no contradiction
    expect(s.found).toEqual([]);
    s.say('c', 15, 19);
    expect(s.found).toEqual(['c x b: a2 r3>a3 r4>a4']);
  });

  it('statements that only grow prove nothing, however far they jump', () => {
    const s = new Log();
    for (let i = 0; i < 100; i++) s.say('ab'[i % 2]!, i * i, i * i + 1);
    expect(s.found).toEqual([]);
  });

  it('statements that were asked for at the same time prove nothing of each other', () => {
    const s = new Log();
    s.say('a', 20, 22, { chained: false });
    s.say('b', 10, 12, { chained: false });
    expect(s.found).toEqual([]);
  });

  it('of each pair the newest is kept, and the oldest pair comes first', () => {
    const s = new Log();
    s.say('a', 20, 22);
    s.say('b', 10, 12);
    s.say('c', 10, 12);
    s.say('b', 10, 12);
    expect(s.found).toEqual(['c x a: a1 r2>a2 r3>a3', 'b x a: a1 r2>a2 r3>a3 r4>a4']);
  });

  it('against the bound: the whole chain to the last statement of that witness', () => {
    const s = new Log();
    s.log.contradictsBound('a');
    expect(s.found).toEqual([]);
    s.say('a', 1, 2);
    s.say('b', 1, 2);
    s.log.contradictsBound('a');
    expect(s.found).toEqual(['a x bound: a1']);
    s.log.contradictsBound('b');
    expect(s.found).toEqual(['a x bound: a1', 'b x bound: a1 r2>a2']);
  });

  it('a chain has at most 32 statements; then a new one begins', () => {
    const s = new Log();
    for (let i = 0; i < 100; i++) {
      let links = 0;
      for (let each: SignedStatement | undefined = s.say('a', i, i); each; each = each.previous) {
        links++;
      }
      expect(links).toBe((i % 32) + 1);
    }
  });

  it('a chain that goes in a circle ends', () => {
    const s = new Log();
    const circle = { ...s.say('a', 1, 2) } as {
      -readonly [K in keyof SignedStatement]: SignedStatement[K];
    };
    circle.previous = circle;
    s.log.take(circle);
    s.log.contradictsBound('a');
    expect(s.log.evidence[0]!.report.responses.length).toBe(32);
  });
});
