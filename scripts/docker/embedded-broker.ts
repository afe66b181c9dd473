/**
 * A container that is a cluster of its own: coordination and broker in one process, both durable on the
 * container's volume. It says what those who wait for a KRaft node look for in its log, when it is true.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runBroker } from '../../broker/main.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { ensurePaths } from '../../coordinator-client/stores/paths.ts';
import { configZnode, sanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { UsageError } from '../cli/arguments.ts';
import { print } from '../cli/output.ts';
import { untilSignalled } from '../cluster/ending.ts';
import { EMBEDDED_CONNECT, type Shape } from './kraft-shape.ts';
import {
  type FormattedUsers,
  forgetFormattedUsers,
  formattedClusterId,
  formattedHome,
  formattedUsers,
} from './tools/formatted.ts';

const PORT = 2181;
const TICK_MS = 100;
const MAX_SESSION_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** Runs until it is signalled; the exit status. */
export async function runEmbeddedBroker({ isKraft, properties }: Shape, clusterId: string): Promise<number> {
  const home = formattedHome(properties);
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
    await prepareTree(home, clusterId === '' ? formattedClusterId(home) : clusterId);
    const running = await runBroker('', { overrides: Object.fromEntries(properties), stop: asked });
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

/** With what the container was formatted with: an id, and users who can log in before anybody could add them. */
async function prepareTree(home: string, clusterId: string): Promise<void> {
  const users = formattedUsers(home);
  if (clusterId === '' && Object.keys(users).length === 0) return;
  const source = zookeeperSource({
    connect: EMBEDDED_CONNECT,
    sessionTimeoutMs: CONNECT_TIMEOUT_MS,
    connectionTimeoutMs: CONNECT_TIMEOUT_MS,
    maxInFlightRequests: 1,
  });
  const coordinator = await source.open(CONNECT_TIMEOUT_MS);
  try {
    if (clusterId !== '') await claimClusterId(coordinator, clusterId);
    await addUsers(coordinator, users);
    forgetFormattedUsers(home);
  } finally {
    await coordinator.close();
  }
}

/** The cluster gets this id, unless it has one, which then must be this. */
async function claimClusterId(coordinator: Coordinator, wanted: string): Promise<void> {
  const clusterId = await new ClusterStore(coordinator).getOrCreateClusterId(wanted);
  if (clusterId !== wanted)
    throw new UsageError(`the data here is of cluster ${clusterId}, and CLUSTER_ID is ${wanted}`);
}

/** Who is there already stays as he is. */
async function addUsers(coordinator: Coordinator, users: FormattedUsers): Promise<void> {
  await ensurePaths(coordinator, [configZnode.typePath('users')]);
  for (const [name, credentials] of Object.entries(users)) {
    const path = configZnode.path('users', sanitize(name));
    const data = configZnode.encode(new Map(Object.entries(credentials)), null);
    const stored = await coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
    if (!stored.ok && stored.reason !== 'exists')
      throw new Error(`user ${name} could not be stored: ${stored.reason}`);
  }
}

function say(line: string): void {
  print(line).catch(() => {});
}
