/**
 * What witnesses signed, linked into one chain, and the lies that this proves.
 *
 * A witness makes its request from the last signed statement of any witness of the clock
 * ({@link SignedStatement.previous}). So its answer was certainly signed after that statement, and
 * after all those before. A statement contradicts an earlier one when the earlier one says that it
 * was later already: `earliest_i > latest_j` although `i` came before `j` (RFC 10049 section 8.2).
 * One of the two servers signed a wrong time, and everybody who has the exchanges can check that.
 *
 * A statement may also contradict the bound, which nobody signed. Then the chain up to it is kept:
 * it proves what the witness said, and after what. It proves a lie only together with another
 * witness.
 *
 * Nothing here knows the wire or verifies a signature. The witness does that.
 */
import type { UnixNs } from '../time/instant.ts';

/** One exchange of a witness, as the report of RFC 10049 has it. All texts are base64. */
export interface SignedExchange {
  /** What the request's nonce was made of, besides the response before. Absent in the first one. */
  readonly rand?: string;
  /** The server's long-term key. */
  readonly publicKey: string;
  /** The packet that was sent. */
  readonly request: string;
  /** The packet that came back. */
  readonly response: string;
}

/** What a witness signed. A source of the role `witness` gives it with its sample. */
export interface SignedStatement {
  /** The witness. */
  readonly sourceId: string;
  /** True time when the server signed, as it says, was at least this. */
  readonly earliest: UnixNs;
  /** True time when the server signed, as it says, was at most this. */
  readonly latest: UnixNs;
  /** The packets that prove it. */
  readonly exchange: SignedExchange;
  /** The statement that the request was made from; absent when there was none. */
  readonly previous: SignedStatement | undefined;
}

/**
 * A malfeasance report, in the form of RFC 10049 (`application/roughtime-malfeasance+json`):
 * `JSON.stringify` of it is the file.
 */
export interface MalfeasanceReport {
  /** In the order in which they were received. */
  readonly responses: readonly SignedExchange[];
}

/** A contradiction that a witness took part in. */
export interface Evidence {
  /** The witness whose last statement contradicts. */
  readonly sourceId: string;
  /**
   * What it contradicts: the `sourceId` of the witness who signed an earlier statement of the same
   * chain, or `'bound'`, what the sources agreed on.
   *
   * Against a witness, the report alone proves to everybody that one of the two lied. Against the
   * bound it proves what the witness said.
   */
  readonly against: string;
  /** The signed exchanges, from the contradicted statement to the contradicting one. */
  readonly report: MalfeasanceReport;
}

/** After this many statements a new chain begins, so that memory is bounded. */
const MAX_CHAIN = 32;

export class EvidenceLog {
  #last: SignedStatement | undefined;
  readonly #lastOf = new Map<string, SignedStatement>();
  /** By who contradicts whom; only the newest of each pair is kept. */
  readonly #evidence = new Map<string, Evidence>();

  /** The statement to make the next request from. */
  get last(): SignedStatement | undefined {
    return this.#last;
  }

  /** What was proven, the oldest first. */
  get evidence(): readonly Evidence[] {
    return [...this.#evidence.values()];
  }

  /** Takes a statement in, and compares it with those that were certainly signed before it. */
  take(statement: SignedStatement): void {
    this.#lastOf.set(statement.sourceId, statement);
    const chain = chainTo(statement);
    for (const [i, earlier] of chain.entries()) {
      if (earlier.earliest > statement.latest) {
        this.#keep(statement.sourceId, earlier.sourceId, chain.slice(i));
      }
    }
    this.#last = chain.length < MAX_CHAIN ? statement : undefined;
  }

  /** The last statement of this witness contradicts the bound. */
  contradictsBound(sourceId: string): void {
    const statement = this.#lastOf.get(sourceId);
    if (statement !== undefined) this.#keep(sourceId, 'bound', chainTo(statement));
  }

  #keep(sourceId: string, against: string, chain: readonly SignedStatement[]): void {
    const key = JSON.stringify([sourceId, against]);
    const responses = chain.map(({ exchange: { rand, ...rest } }, i) => ({
      // The first one's `rand` belongs to a response that is not in the report.
      ...(i > 0 && rand !== undefined && { rand }),
      ...rest,
    }));
    this.#evidence.delete(key);
    this.#evidence.set(key, { sourceId, against, report: { responses } });
  }
}

/** The statements that led to this one and itself, in the order in which they were signed. */
function chainTo(statement: SignedStatement): SignedStatement[] {
  const chain: SignedStatement[] = [];
  // The cap holds for statements of anybody's source, whose links might go in a circle.
  for (
    let each: SignedStatement | undefined = statement;
    each && chain.length < MAX_CHAIN;
    each = each.previous
  ) {
    chain.unshift(each);
  }
  return chain;
}
