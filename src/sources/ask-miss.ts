/** A question that ended without facts. `reason` is what the miss is counted under. */
export class AskMiss extends Error {
  readonly reason: string;
  /** For people, in a few words. */
  readonly details: string | undefined;

  constructor(reason: string, details?: string) {
    super(details ?? reason);
    this.reason = reason;
    this.details = details;
  }
}
