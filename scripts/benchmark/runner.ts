/**
 * Runs cases in rounds, A B A B: for each group of cases a cluster of one system, then of the other. A case
 * that fails is named and leaves the others their chance; nothing that it has started outlives it.
 */
import type { BenchmarkCase, LatencyClient, LoneCase, Stage, StagedCase, Values } from './case.ts';
import { warmUp } from './cases/traffic.ts';
import type { Plan } from './plan.ts';
import { startFacts } from './systems/cluster-start.ts';
import { cpuSeconds, peakMib } from './systems/process-facts.ts';
import type { ServerLogins } from './systems/server-logins.ts';
import type { ServerTls } from './systems/server-tls.ts';
import { freePortRange, SESSION_TIMEOUT_MS, type System } from './systems/systems.ts';
import { pause, Wire } from './systems/wire.ts';
import type { ZooKeeperServer } from './systems/zookeeper-server.ts';
import type { Workplace } from './workplace.ts';

interface RunOptions {
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly plan: Plan;
  readonly clients: Stage['clients'];
  readonly latencyClient: LatencyClient | null;
  /** Starts the coordination service of one cluster, of the same kind for both systems. */
  readonly zookeeper: () => Promise<ZooKeeperServer>;
  readonly workplace: Workplace;
  readonly progress: (message: string) => void;
}

interface Reading {
  readonly case: string;
  readonly system: string;
  readonly round: number;
  readonly values: Values;
}

interface Failure {
  readonly case: string;
  readonly system: string;
  readonly round: number;
  readonly message: string;
}

export interface Outcome {
  readonly readings: readonly Reading[];
  readonly failures: readonly Failure[];
}

/** How long the end of a process may take to be heard of after what it has broken. */
const HEARSAY_MS = 200;

export async function runCases(
  cases: readonly BenchmarkCase[],
  systems: readonly System[],
  options: RunOptions,
): Promise<Outcome> {
  const run = new Run(options, cases.length * systems.length * options.rounds);
  const groups = Map.groupBy(cases, (each) => each.group);
  for (let round = 1; round <= options.rounds; round++) {
    for (const [group, members] of groups) {
      for (const system of systems) {
        options.workplace.checkOpen();
        options.progress(`round ${round} of ${options.rounds}, ${group}, ${system.name}`);
        await run.group(members, system, round);
      }
    }
  }
  return run;
}

class Run implements Outcome {
  readonly readings: Reading[] = [];
  readonly failures: Failure[] = [];
  readonly #options: RunOptions;
  readonly #total: number;
  #begun = 0;

  constructor(options: RunOptions, total: number) {
    this.#options = options;
    this.#total = total;
  }

  /** A group shares a cluster, but for the cases that start their own. */
  async group(cases: readonly BenchmarkCase[], system: System, round: number): Promise<void> {
    for (const each of cases) if ('alone' in each) await this.#alone(each, system, round);
    const staged = cases.filter((each) => 'run' in each);
    if (staged.length === 0) return;
    const left = new Set(staged);
    try {
      await onStage(staged, system, this.#options, async (stage, broken) => {
        for (const each of staged) {
          left.delete(each);
          const broke = await this.#measure(each, system, round, () => whileWhole(each.run(stage), broken));
          if (broke !== null) throw new Error(`not run: ${broke.message}`);
        }
      });
    } catch (error) {
      // The cluster did not come up, or has broken: what is left of the group can't be measured.
      for (const each of left) await this.#measure(each, system, round, () => Promise.reject(error));
    }
  }

  async #alone(each: LoneCase, system: System, round: number): Promise<void> {
    const { workplace } = this.#options;
    await this.#measure(each, system, round, () => each.alone({ system, workplace }));
  }

  /** Notes what came out; resolves to an error only when the cluster can't be used any more. */
  async #measure(
    each: BenchmarkCase,
    system: System,
    round: number,
    values: () => Promise<Values | null>,
  ): Promise<ClusterBroken | null> {
    const { workplace, progress } = this.#options;
    const place = `  [${++this.#begun} of ${this.#total}] ${each.name}`;
    try {
      const found = await values();
      if (found === null) {
        progress(`${place}: not with ${system.name}`);
        return null;
      }
      const wrong = Object.keys(each.metrics).find((key) => !Number.isFinite(found[key]));
      if (wrong !== undefined) throw new Error(`${each.metrics[wrong]?.name} is not a number`);
      this.readings.push({ case: each.name, system: system.name, round, values: found });
      progress(`${place}: ${spoken(each, found)}`);
      return null;
    } catch (error) {
      workplace.checkOpen();
      await workplace.endClients();
      const message = error instanceof Error ? error.message : String(error);
      progress(`${place}: FAILED: ${message}`);
      this.failures.push({ case: each.name, system: system.name, round, message });
      return error instanceof ClusterBroken ? error : null;
    }
  }
}

class ClusterBroken extends Error {
  override readonly name = 'ClusterBroken';
}

/** The values of a case, unless a process of the cluster ends meanwhile: then that is the reason. */
async function whileWhole<T>(values: Promise<T>, broken: Promise<Error>): Promise<T> {
  const breaks = broken.then((error) => {
    throw new ClusterBroken(error.message);
  });
  try {
    return await Promise.race([values, breaks]);
  } catch (error) {
    if (error instanceof ClusterBroken) throw error;
    await Promise.race([breaks, pause(HEARSAY_MS)]);
    throw error;
  }
}

/** A cluster and its coordination service around `use`; both are gone when this ends, however it ends. */
async function onStage(
  cases: readonly StagedCase[],
  system: System,
  options: RunOptions,
  use: (stage: Stage, broken: Promise<Error>) => Promise<void>,
): Promise<void> {
  const { workplace, clients, latencyClient, plan, progress } = options;
  const [first] = cases;
  if (first === undefined) return;
  const { brokers, sessionTimeoutMs = SESSION_TIMEOUT_MS, properties = {} } = first;
  const withIdle = cases.some(({ idle }) => idle === true);
  const zookeeper = await options.zookeeper();
  try {
    // The second half is for second listeners.
    const basePort = await freePortRange(2 * brokers);
    const directory = workplace.folder('cluster');
    const ports = Array.from({ length: brokers }, (_, index) => basePort + index);
    const wire = new Wire(ports);
    const tls = first.tls === true ? await serverTls(directory) : null;
    const logins = first.users === undefined ? null : await serverLogins(first.users);
    const second = addresses(ports.map((port) => port + brokers));
    const settings = {
      ...{ brokers, basePort, directory, sessionTimeoutMs, properties, second: tls ?? logins },
      zookeeper: zookeeper.connect,
    };
    const cluster = system.launch(settings);
    const broken = Promise.race([cluster.broken, zookeeper.broken]);
    try {
      const started = await startFacts(cluster, wire, { broken, withIdle });
      const stage: Stage = {
        ...{ system: system.name, brokers, cluster, wire, started, sessionTimeoutMs },
        ...{ clients, latencyClient, plan, progress },
        bootstrapServers: addresses(ports),
        tls: tls && { clientConfigs: tls.clientConfigs, bootstrapServers: second },
        logins: accessByUser(logins, second),
        run: (command, limitMs) => workplace.run(command, limitMs),
        brokerCpuSeconds: () => cpuSeconds(cluster.pids()),
        peakMib: () => peakMib(cluster.pids()),
      };
      // What is measured after a failure is a start, cold as it is.
      if (first.sessionTimeoutMs === undefined)
        await whileWhole(warmUp(stage, options.warmUpSeconds), broken);
      await use(stage, broken);
    } finally {
      wire.close();
      await cluster.stop();
    }
  } finally {
    await zookeeper.stop();
  }
}

/** What makes certificates is loaded by those who need some. */
async function serverTls(directory: string): Promise<ServerTls> {
  const { makeServerTls } = await import('./systems/server-tls.ts');
  return makeServerTls(directory);
}

async function serverLogins(users: readonly string[]): Promise<ServerLogins> {
  const { makeServerLogins } = await import('./systems/server-logins.ts');
  return makeServerLogins(users);
}

function accessByUser(logins: ServerLogins | null, bootstrapServers: string): Stage['logins'] {
  return Object.fromEntries(
    Object.entries(logins?.clientConfigs ?? {}).map(([user, clientConfigs]) => [
      user,
      { bootstrapServers, clientConfigs },
    ]),
  );
}

function addresses(ports: readonly number[]): string {
  return ports.map((port) => `127.0.0.1:${port}`).join(',');
}

function spoken(each: BenchmarkCase, values: Values): string {
  return Object.entries(each.metrics)
    .map(([key, { name, unit }]) => `${name} ${rounded(values[key] ?? Number.NaN)} ${unit}`)
    .join(', ');
}

/** Three digits that mean something. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
