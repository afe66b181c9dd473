/** Apache's broker in the place of ours: on its port, with its id and properties, on its data or on a copy of them. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { eventually } from '../support/eventually.ts';
import { type ApacheBroker, startApacheProcess } from './apache-process.ts';
import type { InteropCluster } from './interop-cluster.ts';

const ZOOKEEPER_TIMEOUT_MS = 10_000;
const ID_TIMEOUT_MS = 30_000;
/** Kafka's own, longer than that of our brokers here: a JVM that starts on a busy machine is silent for seconds. */
const SESSION_TIMEOUT_MS = 18_000;

/** On the data of our broker 1, which has been stopped. */
export function startApacheInPlace(interop: InteropCluster, more = ''): Promise<ApacheBroker> {
  const { directory, port } = interop.cluster.broker(1);
  const ours = readFileSync(join(directory, 'server.properties'), 'utf8');
  const session = `zookeeper.session.timeout.ms=${SESSION_TIMEOUT_MS}`;
  const properties = `${ours}\n${session}\nlisteners=PLAINTEXT://127.0.0.1:${port}\n${more}`;
  return startApacheProcess({ brokerId: 1, directory: interop.directory, properties });
}

/** Copies the data of our broker 1, which is gone, and waits until ZooKeeper knows that too. */
export async function copyForApache(interop: InteropCluster): Promise<void> {
  cpSync(join(interop.cluster.broker(1).directory, 'data'), copyIn(interop), { recursive: true });
  const session = await zookeeperSource({
    connect: interop.cluster.zookeeperConnect,
    sessionTimeoutMs: ZOOKEEPER_TIMEOUT_MS,
    connectionTimeoutMs: ZOOKEEPER_TIMEOUT_MS,
    maxInFlightRequests: 1,
  }).open(ZOOKEEPER_TIMEOUT_MS);
  const isGone = async () => (await session.read('/brokers/ids/1')) === null;
  // Until then nobody may take its id.
  await eventually('the session of the broker is over', isGone, ID_TIMEOUT_MS).finally(() => session.close());
}

/** On the copy that {@link copyForApache} has made. */
export function startApacheOnCopy(interop: InteropCluster): Promise<ApacheBroker> {
  return startApacheInPlace(interop, `log.dirs=${copyIn(interop)}\n`);
}

/** To whichever broker is there. */
export async function withConnection<T>(
  interop: InteropCluster,
  work: (connection: KafkaConnection) => Promise<T>,
): Promise<T> {
  const connection = await interop.connect();
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

function copyIn(interop: InteropCluster): string {
  return join(interop.directory, 'kafkas-data');
}
