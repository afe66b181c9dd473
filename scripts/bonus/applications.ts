/**
 * The processes of one application, three as a rule: started, killed, and started again when one ends. What
 * they tell about payments is heard here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Manner, PARTITIONS, type Progress } from './payments.ts';

const PROGRAM = join(import.meta.dirname, 'application.ts');
/** Between the end of a process and the next start in its place. */
const PAUSE_MS = 500;
/** kafkajs arms a timer in the past now and then; Node would warn of it in the middle of the output. */
const NODE_FLAGS = ['--disable-warning=TimeoutNegativeWarning'];

type Listener = (progress: Progress, index: number) => void;

export class Applications {
  readonly manner: Manner;
  readonly #bootstrapServers: string;
  readonly #processes: ChildProcess[] = [];
  readonly #listeners = new Set<Listener>();
  #isEnding = false;

  constructor(manner: Manner, bootstrapServers: string) {
    this.manner = manner;
    this.#bootstrapServers = bootstrapServers;
  }

  start(count: number): void {
    for (let index = 0; index < count; index++) this.#launch(index);
  }

  /** Kills a process the moment it has written payments that it has not yet committed. */
  async killInTheMiddle(timeoutMs: number): Promise<void> {
    let victim = -1;
    await this.#heard(timeoutMs, `${this.manner} writes payments`, ({ type }, index) => {
      if (type !== 'written') return false;
      victim = index;
      this.#processes[index]?.kill('SIGKILL');
      return true;
    });
    if (victim === -1) throw new Error('no process was killed');
  }

  /** Resolves when customers of every partition were paid that nobody had begun with at `sinceWallMs`. */
  everyPartitionPays(sinceWallMs: number, timeoutMs: number): Promise<void> {
    const paid = new Set<number>();
    const words = `customers of all partitions are paid (${this.manner})`;
    return this.#heard(timeoutMs, words, ({ type, partition, begunWallMs }) => {
      if (type === 'paid' && begunWallMs > sinceWallMs) paid.add(partition);
      return paid.size === PARTITIONS;
    });
  }

  /** SIGKILL for all: what they have not committed by now is not committed. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(
      this.#processes.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return null;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return gone;
      }),
    );
  }

  #launch(index: number): void {
    if (this.#isEnding) return;
    const child = spawn(process.execPath, [...NODE_FLAGS, PROGRAM, this.manner, this.#bootstrapServers], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#processes[index] = child;
    child.on('message', (progress: Progress) => {
      for (const listener of [...this.#listeners]) listener(progress, index);
    });
    child.once('exit', () => setTimeout(() => this.#launch(index), PAUSE_MS));
  }

  /** Resolves at the first thing told for which `isIt` says so. */
  #heard(
    timeoutMs: number,
    what: string,
    isIt: (progress: Progress, index: number) => boolean,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const listener: Listener = (progress, index) => {
        if (!isIt(progress, index)) return;
        finish();
        resolve();
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`not within ${timeoutMs} ms: ${what}`));
      }, timeoutMs);
      this.#listeners.add(listener);
    });
  }
}
