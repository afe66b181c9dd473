/** Thousands of topics in one request, on a real broker and the embedded coordination server. */
import { expect, it } from 'vitest';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { startCluster } from './cluster.ts';

const TOPICS = 3000;
/** Many times what it takes, for machines that have other things to do. */
const LIMIT_MS = 240_000;

it(`${TOPICS} topics of one request all get a leader`, { timeout: LIMIT_MS }, async () => {
  const zookeeper = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 1000 });
  const cluster = await startCluster({
    brokers: 1,
    zookeeper: `127.0.0.1:${zookeeper.port}`,
    properties: { 'request.max.new.partitions': String(TOPICS) },
  });
  try {
    const [host = '', port] = cluster.bootstrapServers.split(':');
    const { sockets } = systemPlatform({ write: () => {}, metricLabels: {} });
    const address = { host, port: Number(port), clientId: 'operator', timeoutMs: 10_000 };
    const connection = await KafkaConnection.connect(sockets, address);
    const shape = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await connection.request(CreateTopics, {
      topics: Array.from({ length: TOPICS }, (_, index) => ({ name: `topic-${index}`, ...shape })),
      timeoutMs: LIMIT_MS,
      validateOnly: false,
    });
    connection.close();
    expect(topics.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
    const [broker] = cluster.brokers;
    const led = [...(broker?.inside.metadata.image.topics.values() ?? [])].filter(
      ({ partitions }) => partitions.get(0)?.leader === 1,
    );
    expect(led).toHaveLength(TOPICS);
  } finally {
    await cluster.close();
    await zookeeper.close();
  }
});
