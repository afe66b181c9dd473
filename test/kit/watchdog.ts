/**
 * Removes the directory of a test cluster whose process was killed: a small shell that waits for its end,
 * beside it and deaf to what a terminal sends to both.
 */
import { spawn } from 'node:child_process';

interface Watchdog {
  /** The directory is gone already. */
  dismiss(): void;
}

/** Nothing is ever written to it. Again, where something comes back: processes that write there have not ended yet. */
const WAIT_AND_REMOVE =
  'trap "" INT TERM HUP; read -r line; for turn in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$0"; sleep "$1"; [ -e "$0" ] || exit 0; done';

/**
 * Does nothing on a system without a shell. Never keeps the process alive. `othersWriteForS`: how long processes
 * that this one has started may be there yet when it is gone, at a time.
 */
export function watchOver(directory: string, othersWriteForS = 0): Watchdog {
  const shell = spawn('sh', ['-c', WAIT_AND_REMOVE, directory, String(othersWriteForS)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  // The pipe must not keep the process alive either; it is a socket to Node.
  (shell.stdin as unknown as { unref?(): void }).unref?.();
  // It is gone with this call: nobody is to find it after us.
  return { dismiss: () => shell.kill('SIGKILL') };
}
