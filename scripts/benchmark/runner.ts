/**
 * Runs cases in rounds: for each group of cases a cluster of one system, then of the other, then again.
 * The order is turned round by round, so that neither always runs on a machine that the other has warmed.
 */
import type { BenchmarkCase, ClientName, LatencyClient, LoadClient, Stage, StartFacts } from './case.ts';
import { cpuSeconds, peakMib, residentMib } from './process-facts.ts';
import { type ClusterSettings, freePortRange, type RunningCluster, type System } from './systems.ts';
import { warmUp } from './throughput-cases.ts';
import { pause, until, Wire } from './wire.ts';
import type { Workplace } from './workplace.ts';

export interface RunOptions {
  readonly rounds: number;
  readonly share: number;
  readonly givenRecords: number | null;
  /** How long each case should take; null: as many records as it usually sends. */
  readonly seconds: number | null;
  readonly warmUpSeconds: number;
  readonly recordSizeBytes: number | null;
  readonly clients: Readonly<Partial<Record<ClientName, LoadClient>>>;
  readonly latencyClient: LatencyClient | null;
  /** Starts a ZooKeeper server for one cluster; null: Odradek's embedded one. */
  readonly zookeeper: (() => Promise<{ readonly connect: string; stop(): Promise<void> }>) | null;
  readonly workplace: Workplace;
  /** Records per second of each case's first run, so that both systems get the same number. */
  readonly rates: Map<string, number>;
  readonly progress: (message: string) => void;
}

export interface Reading {
  readonly case: string;
  readonly system: string;
  readonly round: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface Failure {
  readonly case: string;
  readonly system: string;
  readonly round: number;
  readonly message: string;
}

export interface Outcome {
  readonly readings: readonly Reading[];
  readonly failures: readonly Failure[];
}

const SESSION_TIMEOUT_MS = 18_000;
const START_LIMIT_MS = 60_000;
const SETTLE_MS = 1500;
const IDLE_MS = 2000;

export async function runCases(
  cases: readonly BenchmarkCase[],
  systems: readonly System[],
  options: RunOptions,
): Promise<Outcome> {
  const readings: Reading[] = [];
  const failures: Failure[] = [];
  const groups = Map.groupBy(cases, (each) => each.group);
  for (let round = 1; round <= options.rounds; round++) {
    for (const members of groups.values()) {
      const order = round % 2 === 1 ? systems : systems.toReversed();
      for (const system of order) {
        const outcome = await runGroup(members, system, round, options);
        readings.push(...outcome.readings);
        failures.push(...outcome.failures);
      }
    }
  }
  return { readings, failures };
}

/** All cases of a group on one cluster. A case that fails leaves the others of its group their chance. */
async function runGroup(
  cases: readonly BenchmarkCase[],
  system: System,
  round: number,
  options: RunOptions,
): Promise<Outcome> {
  const [first] = cases;
  const readings: Reading[] = [];
  const failures: Failure[] = [];
  if (first === undefined) return { readings, failures };
  let running = 'start';
  const failed = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    options.progress(`  ${running}: FAILED: ${message}`);
    failures.push({ case: running, system: system.name, round, message });
  };
  options.progress(`round ${round} of ${options.rounds}, ${first.group}, ${system.name}`);
  const zookeeper = await options.zookeeper?.();
  try {
    const stage = await openStage(first, system, zookeeper?.connect ?? null, options);
    try {
      for (const each of cases) {
        running = each.name;
        try {
          const values = await each.run(stage);
          readings.push({ case: each.name, system: system.name, round, values });
          options.progress(`  ${each.name}: ${spoken(each, values)}`);
        } catch (error) {
          failed(error);
        }
      }
    } finally {
      running = `end of ${cases.at(-1)?.name ?? 'the group'}`;
      stage.wire.close();
      await stage.cluster.stop();
    }
  } catch (error) {
    failed(error);
  } finally {
    await zookeeper?.stop();
  }
  return { readings, failures };
}

async function openStage(
  first: BenchmarkCase,
  system: System,
  zookeeper: string | null,
  options: RunOptions,
): Promise<Stage> {
  const { brokers } = first;
  const basePort = await freePortRange(brokers);
  const sessionTimeoutMs = first.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
  const directory = options.workplace.folder('cluster');
  const properties = {};
  const ports = Array.from({ length: brokers }, (_, index) => basePort + index);
  const wire = new Wire(ports);
  const settings = { brokers, basePort, directory, zookeeper, sessionTimeoutMs, properties };
  const { cluster, started } = await startCluster(system, settings, wire);
  const { givenRecords, recordSizeBytes, clients, latencyClient, share, progress, seconds } = options;
  const stage: Stage = {
    ...{ system: system.name, brokers, cluster, wire, started, sessionTimeoutMs },
    ...{ givenRecords, recordSizeBytes, clients, latencyClient, share, progress, seconds },
    rates: options.rates,
    bootstrapServers: ports.map((port) => `127.0.0.1:${port}`).join(','),
    brokerCpuSeconds: () => cpuSeconds(cluster.pids()),
    peakMib: () => peakMib(cluster.pids()),
  };
  try {
    // What is measured after a failure is a start, cold as it is.
    if (first.sessionTimeoutMs === undefined) await warmUp(stage, options.warmUpSeconds);
    return stage;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function startCluster(
  system: System,
  settings: ClusterSettings,
  wire: Wire,
): Promise<{ cluster: RunningCluster; started: StartFacts }> {
  const startMs = performance.now();
  const starting = system.start(settings);
  // A start that fails is told apart below; nobody may call the rejection unhandled until then.
  starting.catch(() => {});
  const acknowledged = until(
    START_LIMIT_MS,
    'the first acknowledged record',
    async () => (await wire.acknowledged('bench-first', new Set([0]))).length === 1,
    5,
  );
  const cluster = await starting;
  try {
    await acknowledged;
    const firstAcknowledgedMs = performance.now() - startMs;
    await pause(SETTLE_MS);
    const cpuBefore = cpuSeconds(cluster.pids());
    const idleFromMs = performance.now();
    await pause(IDLE_MS);
    const idleCpuMs = ((cpuSeconds(cluster.pids()) - cpuBefore) * 1e6) / (performance.now() - idleFromMs);
    return { cluster, started: { firstAcknowledgedMs, idleMib: residentMib(cluster.pids()), idleCpuMs } };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function spoken(each: BenchmarkCase, values: Readonly<Record<string, number>>): string {
  return Object.entries(each.metrics)
    .map(([key, { name, unit }]) => `${name} ${rounded(values[key] ?? Number.NaN)} ${unit}`)
    .join(', ');
}

/** Three digits that mean something. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '?';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
