/** What a test can do with its cluster. Every member has an example; `cluster` is what startCluster gave. */
import type { EventKind } from '../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import type { FailDiskOptions, FillDiskOptions } from './disks.ts';
import type { KitBroker } from './kit-broker.ts';
import type { MemberState } from './member.ts';
import type { CutOptions, Party } from './network.ts';
import type { TopicOptions } from './options.ts';
import type { Acknowledged, ConsumedRecord, ConsumeOptions, RecordToSend } from './records.ts';
import type { FailOptions, PlacedFailure, VersionLimits } from './request-faults.ts';
import type { SeenRequest } from './request-log.ts';
import type { KitSecurity } from './security.ts';
import type { Snapshot } from './snapshot.ts';
import type { GroupState, WaitOptions } from './waits.ts';

export interface KitCluster {
  /**
   * `host:port,…` for any Kafka client; the same for as long as the cluster is there.
   * @example new Kafka({ brokers: cluster.bootstrapServers.split(',') })
   */
  readonly bootstrapServers: string;
  /**
   * What clients need to get in: `{ protocol, mechanisms, ca, caFile, superUser, users }`; null without the
   * option `security`.
   * @example
   * const cluster = await startCluster({ security: { users: { alice: 'secret' } } });
   * new Kafka({
   *   brokers: cluster.bootstrapServers.split(','),
   *   ssl: { ca: cluster.security?.ca ?? '' },
   *   sasl: { mechanism: 'scram-sha-512', username: 'alice', password: 'secret' },
   * })
   */
  readonly security: KitSecurity | null;
  /**
   * `host:port` for ZooKeeper's clients; null where nobody listens (see `zookeeperPort`).
   * @example createClient(cluster.zookeeper)
   */
  readonly zookeeper: string | null;
  /**
   * In the order of their ids, which begin at 1; to be looked into, by `broker.inside`.
   * @example cluster.brokers[0]?.inside.logs.log('t', 0)?.endOffset
   */
  readonly brokers: readonly KitBroker[];
  /**
   * `running`, `paused`, `stopped`, `killed` or `starting`.
   * @example expect(cluster.state(2)).toBe('stopped')
   */
  state(broker: number): MemberState;
  /**
   * `host:port,…` of another listener (see `listeners`).
   * @example cluster.bootstrapServersOf('EXTERNAL')
   */
  bootstrapServersOf(listener: string): string;

  /**
   * Resolves when all partitions have leaders.
   * @example await cluster.createTopics('t', { name: 'u', partitions: 3, configs: { 'retention.ms': '1000' } })
   */
  createTopics(...topics: (TopicOptions | string)[]): Promise<void>;
  /**
   * Resolves when nothing of them is left, so that the names can be used again.
   * @example await cluster.deleteTopics('t')
   */
  deleteTopics(...names: string[]): Promise<void>;
  /**
   * By acks=all. Resolves with where each record lies.
   * @example await cluster.produce('t', ['one', { key: 'k', value: 'two', headers: { h: 'x' } }])
   */
  produce(
    topic: string,
    records: readonly (RecordToSend | string)[],
    options?: WaitOptions,
  ): Promise<Acknowledged[]>;
  /**
   * What is in a topic, without a group; with `count` it waits for so many.
   * @example (await cluster.consume('t', { count: 2 })).map((record) => record.value)
   */
  consume(topic: string, options?: ConsumeOptions): Promise<ConsumedRecord[]>;
  /**
   * Each of these values is in the topic, and once. Rejects with those that are not.
   * @example await cluster.expectEveryAcknowledgedRecordOnce('t', acknowledged)
   */
  expectEveryAcknowledgedRecordOnce(topic: string, acknowledged: Iterable<string>): Promise<void>;

  /**
   * Every running broker sees the same leader, or `leader`; its id.
   * @example const leader = await cluster.awaitLeader('t', 0)
   */
  awaitLeader(
    topic: string,
    partition?: number,
    options?: WaitOptions & { readonly leader?: number },
  ): Promise<number>;
  /**
   * The in-sync replicas are these, or so many.
   * @example await cluster.awaitIsr('t', 0, [1, 3])
   */
  awaitIsr(
    topic: string,
    partition: number,
    isr: readonly number[] | number,
    options?: WaitOptions,
  ): Promise<readonly number[]>;
  /**
   * The group is in this state: Empty, PreparingRebalance, CompletingRebalance, Stable or Dead.
   * @example await cluster.awaitGroup('g', 'Stable')
   */
  awaitGroup(group: string, state: GroupState, options?: WaitOptions): Promise<void>;
  /**
   * The group is stable and every partition of the topic is some member's; who has which.
   * @example await cluster.awaitAssigned('g', 't')
   */
  awaitAssigned(
    group: string,
    topic: string,
    options?: WaitOptions,
  ): Promise<ReadonlyMap<string, readonly number[]>>;

  /**
   * The clean stop: leaders are moved away first.
   * @example await cluster.stop(1)
   */
  stop(broker: number): Promise<void>;
  /**
   * Starts it again, after stop or kill, on the same ports and its files.
   * @example await cluster.start(1)
   */
  start(broker: number): Promise<void>;
  /**
   * kill -9. The others hear of it when its session expires (`zookeeper.session.timeout.ms`: 2 s,
   * on an ensemble of yours 6 s).
   * @example await cluster.kill(await cluster.awaitLeader('t'))
   */
  kill(broker: number): Promise<void>;
  /**
   * SIGSTOP: its connections stay, and nothing comes from it. Its session expires in time, as after a kill.
   * @example cluster.pause(1)
   */
  pause(broker: number): void;
  /**
   * SIGCONT.
   * @example cluster.resume(1)
   */
  resume(broker: number): void;
  /**
   * Makes a broker in sync the preferred leader, and elects it.
   * @example await cluster.moveLeader('t', 0, 2)
   */
  moveLeader(topic: string, partition: number, to: number): Promise<void>;
  /**
   * Moves the coordinator of a group, with all groups of its partition.
   * @example await cluster.moveCoordinator('g', 2)
   */
  moveCoordinator(group: string, to: number): Promise<void>;
  /**
   * The controller gives up its office, and this broker wins the election.
   * @example await cluster.moveController(3)
   */
  moveController(to: number): Promise<void>;
  /**
   * ZooKeeper ends the session of a broker that goes on.
   * @example await cluster.expireSession(1)
   */
  expireSession(broker: number): Promise<void>;

  /**
   * Between two brokers, a broker and 'zookeeper', or a broker and 'clients'.
   * @example cluster.cut(1, 2); cluster.cut(1, 'zookeeper', { how: 'silent' })
   */
  cut(one: Party, other: Party, options?: CutOptions): void;
  /**
   * Everything takes so much longer, each way.
   * @example cluster.slow(1, 'clients', 200)
   */
  slow(one: Party, other: Party, delayMs: number): void;
  /**
   * Mends all ways, or one.
   * @example cluster.heal(); cluster.heal(1, 2)
   */
  heal(one?: Party, other?: Party): void;
  /**
   * The disk of a broker fails; its log directory is given up then, as Kafka does it, until it is started again.
   * With its only directory the broker stops.
   * @example cluster.failDisk(1, { operation: 'sync', topic: 't' })
   */
  failDisk(broker: number, options?: FailDiskOptions): void;
  /**
   * The disk of a broker is full, or soon.
   * @example cluster.fillDisk(1, { afterBytes: 10_000 })
   */
  fillDisk(broker: number, options?: FillDiskOptions): void;
  /**
   * The disk is whole again, or all are.
   * @example cluster.healDisk(1); await cluster.start(1)
   */
  healDisk(broker?: number): void;
  /**
   * Requests that fail: with an error, 'close', 'no answer', or late. Answers go in order: after 'no answer'
   * nothing more comes on that connection, which kafkajs keeps to, and others leave.
   * @example cluster.failNext({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2, topic: 't' })
   */
  failNext(options: FailOptions): PlacedFailure;
  /**
   * What clients sent, decoded, newest last; of the last 10,000.
   * @example cluster.requests({ api: 'Metadata', clientId: 'my-app' }).length
   */
  requests(filter?: { readonly api?: string; readonly clientId?: string }): readonly SeenRequest[];
  /**
   * Brokers that speak only so much; connections that stand have negotiated before.
   * @example cluster.limitVersions({ Fetch: [4, 11], CreatePartitions: null })
   */
  limitVersions(limits: VersionLimits): void;
  /**
   * Brokers that speak as those of an earlier release, from '2.0' on; '3.9' ends it.
   * @example cluster.actLike('2.8')
   */
  actLike(release: string): void;
  /**
   * What has happened to the cluster, with what led to it; of the last 10,000 events.
   * @example cluster.events({ kind: 'leader-moved' }).length
   */
  events(filter?: { readonly kind?: EventKind; readonly broker?: number }): readonly Recorded[];

  /**
   * As if it were new, but warm: topics, groups, configs and faults are gone, and every broker runs.
   * @example afterEach(() => cluster.reset())
   */
  reset(): Promise<void>;
  /**
   * A picture of everything, for `restore`; kept in the directory if you name one, else until close().
   * @example const before = await cluster.snapshot()
   */
  snapshot(directory?: string): Promise<Snapshot>;
  /**
   * Everything is as in the picture; the brokers have been restarted on their ports.
   * @example await cluster.restore(before)
   */
  restore(snapshot: Snapshot): Promise<void>;
  readonly clock: {
    /**
     * Skips so much of the brokers' time, in a cluster started with `virtualTime`.
     * @example await cluster.clock.advance(7 * 24 * 3600_000)
     */
    advance(ms: number): Promise<void>;
  };
  /**
   * Ends everything; nothing is left on the disk unless you named the directory. Idempotent.
   * @example afterAll(() => cluster.close())
   */
  close(): Promise<void>;
}
