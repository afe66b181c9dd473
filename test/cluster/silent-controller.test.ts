/**
 * A broker that starts while the controller stands still (SIGSTOP) and keeps its session: nobody tells it
 * of the cluster, and it must not tell its clients that their topics are gone.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { eventually } from '../support/eventually.ts';
import { activeController, type RealCluster, startRealCluster } from './real-cluster.ts';

const TOPIC = 'there-all-the-time';
let real: RealCluster;

beforeAll(async () => {
  real = await startRealCluster({
    brokers: 2,
    embedded: true,
    properties: {
      'zookeeper.session.timeout.ms': '60000',
      // It would wait for the controller.
      'controlled.shutdown.enable': 'false',
    },
  });
});

afterAll(() => real.close(), 60_000);

function connect(brokerId: number): Promise<KafkaConnection> {
  const { port } = real.cluster.broker(brokerId);
  const to = { host: '127.0.0.1', port, clientId: 'c', timeoutMs: 20_000 };
  return KafkaConnection.connect(systemPlatform().sockets, to);
}

async function topicOf(connection: KafkaConnection) {
  const request = { topics: [{ name: TOPIC }], allowAutoTopicCreation: true };
  return (await connection.request(Metadata, request)).topics[0];
}

async function produce(connection: KafkaConnection): Promise<number | undefined> {
  const records = buildBatch({ records: [{ timestampMs: 1, value: Buffer.from('x') }] });
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  const answer = await connection.request(Produce, { acks: 1, timeoutMs: 5000, topicData });
  return answer.responses[0]?.partitionResponses[0]?.errorCode;
}

it('a broker that nobody has told of the cluster asks its clients to come again, until somebody has', async () => {
  const controller = await activeController(real);
  const other = real.cluster.brokers.find(({ id }) => id !== controller)?.id ?? 0;
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 2, assignments: [], configs: [] }];
  const before = await connect(controller);
  expect((await before.request(CreateTopics, { timeoutMs: 10_000, topics })).topics[0]).toMatchObject({
    errorCode: ErrorCode.NONE,
  });
  before.close();

  real.cluster.broker(controller).child.pause();
  try {
    await real.cluster.broker(other).child.stop(60_000);
    await real.cluster.restart(other);
    const connection = await connect(other);
    expect(await topicOf(connection)).toMatchObject({
      errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
      partitions: [],
    });
    expect(await produce(connection)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const asked = { keyType: 0, coordinatorKeys: ['group'] };
    expect((await connection.request(FindCoordinator, asked)).coordinators[0]).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    });
    await expect(connection.request(Metadata, { topics: null })).rejects.toThrow(/closed/);
  } finally {
    real.cluster.broker(controller).child.resume();
  }

  const after = await connect(other);
  await eventually(
    'the broker knows the topic and its leader',
    async () => (await topicOf(after))?.errorCode === ErrorCode.NONE,
  );
  const leader = (await topicOf(after))?.partitions[0]?.leaderId ?? -1;
  after.close();
  const toLeader = await connect(leader);
  expect(await produce(toLeader)).toBe(ErrorCode.NONE);
  toLeader.close();
});
