/**
 * The directory and the processes of one run of `bench` or `torture`. Everything in it is gone when `close` has
 * resolved, and also when this process dies, however it dies: a shell waits for the end of its input
 * and then kills what is left. Every process leads a group of its own, so that Ctrl-C reaches this
 * process only, which then ends the others in one place; and what they have started ends with them.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
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

const GUARD = `cat >/dev/null
for f in "$0"/pids/*; do [ -e "$f" ] && kill -s KILL -- "-$(basename "$f")" 2>/dev/null; done
for f in "$0"/elsewhere/*; do [ -L "$f" ] && rm -rf -- "$(readlink "$f")"; done
for i in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$0" 2>/dev/null; [ -e "$0" ] || exit 0; sleep 0.1; done`;

export class Workplace {
  readonly directory: string;
  readonly #running = new Set<ChildProcess>();
  /** Those of `run`. */
  readonly #clients = new Set<ChildProcess>();
  readonly #guard: ChildProcess;
  #elsewhere = 0;
  #closing: Promise<void> | null = null;

  /** `name` is how its directory's name begins. */
  constructor(name = 'odradek-bench-') {
    this.directory = mkdtempSync(join(tmpdir(), name));
    mkdirSync(join(this.directory, 'pids'));
    mkdirSync(join(this.directory, 'elsewhere'));
    this.#guard = spawn('sh', ['-c', GUARD, this.directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guard.unref();
  }

  /** From here on nothing new can be started. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  checkOpen(): void {
    if (this.closed) throw new Error('the run was ended');
  }

  /** An empty directory that is gone with the workplace. */
  folder(name: string): string {
    this.checkOpen();
    const path = join(this.directory, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** A directory in `parent` that is gone with the workplace, for what must be renamed into its place. */
  folderIn(parent: string): string {
    this.checkOpen();
    mkdirSync(parent, { recursive: true });
    const path = mkdtempSync(join(parent, 'fetch-'));
    symlinkSync(path, join(this.directory, 'elsewhere', String(this.#elsewhere++)));
    return path;
  }

  /** A process that stays, with its output in a file; one that `talks` is heard and told by pipes instead. */
  start(command: readonly string[], logFile: string, talks = false): ChildProcess {
    this.checkOpen();
    const output = openSync(logFile, 'a');
    const [program = '', ...argv] = command;
    const stdio: StdioOptions = talks ? ['pipe', 'pipe', output] : ['ignore', output, output];
    const child = spawn(program, argv, { detached: true, stdio });
    closeSync(output);
    // What can not be started has no pid, and whoever waits for it looks at that.
    child.once('error', () => {});
    this.#watch(child);
    return child;
  }

  /** A process that ends by itself; killed when it takes longer than it may. Rejects if there is no such program. */
  run(command: readonly string[], timeoutMs: number): Promise<Finished> {
    return new Promise((resolve, reject) => {
      this.checkOpen();
      const [program = '', ...argv] = command;
      const child = spawn(program, argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      child.once('error', reject);
      this.#watch(child);
      this.#clients.add(child);
      const output = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (text) => {
          output[name] += text;
        });
      }
      const timer = setTimeout(() => killGroup(child), timeoutMs);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.#clients.delete(child);
        resolve({ code, signal, ...output });
      });
    });
  }

  /** SIGKILL for what `run` has started and what still runs: a case that has failed leaves nobody behind. */
  async endClients(): Promise<void> {
    await Promise.all([...this.#clients].map(ended));
  }

  /** SIGKILL for everything, and the end of the directory. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#running].map(ended));
    const gone = new Promise((resolve) => this.#guard.once('exit', resolve));
    this.#guard.ref();
    this.#guard.stdin?.end();
    await gone;
  }

  #watch(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#running.add(child);
    const file = join(this.directory, 'pids', String(pid));
    writeFileSync(file, '');
    child.once('exit', () => {
      this.#running.delete(child);
      rmSync(file, { force: true });
    });
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {} // it has ended by itself
}

function ended(child: ChildProcess): Promise<unknown> {
  if (hasEnded(child)) return Promise.resolve();
  const exit = new Promise((resolve) => child.once('exit', resolve));
  killGroup(child);
  return exit;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** SIGTERM, and SIGKILL when it has not ended in time; 0: at once. */
export function endProcess(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => killGroup(child), timeoutMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (timeoutMs === 0) killGroup(child);
    else child.kill('SIGTERM');
  });
}

/** Resolves when the process ends without having been told to; `told` is asked at that moment. */
export function endedByItself(
  child: ChildProcess,
  { name, logFile, told }: { name: string; logFile: string; told: () => boolean },
): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(new Error(`${name} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (told()) return;
      const words = signal === null ? `exit status ${code}: ${lastLines(logFile)}` : signal;
      resolve(new Error(`${name} ended with ${words}`));
    });
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
