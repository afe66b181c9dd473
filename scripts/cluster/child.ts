/**
 * One process of a local cluster: started with its output in a file, watched until it says that it is
 * ready, and gone for certain when it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const COMMAND_LINE = join(import.meta.dirname, '..', 'cli', 'main.ts');

/** What a child says over its IPC channel once it serves. */
export interface Started {
  readonly type: 'started';
  readonly port: number;
  readonly peerPort?: number;
}

export class Child {
  readonly name: string;
  readonly logFile: string;
  readonly process: ChildProcess;
  /** Exit code or signal, once it is gone. */
  ended: string | null = null;
  private readonly exit: Promise<void>;

  constructor(name: string, argv: readonly string[], logFile: string) {
    this.name = name;
    this.logFile = logFile;
    const output = openSync(logFile, 'a');
    this.process = spawn(process.execPath, [COMMAND_LINE, ...argv], {
      stdio: ['ignore', output, output, 'ipc'],
      env: process.env,
    });
    closeSync(output);
    this.exit = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.ended = signal ?? `exit status ${code}`;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** Resolves when the child serves; rejects with its last words when it ends before that or takes too long. */
  started(timeoutMs: number): Promise<Started> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.name} did not start within ${timeoutMs} ms; see ${this.logFile}`)),
        timeoutMs,
      );
      this.process.on('message', (message: Started) => {
        if (message.type !== 'started') return;
        clearTimeout(timer);
        resolve(message);
      });
      void this.exit.then(() => {
        clearTimeout(timer);
        reject(new Error(`${this.name} ended with ${this.ended}: ${this.lastWords()}`));
      });
    });
  }

  /** SIGKILL: as a crash. */
  async kill(): Promise<void> {
    if (this.ended === null) this.process.kill('SIGKILL');
    await this.exit;
  }

  /** SIGTERM, and SIGKILL when it has not ended in time. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.ended !== null) return;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), timeoutMs);
    await this.exit;
    clearTimeout(timer);
  }

  pause(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  private lastWords(): string {
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    return lines.at(-1) ?? '(nothing was said)';
  }
}
