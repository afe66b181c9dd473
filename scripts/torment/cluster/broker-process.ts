/** A broker of a run: a process that is started, ended, killed and stopped, on one directory and one address. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, hasEnded, lastLines, type Workplace } from '../../benchmark/workplace.ts';
import { COMMAND_LINE } from '../../cluster/program.ts';
import type { Place } from './network.ts';

const STOP_LIMIT_MS = 40_000;

interface BrokerSettings {
  readonly id: number;
  readonly home: string;
  readonly place: Place;
  readonly port: number;
  readonly properties: Readonly<Record<string, string>>;
  /** What is run with the name of a properties file at the end; left out: Odradek's broker. */
  readonly program?: readonly string[];
}

const OWN_PROGRAM = [
  process.execPath,
  '--disable-warning=TimeoutNegativeWarning',
  COMMAND_LINE,
  'broker',
  '--config',
];

export class BrokerProcess {
  readonly id: number;
  readonly home: string;
  /** `host:port`, for clients. */
  readonly address: string;
  /** How it has ended though nobody had told it to; null while it has not. */
  died: string | null = null;
  readonly #workplace: Workplace;
  readonly #command: readonly string[];
  #child: ChildProcess | null = null;
  #isWanted = false;
  #isPaused = false;

  constructor(workplace: Workplace, settings: BrokerSettings) {
    const { id, home, place, port, properties, program = OWN_PROGRAM } = settings;
    this.#workplace = workplace;
    this.id = id;
    this.home = home;
    this.address = `${place.host}:${port}`;
    mkdirSync(home, { recursive: true });
    const all = {
      'broker.id': String(id),
      listeners: `PLAINTEXT://${this.address}`,
      'log.dirs': join(home, 'data'),
      ...properties,
    };
    const file = join(home, 'server.properties');
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(''), { mode: 0o600 });
    this.#command = [...place.command, ...program, file];
  }

  get logFile(): string {
    return join(this.home, 'server.log');
  }

  get isRunning(): boolean {
    return this.#child !== null && !hasEnded(this.#child);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(): void {
    const child = this.#workplace.start(this.#command, this.logFile);
    this.#child = child;
    this.#isWanted = true;
    child.once('exit', (code, signal) => {
      if (child === this.#child && this.#isWanted)
        this.died = `broker ${this.id} ended with ${signal ?? `exit status ${code}`}: ${lastLines(this.logFile, 3)}`;
    });
  }

  /** SIGTERM: an orderly end. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    if (this.#child !== null) await endProcess(this.#child, STOP_LIMIT_MS);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    this.#isPaused = false;
    if (this.#child !== null) await endProcess(this.#child, 0);
  }

  /** SIGSTOP: it holds its connections, and does nothing. */
  pause(): void {
    this.#isPaused = true;
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#isPaused = false;
    this.#child?.kill('SIGCONT');
  }
}
