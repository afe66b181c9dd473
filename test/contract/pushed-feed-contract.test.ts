/** The contract of metadata feeds on requests that a controller pushes, with offices as ZooKeeper has them. */
import { ControllerEpochs } from '../../broker/metadata/controller-epochs.ts';
import type { MetadataDelta, ReplicaDelta, ReplicaState } from '../../broker/metadata/delta.ts';
import { PushedFeed } from '../../broker/node/pushed-feed.ts';
import type {
  LeaderAndIsrRequest,
  StopReplicaRequest,
  TopicIds,
  UpdateMetadataRequest,
  UpdatePartitionMessage,
} from '../../broker/peers/messages.ts';
import { silent } from '../../broker/platform/diagnostics.ts';
import { LEADER_DURING_DELETE, NO_EPOCH } from '../../broker/types.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { LISTENER, type MakeFeedBench, type Said } from './feed-bench.ts';
import { metadataFeedContract } from './metadata-feed-contract.ts';

const OPEN_TIMEOUT_MS = 100;

type Order = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest;
type Head = Pick<Order, 'controllerId' | 'controllerEpoch' | 'brokerEpoch'>;
type Handler = (request: Order, from: number) => unknown;

const makeBench: MakeFeedBench = async ({ world, fence }) => {
  const session = (): Promise<Coordinator> => world.source({ delayMs: 1 }).open(OPEN_TIMEOUT_MS);
  const store = new ClusterStore(await session());
  await store.ensureTopLevelPaths();
  const handlers = new Map<string, Handler>();
  const feed = new PushedFeed({
    brokerId: LISTENER,
    peers: { handle: (type, handler) => handlers.set(type, handler as Handler) },
    fence,
    epochs: new ControllerEpochs(() => store),
    diagnostics: silent,
    journal: world.platform().journal,
  });
  let inOffice: Coordinator | null = null;
  /** What each controller has under way: it sends one request at a time. */
  const underWay = new Map<number, Promise<unknown>>();
  return {
    feed,
    elect: async (controllerId) => {
      await inOffice?.close();
      inOffice = await session();
      const elected = await new ClusterStore(inOffice).electController(controllerId, world.clock.wallMs());
      if (!elected.won) throw new Error('not elected');
      return { controllerId, controllerEpoch: elected.epoch };
    },
    say: async (office, said) => {
      for (const request of ordersOf({ brokerEpoch: said.brokerEpoch ?? NO_EPOCH, ...office }, said)) {
        const before = underWay.get(office.controllerId) ?? Promise.resolve();
        const answered = before.then(() => handlers.get(request.type)?.(request, office.controllerId));
        underWay.set(office.controllerId, answered);
      }
      await underWay.get(office.controllerId);
    },
  };
};

/** In the order in which a new controller speaks: the live brokers before those who are to follow them. */
function ordersOf(head: Head, { metadata, replicas }: Said): Order[] {
  const orders: Order[] = [];
  if (metadata !== undefined) orders.push(updateMetadata(head, metadata));
  if (replicas === undefined) return orders;
  const { lead, follow, stop } = replicas;
  if (lead.length + follow.length > 0) orders.push(leaderAndIsr(head, replicas));
  if (stop.length > 0) orders.push({ type: 'StopReplica', ...head, partitions: stop });
  return orders;
}

function updateMetadata(head: Head, { brokers, topics, onlyTopics }: MetadataDelta): UpdateMetadataRequest {
  const partitions: UpdatePartitionMessage[] = [];
  for (const [topic, { changed, removed }] of topics) {
    for (const image of changed) partitions.push({ topic, ...image });
    for (const { partition, replicas } of removed) {
      const gone = { controllerEpoch: head.controllerEpoch, leader: LEADER_DURING_DELETE, leaderEpoch: 0 };
      partitions.push({
        topic,
        partition,
        ...gone,
        isr: [],
        partitionEpoch: 0,
        replicas,
        offlineReplicas: [],
      });
    }
  }
  const topicIds = idsOf([...topics].map(([topic, { topicId }]) => ({ topic, topicId })));
  const request = { type: 'UpdateMetadata', ...head, topicIds, partitions, liveBrokers: brokers } as const;
  return onlyTopics === null ? request : { ...request, onlyTopics: [...onlyTopics] };
}

function leaderAndIsr(head: Head, { lead, follow }: ReplicaDelta): LeaderAndIsrRequest {
  const states = [...lead, ...follow];
  const partitions = states.map(({ topicId: _, ...state }) => ({ ...state, leaderRecoveryState: 0 }));
  return { type: 'LeaderAndIsr', ...head, topicIds: idsOf(states), partitions };
}

function idsOf(topics: readonly Pick<ReplicaState, 'topic' | 'topicId'>[]): TopicIds {
  return topics.flatMap(({ topic, topicId }) => (topicId === null ? [] : [[topic, topicId] as const]));
}

metadataFeedContract('LeaderAndIsr, UpdateMetadata and StopReplica', makeBench, { addressed: true });
