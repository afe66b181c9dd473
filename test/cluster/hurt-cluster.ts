/** A cluster of real processes whose brokers can be hurt over HTTP, and a plain client of each. */
import { ErrorCode } from '../../broker/errors.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { type BrokerFaults, faultsAt } from '../kit/http/fault-client.ts';
import { eventually } from '../support/eventually.ts';
import { activeController, type RealCluster, startRealCluster } from './real-cluster.ts';

/** Replicas of a topic's only partition, its first leader first, and its configs. */
interface TopicShape {
  readonly replicas: readonly number[];
  readonly configs?: Readonly<Record<string, string>>;
}

/** The only partition of a topic, as one broker knows it. */
interface KnownPartition {
  /** -1: none is known. */
  readonly leader: number;
  readonly inSync: readonly number[];
}

interface Produced {
  readonly errorCode: ErrorCode;
  /** -1 unless the topic stamps its records. */
  readonly logAppendTimeMs: number;
}

export interface HurtCluster extends RealCluster {
  faults(brokerId: number): BrokerFaults;
  /** `http://…/faults` of a broker. */
  url(brokerId: number): string;
  /** Resolves when its leader leads, and knows that all replicas are in sync. */
  createTopic(name: string, shape: TopicShape): Promise<void>;
  /** One record with acks=1; rejects with the connection. */
  produce(brokerId: number, topic: string, valueBytes?: number): Promise<Produced>;
  /** What a broker tells clients of a topic. */
  partition(brokerId: number, topic: string): Promise<KnownPartition>;
  /** The error of a fetch from the beginning, which only the leader answers. */
  fetchError(brokerId: number, topic: string): Promise<ErrorCode>;
  /** The id of the newest event of a broker, for `event`. */
  lastEvent(brokerId: number): number;
}

const TIMEOUT_MS = 30_000;
/** Whoever starts three brokers on a busy machine of two cores has to wait. */
const START_TIMEOUT_MS = 90_000;

export async function startHurtCluster(
  options: Parameters<typeof startRealCluster>[0],
): Promise<HurtCluster> {
  const properties = { 'fault.api.enable': 'true', ...options.properties };
  const real = await startRealCluster({ startTimeoutMs: START_TIMEOUT_MS, ...options, properties });
  const address = (brokerId: number) => `http://127.0.0.1:${real.cluster.broker(brokerId).peerPort}`;
  const { sockets } = systemPlatform({ write: () => {} });
  async function withConnection<T>(
    brokerId: number,
    act: (connection: KafkaConnection) => Promise<T>,
  ): Promise<T> {
    const { port } = real.cluster.broker(brokerId);
    const to = { host: '127.0.0.1', port, clientId: 'hurt', timeoutMs: TIMEOUT_MS };
    const connection = await KafkaConnection.connect(sockets, to);
    try {
      return await act(connection);
    } finally {
      connection.close();
    }
  }
  const produce: HurtCluster['produce'] = (brokerId, topic, valueBytes = 1) =>
    withConnection(brokerId, async (connection) => {
      const records = buildBatch({ records: [{ timestampMs: 1, value: Buffer.alloc(valueBytes) }] });
      const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
      const answer = await connection.request(Produce, { acks: 1, timeoutMs: TIMEOUT_MS, topicData });
      const [one] = answer.responses[0]?.partitionResponses ?? [];
      return {
        errorCode: (one?.errorCode ?? -1) as ErrorCode,
        logAppendTimeMs: Number(one?.logAppendTimeMs ?? -1),
      };
    });
  const fetchError: HurtCluster['fetchError'] = (brokerId, topic) =>
    withConnection(brokerId, async (connection) => {
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
      const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1000, topics: [{ topic, partitions }] };
      // The highest version in which followers answer nobody.
      const answer = await connection.request(Fetch, request, 10);
      return (answer.responses[0]?.partitions[0]?.errorCode ?? answer.errorCode ?? -1) as ErrorCode;
    });
  const partition: HurtCluster['partition'] = (brokerId, topic) =>
    withConnection(brokerId, async (connection) => {
      const topics = [{ name: topic }];
      const answer = await connection.request(Metadata, { topics, allowAutoTopicCreation: false }, 9);
      const [one] = answer.topics[0]?.partitions ?? [];
      return { leader: one?.leaderId ?? -1, inSync: one?.isrNodes ?? [] };
    });
  return {
    ...real,
    produce,
    fetchError,
    partition,
    faults: (brokerId) => faultsAt(address(brokerId)),
    url: (brokerId) => `${address(brokerId)}/faults`,
    lastEvent: (brokerId) => real.cluster.broker(brokerId).child.events.lastId,
    async createTopic(name, { replicas, configs = {} }) {
      const topic = {
        ...{ name, numPartitions: -1, replicationFactor: -1 },
        assignments: [{ partitionIndex: 0, brokerIds: [...replicas] }],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      };
      const request = { topics: [topic], timeoutMs: TIMEOUT_MS };
      const [leader = 0] = replicas;
      // A broker that has just come may not be known to the controller yet, or have to catch up first.
      await eventually(
        `${name} is there, led by ${leader}, with ${replicas.join(', ')} in sync`,
        async () => {
          const controller = await activeController(real);
          await withConnection(controller, (connection) => connection.request(CreateTopics, request));
          const known = await partition(leader, name);
          const isAsWanted = known.leader === leader && known.inSync.length === replicas.length;
          return isAsWanted && (await fetchError(leader, name)) === ErrorCode.NONE;
        },
      );
    },
  };
}
