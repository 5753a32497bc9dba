/**
 * How many retries are allowed, so that they cannot amplify an outage.
 *
 * Problem. When a service is overloaded, each caller that tries three times sends it three times
 * the load. The retries then keep it down.
 *
 * Idea (a token bucket, as in Finagle and gRPC). Each first attempt earns a part of a token, each
 * retry costs a whole one. Over any span there are then at most `ratio` retries per first attempt,
 * and `burst` more. Counted in millionths, so that sums are exact.
 */
const TOKEN = 1_000_000;

export class RetryBudget {
  readonly #earned: number;
  readonly #most: number;
  #tokens: number;

  constructor(ratio: number, burst: number) {
    this.#earned = Math.round(ratio * TOKEN);
    this.#most = burst * TOKEN;
    this.#tokens = this.#most;
  }

  /** A first attempt is made. */
  earn(): void {
    this.#tokens = Math.min(this.#tokens + this.#earned, this.#most);
  }

  /** Whether a retry may be made now; if so, it is paid for. */
  spend(): boolean {
    if (this.#tokens < TOKEN) return false;
    this.#tokens -= TOKEN;
    return true;
  }
}
