/** A client program while it runs: its histories grow, it is asked to end its writers, then its readers. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endProcess, hasEnded, lastLines, type Workplace } from '../../benchmark/workplace.ts';
import { type ClientHistory, type Entry, type Mode, parseHistory } from '../history/entries.ts';
import { type ClientName, sendsAgain } from './client-programs.ts';

export interface Job {
  readonly mode: Mode;
  readonly topic: string;
}

export interface Progress {
  readonly partitions: readonly number[];
  readonly commits: number;
}

interface ClientOptions {
  readonly name: ClientName;
  readonly command: readonly string[];
  readonly bootstrapServers: string;
  readonly partitions: number;
  readonly seed: number;
  /** Where its histories and its words go. */
  readonly directory: string;
  readonly jobs: readonly Job[];
}

/** It did not do what it was asked in time, or has ended before. */
export class ClientEnded extends Error {
  override readonly name = 'ClientEnded';
}

export class RunningClient {
  readonly options: ClientOptions;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #stopped: Promise<void>;
  readonly #ended: Promise<void>;

  constructor(workplace: Workplace, options: ClientOptions) {
    this.options = options;
    const { command, bootstrapServers, partitions, seed, directory, jobs, name } = options;
    const argv = [
      bootstrapServers,
      partitions,
      seed,
      directory,
      ...jobs.map((job) => `${job.mode}:${job.topic}`),
    ];
    this.#logFile = join(directory, `${name}.log`);
    this.#child = workplace.start([...command, ...argv.map(String)], this.#logFile, true);
    this.#child.stdin?.on('error', () => {}); // it has ended, which is noticed elsewhere
    const lines = this.#child.stdout === null ? null : createInterface({ input: this.#child.stdout });
    this.#stopped = new Promise((resolve) => lines?.on('line', (line) => line === 'stopped' && resolve()));
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  /** Its last words, if it has ended though nobody has asked it to. */
  get lastWords(): string | null {
    if (!hasEnded(this.#child)) return null;
    const how = this.#child.signalCode ?? `exit status ${this.#child.exitCode}`;
    return `${this.options.name} has ended with ${how}: ${lastLines(this.#logFile, 3)}`;
  }

  /** How many records have been acknowledged in each partition, and how many transactions were committed. */
  progress({ topic }: Job): Progress {
    const text = this.#text(topic, 'writer');
    const partitions = Array.from({ length: this.options.partitions }, () => 0);
    for (const [, partition] of text.matchAll(/"type":"ok","do":"send"[^\n]*"partition":(\d+)/g))
      partitions[Number(partition)] = (partitions[Number(partition)] ?? 0) + 1;
    return { partitions, commits: text.split('"type":"ok","do":"commit"').length - 1 };
  }

  /** Ends the writers; resolves when all they have sent has an outcome. */
  async stopWriters(limitMs: number): Promise<void> {
    this.#child.stdin?.write('stop\n');
    await this.#within(limitMs, this.#stopped, 'end its writers');
  }

  /** Has the readers read up to these offsets, those of each topic's partitions in turn, and ends. */
  async drain(offsets: readonly number[], limitMs: number): Promise<void> {
    this.#child.stdin?.write(`drain ${offsets.join(' ')}\n`);
    await this.#within(limitMs, this.#ended, 'end its readers');
    if (this.#child.exitCode !== 0) throw new ClientEnded(this.lastWords ?? 'it has ended');
  }

  history({ topic, mode }: Job): ClientHistory {
    const [writer, reader] = [this.#entries(topic, 'writer'), this.#entries(topic, 'reader')];
    return { topic, mode, sendsAgain: sendsAgain({ name: this.options.name, mode }), writer, reader };
  }

  end(): Promise<void> {
    return endProcess(this.#child, 0);
  }

  #entries(topic: string, role: string): Entry[] {
    return parseHistory(this.#text(topic, role));
  }

  #text(topic: string, role: string): string {
    const file = join(this.options.directory, `${topic}.${role}.jsonl`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async #within(limitMs: number, done: Promise<void>, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`did not ${what} within ${limitMs / 1000} s`), limitMs);
    });
    const problem = await Promise.race([
      done.then(() => null),
      late,
      this.#ended.then(() => (this.#child.exitCode === 0 ? null : 'ended')),
    ]);
    clearTimeout(timer);
    if (problem !== null) throw new ClientEnded(this.lastWords ?? `${this.options.name} ${problem}`);
  }
}
