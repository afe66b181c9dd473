/**
 * How a program that runs until it is ended is asked to: by a signal, or by the process that started it,
 * over their IPC channel. Whoever gets a signal first (a terminal signals its whole process group, systemd
 * everything it has started, a window that closes twice), the order is the parent's to make: brokers end
 * first, as they need ZooKeeper for it.
 */

/** What a parent says to a child. */
export interface StopMessage {
  readonly type: 'stop';
}

/** What a child says that was asked by somebody else, and may not end before others have. */
export interface AskedToEndMessage {
  readonly type: 'asked-to-end';
}

/** How long a child may take to end before it is killed. */
export const STOP_TIMEOUT_MS = 20_000;
/** As shells report an end by SIGINT. */
export const INTERRUPTED_STATUS = 130;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C can arrive twice: from the terminal, and from a program that passes it on. */
const SAME_INTERRUPT_MS = 500;

/** Whoever presses Ctrl-C so long after the first time has waited enough, whatever has not ended yet. */
const PATIENCE_MS = 15_000;

/**
 * Whether somebody who asks again has waited long enough: asked with each signal, the first one too. What this
 * process has started ends without it, if not as cleanly.
 */
export function patience(): () => boolean {
  let firstMs: number | null = null;
  return () => {
    const nowMs = performance.now();
    firstMs ??= nowMs;
    return nowMs - firstMs > PATIENCE_MS;
  };
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing, except that Ctrl-C again
 * calls `insisted`: the user doesn't want to wait; and that this process ends at a Ctrl-C long after the first.
 */
export function untilSignalled(insisted: () => void = () => process.exit(INTERRUPTED_STATUS)): Promise<void> {
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const isOver = patience();
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        // Under nohup the end of the terminal is nobody's wish.
        if (signal === 'SIGHUP' && process.env['ODRADEK_NOHUP'] !== undefined) return;
        const nowMs = performance.now();
        firstMs ??= nowMs;
        resolve();
        const hasWaited = isOver();
        if (signal !== 'SIGINT' || nowMs - firstMs <= SAME_INTERRUPT_MS) return;
        insisted();
        if (hasWaited) process.exit(INTERRUPTED_STATUS);
      });
    }
  });
}

/** Resolves when the process that started this one says so (`told`) or is gone; never without one. */
export function untilParentAsks(): Promise<'told' | 'orphaned'> {
  return new Promise((resolve) => {
    if (process.send === undefined) return;
    process.on('message', (message: StopMessage) => {
      if (message.type === 'stop') resolve('told');
    });
    process.once('disconnect', () => resolve('orphaned'));
    if (!process.connected) resolve('orphaned');
  });
}

/** Says something to the process that started this one, if there is one and it lives; `sent`: it has left. */
export function tellParent(message: object, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, sent);
}
