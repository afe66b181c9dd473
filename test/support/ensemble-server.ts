/** One process of a real ZooKeeper ensemble (ensemble.ts), and what an administrator asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

const HOST = '127.0.0.1';
const QUORUM_DEADLINE_MS = 90_000;
const MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ServerOptions {
  /** From 1. */
  readonly number: number;
  /** Of its own, with its configuration, data, process id and log. */
  readonly home: string;
  readonly address: Address;
  /** The command with all flags, up to the class that is run. */
  readonly java: readonly string[];
  /** In a process group of its own: what is typed at the terminal is not for it. */
  readonly detached: boolean;
  /** It has ended, and nobody had asked it to. */
  readonly died: (how: string) => void;
}

export class Server {
  readonly #options: ServerOptions;
  #process: ChildProcess | undefined;
  #isWanted = false;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get number(): number {
    return this.#options.number;
  }

  get address(): Address {
    return this.#options.address;
  }

  /** -1: it has not been started yet. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get logFile(): string {
    return join(this.#options.home, 'log');
  }

  start(): void {
    const { home, java, detached, died } = this.#options;
    const log = openSync(this.logFile, 'a');
    const [program = '', ...argv] = java;
    const started = spawn(program, [...argv, MAIN, join(home, 'zoo.cfg')], {
      stdio: ['ignore', log, log],
      detached,
    });
    closeSync(log);
    this.#process = started;
    this.#isWanted = true;
    started.once('exit', (code, signal) => {
      if (started === this.#process && this.#isWanted) died(signal ?? `exit status ${code}`);
    });
    writeFileSync(join(home, 'pid'), `${started.pid}\n`);
  }

  async serves(): Promise<void> {
    const deadlineMs = performance.now() + QUORUM_DEADLINE_MS;
    while ((await modeOf(this.address)) === null) {
      if (!this.#isWanted) throw new Error(`ZooKeeper server ${this.number} was ended before it served`);
      if (performance.now() > deadlineMs) throw new Error(`no quorum; see ${this.logFile}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Asks it to end, and resolves when it has: at once for SIGKILL, which also reaches one that stands still. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isWanted = false;
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await exit;
    rmSync(join(this.#options.home, 'pid'), { force: true });
  }
}

/** `leader`, `follower` or `standalone`; null while the server does not serve. */
export async function modeOf({ host, port }: Address): Promise<string | null> {
  return /^Mode: (\w+)$/m.exec(await srvr(port, host))?.[1] ?? null;
}

/** Its three numbers; none when the server does not serve. */
export async function versionOf(port: number): Promise<readonly number[]> {
  return (/^Zookeeper version: (\d+)\.(\d+)\.(\d+)/m.exec(await srvr(port)) ?? []).slice(1).map(Number);
}

/** The answer to the administrator's word of that name; empty while the server does not serve. */
function srvr(port: number, host = HOST): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ host, port, timeout: 1_000 }, () => socket.write('srvr'));
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
