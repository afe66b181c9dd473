/** The brokers of one cluster, whichever system they are of: started, killed, started again, stopped, watched. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { endedByItself, endProcess, hasEnded, type Workplace } from '../workplace.ts';

export interface RunningCluster {
  /** When the first of the processes was started. */
  readonly launchedMs: number;
  /** Resolves when a broker ends that nobody has told to. */
  readonly broken: Promise<Error>;
  pids(): number[];
  /** Where the partitions of each broker lie. */
  readonly logDirectories: readonly string[];
  kill(brokerId: number): Promise<void>;
  /** Starts a killed broker again. */
  restart(brokerId: number): void;
  stop(): Promise<void>;
}

interface BrokerProcess {
  readonly child: ChildProcess;
  told: boolean;
}

const STOP_LIMIT_MS = 30_000;

export class BrokerProcesses implements RunningCluster {
  readonly launchedMs: number;
  readonly broken: Promise<Error>;
  readonly logDirectories: readonly string[];
  readonly #workplace: Workplace;
  readonly #directory: string;
  readonly #commands = new Map<number, readonly string[]>();
  readonly #brokers = new Map<number, BrokerProcess>();
  #breaks: (error: Error) => void = () => {};

  /** `commandOf` writes what the broker will read into its directory and says how it is started. */
  constructor(
    workplace: Workplace,
    { directory, brokers }: { readonly directory: string; readonly brokers: number },
    commandOf: (id: number, home: string) => readonly string[],
  ) {
    this.#workplace = workplace;
    this.#directory = directory;
    this.broken = new Promise((resolve) => {
      this.#breaks = resolve;
    });
    const homes = Array.from({ length: brokers }, (_, index) => join(directory, `broker-${index + 1}`));
    this.logDirectories = homes.map(logDirectoryIn);
    for (const [index, home] of homes.entries()) {
      const id = index + 1;
      mkdirSync(home, { recursive: true });
      this.#commands.set(id, commandOf(id, home));
    }
    this.launchedMs = performance.now();
    for (const id of this.#commands.keys()) this.restart(id);
  }

  pids(): number[] {
    return this.#live().map(({ child }) => child.pid ?? -1);
  }

  async kill(brokerId: number): Promise<void> {
    const broker = this.#brokers.get(brokerId);
    if (broker === undefined) throw new Error(`there is no broker ${brokerId}`);
    broker.told = true;
    await endProcess(broker.child, 0);
  }

  restart(brokerId: number): void {
    const logFile = join(this.#directory, `broker-${brokerId}`, 'server.log');
    const child = this.#workplace.start(this.#commands.get(brokerId) ?? [], logFile);
    const broker: BrokerProcess = { child, told: false };
    this.#brokers.set(brokerId, broker);
    const facts = { name: `broker ${brokerId}`, logFile, told: () => broker.told };
    void endedByItself(child, facts).then((error) => this.#breaks(error));
  }

  async stop(): Promise<void> {
    const live = this.#live();
    for (const broker of live) broker.told = true;
    await Promise.all(live.map(({ child }) => endProcess(child, STOP_LIMIT_MS)));
  }

  #live(): BrokerProcess[] {
    return [...this.#brokers.values()].filter(({ child }) => !hasEnded(child));
  }
}

/** The one entry of log.dirs of a broker. */
export function logDirectoryIn(home: string): string {
  return join(home, 'data');
}
