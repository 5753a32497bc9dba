/** What is said of a value that code of the user or of the system threw. */

const MAX_LENGTH = 120;
const MAX_REASON_LENGTH = 40;

/**
 * A short description of a thrown value: the system's code (`ENOTFOUND`) where there is one,
 * otherwise name and message. Printable ASCII, on one line, never long. Never throws, whatever was
 * thrown.
 */
export function describeCause(thrown: unknown): string {
  try {
    const { code, name, message } = (thrown ?? {}) as Partial<NodeJS.ErrnoException>;
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code;
    const text = thrown instanceof Error ? `${name}: ${message}` : `threw ${String(thrown)}`;
    return text.slice(0, MAX_LENGTH).replace(/[^\x20-\x7e]/g, '?');
  } catch {
    return 'threw something that cannot be described';
  }
}

/** The `reason` of a thrown value, when it is a short word in the form of a miss's reason. */
export function reasonOf(thrown: unknown): string | undefined {
  try {
    const { reason } = (thrown ?? {}) as { reason?: unknown };
    const usable = typeof reason === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(reason);
    return usable && reason.length <= MAX_REASON_LENGTH ? reason : undefined;
  } catch {
    return undefined;
  }
}
