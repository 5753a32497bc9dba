/**
 * The next `count` promise rejections that are not handled, in order. Until they have come, the
 * test runner, which would fail the test for them, does not hear of any.
 */
export function unhandledRejections(count = 1): Promise<unknown[]> {
  return new Promise((resolve) => {
    const others = process.listeners('unhandledRejection');
    const reasons: unknown[] = [];
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => {
      reasons.push(reason);
      if (reasons.length < count) return;
      process.removeAllListeners('unhandledRejection');
      for (const other of others) process.on('unhandledRejection', other);
      resolve(reasons);
    });
  });
}
