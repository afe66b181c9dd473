/**
 * What this broker answers its peers: the controller's orders, and, while it is the controller itself,
 * the questions that go to the controller. Orders of an outdated controller end at the fence, as do those
 * that were meant for the process before this one; before the registration nobody could tell, so they wait.
 * Of a controller that nobody has heard of before, ZooKeeper is asked first.
 */
import type { Controller } from '../controller/controller.ts';
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import { ErrorCode } from '../errors.ts';
import type { ControllerEpochs } from '../metadata/controller-epochs.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type {
  LeaderAndIsrRequest,
  StopReplicaRequest,
  UpdateMetadataRequest,
  UpdateMetadataResponse,
} from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { type BrokerId, partitionKey } from '../types.ts';
import type { DynamicConfigs } from './dynamic-configs.ts';

export interface AnswerParts {
  readonly peers: Peers;
  readonly fence: ControllerFence;
  readonly epochs: ControllerEpochs;
  readonly diagnostics: Diagnostics;
  readonly brokerId: BrokerId;
  readonly metadata: MetadataCache;
  readonly replicas: ReplicaManager;
  readonly controller: Controller;
  readonly groups: GroupCoordinator;
  readonly configs: DynamicConfigs;
}

export function answerPeers(parts: AnswerParts): void {
  const { peers, replicas, controller, configs } = parts;
  peers.handle('LeaderAndIsr', async (request, from) => {
    const refused = await refusalOf(request, from, parts);
    if (refused !== null) return refused;
    // A topic's overrides must be known before its log is made; the fence is asked after the wait.
    await configs.load(request.partitions.map((partition) => partition.topic));
    return replicas.becomeLeaderOrFollower(request);
  });
  peers.handle('UpdateMetadata', async (request, from) => {
    const refused = await refusalOf(request, from, parts);
    return refused ?? updateMetadata(request, parts);
  });
  peers.handle('StopReplica', async (request, from) => {
    const refused = await refusalOf(request, from, parts);
    return refused ?? replicas.stopReplicas(request);
  });
  peers.handle('ControlledShutdown', (request) => controller.controlledShutdown(request));
  peers.handle('AlterPartition', (request) => controller.alterPartition(request));
  peers.handle('AllocateProducerIds', (request) => controller.allocateProducerIds(request));
}

/** Why an order is not for this broker to obey, or null; that no later one came meanwhile, the fence says. */
async function refusalOf(
  order: LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest,
  from: BrokerId,
  { fence, epochs, diagnostics, brokerId }: AnswerParts,
): Promise<{ error: ErrorCode; partitions: [] } | null> {
  await fence.registered;
  if (from === brokerId) epochs.trust(order);
  if (await epochs.knows(order)) return null;
  const { epoch, controllerId } = epochs.latest;
  diagnostics.warn(
    `Refused ${order.type} of broker ${from} as controller of epoch ${order.controllerEpoch}: ` +
      `ZooKeeper has epoch ${epoch} of ${controllerId === null ? 'nobody' : `broker ${controllerId}`}`,
  );
  return { error: ErrorCode.STALE_CONTROLLER_EPOCH, partitions: [] };
}

function updateMetadata(request: UpdateMetadataRequest, parts: AnswerParts): UpdateMetadataResponse {
  const error = parts.fence.check(request);
  if (error !== ErrorCode.NONE) return { error };
  const before = parts.metadata.image.brokers;
  const deleted = parts.metadata.apply(request);
  parts.replicas.metadataUpdated(request);
  for (const [id, known] of before) {
    const now = parts.metadata.broker(id);
    if (now === undefined || now.epoch !== known.epoch) parts.peers.forget(id);
  }
  if (deleted.length > 0) {
    for (const { topic } of deleted)
      if (parts.metadata.topic(topic) === undefined) parts.configs.forget(topic);
    void parts.groups.forgetPartitions(
      new Set(deleted.map(({ topic, partition }) => partitionKey(topic, partition))),
    );
  }
  return { error: ErrorCode.NONE };
}
