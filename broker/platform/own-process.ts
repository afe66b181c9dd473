/**
 * This process as somebody who may hurt it sees it. It is stopped by the signal that nothing can catch, so a
 * shell is started first that lets it go on in time, whatever becomes of whoever asked; SIGCONT to a process
 * that is gone, or runs, does nothing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface OwnProcess {
  /** Resolves when it is sure to go on after so long; `stop` stops it. */
  preparePause(forMs: number): Promise<{ stop(): void }>;
  /** SIGKILL. */
  kill(): void;
}

export const ownProcess: OwnProcess = {
  async preparePause(forMs) {
    await continueAfter(process.pid, forMs);
    return { stop: () => process.kill(process.pid, 'SIGSTOP') };
  },
  kill: () => process.kill(process.pid, 'SIGKILL'),
};

/** Resolves when it is sure that a process, which may be stopped then, goes on after so long. */
export async function continueAfter(pid: number, forMs: number): Promise<void> {
  // In a group of its own: what is typed at the terminal is not for it.
  const watchdog = spawn('sh', ['-c', 'sleep "$0"; kill -CONT "$1"', seconds(forMs), String(pid)], {
    detached: true,
    stdio: 'ignore',
  });
  await once(watchdog, 'spawn');
  watchdog.unref();
}

/** As `sleep` takes it. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
