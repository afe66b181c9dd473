/** Faults of replicas: leaders and coordinators that move, and a follower that falls behind. */
import { PEER_LISTENER } from '../cluster.ts';
import { ErrorCode, errorName } from '../errors.ts';
import type { PartitionImage } from '../metadata/image.ts';
import { type BrokerId, partitionKey, type TopicPartition } from '../types.ts';
import {
  defineFault,
  FaultElsewhere,
  type FaultPoints,
  FaultRefused,
  optional,
  required,
  type StruckFault,
} from './fault-kind.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
const TRANSACTIONS_TOPIC = '__transaction_state';

const TOPIC = required('topic', 'string', 'name of a topic');
const PARTITION = optional('partition', 'integer', '0 unless given', { min: 0 });
const NEW_LEADER = optional('to', 'integer', 'a broker in sync; any other than the leader unless given');

export const REPLICA_FAULTS = [
  defineFault({
    name: 'leader-move',
    isMomentary: true,
    summary:
      'Makes another broker in sync the preferred leader, and elects it; on the controller, which is redirected to',
    parameters: [TOPIC, PARTITION, NEW_LEADER],
    strike: (points, { body }) =>
      moveLeader(points, 'leader-move', partitionOf(body['topic'], body['partition']), body['to']),
  }),
  defineFault({
    name: 'coordinator-move',
    isMomentary: true,
    summary: 'Moves the coordinator of a group or of a transactional id, with all of its partition',
    parameters: [
      optional('group', 'string', 'id of a group'),
      optional('transactionalId', 'string', 'instead of a group'),
      NEW_LEADER,
    ],
    strike(points, { body }) {
      const { group, transactionalId, to } = body;
      if ((group === undefined) === (transactionalId === undefined))
        throw new FaultRefused('say whose coordinator: group or transactionalId, one of them');
      const { groups, transactions } = points.broker;
      const at =
        group === undefined
          ? partitionOf(TRANSACTIONS_TOPIC, transactions.partitionFor(String(transactionalId)))
          : partitionOf(OFFSETS_TOPIC, groups.partitionFor(String(group)));
      return moveLeader(points, 'coordinator-move', at, to);
    },
  }),
  defineFault({
    name: 'isr-leave',
    summary:
      'The broker follows the leader of a partition no more, and leaves its in-sync replicas by replica.lag.time.max.ms once something is produced',
    parameters: [TOPIC, PARTITION],
    strike(points, { body }) {
      const at = partitionOf(body['topic'], body['partition']);
      const { replicas, config } = points.broker;
      const image = imageOf(points, at);
      const partition = replicas.partition(at.topic, at.partition);
      if (partition === undefined || image.leader === config.brokerId)
        throw new FaultRefused(
          `broker ${config.brokerId} follows nobody for ${keyOf(at)}: ask one of ${followersOf(image).join(', ')}`,
        );
      return { heal: replicas.follower.holdBack(partition) };
    },
  }),
] as const;

function partitionOf(topic: unknown, partition: unknown): TopicPartition {
  return { topic: String(topic), partition: Number(partition ?? 0) };
}

function imageOf({ broker }: FaultPoints, at: TopicPartition): PartitionImage {
  const image = broker.metadata.image.topics.get(at.topic)?.partitions.get(at.partition);
  if (image === undefined) throw new FaultRefused(`there is no partition ${keyOf(at)}`);
  return image;
}

async function moveLeader(
  points: FaultPoints,
  kind: string,
  at: TopicPartition,
  given: unknown,
): Promise<StruckFault> {
  // First of all: what another broker knows may be old, and is nothing to refuse by.
  const { controller } = points.broker;
  if (!controller.isActive) throw elsewhere(points, kind);
  const image = imageOf(points, at);
  const inSync = image.isr.filter((id) => id !== image.leader);
  const to = given === undefined ? inSync[0] : Number(given);
  if (to === undefined || !inSync.includes(to))
    throw new FaultRefused(
      `nobody else can lead ${keyOf(at)}: in sync besides its leader ${image.leader}: ${inSync.join(', ') || 'none'}`,
    );
  const replicas = [to, ...image.replicas.filter((id) => id !== to)];
  const order = await controller.alterReassignments([{ ...at, replicas }]);
  refuseFailure(at, order.ok ? (order.value[0]?.error ?? ErrorCode.NONE) : order.error);
  const election = await controller.electLeaders('preferred', [at]);
  refuseFailure(at, election.ok ? (election.value[0]?.error ?? ErrorCode.NONE) : election.error);
  return { heal: null, decided: { to, topic: at.topic, partition: at.partition } };
}

function refuseFailure(at: TopicPartition, error: ErrorCode): void {
  if (error !== ErrorCode.NONE && error !== ErrorCode.ELECTION_NOT_NEEDED)
    throw new FaultRefused(`${keyOf(at)} could not be moved: ${errorName(error)}`);
}

function elsewhere({ broker: { metadata } }: FaultPoints, kind: string): Error {
  const { controllerId } = metadata.image;
  const peer = metadata.broker(controllerId)?.endpoints.find(({ listener }) => listener === PEER_LISTENER);
  if (peer === undefined) return new FaultRefused('no controller is known at the moment');
  const host = peer.host.includes(':') ? `[${peer.host}]` : peer.host;
  const url = `http://${host}:${peer.port}/faults/${kind}`;
  return new FaultElsewhere(`broker ${controllerId} is the controller: ask it, at ${url}`, url);
}

function followersOf({ replicas, leader }: PartitionImage): BrokerId[] {
  return replicas.filter((id) => id !== leader);
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition);
}
