/** Lines of shell with `odradek` in them, as people type them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const COMMAND_LINE = join(import.meta.dirname, '..', '..', '..', 'scripts', 'cli', 'main.ts');

/** `odradek`, in a line. */
export const ODRADEK = `"${process.execPath}" --disable-warning=TimeoutNegativeWarning "${COMMAND_LINE}"`;

export interface Outcome {
  readonly out: string;
  readonly err: string;
  /** Of the first command of the pipe. */
  readonly status: number;
}

let running: ChildProcess[] = [];

export async function run(line: string): Promise<Outcome> {
  const child = spawn('bash', ['-c', `${line}\nexit \${PIPESTATUS[0]}`], { detached: true });
  running.push(child);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part) => (out += part));
  child.stderr.setEncoding('utf8').on('data', (part) => (err += part));
  const [status] = await once(child, 'close');
  return { out, err, status };
}

/** Kills what still runs of all lines. */
export function endLines(): void {
  for (const child of running) {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  running = [];
}
