/**
 * The directory and the processes of one benchmark run. Everything in it is gone when `close` has
 * resolved, and also when this process dies, however it dies: a shell waits for the end of its input
 * and then kills what is left.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const GUARD =
  'cat >/dev/null; for f in "$0"/pids/*; do [ -e "$f" ] && kill -9 "$(basename "$f")" 2>/dev/null; done; rm -rf "$0"';

export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
  readonly #running = new Set<ChildProcess>();
  readonly #guard: ChildProcess;

  constructor() {
    mkdirSync(join(this.directory, 'pids'));
    this.#guard = spawn('sh', ['-c', GUARD, this.directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guard.unref();
  }

  /** An empty directory that is gone with the workplace. */
  folder(name: string): string {
    const path = join(this.directory, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** A process that stays, with its output in a file. */
  start(command: readonly string[], logFile: string, environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const output = openSync(logFile, 'a');
    const [program = '', ...argv] = command;
    const child = spawn(program, argv, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...environment },
    });
    closeSync(output);
    this.#watch(child);
    return child;
  }

  /** A process that ends by itself; killed when it takes longer than it may. */
  async run(command: readonly string[], timeoutMs: number): Promise<Finished> {
    const [program = '', ...argv] = command;
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#watch(child);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, stdout, stderr });
      });
    });
  }

  /** Processes that others started are killed with the workplace, too. */
  adopt(pid: number): void {
    writeFileSync(join(this.directory, 'pids', String(pid)), '');
  }

  release(pid: number): void {
    rmSync(join(this.directory, 'pids', String(pid)), { force: true });
  }

  /** SIGKILL for every process of this run. */
  async endAll(): Promise<void> {
    const exits = [...this.#running].map(
      (child) => new Promise((resolve) => child.once('exit', resolve).kill('SIGKILL')),
    );
    await Promise.all(exits);
    for (const pid of readdirSync(join(this.directory, 'pids'))) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {} // it has ended by itself
    }
  }

  async close(): Promise<void> {
    await this.endAll();
    const gone = new Promise((resolve) => this.#guard.once('exit', resolve));
    this.#guard.ref();
    this.#guard.stdin?.end();
    await gone;
  }

  #watch(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#running.add(child);
    this.adopt(pid);
    child.once('exit', () => {
      this.#running.delete(child);
      this.release(pid);
    });
  }
}

/** SIGTERM, and SIGKILL when it has not ended in time. */
export function endProcess(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** The last lines of a log, for the message of a failure. */
export function lastLines(file: string, count = 5): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '(no log)';
  }
}
