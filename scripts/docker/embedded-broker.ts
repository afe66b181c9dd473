/**
 * A container that is a cluster of its own: coordination and broker in one process, both durable on the
 * container's volume. It says what those who wait for a KRaft node look for in its log, when it is true.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runBroker } from '../../broker/main.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { UsageError } from '../cli/arguments.ts';
import { print } from '../cli/output.ts';
import { untilSignalled } from '../cluster/ending.ts';
import type { Shape } from './kraft-shape.ts';

/** In the container, where `odradek zk` finds it. */
export const EMBEDDED_CONNECT = '127.0.0.1:2181';
const PORT = 2181;
const TICK_MS = 100;
const MAX_SESSION_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** What `kafka-storage format` leaves beside the log directories. */
export const FORMATTED_FILE = 'cluster.id';

/** Runs until it is signalled; the exit status. */
export async function runEmbeddedBroker({ isKraft, properties }: Shape, clusterId: string): Promise<number> {
  const logDirectory = (properties.get('log.dirs') ?? properties.get('log.dir') ?? '').split(',')[0] ?? '';
  const home = dirname(logDirectory);
  const dataDir = join(home, 'zookeeper');
  say(
    isKraft
      ? 'KRaft settings are taken for one node in ZooKeeper mode, with the coordination in this process'
      : 'no ZooKeeper is named: a cluster of one node, with the coordination in this process',
  );
  mkdirSync(dataDir, { recursive: true });
  const asked = untilSignalled();
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: PORT,
    dataDir,
    tickMs: TICK_MS,
    maxSessionTimeoutMs: MAX_SESSION_TIMEOUT_MS,
    log: say,
    failed: () => process.exit(1),
  });
  try {
    await claimClusterId(clusterId === '' ? formattedAs(home) : clusterId);
    const overrides = { ...Object.fromEntries(properties), 'zookeeper.connect': EMBEDDED_CONNECT };
    const running = await runBroker('', { overrides, stop: asked });
    if (running.problem !== null) throw new UsageError(running.problem);
    if (!running.isRunning) return 0;
    if (isKraft) announce(properties.get('broker.id') ?? '');
    await asked;
    return await running.shutdown();
  } finally {
    await server.close();
  }
}

/** Two lines of a KRaft node's log, which test containers wait for. */
function announce(id: string): void {
  say(`[BrokerLifecycleManager id=${id}] The broker serves. Transitioning from RECOVERY to RUNNING.`);
  say(`[KafkaRaftServer nodeId=${id}] Kafka Server started`);
}

/** The cluster gets this id, unless it has one, which then must be this. */
async function claimClusterId(wanted: string): Promise<void> {
  if (wanted === '') return;
  const source = zookeeperSource({
    connect: EMBEDDED_CONNECT,
    sessionTimeoutMs: CONNECT_TIMEOUT_MS,
    connectionTimeoutMs: CONNECT_TIMEOUT_MS,
    maxInFlightRequests: 1,
  });
  const coordinator = await source.open(CONNECT_TIMEOUT_MS);
  try {
    const clusterId = await new ClusterStore(coordinator).getOrCreateClusterId(wanted);
    if (clusterId !== wanted)
      throw new UsageError(`the data here is of cluster ${clusterId}, and CLUSTER_ID is ${wanted}`);
  } finally {
    await coordinator.close();
  }
}

function formattedAs(home: string): string {
  try {
    return readFileSync(join(home, FORMATTED_FILE), 'utf8').trim();
  } catch {
    return '';
  }
}

function say(line: string): void {
  print(line).catch(() => {});
}
