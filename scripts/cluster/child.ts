/**
 * One process of a local cluster: started with its output in a file, watched until it says that it is
 * ready, asked to end over its IPC channel, and gone for certain when it is killed. When the process that
 * started it dies, however that comes, the channel closes, and the child ends by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { SupervisorOrder } from '../../broker/faults/supervisor.ts';
import { systemClock } from '../../broker/platform/clock.ts';
import { EventRing } from '../../broker/platform/event-ring.ts';
import { DEFAULT_MAX_EVENTS } from '../../broker/platform/journal.ts';
import type { EventsMessage } from './broker-events.ts';
import type { AskedToEndMessage, StopMessage } from './ending.ts';
import type { OrderAnswerMessage, OrderMessage } from './orders.ts';
import { COMMAND_LINE } from './program.ts';

/** How much of a log's end is looked at for its last lines. */
const TAIL_BYTES = 16 * 1024;

/** What a child says over its IPC channel once it serves. */
export interface Started {
  readonly type: 'started';
  readonly port: number;
  readonly peerPort?: number;
}

const takesNone = (): Promise<void> => Promise.reject(new Error('no orders are taken'));

export interface ChildOptions {
  /** As people call it: `broker 2`. */
  readonly name: string;
  /** The words after `odradek` that start it. */
  readonly argv: readonly string[];
  readonly logFile: string;
  /** It has ended, and nobody had asked it to. */
  readonly died?: (child: Child) => void;
  /** Somebody signalled it, and it waits for others to end first. */
  readonly askedToEnd?: () => void;
  /** It orders something. Rejects with why that can't be done. */
  readonly ordered?: (order: SupervisorOrder) => Promise<void>;
}

export class Child {
  readonly name: string;
  readonly argv: readonly string[];
  readonly logFile: string;
  readonly process: ChildProcess;
  /** What a broker has recorded in its journal, the newest of it, a moment later; of others nothing. */
  readonly events = new EventRing(DEFAULT_MAX_EVENTS, systemClock);
  /** Exit code or signal, once it is gone. */
  ended: string | null = null;
  /** It was asked to end, did not in time, and was killed. */
  outstayed = false;
  #isServing = false;
  #isWanted = true;
  readonly #exit: Promise<void>;

  constructor({ name, argv, logFile, died, askedToEnd, ordered = takesNone }: ChildOptions) {
    this.name = name;
    this.argv = argv;
    this.logFile = logFile;
    const output = openSync(logFile, 'a');
    this.process = spawn(process.execPath, [COMMAND_LINE, ...argv], {
      stdio: ['ignore', output, output, 'ipc'],
      env: process.env,
    });
    closeSync(output);
    this.process.on('message', (message: Started | AskedToEndMessage | OrderMessage | EventsMessage) => {
      if (message.type === 'started') this.#isServing = true;
      else if (message.type === 'asked-to-end') askedToEnd?.();
      else if (message.type === 'order') this.#answer(message, ordered);
      else for (const recorded of message.events) this.events.add(recorded);
    });
    this.#exit = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.ended = signal ?? `exit status ${code}`;
        resolve();
        if (this.#isServing && this.#isWanted) died?.(this);
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
      void this.#exit.then(() => {
        clearTimeout(timer);
        const [words = '(nothing was said)'] = this.lastLines(1);
        reject(new Error(`${this.name} ended with ${this.ended}: ${words}`));
      });
    });
  }

  /** SIGKILL: as a crash. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    if (this.ended === null) this.process.kill('SIGKILL');
    await this.#exit;
  }

  /** Asks it to end, and kills it when it has not in time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isWanted = false;
    if (this.ended !== null) return;
    const message: StopMessage = { type: 'stop' };
    // No signal: it may have had one from the terminal, and a second one is for those in a hurry.
    if (this.process.connected) this.process.send(message, () => {});
    else this.process.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.outstayed = true;
      this.process.kill('SIGKILL');
    }, timeoutMs);
    await this.#exit;
    clearTimeout(timer);
  }

  #answer({ id, order }: OrderMessage, ordered: (order: SupervisorOrder) => Promise<void>): void {
    const say = (error: string | null): void => {
      const answer: OrderAnswerMessage = { type: 'order-answer', id, error };
      if (this.process.connected) this.process.send(answer, () => {});
    };
    ordered(order).then(
      () => say(null),
      (error: unknown) => say(error instanceof Error ? error.message : String(error)),
    );
  }

  pause(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  /** The last lines of its log that hold anything. */
  lastLines(count: number): string[] {
    const descriptor = openSync(this.logFile, 'r');
    try {
      const sizeBytes = fstatSync(descriptor).size;
      const tail = Buffer.alloc(Math.min(TAIL_BYTES, sizeBytes));
      readSync(descriptor, tail, 0, tail.length, sizeBytes - tail.length);
      const lines = tail.toString().split('\n');
      return lines.filter((line) => line.trim() !== '').slice(-count);
    } finally {
      closeSync(descriptor);
    }
  }
}
