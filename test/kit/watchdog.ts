/**
 * Removes the directory of a test cluster whose process was killed: a small shell that waits for its end,
 * beside it and deaf to what a terminal sends to both.
 */
import { spawn } from 'node:child_process';

interface Watchdog {
  /** The directory is gone already. */
  dismiss(): void;
}

const WAIT_AND_REMOVE = 'trap "" INT TERM HUP; cat >/dev/null; rm -rf -- "$0"';

/** Does nothing on a system without a shell. Never keeps the process alive. */
export function watchOver(directory: string): Watchdog {
  const shell = spawn('sh', ['-c', WAIT_AND_REMOVE, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  // The pipe must not keep the process alive either; it is a socket to Node.
  (shell.stdin as unknown as { unref?(): void }).unref?.();
  return { dismiss: () => shell.stdin.destroy() };
}
