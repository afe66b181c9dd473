/**
 * What the same failovers cost Apache Kafka 3.9 with ZooKeeper, reckoned from what its classes do for each
 * partition, topic and broker, and from the fields of its messages. What is asked a few times only is left out, so
 * that these are lower bounds. It stands beside what is measured here; nothing goes by it.
 *
 * - Taking office reads each topic and each partition's state, and watches each topic and broker:
 *   KafkaController.initializeControllerContext, updateLeaderAndIsrCache; KafkaZkClient.getTopicPartitionStates.
 *   It tells all replicas and all brokers everything: ReplicaStateMachine.startup;
 *   AbstractControllerBrokerRequestBatch.addLeaderAndIsrRequestForBrokers, which adds UpdateMetadata for all.
 * - Where leaders are dead the states are read again and written, each in a commit of its own:
 *   PartitionStateMachine.doElectLeaderForPartitions; KafkaZkClient.updateLeaderAndIsr, setDataRequests.
 * - Dead replicas are taken out of the in-sync sets after that, with another read of each state and a write where
 *   they still are in it: KafkaController.onReplicasBecomeOffline; ReplicaStateMachine.doRemoveReplicasFromIsr.
 *   A controller that takes office does this before it elects, so that what the dead broker led is written twice.
 */
import {
  type ClusterShape,
  type Failover,
  NO_COSTS,
  PARTITIONS_OF_A_TOPIC,
  REPLICAS,
} from './failover-cost.ts';

/** LeaderAndIsr 7: six numbers of four bytes less one, two lists of replicas, two empty ones, two bytes and a tag. */
const LEADER_AND_ISR_BYTES = 51;
/** UpdateMetadata 8: five numbers, two lists of replicas, an empty one and a tag. */
const UPDATE_METADATA_BYTES = 48;
/** A name, an id, a length and a tag. */
const TOPIC_BYTES = 28;
/** Of brokers, topics, deletions, log directories, in-sync sets; elections and reassignments that are asked for. */
const FIXED_WATCHES = 7;
/** The election: /controller and its epoch. */
const ELECTION = { commits: 1, writes: 2 };
/** The znode is made empty, then written. */
const REGISTRATION = { commits: 1, writes: 2 };

export function kafkaFailoverCosts({ brokers, partitions }: ClusterShape): Failover[] {
  const topics = Math.ceil(partitions / PARTITIONS_OF_A_TOPIC);
  const led = partitions / brokers;
  const followed = led * (REPLICAS - 1);
  const left = brokers - 1;
  const metadataBytes = (count: number): number =>
    count * UPDATE_METADATA_BYTES + Math.min(count, topics) * TOPIC_BYTES;
  const all = { leaderAndIsrBytes: partitions * REPLICAS * LEADER_AND_ISR_BYTES };
  const ofTheDead = (led + followed) * (REPLICAS - 1) * LEADER_AND_ISR_BYTES;
  const takesOffice = {
    reads: partitions + topics + brokers,
    watches: topics + brokers + FIXED_WATCHES,
  };
  return [
    {
      what: 'the office moves, and nobody dies',
      costs: {
        ...NO_COSTS,
        ...ELECTION,
        ...takesOffice,
        leaderAndIsr: brokers,
        updateMetadata: 2 * brokers,
        bytes: all.leaderAndIsrBytes + brokers * metadataBytes(partitions),
      },
    },
    {
      what: 'a broker dies',
      costs: {
        ...NO_COSTS,
        reads: 2 * led + followed + left,
        commits: led + followed,
        writes: led + followed,
        leaderAndIsr: 2 * left,
        updateMetadata: 2 * left,
        bytes: ofTheDead + left * (metadataBytes(led) + metadataBytes(followed)),
      },
    },
    {
      what: 'it comes back',
      costs: {
        ...NO_COSTS,
        ...REGISTRATION,
        reads: brokers,
        watches: 1,
        leaderAndIsr: 1,
        updateMetadata: brokers + left,
        bytes:
          (led + followed) * LEADER_AND_ISR_BYTES +
          metadataBytes(partitions) +
          left * metadataBytes(led + followed),
      },
    },
    {
      what: 'the broker that is the controller dies',
      costs: {
        ...NO_COSTS,
        reads: takesOffice.reads - 1 + 2 * led + followed,
        watches: takesOffice.watches - 1,
        commits: ELECTION.commits + 2 * led + followed,
        writes: ELECTION.writes + 2 * led + followed,
        leaderAndIsr: 2 * left,
        updateMetadata: 3 * left,
        bytes:
          all.leaderAndIsrBytes -
          (led + followed) * LEADER_AND_ISR_BYTES +
          ofTheDead / REPLICAS +
          left * (metadataBytes(partitions) + metadataBytes(led)),
      },
    },
  ];
}
