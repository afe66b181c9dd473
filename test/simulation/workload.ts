/** The clients of one run: four kinds of producers, consumers of a group, an operator. */
import type { Clock } from '../../broker/platform/clock.ts';
import { GROUP_METADATA_TOPIC } from '../../broker/types.ts';
import { partitionStateZnode } from '../../coordinator-client/znodes/znodes.ts';
import { ClusterClient } from './cluster-client.ts';
import type { History } from './history.ts';
import { COMPACTED_TOPIC, UNCLEAN_TOPIC } from './log-rules.ts';
import { SimulatedAdmin } from './simulated-admin.ts';
import { CLIENT_PORT, type SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedConsumer } from './simulated-consumer.ts';
import { SimulatedMember } from './simulated-member.ts';
import { SimulatedProducer } from './simulated-producer.ts';

export const TOPIC = 'orders';
export const PARTITIONS = 2;
/** Whose old records go while new ones come. */
const SHORT_LIVED_TOPIC = 'readings';
const SHORT_LIVED = { 'segment.bytes': '2048', 'retention.bytes': '6000', 'retention.ms': '8000' };
const GROUP = 'readers';
const TEAM = 'team';
const MEMBERS = 3;
const REQUEST_TIMEOUT_MS = 2500;
/**
 * So many times as long as below producers pause in a run, by its seed. Where little is written other things
 * happen (followers with nothing to fetch, segments that hardly roll), and a run costs a fraction of the time.
 */
const PACES = [1, 3, 8];

const PRODUCERS = [
  { name: 'idempotent', acks: -1, inFlight: 1, idempotent: true, pauseMs: 150 },
  { name: 'pipelined', acks: -1, inFlight: 3, idempotent: true, pauseMs: 90 },
  { name: 'careful', acks: -1, inFlight: 1, idempotent: false, pauseMs: 150 },
  { name: 'hasty', acks: 1, inFlight: 1, idempotent: false, pauseMs: 200 },
] as const;

/** What a run has besides. */
export interface Extras {
  readonly compaction?: boolean;
  readonly unclean?: boolean;
}

interface Extra {
  readonly topic: string;
  readonly configs: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly writing: { readonly keys?: number; readonly mayLose?: boolean };
}

const COMPACTED: Extra = {
  topic: COMPACTED_TOPIC,
  configs: {
    'cleanup.policy': 'compact',
    'segment.bytes': '2048',
    'min.cleanable.dirty.ratio': '0.1',
    'delete.retention.ms': '0',
  },
  replicas: 3,
  writing: { keys: 7 },
};
/** Two replicas, one of which is enough: when that one dies the other may be behind. */
const UNCLEAN: Extra = {
  topic: UNCLEAN_TOPIC,
  configs: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
  replicas: 2,
  writing: { mayLose: true },
};

export class Workload {
  readonly producers: readonly SimulatedProducer[];
  readonly consumers: readonly SimulatedConsumer[];
  readonly members: readonly SimulatedMember[];
  readonly admin: SimulatedAdmin;
  readonly client: ClusterClient;

  readonly #extras: readonly Extra[];

  constructor(cluster: SimulatedCluster, history: History, extras: Extras = {}) {
    this.#extras = [
      ...(extras.compaction === true ? [COMPACTED] : []),
      ...(extras.unclean === true ? [UNCLEAN] : []),
    ];
    this.client = newClient(cluster, cluster.clock, 'workload');
    const { client } = this;
    const pace = PACES[cluster.fork().int(PACES.length)] ?? 1;
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const places = [
      ...partitions.map((partition) => ({ topic: TOPIC, partition, kinds: PRODUCERS })),
      { topic: SHORT_LIVED_TOPIC, partition: 0, kinds: PRODUCERS.slice(0, 1) },
      ...this.#extras.map(({ topic, writing }) => ({ topic, partition: 0, kinds: PRODUCERS, ...writing })),
    ];
    this.producers = places.flatMap(({ kinds, ...place }) =>
      kinds.map((kind) => {
        const random = cluster.fork();
        return new SimulatedProducer({
          ...kind,
          ...place,
          client,
          history,
          random,
          leads: (brokerId) => leaderOf(cluster, place.topic, place.partition) === brokerId,
          pauseMs: kind.pauseMs * pace,
        });
      }),
    );
    this.consumers = partitions.map(
      (partition) => new SimulatedConsumer({ client, history, group: GROUP, topic: TOPIC, partition }),
    );
    const team = history.groupOf(TEAM);
    this.members = Array.from(
      { length: MEMBERS },
      () =>
        new SimulatedMember({
          // Each its own connections, as members that wait for a rebalance hold up what comes after them.
          client: newClient(cluster, cluster.clock, 'member'),
          random: cluster.fork(),
          history: team,
          group: TEAM,
          topic: TOPIC,
          partitions: PARTITIONS,
          coordinates: (brokerId) => leaderOf(cluster, GROUP_METADATA_TOPIC, 0) === brokerId,
        }),
    );
    this.admin = new SimulatedAdmin({
      client,
      history,
      random: cluster.fork(),
      brokerIds: cluster.machines.map(({ id }) => id),
    });
  }

  /** Makes the topics; resolves when they are there. */
  async prepare(): Promise<void> {
    const { client, admin } = this;
    const until = async (make: () => Promise<boolean>): Promise<void> => {
      do await client.refresh();
      while (client.controllerId < 0 || !(await make()));
    };
    await until(() => admin.create(TOPIC, PARTITIONS));
    await until(() => admin.create(SHORT_LIVED_TOPIC, 1, SHORT_LIVED));
    for (const { topic, configs, replicas } of this.#extras)
      await until(() => admin.create(topic, 1, configs, replicas));
  }

  start(): void {
    for (const producer of this.producers) producer.start();
    for (const consumer of this.consumers) consumer.start();
    for (const member of this.members) member.start();
    this.admin.start();
  }

  /** Nothing new is asked for; what is outstanding and what is unread is still pursued. */
  stopProducing(): void {
    for (const producer of this.producers) producer.stop();
    for (const consumer of this.consumers) consumer.stopCommitting();
    for (const member of this.members) member.stop();
    this.admin.stop();
  }

  stop(): void {
    for (const consumer of this.consumers) consumer.stop();
    this.client.close();
  }
}

export function newClient(
  cluster: SimulatedCluster,
  clock: Clock,
  clientId: string,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): ClusterClient {
  return new ClusterClient({
    clock,
    sockets: cluster.clientSockets,
    clientId,
    bootstrap: cluster.machines.map(({ host }) => ({ host, port: CLIENT_PORT })),
    requestTimeoutMs,
    stable: cluster.stable,
    damaged: (what) => cluster.onDamaged(what),
  });
}

/** As elected; -1 when there is none. */
function leaderOf({ tree }: SimulatedCluster, topic: string, partition: number): number {
  const state = tree.read(partitionStateZnode.path(topic, partition));
  return state === null ? -1 : partitionStateZnode.decode(topic, partition, state.data).leader;
}
