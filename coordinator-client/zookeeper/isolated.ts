/**
 * Calls a function of somebody else's. A defect in it must surface, as an uncaught error, but only after
 * the others have been told what they are waiting for.
 */
export function isolated(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
